package portal

import (
	"slices"
	"strings"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func groupMember(id string) *portalv1.Member {
	return &portalv1.Member{Member: &portalv1.Member_Group{Group: id}}
}

func (o *office) group(name string, members ...*portalv1.Member) string {
	o.t.Helper()
	s := &groupService{Portal: o.Portal}
	made, err := s.CreateGroup(o.as("ada"), &portalv1.CreateGroupRequest{Name: name, Members: members})
	if err != nil {
		o.t.Fatal(err)
	}
	return made.Group.Id
}

func TestRule10_Groups(t *testing.T) {
	o := newOffice(t)
	s := &groupService{Portal: o.Portal}
	inner := o.group("Inner", o.member("cora"))
	middle := o.group("Middle", groupMember(inner))
	outer := o.group("Outer", groupMember(middle), o.member("uli"))

	_, err := s.ChangeMembers(o.as("ada"), &portalv1.ChangeMembersRequest{Id: inner, Add: []*portalv1.Member{groupMember(outer)}})
	ruled(t, err, "10")
	for _, part := range []string{"“Inner” in “Middle” in “Outer”"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the way of the cycle is not said: %v", err)
		}
	}
	_, err = s.ChangeMembers(o.as("ada"), &portalv1.ChangeMembersRequest{Id: inner, Add: []*portalv1.Member{groupMember(inner)}})
	ruled(t, err, "10")

	// Nested groups count, wherever one is given a role.
	subs := &subscriptionService{Portal: o.Portal}
	if _, err := subs.IncludeUsers(o.as("ada"), &portalv1.IncludeUsersRequest{Id: "acme-modeler", Members: []*portalv1.Member{groupMember(outer)}, Role: roleUser}); err != nil {
		t.Fatal(err)
	}
	w := o.workspace("eli", "acme-modeler")
	spaces := &workspaceService{Portal: o.Portal}
	share := func(role string) error {
		_, err := spaces.ChangeAccess(o.as("eli"), &portalv1.ChangeAccessRequest{Id: w, Changes: []*portalv1.AccessChange{{Member: groupMember(outer), Role: role}}})
		return err
	}
	ruled(t, share(roleOwner), "10")
	if err := share(roleEditor); err != nil {
		t.Fatal(err)
	}
	got, err := spaces.GetWorkspace(o.as("cora"), &portalv1.GetWorkspaceRequest{Id: w})
	if err != nil || !strings.Contains(strings.Join(got.Workspace.Allowed, " "), "edit") {
		t.Errorf("a member of a group in a group may %v (%v)", got.GetWorkspace().GetAllowed(), err)
	}
	members, err := s.ListEffectiveMembers(o.as("ada"), &portalv1.ListEffectiveMembersRequest{Id: outer})
	if err != nil || len(members.Members) != 2 || len(members.Members[0].Why) == 0 {
		t.Errorf("the members are %v (%v)", members.GetMembers(), err)
	}

	_, err = s.DeleteGroup(o.as("ada"), &portalv1.DeleteGroupRequest{Id: outer})
	ruled(t, err, "10")
	_, err = s.CreateGroup(o.as("ada"), &portalv1.CreateGroupRequest{Name: "OUTER"})
	if r := refusal(t, err); r.Fault != Taken || r.Field != "name" {
		t.Errorf("the name of another group: %v", err)
	}
	_, err = s.GetGroup(o.as("uli"), &portalv1.GetGroupRequest{Id: outer})
	missing(t, err, "manage")
	_, err = s.ListGroups(o.as("uli"), &portalv1.ListGroupsRequest{})
	missing(t, err, "manage_groups")

	// The owner of a subscription has none yet, and may create the first.
	if _, err := subs.SetSubscriptionRole(o.as("ada"), &portalv1.SetSubscriptionRoleRequest{Id: "acme-modeler", Member: o.member("uli"), Role: roleOwner}); err != nil {
		t.Fatal(err)
	}
	mine, err := s.ListGroups(o.as("uli"), &portalv1.ListGroupsRequest{})
	if err != nil || len(mine.Groups) != 0 || !slices.Equal(mine.Allowed, []string{"create"}) {
		t.Errorf("the groups of an owner: %v (%v)", mine, err)
	}
}

