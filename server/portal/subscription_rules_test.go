package portal

import (
	"fmt"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// TestRule03_Kinds makes a model in Modeler and a project in any other service; only a
// model has diagrams.
func TestRule03_Kinds(t *testing.T) {
	o := newOffice(t)
	for sub, kind := range map[string]string{"acme-modeler": "model", "acme-automation": "project"} {
		id := o.workspace("uli", sub)
		got, err := (&workspaceService{Portal: o.Portal}).GetWorkspace(o.as("uli"), &portalv1.GetWorkspaceRequest{Id: id})
		done(t, err)
		if got.Workspace.Kind != kind {
			t.Errorf("a workspace of %s is a %s", sub, got.Workspace.Kind)
		}
		_, err = (&diagramService{Portal: o.Portal}).CreateDiagram(o.as("uli"), &portalv1.CreateDiagramRequest{WorkspaceId: id, Name: "Flow"})
		if (err == nil) != (kind == "model") {
			t.Errorf("a diagram in a %s: %v", kind, err)
		}
	}
}

// TestRule04_RolesStayInTheirService gives nothing in one service for a role in
// another.
func TestRule04_RolesStayInTheirService(t *testing.T) {
	o := newOffice(t)
	s := &subscriptionService{Portal: o.Portal}
	_, err := s.SetSubscriptionRole(o.as("ada"), &portalv1.SetSubscriptionRoleRequest{Id: "acme-modeler", Member: o.member("eli"), Role: roleOwner})
	done(t, err)
	done(t, o.include("acme-modeler", "otto", roleViewer))
	project := o.workspace("uli", "acme-automation")
	_, err = s.ListSubscriptionUsers(o.as("eli"), &portalv1.ListSubscriptionUsersRequest{Id: "acme-modeler"})
	done(t, err)
	_, err = s.ListSubscriptionUsers(o.as("eli"), &portalv1.ListSubscriptionUsersRequest{Id: "acme-automation"})
	missing(t, err, "list_users")
	if o.may(project, "eli", "read") || o.may(project, "otto", "read") {
		t.Error("a role in Modeler reads a project of Automation")
	}
}

// TestRule06_WhoIsWhat keeps company users, service users and workspace users apart.
func TestRule06_WhoIsWhat(t *testing.T) {
	o := newOffice(t)
	s := &subscriptionService{Portal: o.Portal}
	list, err := s.ListSubscriptionUsers(o.as("ada"), &portalv1.ListSubscriptionUsersRequest{Id: "acme-modeler", Role: roleViewer})
	done(t, err)
	if len(list.Users) != 1 || list.Users[0].Member.GetUser() != o.id["vera"] || list.Page.Total != 1 {
		t.Errorf("the viewers are %v", list.Users)
	}
	o.workspace("eli", "acme-modeler")
	list, err = s.ListSubscriptionUsers(o.as("vera"), &portalv1.ListSubscriptionUsersRequest{Id: "acme-modeler", Search: "ELI"})
	done(t, err)
	if len(list.Users) != 1 || list.Users[0].Workspaces != 1 || len(list.Users[0].Allowed) != 0 {
		t.Errorf("a viewer sees %v", list.Users)
	}
	pool, err := s.SearchPool(o.as("ada"), &portalv1.SearchPoolRequest{Id: "acme-modeler", Search: "acme"})
	done(t, err)
	if len(pool.Members) != 1 || pool.Members[0].GetUser() != o.id["otto"] {
		t.Errorf("who can be included is %v", pool.Members)
	}
	_, err = s.SearchPool(o.as("vera"), &portalv1.SearchPoolRequest{Id: "acme-modeler", Search: "acme"})
	missing(t, err, "search_company_pool")
}

// TestRule08_RemovalTakesEverything clears roles and check-outs, and hands over what
// would have no owner.
func TestRule08_RemovalTakesEverything(t *testing.T) {
	o := newOffice(t)
	s := &subscriptionService{Portal: o.Portal}
	own, shared := o.workspace("eli", "acme-modeler"), o.workspace("uli", "acme-modeler")
	project := o.workspace("eli", "acme-automation")
	done(t, o.give("uli", shared, "eli", roleEditor, ""))
	d := o.diagram("eli", shared)
	_, err := (&diagramService{Portal: o.Portal}).WorkOffline(o.as("eli"), &portalv1.WorkOfflineRequest{Id: d})
	done(t, err)

	ask := &portalv1.PreviewRemovalRequest{Id: "acme-modeler", Member: o.member("eli")}
	preview, err := s.PreviewRemoval(o.as("ada"), ask)
	done(t, err)
	kinds := map[string]int{}
	for _, e := range preview.Effects {
		kinds[e.Kind]++
	}
	if !preview.Allowed || preview.NeedsSuccessor || kinds["workspace_handed_over"] != 1 || kinds["role_lost"] != 2 {
		t.Errorf("the preview says %v", preview)
	}
	done(t, o.remove("ada", "acme-modeler", "eli"))
	if o.roleOf(own, "eli") != "" || o.roleOf(own, "ada") != roleOwner || o.roleOf(shared, "eli") != "" || o.roleOf(project, "eli") != roleOwner {
		t.Error("roles are left, or taken elsewhere, or the model went to somebody else")
	}
	done(t, o.checkOut("uli", d))
	done(t, o.checkIn("uli", d))
	_, err = (&diagramService{Portal: o.Portal}).Publish(o.as("uli"), &portalv1.PublishRequest{Id: d})
	done(t, err)
	if err := o.remove("ada", "acme-modeler", "eli"); refusal(t, err).Rule != "7" {
		t.Errorf("removing one who is not included: %v", err)
	}
	// Included again, nothing comes back.
	done(t, o.include("acme-modeler", "eli", roleUser))
	if o.may(shared, "eli", "read") {
		t.Error("a role came back")
	}
	atRest(t, o.Portal)
	everyRevision(t, o.Portal, 0)
}

// TestRule08_Successor has an administrator who owns no subscription name who gets
// the models.
func TestRule08_Successor(t *testing.T) {
	o := newOffice(t)
	s := &subscriptionService{Portal: o.Portal}
	second := administrator(t, o.Portal, "acme", "second")
	own := o.workspace("eli", "acme-modeler")
	remove := func(successor string) error {
		_, err := s.RemoveSubscriptionUser(as(t, "acme", second), &portalv1.RemoveSubscriptionUserRequest{Id: "acme-modeler", Member: o.member("eli"), Successor: successor})
		return err
	}
	ruled(t, remove(""), "8")
	ruled(t, remove(o.id["uli"]), "8")
	ruled(t, remove(o.id["eli"]), "8")
	preview, err := s.PreviewRemoval(as(t, "acme", second), &portalv1.PreviewRemovalRequest{Id: "acme-modeler", Member: o.member("eli")})
	done(t, err)
	if preview.Allowed || !preview.NeedsSuccessor {
		t.Errorf("the preview says %v", preview)
	}
	done(t, remove(o.id["ada"]))
	if o.roleOf(own, "ada") != roleOwner {
		t.Error("the successor does not own the model")
	}
}

// TestRule08_ManyRoles clears more roles than one transaction does; the right is gone
// with the first, and what was interrupted is finished by asking again.
func TestRule08_ManyRoles(t *testing.T) {
	o := newOffice(t)
	const models = clearedAtOnce + 50
	for range models {
		o.workspace("eli", "acme-modeler")
	}
	from := o.replica.Head()
	done(t, o.remove("ada", "acme-modeler", "eli"))
	everyRevision(t, o.Portal, from)
	snap, err := o.replica.SnapshotAt(from + 1)
	done(t, err)
	defer snap.Close()
	v := &view{portal: o.Portal, snap: snap, caller: CallerOf(o.as("ada"))}
	who := subject(user(o.id["eli"]), "")
	if roles, err := v.rolesIn("acme-modeler", who); err != nil || len(roles) != models-clearedAtOnce {
		t.Errorf("%d roles are left after the first transaction: %v", len(roles), err)
	}
	if in, err := v.has(subscription("acme-modeler"), "participant", who); err != nil || in {
		t.Errorf("he is included after the first transaction: %v", err)
	}
	now, err := o.read(o.as("ada"))
	done(t, err)
	defer now.close()
	if roles, err := now.rolesIn("acme-modeler", who); err != nil || len(roles) != 0 {
		t.Errorf("%d roles are left: %v", len(roles), err)
	}
	if roles, err := now.rolesIn("acme-modeler", subject(user(o.id["ada"]), "")); err != nil || len(roles) != models {
		t.Errorf("ada got %d models: %v", len(roles), err)
	}
}

// TestRule08_LeftBehind finishes a removal that was interrupted, and lets nobody in
// before.
func TestRule08_LeftBehind(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("uli", "acme-modeler")
	a := &action{}
	a.relation(store.Create, relationship(t, "model:"+w+"#editor@user:x").Resource, roleEditor, subject(user(o.id["otto"]), ""))
	propose(t, o.Portal, a.tx)
	ruled(t, o.include("acme-modeler", "otto", roleUser), "8")
	done(t, o.remove("ada", "acme-modeler", "otto"))
	done(t, o.include("acme-modeler", "otto", roleUser))
	atRest(t, o.Portal)
}

// TestRule09_RolesInSubscriptions replaces one role by another.
func TestRule09_RolesInSubscriptions(t *testing.T) {
	o := newOffice(t)
	s := &subscriptionService{Portal: o.Portal}
	set := func(name, role, present string) error {
		_, err := s.SetSubscriptionRole(o.as("ada"), &portalv1.SetSubscriptionRoleRequest{Id: "acme-modeler", Member: o.member(name), Role: role, PresentRole: present})
		return err
	}
	for _, role := range []string{roleViewer, roleOwner, roleUser, roleOwner, roleViewer} {
		done(t, set("eli", role, ""))
		v, err := o.read(o.as("ada"))
		done(t, err)
		has, err := v.subscriptionRole("acme-modeler", subject(user(o.id["eli"]), ""))
		v.close()
		if err != nil || has != role {
			t.Errorf("he is %s, want %s: %v", has, role, err)
		}
	}
	refuses(t, set("eli", roleUser, roleOwner), Conflict, "")
	_, err := s.IncludeUsers(o.as("ada"), &portalv1.IncludeUsersRequest{Id: "acme-modeler", Members: []*portalv1.Member{o.member("eli")}, Role: roleUser})
	refuses(t, err, Taken, "9")
	everyRevision(t, o.Portal, 0)
}

// TestRule10_GroupsInSubscriptions gives a group any role but owner's, and refuses
// groups of other subscriptions.
func TestRule10_GroupsInSubscriptions(t *testing.T) {
	o := newOffice(t)
	s, groups := &subscriptionService{Portal: o.Portal}, &groupService{Portal: o.Portal}
	group := func(name, sub string) string {
		made, err := groups.CreateGroup(o.as("ada"), &portalv1.CreateGroupRequest{Name: name, SubscriptionId: sub})
		done(t, err)
		return made.Group.Id
	}
	include := func(id, role string) error {
		_, err := s.IncludeUsers(o.as("ada"), &portalv1.IncludeUsersRequest{Id: "acme-modeler", Members: []*portalv1.Member{theGroup(id)}, Role: role})
		return err
	}
	all, foreign := group("all", ""), group("foreign", "acme-automation")
	ruled(t, include(all, roleOwner), "10")
	ruled(t, include(foreign, roleUser), "10")
	done(t, include(all, roleViewer))
	_, err := groups.ChangeMembers(o.as("ada"), &portalv1.ChangeMembersRequest{Id: all, Add: []*portalv1.Member{o.member("otto")}})
	done(t, err)
	if w := o.workspace("uli", "acme-modeler"); !o.may(w, "otto", "read") {
		t.Error("a member of a group of viewers does not view")
	}
	_, err = s.IncludeUsers(o.as("ada"), &portalv1.IncludeUsersRequest{Id: "acme-modeler", Members: []*portalv1.Member{{Member: &portalv1.Member_JobTitle{JobTitle: "none"}}}, Role: roleUser})
	refuses(t, err, NotFound, "")
}

// TestRule12_OwnersOfSubscriptions lets nobody make himself owner, and takes the last
// active one from no subscription.
func TestRule12_OwnersOfSubscriptions(t *testing.T) {
	o := newOffice(t)
	s := &subscriptionService{Portal: o.Portal}
	second := administrator(t, o.Portal, "acme", "second")
	_, err := s.IncludeUsers(as(t, "acme", second), &portalv1.IncludeUsersRequest{Id: "acme-modeler", Members: []*portalv1.Member{theUser(second)}, Role: roleOwner})
	ruled(t, err, "12")
	_, err = s.IncludeUsers(as(t, "acme", second), &portalv1.IncludeUsersRequest{Id: "acme-modeler", Members: []*portalv1.Member{theUser(second)}, Role: roleUser})
	done(t, err)
	_, err = s.SetSubscriptionRole(as(t, "acme", second), &portalv1.SetSubscriptionRoleRequest{Id: "acme-modeler", Member: theUser(second), Role: roleOwner})
	ruled(t, err, "12")
	take := func(role string) error {
		if role == "" {
			return o.remove("ada", "acme-modeler", "ada")
		}
		_, err := s.SetSubscriptionRole(as(t, "acme", second), &portalv1.SetSubscriptionRoleRequest{Id: "acme-modeler", Member: o.member("ada"), Role: role})
		return err
	}
	ruled(t, take(""), "12")
	ruled(t, take(roleUser), "12")
	// Another owner who is deactivated does not count.
	_, err = s.SetSubscriptionRole(o.as("ada"), &portalv1.SetSubscriptionRoleRequest{Id: "acme-modeler", Member: o.member("eli"), Role: roleOwner})
	done(t, err)
	done(t, o.turn("eli", false))
	ruled(t, take(""), "12")
	ruled(t, take(roleViewer), "12")
	done(t, o.turn("eli", true))
	done(t, take(""))
	everyRevision(t, o.Portal, 0)
}

// TestSwitches turns them, and only what is asked for.
func TestSwitches(t *testing.T) {
	o := newOffice(t)
	s := &subscriptionService{Portal: o.Portal}
	off := false
	_, err := s.SetSwitches(o.as("ada"), &portalv1.SetSwitchesRequest{Id: "acme-modeler", CreateOpen: &off})
	done(t, err)
	got, err := s.GetSubscription(o.as("eli"), &portalv1.GetSubscriptionRequest{Id: "acme-modeler"})
	done(t, err)
	if w := got.Subscription.Switches; w.CreateOpen || !w.PublishOpen || w.EditorShareOpen {
		t.Errorf("the switches are %v", w)
	}
	_, err = (&workspaceService{Portal: o.Portal}).CreateWorkspace(o.as("eli"), &portalv1.CreateWorkspaceRequest{SubscriptionId: "acme-modeler", Name: "New"})
	missing(t, err, "create_workspace")
	_, err = s.SetSwitches(o.as("ada"), &portalv1.SetSwitchesRequest{Id: "acme-modeler"})
	refuses(t, err, Invalid, "")
}

// TestCut pages through rows forward and backward, and gives each once.
func TestCut(t *testing.T) {
	var rows []sorted[int]
	for i := range 57 {
		rows = append(rows, sorted[int]{fmt.Sprintf("%02d", i*7%57/2), fmt.Sprint(i), i})
	}
	for _, backward := range []bool{false, true} {
		seen := map[int]bool{}
		p := &portalv1.Paging{Size: 10}
		last := ""
		for {
			page, next, err := cut(rows, p, backward)
			done(t, err)
			for _, i := range page {
				key := rows[i].key + "/" + rows[i].id
				if seen[i] || last != "" && (key < last) != backward {
					t.Errorf("%s after %s, or twice", key, last)
				}
				seen[i], last = true, key
			}
			if next == "" {
				break
			}
			p.Cursor = next
		}
		if len(seen) != len(rows) {
			t.Errorf("%d of %d rows", len(seen), len(rows))
		}
	}
	_, _, err := cut(rows, &portalv1.Paging{Cursor: "?"}, false)
	refuses(t, err, Invalid, "")
	_, _, err = cut(rows, &portalv1.Paging{Size: maxPage + 1}, false)
	refuses(t, err, Invalid, "")
}
