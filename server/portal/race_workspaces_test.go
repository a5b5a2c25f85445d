package portal

import (
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// beside lets somebody do something at the same moment as a change that is always
// done, until the change has come first and second, and at least races times. after
// looks at the state: was says whether what races with the change was done. reset
// makes the state of the next round.
func beside(t *testing.T, what, change func() error, refused func(error), after func(was bool), reset func()) {
	t.Helper()
	order := map[bool]int{}
	for round := range races * 20 {
		if round >= races && order[true] > 0 && order[false] > 0 {
			break
		}
		errs := together(round%2 == 0, what, change)
		done(t, errs[1])
		if order[errs[0] == nil]++; errs[0] != nil {
			refused(errs[0])
		}
		after(errs[0] == nil)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
		reset()
	}
	if len(order) < 2 {
		t.Errorf("only one order was seen: %v", order)
	}
}

// everyRound returns what holds the invariants to every revision since.
func (o *office) everyRound() func() {
	from := o.replica.Head()
	return func() { everyRevision(o.t, o.Portal, from) }
}

func (o *office) turn(name string, on bool) error {
	s := &peopleService{Portal: o.Portal}
	if on {
		_, err := s.ActivateUser(o.as("ada"), &portalv1.ActivateUserRequest{Id: o.id[name]})
		return err
	}
	_, err := s.DeactivateUser(o.as("ada"), &portalv1.DeactivateUserRequest{Id: o.id[name]})
	return err
}

func (o *office) remove(by, sub, name string) error {
	s := &subscriptionService{Portal: o.Portal}
	_, err := s.RemoveSubscriptionUser(o.as(by), &portalv1.RemoveSubscriptionUserRequest{Id: sub, Member: o.member(name)})
	return err
}

func (o *office) include(sub, name, role string) error {
	s := &subscriptionService{Portal: o.Portal}
	_, err := s.IncludeUsers(o.as("ada"), &portalv1.IncludeUsersRequest{Id: sub, Members: []*portalv1.Member{o.member(name)}, Role: role})
	return err
}

// roleOf is the direct role of somebody on a workspace.
func (o *office) roleOf(workspace, name string) string {
	o.t.Helper()
	v, err := o.read(o.as("ada"))
	done(o.t, err)
	defer v.close()
	on, _, _, err := v.findWorkspace(workspace)
	done(o.t, err)
	role, err := v.directRole(on, subject(user(o.id[name]), ""))
	done(o.t, err)
	return role
}

// may reports whether somebody has a permission on a workspace.
func (o *office) may(workspace, name, permission string) bool {
	o.t.Helper()
	v, err := o.read(o.as(name))
	done(o.t, err)
	defer v.close()
	on, _, _, err := v.findWorkspace(workspace)
	done(o.t, err)
	ok, err := v.may(o.t.Context(), on, permission)
	done(o.t, err)
	return ok
}

// TestRaceShareAgainstDeactivation gives a role to somebody who is deactivated at the
// same moment: he has it from an earlier revision, and no right, or does not get it.
func TestRaceShareAgainstDeactivation(t *testing.T) {
	o := newOffice(t)
	workspaces, people := &workspaceService{Portal: o.Portal}, &peopleService{Portal: o.Portal}
	w := o.workspace("uli", "acme-modeler")
	defer o.everyRound()()
	var shared, left *portalv1.Written
	beside(t, func() (err error) {
		shared, err = workspaces.ChangeAccess(o.as("uli"), &portalv1.ChangeAccessRequest{Id: w, Changes: []*portalv1.AccessChange{{Member: o.member("eli"), Role: roleEditor}}})
		return err
	}, func() (err error) {
		left, err = people.DeactivateUser(o.as("ada"), &portalv1.DeactivateUserRequest{Id: o.id["eli"]})
		return err
	},
		func(err error) { refuses(t, err, Rule, "5") },
		func(was bool) {
			if has := o.roleOf(w, "eli") == roleEditor; has != was || o.may(w, "eli", "read") {
				t.Errorf("the role was given is %t, and it is there is %t", was, has)
			}
			if was && o.revision(shared) > o.revision(left) {
				t.Errorf("the role was given at revision %d, and he was deactivated at %d", o.revision(shared), o.revision(left))
			}
		},
		func() {
			done(t, o.turn("eli", true))
			if o.roleOf(w, "eli") != "" {
				done(t, o.give("uli", w, "eli", "", roleEditor))
			}
		})
}

// revision is where something was written.
func (o *office) revision(w *portalv1.Written) store.Revision {
	o.t.Helper()
	rev, err := o.replica.ParseToken(w.WrittenAt.Token)
	done(o.t, err)
	return rev
}

// TestRaceShareAgainstRemoval gives a role to somebody who is removed from the
// subscription at the same moment: he has none, whatever came first.
func TestRaceShareAgainstRemoval(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("uli", "acme-modeler")
	defer o.everyRound()()
	beside(t, func() error { return o.give("uli", w, "eli", roleEditor, "") }, func() error { return o.remove("ada", "acme-modeler", "eli") },
		func(err error) { refuses(t, err, Rule, "13") },
		func(bool) {
			if role := o.roleOf(w, "eli"); role != "" {
				t.Errorf("he is still %s", role)
			}
		},
		func() { done(t, o.include("acme-modeler", "eli", roleUser)) })
}

// TestRaceCreateAgainstRemoval has somebody create a workspace while he is removed:
// it has an owner afterwards, who is not he.
func TestRaceCreateAgainstRemoval(t *testing.T) {
	o := newOffice(t)
	s := &workspaceService{Portal: o.Portal}
	defer o.everyRound()()
	made := ""
	beside(t, func() error {
		got, err := s.CreateWorkspace(o.as("eli"), &portalv1.CreateWorkspaceRequest{SubscriptionId: "acme-modeler", Name: "New"})
		if err == nil {
			made = got.Workspace.Id
		}
		return err
	}, func() error { return o.remove("ada", "acme-modeler", "eli") },
		func(err error) {
			if refusal(t, err).Fault != NotAllowed {
				t.Errorf("refused by something else: %v", err)
			}
		},
		func(was bool) {
			if was && (o.roleOf(made, "ada") != roleOwner || o.roleOf(made, "eli") != "") {
				t.Errorf("ada is %q and eli is %q of it", o.roleOf(made, "ada"), o.roleOf(made, "eli"))
			}
		},
		func() { done(t, o.include("acme-modeler", "eli", roleUser)) })
}

// TestRaceWorkspaceOwners has the two owners of a workspace give it up: one stays.
func TestRaceWorkspaceOwners(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("uli", "acme-automation")
	done(t, o.give("uli", w, "eli", roleOwner, ""))
	defer o.everyRound()()
	leave := func(name string) func() error {
		return func() error {
			err := o.give(name, w, name, "", roleOwner)
			if err != nil {
				refuses(t, err, Rule, "12")
			}
			return err
		}
	}
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return leave("uli"), leave("eli"), func(uliLeft bool) {
			left, stays := "uli", "eli"
			if !uliLeft {
				left, stays = stays, left
			}
			done(t, o.give(stays, w, left, roleOwner, ""))
		}
	})
}

