package portal

import (
	"fmt"
	"slices"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// TestRaceLastOwners has two owners leave at the same moment: one stays.
func TestRaceLastOwners(t *testing.T) {
	p := open(t)
	admin := acme(t, p, "acme")
	sub := buy(t, p, "acme", portalv1.Service_SERVICE_MODELER, 1_000)
	s := &subscriptionService{Portal: p}
	other := hire(t, p, "acme", admin, sub, "other", roleOwner)
	// A third owner is no active one: he does not count.
	gone := hire(t, p, "acme", admin, sub, "gone", roleOwner)
	deactivate(t, p, "acme", gone)
	leave := func(by, who string) func() error {
		return func() error {
			_, err := s.SetSubscriptionRole(as(t, "acme", by), &portalv1.SetSubscriptionRoleRequest{Id: sub, Member: theUser(who), Role: roleUser})
			return err
		}
	}
	owners := []string{admin, other}
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return leave(owners[0], owners[0]), leave(owners[1], owners[1]), func(firstWon bool) {
			left, stays := owners[0], owners[1]
			if !firstWon {
				left, stays = stays, left
			}
			v, err := p.read(as(t, "acme", admin))
			done(t, err)
			defer v.close()
			now, err := v.holders(subscription(sub), roleOwner)
			done(t, err)
			if len(now) != 2 || !slices.Contains(now, stays) || !slices.Contains(now, gone) {
				t.Fatalf("the owners are %v, want %s and %s", now, stays, gone)
			}
			_, err = s.SetSubscriptionRole(as(t, "acme", stays), &portalv1.SetSubscriptionRoleRequest{Id: sub, Member: theUser(left), Role: roleOwner})
			done(t, err)
		}
	})
}

// TestRaceDemotion has two administrators demote the two owners of a subscription.
func TestRaceDemotion(t *testing.T) {
	p := open(t)
	admin := acme(t, p, "acme")
	second := administrator(t, p, "acme", "second")
	sub := buy(t, p, "acme", portalv1.Service_SERVICE_MODELER, 1_000)
	s := &subscriptionService{Portal: p}
	anna := hire(t, p, "acme", admin, sub, "anna", roleOwner)
	ben := hire(t, p, "acme", admin, sub, "ben", roleOwner)
	_, err := s.RemoveSubscriptionUser(as(t, "acme", second), &portalv1.RemoveSubscriptionUserRequest{Id: sub, Member: theUser(admin)})
	done(t, err)
	// A third owner is no active one: he does not count.
	deactivate(t, p, "acme", hire(t, p, "acme", admin, sub, "carl", roleOwner))
	demote := func(by, who string) func() error {
		return func() error {
			_, err := s.RemoveSubscriptionUser(as(t, "acme", by), &portalv1.RemoveSubscriptionUserRequest{Id: sub, Member: theUser(who)})
			if err != nil && refusal(t, err).Rule != "12" {
				t.Errorf("refused by something else: %v", err)
			}
			return err
		}
	}
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return demote(admin, anna), demote(second, ben), func(annaLeft bool) {
			left := anna
			if !annaLeft {
				left = ben
			}
			_, err := s.IncludeUsers(as(t, "acme", admin), &portalv1.IncludeUsersRequest{Id: sub, Members: []*portalv1.Member{theUser(left)}, Role: roleOwner})
			done(t, err)
			if n := seats(t, p, "acme", sub); n != 3 {
				t.Fatalf("%d seats, want 3", n)
			}
		}
	})
}

// TestRaceLastLicence has two users included with the last licence.
func TestRaceLastLicence(t *testing.T) {
	p := open(t)
	admin := acme(t, p, "acme")
	second := administrator(t, p, "acme", "second")
	sub := buy(t, p, "acme", portalv1.Service_SERVICE_MODELER, 2)
	pool := buy(t, p, "acme", portalv1.Service_SERVICE_BI, 1_000)
	s := &subscriptionService{Portal: p}
	anna := hire(t, p, "acme", admin, pool, "anna", roleUser)
	ben := hire(t, p, "acme", admin, pool, "ben", roleUser)
	include := func(by, who string) func() error {
		return func() error {
			_, err := s.IncludeUsers(as(t, "acme", by), &portalv1.IncludeUsersRequest{Id: sub, Members: []*portalv1.Member{theUser(who)}, Role: roleUser})
			if err != nil && refusal(t, err).Rule != "19" {
				t.Errorf("refused by something else: %v", err)
			}
			return err
		}
	}
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return include(admin, anna), include(second, ben), func(firstWon bool) {
			in := anna
			if !firstWon {
				in = ben
			}
			if n := seats(t, p, "acme", sub); n != 2 {
				t.Fatalf("%d seats, want 2", n)
			}
			_, err := s.RemoveSubscriptionUser(as(t, "acme", admin), &portalv1.RemoveSubscriptionUserRequest{Id: sub, Member: theUser(in)})
			done(t, err)
		}
	})
}

// TestRaceNewcomers creates the same address twice at the same moment.
func TestRaceNewcomers(t *testing.T) {
	p := open(t)
	admin := acme(t, p, "acme")
	sub := buy(t, p, "acme", portalv1.Service_SERVICE_MODELER, 1_000)
	s := &subscriptionService{Portal: p}
	race(t, func(t *testing.T, round int) (func() error, func() error, func(bool)) {
		create := func(address string) func() error {
			return func() error {
				_, err := s.CreateSubscriptionUser(as(t, "acme", admin), &portalv1.CreateSubscriptionUserRequest{Id: sub, Email: address, GivenName: "N", Role: roleUser})
				if err != nil && refusal(t, err).Fault != Taken {
					t.Errorf("refused by something else: %v", err)
				}
				return err
			}
		}
		return create(fmt.Sprintf("n%d@acme.example", round)), create(fmt.Sprintf("N%d@ACME.example", round)), func(bool) {
			if n := seats(t, p, "acme", sub); int(n) != round+2 {
				t.Fatalf("%d seats after round %d", n, round)
			}
		}
	})
}
