package portal

import (
	"fmt"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// by is the firm with another person to act.
func (f *firm) by(id string) *firm {
	other := *f
	other.ada = id
	return &other
}

// everyRound returns what holds the invariants to every revision that was written
// since.
func (f *firm) everyRound() func() {
	from := f.replica.Head()
	return func() { everyRevision(f.t, f.Portal, from) }
}

// TestRaceAdministrators has two administrators remove each other: one stays.
func TestRaceAdministrators(t *testing.T) {
	f := found(t)
	bea := f.hire("Bea", "")
	done(t, f.include(bea))
	defer f.everyRound()()
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return func() error { return f.remove(bea) }, func() error { return f.by(bea).remove(f.ada) }, func(adaWon bool) {
			if adaWon {
				done(t, f.include(bea))
			} else {
				done(t, f.by(bea).include(f.ada))
			}
		}
	})
}

// TestRaceDeactivations has two administrators deactivate each other.
func TestRaceDeactivations(t *testing.T) {
	f := found(t)
	bea := f.hire("Bea", "")
	done(t, f.include(bea))
	defer f.everyRound()()
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return func() error { return f.turn(bea, false) }, func() error { return f.by(bea).turn(f.ada, false) }, func(adaWon bool) {
			if adaWon {
				done(t, f.turn(bea, true))
			} else {
				done(t, f.by(bea).turn(f.ada, true))
			}
		}
	})
}

// TestRaceDeactivateAgainstInclude has an administrator include another one while he
// is made inactive himself: he has included him before, or not at all.
func TestRaceDeactivateAgainstInclude(t *testing.T) {
	f := found(t)
	bea, cid := f.hire("Bea", ""), f.hire("Cid", "")
	done(t, f.include(bea))
	defer f.everyRound()()
	order := map[bool]int{}
	for round := range races * 20 {
		if round >= races && order[true] > 0 && order[false] > 0 {
			break
		}
		errs := together(round%2 == 0, func() error { return f.by(bea).include(cid) }, func() error { return f.turn(bea, false) })
		done(t, errs[1])
		included := errs[0] == nil
		order[included]++
		if !included {
			denied(t, "including by one who is inactive", errs[0], NotAllowed, "")
		}
		if f.user(cid).Administrator != included {
			t.Fatalf("round %d: including was answered with %v, and the user is %v", round, errs[0], f.user(cid))
		}
		done(t, f.turn(bea, true))
		if included {
			done(t, f.remove(cid))
		}
	}
	if len(order) < 2 {
		t.Errorf("only one order was seen: %v", order)
	}
}

// TestRaceIncludeTheInactive has a user included as an administrator while he is made
// inactive: an inactive one is never included.
func TestRaceIncludeTheInactive(t *testing.T) {
	f := found(t)
	bea := f.hire("Bea", "")
	defer f.everyRound()()
	order := map[bool]int{}
	for round := range races * 20 {
		if round >= races && order[true] > 0 && order[false] > 0 {
			break
		}
		errs := together(round%2 == 0, func() error { return f.include(bea) }, func() error { return f.turn(bea, false) })
		done(t, errs[1])
		order[errs[0] == nil]++
		if errs[0] != nil {
			denied(t, "including an inactive one", errs[0], Rule, "6")
		}
		done(t, f.turn(bea, true))
		done(t, f.remove(bea))
	}
	if len(order) < 2 {
		t.Errorf("only one order was seen: %v", order)
	}
}

// TestRaceEmail has two users created with the same address, in different letters.
func TestRaceEmail(t *testing.T) {
	f := found(t)
	g := f.other("globex")
	defer f.everyRound()()
	race(t, func(t *testing.T, round int) (func() error, func() error, func(bool)) {
		create := func(by *firm, format string) func() error {
			return func() error {
				_, err := by.create(fmt.Sprintf(format, round), "Bea")
				if err != nil && refusal(t, err).Rule != "5" {
					t.Errorf("refused by something else: %v", err)
				}
				return err
			}
		}
		return create(f, "bea%d@mail.example"), create(g, "BEA%d@mail.example"), func(bool) {}
	})
}

// TestRaceEmailChange has two users change to the same address.
func TestRaceEmailChange(t *testing.T) {
	f := found(t)
	bea, cid := f.hire("Bea", ""), f.hire("Cid", "")
	defer f.everyRound()()
	race(t, func(t *testing.T, round int) (func() error, func() error, func(bool)) {
		change := func(id string) func() error {
			address := fmt.Sprintf("round%d@acme.example", round)
			return func() error {
				_, err := f.people.UpdateUser(as(t, "acme", f.ada), &portalv1.UpdateUserRequest{Id: id, Email: &address})
				return err
			}
		}
		return change(bea), change(cid), func(bool) {}
	})
}