// TestRaceRoles gives one person two roles on one workspace: he has one.
func TestRaceRoles(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("uli", "acme-modeler")
	done(t, o.give("uli", w, "cora", roleOwner, ""))
	defer o.everyRound()()
	give := func(by, role string) func() error {
		return func() error {
			err := o.give(by, w, "eli", role, "")
			if err != nil {
				refuses(t, err, Conflict, "")
			}
			return err
		}
	}
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return give("uli", roleEditor), give("cora", roleContributor), func(editor bool) {
			role := roleContributor
			if editor {
				role = roleEditor
			}
			done(t, o.give("uli", w, "eli", "", role))
		}
	})
}

// TestRaceChanges changes and takes one role: whoever comes second is told that it is
// another one now.
func TestRaceChanges(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("uli", "acme-modeler")
	done(t, o.give("uli", w, "cora", roleOwner, ""))
	done(t, o.give("uli", w, "eli", roleEditor, ""))
	defer o.everyRound()()
	change := func(by, role string) func() error {
		return func() error {
			err := o.give(by, w, "eli", role, roleEditor)
			if err != nil {
				refuses(t, err, Conflict, "")
			}
			return err
		}
	}
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return change("uli", ""), change("cora", roleContributor), func(taken bool) {
			has := roleContributor
			if taken {
				has = ""
			}
			done(t, o.give("uli", w, "eli", roleEditor, has))
		}
	})
}

// TestRaceGroupLicence adds people to a group while it is included: there are
// licences for one of the two.
func TestRaceGroupLicence(t *testing.T) {
	o := newOffice(t)
	sub := buy(t, o.Portal, "acme", portalv1.Service_SERVICE_BI, 2)
	groups, subs := &groupService{Portal: o.Portal}, &subscriptionService{Portal: o.Portal}
	made, err := groups.CreateGroup(o.as("ada"), &portalv1.CreateGroupRequest{Name: "writers"})
	done(t, err)
	g := made.Group.Id
	two := []*portalv1.Member{o.member("eli"), o.member("cora")}
	defer o.everyRound()()
	change := func(add, remove []*portalv1.Member) error {
		_, err := groups.ChangeMembers(o.as("ada"), &portalv1.ChangeMembersRequest{Id: g, Add: add, Remove: remove})
		return err
	}
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return func() error { return change(two, nil) }, func() error {
				_, err := subs.IncludeUsers(o.as("ada"), &portalv1.IncludeUsersRequest{Id: sub, Members: []*portalv1.Member{theGroup(g)}, Role: roleUser})
				return err
			}, func(added bool) {
				if n := seats(t, o.Portal, "acme", sub); n != 1 {
					t.Fatalf("%d seats, want 1", n)
				}
				if added {
					done(t, change(nil, two))
					return
				}
				_, err := subs.RemoveSubscriptionUser(o.as("ada"), &portalv1.RemoveSubscriptionUserRequest{Id: sub, Member: theGroup(g)})
				done(t, err)
			}
	})
}
