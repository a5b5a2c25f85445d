package portal

import (
	"fmt"
	"strings"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// buy gives a company a subscription whose owner is its administrator.
func buy(t testing.TB, p *Portal, company string, service portalv1.Service, licences uint32) string {
	t.Helper()
	s := &operatorService{Portal: p}
	made, err := s.CreateSubscription(operator(t), &portalv1.CreateSubscriptionRequest{
		CompanyId: company, Service: service, Licences: licences, OwnerEmail: "admin@" + company + ".example",
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.SubscriptionId
}

// hire creates a user of a subscription, as its administrator does, and returns his
// id.
func hire(t testing.TB, p *Portal, company, admin, sub, name, role string) string {
	t.Helper()
	s := &subscriptionService{Portal: p}
	made, err := s.CreateSubscriptionUser(as(t, company, admin), &portalv1.CreateSubscriptionUserRequest{
		Id: sub, Email: name + "@" + company + ".example", GivenName: name, Role: role,
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.UserId
}

func theUser(id string) *portalv1.Member {
	return &portalv1.Member{Member: &portalv1.Member_User{User: id}}
}

func theGroup(id string) *portalv1.Member {
	return &portalv1.Member{Member: &portalv1.Member_Group{Group: id}}
}

// refuses fails the test unless an error is a refusal of a fault by a rule.
func refuses(t testing.TB, err error, fault Fault, rule string) {
	t.Helper()
	if err == nil {
		t.Errorf("it was not refused")
		return
	}
	if r := refusal(t, err); r.Fault != fault || r.Rule != rule {
		t.Errorf("refused by fault %d, rule %q: %s; want fault %d, rule %q", r.Fault, r.Rule, r.Msg, fault, rule)
	}
}

// done fails the test when something was refused.
func done(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// seats returns how many licences of a subscription are used, and checks that it is
// what counting everybody gives.
func seats(t testing.TB, p *Portal, company, sub string) uint32 {
	t.Helper()
	v, err := p.read(as(t, company, "nobody"))
	done(t, err)
	defer v.close()
	var d seatsDoc
	_, err = v.document(seatsKey(company, sub), &d)
	done(t, err)
	direct, err := v.holders(subscription(sub), "participant")
	done(t, err)
	groups, err := collect(v.subjects(subscription(sub), "participant", "group", "member"))
	done(t, err)
	w := &seating{view: v, action: &action{}}
	users, err := w.users(t.Context(), groups)
	done(t, err)
	for _, id := range direct {
		users[id] = true
	}
	if int(d.Direct) != len(direct) || int(d.Used) != len(users) {
		t.Errorf("%s: %+v is kept, and %d users are included, %d of them themselves", sub, d, len(users), len(direct))
	}
	return d.Used
}

func TestDashboard(t *testing.T) {
	p := open(t)
	admin := acme(t, p, "acme")
	sub := buy(t, p, "acme", portalv1.Service_SERVICE_MODELER, 5)
	buy(t, p, "acme", portalv1.Service_SERVICE_AI, 5)
	anna := hire(t, p, "acme", admin, sub, "anna", roleUser)
	s := &subscriptionService{Portal: p}

	list, err := s.ListSubscriptions(as(t, "acme", admin), &portalv1.ListSubscriptionsRequest{})
	done(t, err)
	if len(list.Subscriptions) != 2 || list.Subscriptions[0].LicencesUsed != 2 || list.Subscriptions[0].Role != "administrator" || len(list.Subscriptions[0].Allowed) != len(subscriptionPermissions) {
		t.Errorf("the administrator sees %v", list.Subscriptions)
	}
	list, err = s.ListSubscriptions(as(t, "acme", anna), &portalv1.ListSubscriptionsRequest{})
	done(t, err)
	if len(list.Subscriptions) != 1 || list.Subscriptions[0].Licences != 0 || strings.Join(list.Subscriptions[0].Allowed, " ") != "access_portal create_workspace" {
		t.Errorf("a user sees %v", list.Subscriptions)
	}
	_, err = s.RemoveSubscriptionUser(as(t, "acme", admin), &portalv1.RemoveSubscriptionUserRequest{Id: sub, Member: theUser(anna)})
	done(t, err)
	list, err = s.ListSubscriptions(as(t, "acme", anna), &portalv1.ListSubscriptionsRequest{})
	done(t, err)
	if len(list.Subscriptions) != 0 || len(list.Administrators) != 1 || list.Administrators[0].Id != admin {
		t.Errorf("whoever is in no service sees %v and may ask %v", list.Subscriptions, list.Administrators)
	}
	_, err = s.GetSubscription(as(t, "acme", anna), &portalv1.GetSubscriptionRequest{Id: sub})
	refuses(t, err, NotAllowed, "")
	_, err = s.ListSubscriptions(t.Context(), &portalv1.ListSubscriptionsRequest{})
	refuses(t, err, NotSignedIn, "")
}

// TestRule07 makes each level a precondition of the next, and a new user and his
// inclusion one transaction.
func TestRule07_LevelsAreIncludedInOrder(t *testing.T) {
	p := open(t)
	admin := acme(t, p, "acme")
	modeler := buy(t, p, "acme", portalv1.Service_SERVICE_MODELER, 2)
	ai := buy(t, p, "acme", portalv1.Service_SERVICE_AI, 5)
	s := &subscriptionService{Portal: p}
	ctx := as(t, "acme", admin)
	anna := hire(t, p, "acme", admin, modeler, "anna", roleUser)

	_, err := s.SetSubscriptionRole(ctx, &portalv1.SetSubscriptionRoleRequest{Id: ai, Member: theUser(anna), Role: roleViewer})
	refuses(t, err, Rule, "7")
	_, err = s.IncludeUsers(ctx, &portalv1.IncludeUsersRequest{Id: ai, Members: []*portalv1.Member{theUser("stranger")}, Role: roleUser})
	refuses(t, err, NotFound, "")
	// No licence is left: neither of the two is done.
	_, err = s.CreateSubscriptionUser(ctx, &portalv1.CreateSubscriptionUserRequest{Id: modeler, Email: "bob@acme.example", GivenName: "Bob", Role: roleUser})
	refuses(t, err, Rule, "19")
	_, err = s.CreateSubscriptionUser(ctx, &portalv1.CreateSubscriptionUserRequest{Id: ai, Email: "bob@acme.example", GivenName: "Bob", Role: roleUser})
	done(t, err)
	_, err = s.CreateSubscriptionUser(as(t, "acme", anna), &portalv1.CreateSubscriptionUserRequest{Id: modeler, Email: "c@acme.example", GivenName: "C", Role: roleUser})
	refuses(t, err, NotAllowed, "")
}

// TestRule19 refuses what is beyond the licences, whichever way a user comes in.
func TestRule19_LicencesAreNotExceeded(t *testing.T) {
	p := open(t)
	admin := acme(t, p, "acme")
	sub := buy(t, p, "acme", portalv1.Service_SERVICE_MODELER, 4)
	pool := buy(t, p, "acme", portalv1.Service_SERVICE_BI, 100)
	s := &subscriptionService{Portal: p}
	ctx := as(t, "acme", admin)
	var people []string
	for i := range 5 {
		people = append(people, hire(t, p, "acme", admin, pool, fmt.Sprintf("u%d", i), roleUser))
	}
	include := func(members ...*portalv1.Member) error {
		_, err := s.IncludeUsers(ctx, &portalv1.IncludeUsersRequest{Id: sub, Members: members, Role: roleUser})
		return err
	}
	refuses(t, include(theUser(people[0]), theUser(people[1]), theUser(people[2]), theUser(people[3])), Rule, "19")
	if n := seats(t, p, "acme", sub); n != 1 {
		t.Errorf("%d seats after a refusal, want 1", n)
	}
	done(t, include(theUser(people[0]), theUser(people[1])))
	done(t, include(theUser(people[1]))) // he is already
	// A group counts for those who are not in yet.
	makeGroup(t, p, "acme", "g1", "user:"+people[0], "user:"+people[2])
	makeGroup(t, p, "acme", "g2", "group:g1#member", "user:"+people[3])
	refuses(t, include(theGroup("g2")), Rule, "19")
	done(t, include(theGroup("g1")))
	if n := seats(t, p, "acme", sub); n != 4 {
		t.Errorf("%d seats, want 4", n)
	}
	refuses(t, include(theUser(people[4])), Rule, "19")
	// Whoever is in through a group needs no second licence, and keeps his.
	done(t, include(theUser(people[2])))
	if n := seats(t, p, "acme", sub); n != 4 {
		t.Errorf("%d seats, want 4", n)
	}
	_, err := s.RemoveSubscriptionUser(ctx, &portalv1.RemoveSubscriptionUserRequest{Id: sub, Member: theUser(people[2])})
	refuses(t, err, Rule, "8")
	_, err = s.RemoveSubscriptionUser(ctx, &portalv1.RemoveSubscriptionUserRequest{Id: sub, Member: theGroup("g1")})
	done(t, err)
	_, err = s.RemoveSubscriptionUser(ctx, &portalv1.RemoveSubscriptionUserRequest{Id: sub, Member: theUser(people[2])})
	done(t, err)
	if n := seats(t, p, "acme", sub); n != 3 {
		t.Errorf("%d seats, want 3", n)
	}
	done(t, include(theUser(people[4])))
	_, err = (&operatorService{Portal: p}).SetLicences(operator(t), &portalv1.SetLicencesRequest{Id: sub, Licences: 3})
	refuses(t, err, Rule, "19")
}

// TestSearch_TheOneWhoIsMeantComesFirst finds more people than it returns, and among them
// the one whose whole address was entered.
func TestSearch_TheOneWhoIsMeantComesFirst(t *testing.T) {
	f := found(t)
	sub := f.buys(portalv1.Service_SERVICE_MODELER, 100, "admin")
	li := f.hire("Li", "")
	for c := 'A'; c < 'A'+defaultFound; c++ {
		f.hire(string(c)+"li", "") // whose address has Li's in it
	}
	found, err := (&subscriptionService{Portal: f.Portal}).SearchPool(as(t, "acme", f.ada), &portalv1.SearchPoolRequest{Id: sub, Search: "LI@acme.example"})
	done(t, err)
	if len(found.Members) != defaultFound || found.Members[0].GetUser() != li {
		t.Errorf("found: %v", found.Members)
	}
}
