package portal

import (
	"fmt"
	"strings"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// access returns what somebody has access to, a line each.
func (o *office) access(by, name string) string {
	o.t.Helper()
	people := &peopleService{Portal: o.Portal}
	resp, err := people.GetUserAccess(o.as(by), &portalv1.GetUserAccessRequest{Id: o.id[name]})
	done(o.t, err)
	var out []string
	for _, line := range resp.Lines {
		text := fmt.Sprintf("%s: %s, %s", line.ResourceName, line.Role, line.How)
		if line.Through != nil {
			text += " through " + line.Through.Name
		}
		if !line.Works {
			text += ", gives nothing"
		}
		if len(line.Allowed) > 0 {
			text += " [" + strings.Join(line.Allowed, " ") + "]"
		}
		if len(line.Why) == 0 {
			o.t.Errorf("%s: nothing says why", text)
		}
		if line.Works && line.Resource[:5] == "model" && len(line.Permissions) == 0 {
			o.t.Errorf("%s: no permission", text)
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}

// TestUserAccess asks what people have access to, and why.
func TestUserAccess(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("eli", "acme-modeler")
	name := workspaceName(t, o, w)
	inner, outer := o.group("Inner", o.member("cora"), o.member("otto")), o.group("Outer")
	groups := &groupService{Portal: o.Portal}
	_, err := groups.ChangeMembers(o.as("ada"), &portalv1.ChangeMembersRequest{Id: outer, Add: []*portalv1.Member{theGroup(inner)}})
	done(t, err)
	subs := &subscriptionService{Portal: o.Portal}
	_, err = subs.IncludeUsers(o.as("ada"), &portalv1.IncludeUsersRequest{Id: "acme-modeler", Members: []*portalv1.Member{theGroup(outer)}, Role: roleUser})
	done(t, err)
	spaces := &workspaceService{Portal: o.Portal}
	_, err = spaces.ChangeAccess(o.as("eli"), &portalv1.ChangeAccessRequest{Id: w, Changes: []*portalv1.AccessChange{{Member: theGroup(outer), Role: roleEditor}}})
	done(t, err)
	same(t, "otto, who is in a group in a group", o.access("ada", "otto"), strings.ReplaceAll(`
the group “Inner”: member, direct [remove]
the group “Outer”: member, group through Inner
the subscription of Modeler: user, group through Outer
the model “NAME”: editor, group through Outer`, "NAME", name))
	same(t, "eli, who asks himself", o.access("eli", "eli"), strings.ReplaceAll(`
the subscription of Modeler: user, direct
the subscription of Automation: user, direct
the model “NAME”: owner, direct [change remove]`, "NAME", name))
	same(t, "vera, who views", o.access("ada", "vera"), strings.ReplaceAll(`
the subscription of Modeler: viewer, direct [change remove]
the subscription of Automation: viewer, direct [change remove]
the model “NAME”: viewer, inherited`, "NAME", name))
	o.deactivate("eli")
	if got := o.access("ada", "eli"); strings.Count(got, "gives nothing") != 3 {
		t.Errorf("deactivated:\n%s", got)
	}
	people := &peopleService{Portal: o.Portal}
	_, err = people.GetUserAccess(o.as("cora"), &portalv1.GetUserAccessRequest{Id: o.id["eli"]})
	missing(t, err, "view_users_by_role")
}

// workspaceName returns what a model is called.
func workspaceName(t *testing.T, o *office, id string) string {
	t.Helper()
	v, err := o.read(o.as("ada"))
	done(t, err)
	defer v.close()
	var d workspaceDoc
	_, err = v.document(workspaceKey("acme", id), &d)
	done(t, err)
	return d.Name
}

// byRole returns who holds a role, a line each, page by page.
func (o *office) byRole(r *portalv1.ListUsersByRoleRequest, size uint32) string {
	o.t.Helper()
	people := &peopleService{Portal: o.Portal}
	r.Paging = &portalv1.Paging{Size: size}
	var out []string
	for {
		resp, err := people.ListUsersByRole(o.as("ada"), r)
		done(o.t, err)
		for _, h := range resp.Holders {
			text := h.Person.GivenName + " on " + h.Resource[:strings.IndexByte(h.Resource, ':')]
			if strings.HasPrefix(h.Resource, "subscription") {
				text = h.Person.GivenName + " in " + h.Resource
			}
			if h.Through != nil {
				text += " through " + h.Through.Name
			}
			out = append(out, text)
		}
		if r.Paging.Cursor = resp.Page.Next; r.Paging.Cursor == "" {
			return strings.Join(out, "\n")
		}
	}
}

// TestUsersByRole lists the holders of each role, in pages of every size.
func TestUsersByRole(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("eli", "acme-modeler")
	o.workspace("uli", "acme-automation")
	readers := o.group("Readers", o.member("cora"), o.member("vera"))
	subs := &subscriptionService{Portal: o.Portal}
	_, err := subs.IncludeUsers(o.as("ada"), &portalv1.IncludeUsersRequest{Id: "acme-modeler", Members: []*portalv1.Member{theGroup(readers)}, Role: roleUser})
	done(t, err)
	spaces := &workspaceService{Portal: o.Portal}
	_, err = spaces.ChangeAccess(o.as("eli"), &portalv1.ChangeAccessRequest{Id: w, Changes: []*portalv1.AccessChange{
		{Member: theGroup(readers), Role: roleEditor}, {Member: o.member("uli"), Role: roleEditor}, {Member: o.member("vera"), Role: roleContributor},
	}})
	done(t, err)
	for size := range uint32(5) {
		for _, c := range []struct {
			r    *portalv1.ListUsersByRoleRequest
			want string
		}{
			{&portalv1.ListUsersByRoleRequest{Role: "administrator"}, "Ada on company"},
			{&portalv1.ListUsersByRoleRequest{Role: "subscription_owner"}, "Ada in subscription:acme-automation\nAda in subscription:acme-modeler"},
			{&portalv1.ListUsersByRoleRequest{Role: "subscription_viewer", Service: portalv1.Service_SERVICE_MODELER}, "Vera in subscription:acme-modeler"},
			{&portalv1.ListUsersByRoleRequest{Role: "user", Search: "cora"}, "Cora in subscription:acme-automation\nCora in subscription:acme-modeler\nCora in subscription:acme-modeler through Readers"},
			{&portalv1.ListUsersByRoleRequest{Role: "workspace_owner"}, "Eli on model\nUli on project"},
			{&portalv1.ListUsersByRoleRequest{Role: "workspace_owner", Service: portalv1.Service_SERVICE_MODELER}, "Eli on model"},
			{&portalv1.ListUsersByRoleRequest{Role: "workspace_owner", Service: portalv1.Service_SERVICE_AI}, ""},
			{&portalv1.ListUsersByRoleRequest{Role: "editor"}, "Cora on model through Readers\nUli on model\nVera on model through Readers"},
			{&portalv1.ListUsersByRoleRequest{Role: "contributor"}, "Vera on model"},
			{&portalv1.ListUsersByRoleRequest{Role: "developer"}, ""},
		} {
			same(t, fmt.Sprintf("%v in pages of %d", c.r, size), o.byRole(c.r, size), c.want)
		}
	}
	people := &peopleService{Portal: o.Portal}
	_, err = people.ListUsersByRole(o.as("ada"), &portalv1.ListUsersByRoleRequest{Role: "king"})
	denied(t, "an unknown role", err, Invalid, "")
	_, err = people.ListUsersByRole(o.as("eli"), &portalv1.ListUsersByRoleRequest{Role: "user"})
	missing(t, err, "view_users_by_role")
}
