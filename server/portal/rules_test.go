package portal

import (
	"slices"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// TestRule01_RightsFlowDownward compares what people may do on a model and on its
// diagram: whoever may something below, so may those who may it above.
func TestRule01_RightsFlowDownward(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("eli", "acme-modeler")
	done(t, o.give("eli", w, "cora", roleEditor, ""))
	d := o.diagram("eli", w)
	_, err := (&subscriptionService{Portal: o.Portal}).SetSubscriptionRole(o.as("ada"), &portalv1.SetSubscriptionRoleRequest{Id: "acme-modeler", Member: o.member("uli"), Role: roleOwner})
	done(t, err)
	o.join("adam")
	_, err = (&peopleService{Portal: o.Portal}).IncludeAdministrator(o.as("ada"), &portalv1.IncludeAdministratorRequest{UserId: o.id["adam"]})
	done(t, err)
	v, err := o.read(o.as("ada"))
	done(t, err)
	defer v.close()
	model := engine.Object{Type: "model", ID: w}
	held := func(name string) (out []bool) {
		var questions []asked
		for _, p := range []string{"read", "comment", "edit", "edit_info", "create_diagram", "share", "change_user_role", "remove_user", "delete", "publish", "force_check_in"} {
			questions = append(questions, asked{model, p})
		}
		for _, p := range []string{"view", "comment", "check_out", "force_check_in", "publish", "unpublish", "delete"} {
			questions = append(questions, asked{diagram(d), p})
		}
		out, err := v.rights(t.Context(), o.id[name], questions)
		done(t, err)
		return out
	}
	levels := []string{"cora", "eli", "uli", "adam"} // an editor, the model's owner, the subscription's, the company's administrator
	for i, below := range levels[:len(levels)-1] {
		above := held(levels[i+1])
		for n, has := range held(below) {
			if has && !above[n] {
				t.Errorf("%s has the right %d, and %s above has not", below, n, levels[i+1])
			}
		}
	}
	if slices.Contains(held("eli"), false) || !slices.Contains(held("cora"), false) {
		t.Errorf("the owner %v, an editor %v", held("eli"), held("cora"))
	}
}

// TestRule02_OneSubscriptionOfAService shows all subscriptions on one dashboard, and
// buys no service twice.
func TestRule02_OneSubscriptionOfAService(t *testing.T) {
	f := found(t)
	var bought []portalv1.Service
	for s := portalv1.Service_SERVICE_MODELER; s <= portalv1.Service_SERVICE_BI; s++ {
		f.buys(s, 5, "admin")
		bought = append(bought, s)
		_, err := (&operatorService{Portal: f.Portal}).CreateSubscription(operator(t), &portalv1.CreateSubscriptionRequest{CompanyId: f.id, Service: s, Licences: 5, OwnerEmail: "admin@acme.example"})
		denied(t, "the same again", err, Rule, "2")
	}
	list, err := (&subscriptionService{Portal: f.Portal}).ListSubscriptions(as(t, f.id, f.ada), &portalv1.ListSubscriptionsRequest{})
	done(t, err)
	var shown []portalv1.Service
	for _, s := range list.Subscriptions {
		shown = append(shown, s.Service)
	}
	slices.Sort(shown)
	if !slices.Equal(shown, bought) {
		t.Errorf("bought %v, and the dashboard has %v", bought, shown)
	}
}

// TestRule17_ADomainBelongsToOne gives a domain to one authenticator, and all others
// to one at most.
func TestRule17_ADomainBelongsToOne(t *testing.T) {
	f := found(t)
	s := &settingsService{Portal: f.Portal}
	save := func(name string, others bool, domains ...string) (string, error) {
		got, err := s.SaveAuthenticator(as(t, f.id, f.ada), &portalv1.SaveAuthenticatorRequest{
			Name: name, Issuer: "https://" + name + ".example", ClientId: "pemba", ClientSecret: "secret", Domains: domains, AllOthers: others,
		})
		return got.GetAuthenticator().GetId(), err
	}
	one, err := save("one", true, "one.example")
	done(t, err)
	_, err = save("two", false, "one.example")
	denied(t, "a domain of another", err, Taken, "17")
	_, err = save("two", true, "two.example")
	denied(t, "all others, which another takes", err, Taken, "17")
	_, err = save("two", false, "two.example")
	done(t, err)
	_, err = s.DeleteAuthenticator(as(t, f.id, f.ada), &portalv1.DeleteAuthenticatorRequest{Id: one})
	done(t, err)
	_, err = save("three", true, "one.example") // both are free again
	done(t, err)
}

// TestRule18_Lockout locks an address out after as many wrong passwords as the policy
// says, for as long, and forgets those of long ago.
func TestRule18_Lockout(t *testing.T) {
	f, c := noted(t)
	const password, address = "the password of ada", "admin@acme.example"
	_, err := (&settingsService{Portal: f.Portal}).SetPolicies(as(t, f.id, f.ada), &portalv1.SetPoliciesRequest{Policies: &portalv1.Policies{
		Failures: 3, LockoutMinutes: 10, ForgetMinutes: 5, LinkHours: 24, IdleMinutes: 30, SessionHours: 8, PasswordLength: 12,
	}})
	done(t, err)
	d, err := f.newPassword(t.Context(), password, address, defaultPolicies)
	done(t, err)
	propose(t, f.Portal, store.Transaction{Documents: []store.DocumentUpdate{seal(passwordKey(f.id, f.ada), d)}})
	s := &sessionService{Portal: f.Portal}
	try := func(password string) error {
		_, err := s.SignIn(t.Context(), &portalv1.SignInRequest{Email: address, Password: password})
		return err
	}
	wrong := func(times int) {
		t.Helper()
		for range times {
			if try("not the password") == nil {
				t.Error("a wrong password signs in")
			}
		}
	}
	wrong(2)
	done(t, try(password)) // which forgives
	wrong(2)
	c.move(6 * time.Minute)
	wrong(2) // the first two are forgotten
	done(t, try(password))
	wrong(3)
	if try(password) == nil {
		t.Error("signed in while locked out")
	}
	c.move(9 * time.Minute)
	if try(password) == nil {
		t.Error("signed in before the lockout ends")
	}
	c.move(2 * time.Minute)
	done(t, try(password))
	// It is one of the built-in authenticator: who does not sign in with a password is
	// not kept out by those who guess one.
	wrong(3)
	outside := &account{emailDoc: emailDoc{Company: f.id, User: f.ada}, email: address, policies: defaultPolicies}
	_, err = f.enter(t.Context(), outside, "Okta", "signed in by “Okta”")
	done(t, err)
	if try(password) == nil {
		t.Error("a sign-in from outside ends the lockout")
	}
}