// TestWhyOfNestedGroups gives each member the group that he is in, and no other.
func TestWhyOfNestedGroups(t *testing.T) {
	o := newOffice(t)
	wide := o.group("Wide", groupMember(o.group("First", o.member("cora"))), groupMember(o.group("Second", o.member("uli"))))
	s := &groupService{Portal: o.Portal}
	members, err := s.ListEffectiveMembers(o.as("ada"), &portalv1.ListEffectiveMembersRequest{Id: wide})
	if err != nil || len(members.Members) != 2 {
		t.Fatalf("the members are %v (%v)", members.GetMembers(), err)
	}
	ways := map[string]string{
		o.id["cora"]: "The members of the group “First” are in the group “Wide”; Cora Acme is in the group “First”",
		o.id["uli"]:  "The members of the group “Second” are in the group “Wide”; Uli Acme is in the group “Second”",
	}
	for _, m := range members.Members {
		var in []string
		for _, step := range m.Why {
			if step.Relation == "direct_member" {
				in = append(in, step.Sentence)
			}
		}
		if got := strings.Join(in, "; "); got != ways[m.Person.Id] {
			t.Errorf("%s is in it because: %s", m.Person.Email, got)
		}
	}
}

// TestAudit reads back what was done, verifies it, and keeps refusals.
func TestAudit(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("eli", "acme-modeler")
	if err := o.give("eli", w, "cora", roleEditor, ""); err != nil {
		t.Fatal(err)
	}
	missing(t, o.give("cora", w, "uli", roleEditor, ""), "share")
	o.notes.flush(t.Context())
	s := &auditService{Portal: o.Portal}
	list := func(r *portalv1.ListAuditRecordsRequest) []*portalv1.AuditRecord {
		t.Helper()
		got, err := s.ListAuditRecords(o.as("ada"), r)
		if err != nil {
			t.Fatal(err)
		}
		return got.Records
	}
	shared := list(&portalv1.ListAuditRecordsRequest{Action: "workspace.access", Result: resultAllowed})
	if len(shared) != 1 {
		t.Fatalf("%d records of sharing", len(shared))
	}
	r := shared[0]
	if r.Actor.Id != o.id["eli"] || r.Target != "model:"+w || r.Permission != "model:"+w+"#share" || len(r.Why) == 0 || r.Address != "192.0.2.1" ||
		!strings.Contains(r.Sentence, "made Cora Acme editor") || !strings.Contains(r.After, "Cora Acme: editor") || r.RequestId == "" {
		t.Errorf("the record says: %v", r)
	}
	refused := list(&portalv1.ListAuditRecordsRequest{Result: resultRefused})
	if len(refused) != 1 || refused[0].Actor.Id != o.id["cora"] || !strings.Contains(refused[0].Reason, "share") {
		t.Errorf("refusals: %v", refused)
	}
	_, err := s.ListAuditRecords(o.as("eli"), &portalv1.ListAuditRecordsRequest{})
	missing(t, err, "read_audit")
	none, err := s.ListAuditRecords(o.as("ada"), &portalv1.ListAuditRecordsRequest{Actor: o.id["eli"], Action: "no.such"})
	if err != nil || none.Excluding != "action" {
		t.Errorf("nothing is found because of %q (%v)", none.GetExcluding(), err)
	}
	verified, err := s.VerifyAudit(o.as("ada"), &portalv1.VerifyAuditRequest{})
	if err != nil || verified.Fault != "" || verified.Records < 10 || verified.Last != verified.Records {
		t.Errorf("the log is %v (%v)", verified, err)
	}
	holders, err := s.ListAccessTo(o.as("eli"), &portalv1.ListAccessToRequest{Resource: "model:" + w, Permission: "edit", Why: true})
	if err != nil {
		t.Fatal(err)
	}
	var who []string
	for _, h := range holders.Holders {
		who = append(who, h.Person.GivenName+" "+h.How)
	}
	if got := strings.Join(who, ", "); got != "Ada inherited, Cora direct, Eli direct" {
		t.Errorf("who may edit: %s", got)
	}
	explained, err := s.Explain(o.as("eli"), &portalv1.ExplainRequest{Resource: "model:" + w, Permission: "edit", UserId: o.id["uli"]})
	if err != nil || explained.Holds || len(explained.Remedies) == 0 || len(explained.Grantors) == 0 {
		t.Errorf("why not: %v (%v)", explained, err)
	}
}
