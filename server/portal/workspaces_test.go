package portal

import (
	"context"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// office is a company with a modeler and an automation, and people in it, by name:
// ada administers and owns, vera views, eli and cora and uli are plain users; otto is
// in the company only.
type office struct {
	t testing.TB
	*Portal
	id map[string]string
}

func newOffice(t testing.TB) *office {
	t.Helper()
	o := &office{t, open(t), map[string]string{}}
	o.id["ada"] = acme(t, o.Portal, "acme")
	operators := &operatorService{Portal: o.Portal}
	for _, service := range []portalv1.Service{portalv1.Service_SERVICE_MODELER, portalv1.Service_SERVICE_AUTOMATION} {
		if _, err := operators.CreateSubscription(operator(t), &portalv1.CreateSubscriptionRequest{CompanyId: "acme", Service: service, Licences: 20, OwnerEmail: "admin@acme.example"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"vera", "eli", "cora", "uli", "otto"} {
		o.join(name)
		if name == "otto" {
			continue
		}
		role := roleUser
		if name == "vera" {
			role = roleViewer
		}
		subs := &subscriptionService{Portal: o.Portal}
		for _, sub := range []string{"acme-modeler", "acme-automation"} {
			_, err := subs.IncludeUsers(o.as("ada"), &portalv1.IncludeUsersRequest{Id: sub, Members: []*portalv1.Member{o.member(name)}, Role: role})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return o
}

// join registers somebody in the company.
func (o *office) join(name string) {
	o.t.Helper()
	o.id[name] = newID()
	ctx := o.as("ada")
	_, err := o.act(ctx, func(v *view, a *action) error {
		a.name, a.on, a.permission, a.target = "user.create", v.company(), "create_user", user(o.id[name])
		return v.addPerson(a, "acme", o.id[name], &userDoc{Email: name + "@acme.example", GivenName: strings.ToUpper(name[:1]) + name[1:], Surname: "Acme"})
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) as(name string) context.Context { return as(o.t, "acme", o.id[name]) }

func (o *office) member(name string) *portalv1.Member {
	return &portalv1.Member{Member: &portalv1.Member_User{User: o.id[name]}}
}

// workspace makes a workspace of somebody.
func (o *office) workspace(owner, sub string) string {
	o.t.Helper()
	s := &workspaceService{Portal: o.Portal}
	made, err := s.CreateWorkspace(o.as(owner), &portalv1.CreateWorkspaceRequest{SubscriptionId: sub, Name: "Claims of " + owner})
	if err != nil {
		o.t.Fatal(err)
	}
	return made.Workspace.Id
}

// give gives somebody a role.
func (o *office) give(by, workspace, name, role, present string) error {
	s := &workspaceService{Portal: o.Portal}
	_, err := s.ChangeAccess(o.as(by), &portalv1.ChangeAccessRequest{Id: workspace, Changes: []*portalv1.AccessChange{{Member: o.member(name), Role: role, PresentRole: present}}})
	return err
}

// deactivate takes all rights from somebody, past the API.
func (o *office) deactivate(name string) {
	o.t.Helper()
	tx := store.Transaction{Updates: []store.Update{{Op: store.Create, Relationship: relationship(o.t, "company:acme#deactivated@user:"+o.id[name])}}}
	if _, err := o.replica.Propose(o.t.Context(), replica.Proposal{Tx: tx}); err != nil {
		o.t.Fatal(err)
	}
}

func relationship(t testing.TB, text string) engine.Relationship {
	t.Helper()
	r, err := engine.ParseRelationship(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ruled makes sure that a rule of the domain refused.
func ruled(t testing.TB, err error, rule string) {
	t.Helper()
	if r := refusal(t, err); r.Fault != Rule || r.Rule != rule {
		t.Errorf("refused by fault %d, rule %q, not by rule %s: %v", r.Fault, r.Rule, rule, err)
	}
}

// missing makes sure that a permission was missing, and that somebody is named who
// can give it.
func missing(t testing.TB, err error, permission string) {
	t.Helper()
	if r := refusal(t, err); r.Fault != NotAllowed || r.Permission != permission || len(r.Grantors) == 0 {
		t.Errorf("refused by fault %d for want of %q, not of %s; can be given by %v: %v", r.Fault, r.Permission, permission, r.Grantors, err)
	}
}

func TestRule09_RolesReplaceEachOther(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("eli", "acme-modeler")
	if err := o.give("eli", w, "cora", roleEditor, ""); err != nil {
		t.Fatal(err)
	}
	if r := refusal(t, o.give("eli", w, "cora", roleContributor, "")); r.Fault != Conflict {
		t.Errorf("a role was given to somebody who has another: %v", r)
	}
	if err := o.give("eli", w, "cora", roleContributor, roleEditor); err != nil {
		t.Fatal(err)
	}
	s := &workspaceService{Portal: o.Portal}
	access, err := s.ListAccess(o.as("eli"), &portalv1.ListAccessRequest{Id: w})
	if err != nil {
		t.Fatal(err)
	}
	var roles []string
	for _, e := range access.Entries {
		roles = append(roles, e.Member.Name+" "+e.Role)
	}
	if got := strings.Join(roles, ", "); got != "Eli Acme owner, Cora Acme contributor" {
		t.Errorf("the roles are: %s", got)
	}
}

func TestRule11_WhoCreatesOwns(t *testing.T) {
	o := newOffice(t)
	s := &workspaceService{Portal: o.Portal}
	for _, name := range []string{"vera", "uli", "ada"} {
		w := o.workspace(name, "acme-modeler")
		got, err := s.GetWorkspace(o.as(name), &portalv1.GetWorkspaceRequest{Id: w})
		if err != nil {
			t.Fatal(err)
		}
		if got.Workspace.Role != roleOwner || len(got.Workspace.Owners) != 1 || got.Workspace.Owners[0].Id != o.id[name] {
			t.Errorf("%s created a workspace and is %q of it; its owners are %v", name, got.Workspace.Role, got.Workspace.Owners)
		}
	}
	_, err := s.CreateWorkspace(o.as("otto"), &portalv1.CreateWorkspaceRequest{SubscriptionId: "acme-modeler", Name: "x"})
	missing(t, err, "create_workspace")
}

func TestRule12_OwnersStay(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("eli", "acme-modeler")
	ruled(t, o.give("eli", w, "eli", "", roleOwner), "12")
	ruled(t, o.give("eli", w, "eli", roleEditor, roleOwner), "12")
	ruled(t, o.give("ada", w, "ada", roleOwner, ""), "12")
	if err := o.give("eli", w, "cora", roleOwner, ""); err != nil {
		t.Fatal(err)
	}
	if err := o.give("eli", w, "eli", "", roleOwner); err != nil {
		t.Errorf("one of two owners cannot leave: %v", err)
	}
}

func TestRule13_OnlyOfTheSubscription(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("eli", "acme-modeler")
	ruled(t, o.give("eli", w, "otto", roleEditor, ""), "13")
	o.deactivate("uli")
	ruled(t, o.give("eli", w, "uli", roleEditor, ""), "5")
	s := &workspaceService{Portal: o.Portal}
	found, err := s.SearchCandidates(o.as("eli"), &portalv1.SearchCandidatesRequest{Id: w})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range found.Members {
		if m.GetUser() == o.id["otto"] || m.GetUser() == o.id["uli"] {
			t.Errorf("%s is offered", m.Name)
		}
	}
	if len(found.Members) < 4 || len(found.Outside) > 0 {
		t.Errorf("found %v, and outside %v", found.Members, found.Outside)
	}
	wide, err := s.SearchCandidates(o.as("ada"), &portalv1.SearchCandidatesRequest{Id: w, Search: "OTTO"})
	if err != nil || len(wide.Members) != 0 || len(wide.Outside) != 1 {
		t.Errorf("an administrator finds %v, and outside %v (%v)", wide.GetMembers(), wide.GetOutside(), err)
	}
}

func TestRule15_OneLock(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("eli", "acme-modeler")
	if err := o.give("eli", w, "cora", roleEditor, ""); err != nil {
		t.Fatal(err)
	}
	if err := o.give("eli", w, "uli", roleContributor, ""); err != nil {
		t.Fatal(err)
	}
	s := &diagramService{Portal: o.Portal}
	made, err := s.CreateDiagram(o.as("cora"), &portalv1.CreateDiagramRequest{WorkspaceId: w, Name: "Intake", Content: "a"})
	if err != nil {
		t.Fatal(err)
	}
	id := made.Diagram.Id
	save := func(name string) error {
		_, err := s.Save(o.as(name), &portalv1.SaveRequest{Id: id, Content: "by " + name})
		return err
	}
	ruled(t, save("cora"), "15")
	missing(t, save("uli"), "check_out")
	if _, err := s.CheckOut(o.as("cora"), &portalv1.CheckOutRequest{Id: id}); err != nil {
		t.Fatal(err)
	}
	_, err = s.CheckOut(o.as("eli"), &portalv1.CheckOutRequest{Id: id})
	ruled(t, err, "15")
	if err := save("cora"); err != nil {
		t.Fatal(err)
	}
	_, err = s.ForceCheckIn(o.as("cora"), &portalv1.ForceCheckInRequest{Id: id})
	missing(t, err, "force_check_in")
	if _, err := s.ForceCheckIn(o.as("eli"), &portalv1.ForceCheckInRequest{Id: id}); err != nil {
		t.Fatal(err)
	}
	ruled(t, save("cora"), "15")
	if err := save("eli"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CheckIn(o.as("eli"), &portalv1.CheckInRequest{Id: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Publish(o.as("cora"), &portalv1.PublishRequest{Id: id}); err != nil {
		t.Fatal(err)
	}
	_, err = s.WorkOffline(o.as("cora"), &portalv1.WorkOfflineRequest{Id: id})
	ruled(t, err, "15")

	// Demoted while he holds the lock: what he has changed is not saved.
	if _, err := s.CheckOut(o.as("cora"), &portalv1.CheckOutRequest{Id: id}); err != nil {
		t.Fatal(err)
	}
	if err := o.give("eli", w, "cora", roleContributor, roleEditor); err != nil {
		t.Fatal(err)
	}
	missing(t, save("cora"), "check_out")
	if _, err := s.CheckIn(o.as("cora"), &portalv1.CheckInRequest{Id: id}); err != nil {
		t.Errorf("whoever was demoted cannot give back the lock: %v", err)
	}
	got, err := s.GetDiagram(o.as("cora"), &portalv1.GetDiagramRequest{Id: id})
	if err != nil || got.Content != "by eli" {
		t.Errorf("the content is %q (%v)", got.GetContent(), err)
	}
}

func TestRule14_Published(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("eli", "acme-modeler")
	s := &diagramService{Portal: o.Portal}
	made, err := s.CreateDiagram(o.as("eli"), &portalv1.CreateDiagramRequest{WorkspaceId: w, Name: "Intake"})
	if err != nil {
		t.Fatal(err)
	}
	list := func(name string) int {
		got, err := s.ListDiagrams(o.as(name), &portalv1.ListDiagramsRequest{WorkspaceId: w})
		if err != nil {
			t.Fatal(err)
		}
		return len(got.Diagrams)
	}
	if list("uli") != 0 || list("eli") != 1 {
		t.Errorf("a draft is seen by %d others and %d owners", list("uli"), list("eli"))
	}
	_, err = s.GetDiagram(o.as("uli"), &portalv1.GetDiagramRequest{Id: made.Diagram.Id})
	missing(t, err, "view")
	if _, err := s.Publish(o.as("eli"), &portalv1.PublishRequest{Id: made.Diagram.Id}); err != nil {
		t.Fatal(err)
	}
	if list("uli") != 1 {
		t.Error("what is published is not seen by a user of the subscription")
	}
	_, err = s.ListDiagrams(o.as("otto"), &portalv1.ListDiagramsRequest{WorkspaceId: w})
	missing(t, err, "access_portal")
}

func TestRule16_MyProcesses(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("eli", "acme-modeler")
	s := &diagramService{Portal: o.Portal}
	made, err := s.CreateDiagram(o.as("eli"), &portalv1.CreateDiagramRequest{WorkspaceId: w, Name: "Intake"})
	if err != nil {
		t.Fatal(err)
	}
	id := made.Diagram.Id
	mine := func() int {
		got, err := s.ListMyProcesses(o.as("uli"), &portalv1.ListMyProcessesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return len(got.Diagrams)
	}
	if _, err := s.SetAudience(o.as("eli"), &portalv1.SetAudienceRequest{Id: id, Members: []*portalv1.Member{o.member("uli")}}); err != nil {
		t.Fatal(err)
	}
	if mine() != 0 {
		t.Error("a draft is in “my processes”")
	}
	if _, err := s.Publish(o.as("eli"), &portalv1.PublishRequest{Id: id}); err != nil {
		t.Fatal(err)
	}
	if mine() != 1 {
		t.Error("a published process that names somebody is not in his “my processes”")
	}
	_, err = s.SetAudience(o.as("eli"), &portalv1.SetAudienceRequest{Id: id, Members: []*portalv1.Member{o.member("otto")}})
	ruled(t, err, "13")
	_, err = s.SetAudience(o.as("uli"), &portalv1.SetAudienceRequest{Id: id})
	missing(t, err, "check_out")
}

// TestRule15_TheAudienceIsPartOfTheDiagram lets nobody change whom a process names
// while somebody else has it checked out; who checked it out does.
func TestRule15_TheAudienceIsPartOfTheDiagram(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("uli", "acme-modeler")
	done(t, o.give("uli", w, "eli", roleEditor, ""))
	d := o.diagram("uli", w)
	name := func(by string) error {
		_, err := (&diagramService{Portal: o.Portal}).SetAudience(o.as(by), &portalv1.SetAudienceRequest{Id: d, Members: []*portalv1.Member{o.member("eli")}})
		return err
	}
	done(t, o.checkOut("eli", d))
	refuses(t, name("uli"), Rule, "15")
	done(t, name("eli"))
	done(t, o.checkIn("eli", d))
	done(t, name("uli"))
}

// TestDeleteWorkspace leaves nothing of a workspace.
func TestDeleteWorkspace(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("eli", "acme-modeler")
	s, d := &workspaceService{Portal: o.Portal}, &diagramService{Portal: o.Portal}
	made, err := d.CreateDiagram(o.as("eli"), &portalv1.CreateDiagramRequest{WorkspaceId: w, Name: "Intake"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.AddComment(o.as("eli"), &portalv1.AddCommentRequest{Id: made.Diagram.Id, Text: "first"}); err != nil {
		t.Fatal(err)
	}
	_, err = s.DeleteWorkspace(o.as("uli"), &portalv1.DeleteWorkspaceRequest{Id: w})
	missing(t, err, "delete")
	if _, err := s.DeleteWorkspace(o.as("eli"), &portalv1.DeleteWorkspaceRequest{Id: w}); err != nil {
		t.Fatal(err)
	}
	v, err := o.read(o.as("ada"))
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()
	for doc, err := range v.snap.Documents(t.Context(), companyPrefix("acme"), "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(doc.Key, w) || strings.Contains(doc.Key, made.Diagram.Id) {
			t.Errorf("%s is left", doc.Key)
		}
	}
	for _, kind := range []string{"model", "diagram"} {
		for r, err := range v.snap.Relationships(t.Context(), store.Filter{ResourceType: kind}, nil) {
			t.Errorf("%v is left (%v)", r, err)
		}
	}
}