// TestRaceOwnerAndPurchase has a user made inactive while something is bought for him
// to own: there is never a subscription without an active owner.
func TestRaceOwnerAndPurchase(t *testing.T) {
	f := found(t)
	operators := &operatorService{Portal: f.Portal}
	defer f.everyRound()()
	race(t, func(t *testing.T, round int) (func() error, func() error, func(bool)) {
		g := f.other(fmt.Sprintf("round-%d", round))
		bea := g.hire("Bea", "")
		buy := func() error {
			_, err := operators.CreateSubscription(operator(t), &portalv1.CreateSubscriptionRequest{
				CompanyId: g.id, Service: portalv1.Service_SERVICE_MODELER, Licences: 1, OwnerEmail: "bea@" + g.id + ".example",
			})
			return err
		}
		return buy, func() error { return g.turn(bea, false) }, func(bool) {}
	})
}

// TestRaceOwners has one owner of a subscription made inactive while the other is
// made a plain user.
func TestRaceOwners(t *testing.T) {
	f := found(t)
	sub := f.buys(portalv1.Service_SERVICE_MODELER, 10, "admin")
	bea := hire(t, f.Portal, "acme", f.ada, sub, "bea", roleOwner)
	cid := hire(t, f.Portal, "acme", f.ada, sub, "cid", roleOwner)
	s := &subscriptionService{Portal: f.Portal}
	role := func(id, role string) error {
		_, err := s.SetSubscriptionRole(as(t, "acme", f.ada), &portalv1.SetSubscriptionRoleRequest{Id: sub, Member: theUser(id), Role: role})
		return err
	}
	done(t, role(f.ada, roleUser))
	defer f.everyRound()()
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return func() error { return f.turn(bea, false) }, func() error { return role(cid, roleUser) }, func(deactivated bool) {
			if deactivated {
				done(t, f.turn(bea, true))
			} else {
				done(t, role(cid, roleOwner))
			}
		}
	})
}

// TestRaceTitleAndGroup has a title and a group begin under the same name.
func TestRaceTitleAndGroup(t *testing.T) {
	f := found(t)
	bea := f.hire("Bea", "")
	s := &groupService{Portal: f.Portal}
	defer f.everyRound()()
	race(t, func(t *testing.T, round int) (func() error, func() error, func(bool)) {
		name := fmt.Sprintf("Name %d", round)
		title := func() error {
			_, err := f.retitle(bea, name)
			return err
		}
		return title, func() error {
			_, err := s.CreateGroup(as(t, "acme", f.ada), &portalv1.CreateGroupRequest{Name: name})
			return err
		}, func(bool) {}
	})
}

// TestRaceCycle has two groups put into each other (rule 10).
func TestRaceCycle(t *testing.T) {
	f := found(t)
	a, b := f.group("A"), f.group("B")
	defer f.everyRound()()
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return func() error { return f.members(a, "group:"+b) }, func() error { return f.members(b, "group:"+a) }, func(first bool) {
			if first {
				done(t, f.members(a, "-group:"+b))
			} else {
				done(t, f.members(b, "-group:"+a))
			}
		}
	})
}

// TestRaceTitleIntoLicensedGroup has the last licence taken by somebody who gets a
// title, and by another title's coming into the group that is included.
func TestRaceTitleIntoLicensedGroup(t *testing.T) {
	f := found(t)
	f.hire("Bea", "Analyst")
	cid := f.hire("Cid", "")
	title := f.title("Analyst")
	sub := f.buys(portalv1.Service_SERVICE_MODELER, 2, "admin")
	readers := f.group("Readers")
	_, err := (&subscriptionService{Portal: f.Portal}).IncludeUsers(as(t, "acme", f.ada), &portalv1.IncludeUsersRequest{Id: sub, Members: []*portalv1.Member{theGroup(readers)}, Role: roleUser})
	done(t, err)
	defer f.everyRound()()
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		gets := func() error {
			_, err := f.retitle(cid, "Analyst")
			return err
		}
		return gets, func() error { return f.members(readers, "job_title:"+title) }, func(got bool) {
			if got {
				_, err := f.retitle(cid, "")
				done(t, err)
			} else {
				done(t, f.members(readers, "-job_title:"+title))
			}
		}
	})
}
