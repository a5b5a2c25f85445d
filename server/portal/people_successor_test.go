package portal

import (
	"slices"
	"strings"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// succeed deactivates a user, whom another succeeds.
func (f *firm) succeed(by, id, successor string) error {
	_, err := f.people.DeactivateUser(as(f.t, f.id, by), &portalv1.DeactivateUserRequest{Id: id, Successor: successor})
	return err
}

// TestRule12_ASuccessorGetsTheRoles deactivates the only administrator, who alone owns
// a subscription, in one step: he keeps the roles as data.
func TestRule12_ASuccessorGetsTheRoles(t *testing.T) {
	f := found(t)
	sub := f.buys(portalv1.Service_SERVICE_MODELER, 5, "admin")
	bea := f.hire("Bea", "")
	cid := hire(t, f.Portal, "acme", f.ada, sub, "cid", roleViewer)
	denied(t, "one who is not included", f.succeed(f.ada, f.ada, bea), Rule, "7")
	denied(t, "oneself", f.succeed(f.ada, f.ada, f.ada), Invalid, "")
	denied(t, "nobody", f.succeed(f.ada, f.ada, "nobody"), NotFound, "")
	done(t, f.turn(cid, false))
	denied(t, "one who is not active", f.succeed(f.ada, f.ada, cid), Rule, "12")
	done(t, f.turn(cid, true))

	ask := &portalv1.PreviewDeactivationRequest{Id: f.ada, Successor: cid}
	preview, err := f.people.PreviewDeactivation(as(t, "acme", f.ada), ask)
	done(t, err)
	if !preview.Allowed || !says(preview, "role_handed_over", "cid becomes administrator") || !says(preview, "role_handed_over", "cid becomes owner") {
		t.Errorf("%v", preview)
	}
	ask.Successor = bea
	preview, err = f.people.PreviewDeactivation(as(t, "acme", f.ada), ask)
	done(t, err)
	if preview.Allowed || !says(preview, "role_handed_over", "is not included") {
		t.Errorf("%v", preview)
	}

	before := f.replica.Head()
	done(t, f.succeed(f.ada, f.ada, cid))
	if wrote := f.replica.Head() - before; wrote != 1 {
		t.Errorf("it took %d transactions", wrote)
	}
	v := f.state()
	for role, want := range map[string]string{"administrator": "company:acme", "owner": "subscription:" + sub} {
		kind, id, _ := strings.Cut(want, ":")
		on := company(id)
		on.Type = kind
		got, err := v.holders(on, role)
		done(t, err)
		slices.Sort(got)
		if want := slices.Sorted(slices.Values([]string{f.ada, cid})); !slices.Equal(got, want) {
			t.Errorf("%s of %s: %v, want %v", role, on, got, want)
		}
	}
	if role, err := v.subscriptionRole(sub, subject(user(cid), "")); err != nil || role != roleOwner {
		t.Errorf("the successor is %s (%v)", role, err)
	}
	if viewer, err := v.has(subscription(sub), roleViewer, subject(user(cid), "")); err != nil || viewer {
		t.Errorf("the successor is viewer still (%v)", err)
	}
	denied(t, "by one who was deactivated", f.turn(bea, false), NotAllowed, "")
	done(t, f.by(cid).turn(bea, false))
	done(t, f.by(cid).turn(f.ada, true))
}

// says reports whether a preview has an effect of a kind with some words.
func says(p *portalv1.PreviewResponse, kind, words string) bool {
	return slices.ContainsFunc(p.Effects, func(e *portalv1.Effect) bool { return e.Kind == kind && strings.Contains(e.Sentence, words) })
}

// TestRule12_NobodySucceedsInTheCallersFavour has an administrator name himself.
func TestRule12_NobodySucceedsInTheCallersFavour(t *testing.T) {
	f := found(t)
	bea := f.hire("Bea", "")
	sub := f.buys(portalv1.Service_SERVICE_MODELER, 5, "bea")
	denied(t, "an administrator who names himself", f.succeed(f.ada, bea, f.ada), Rule, "12")
	cid := hire(t, f.Portal, "acme", f.ada, sub, "cid", roleUser)
	_, err := f.people.DeactivateUser(as(t, "acme", cid), &portalv1.DeactivateUserRequest{Id: bea, Successor: cid})
	if r := denied(t, "by a plain user", err, NotAllowed, ""); r.Permission != "deactivate_user" {
		t.Errorf("%+v", r)
	}
	done(t, f.succeed(f.ada, bea, cid))
}

// TestRule08_ASuccessorGetsTheWorkspaces hands over what the user alone owns, and
// nothing else, in place of the role that the successor has there.
func TestRule08_ASuccessorGetsTheWorkspaces(t *testing.T) {
	o := newOffice(t)
	alone, both := o.workspace("eli", "acme-modeler"), o.workspace("eli", "acme-modeler")
	done(t, o.give("eli", alone, "uli", roleContributor, ""))
	done(t, o.give("eli", both, "ada", roleOwner, ""))
	f := &firm{o.Portal, t, "acme", o.id["ada"], &peopleService{Portal: o.Portal}}
	denied(t, "one who owns no subscription", f.succeed(f.ada, o.id["eli"], o.id["uli"]), Rule, "8")
	_, err := (&subscriptionService{Portal: o.Portal}).SetSubscriptionRole(o.as("ada"), &portalv1.SetSubscriptionRoleRequest{
		Id: "acme-modeler", Member: o.member("uli"), Role: roleOwner,
	})
	done(t, err)
	preview, err := f.people.PreviewDeactivation(o.as("ada"), &portalv1.PreviewDeactivationRequest{Id: o.id["eli"], Successor: o.id["uli"]})
	done(t, err)
	if !preview.Allowed || !says(preview, "workspace_handed_over", "becomes owner of") || says(preview, "last_owner", "") {
		t.Errorf("%v", preview)
	}
	done(t, f.succeed(f.ada, o.id["eli"], o.id["uli"]))
	for id, want := range map[string]string{alone: "eli:owner uli:owner", both: "eli:owner ada:owner"} {
		for _, part := range strings.Fields(want) {
			name, role, _ := strings.Cut(part, ":")
			if got := o.roleOf(id, name); got != role {
				t.Errorf("%s is %q, want %s", name, got, role)
			}
		}
	}
	if got := o.roleOf(both, "uli"); got != "" {
		t.Errorf("the successor is %s of a workspace that had another owner", got)
	}
}

// TestRaceSuccession deactivates somebody in favour of a successor who is deactivated
// at the same moment: one of the two is done, and an active owner stays.
func TestRaceSuccession(t *testing.T) {
	f := found(t)
	bea := f.hire("Bea", "")
	sub := f.buys(portalv1.Service_SERVICE_MODELER, 5, "bea")
	cid := hire(t, f.Portal, "acme", f.ada, sub, "cid", roleUser)
	defer f.everyRound()()
	race(t, func(t *testing.T, _ int) (func() error, func() error, func(bool)) {
		return func() error { return f.succeed(f.ada, bea, cid) }, func() error { return f.turn(cid, false) }, func(succeeded bool) {
			if !succeeded {
				done(t, f.turn(cid, true))
				return
			}
			done(t, f.turn(bea, true))
			done(t, demote(f, sub, cid))
		}
	})
}

// demote makes an owner of a subscription a plain user of it.
func demote(f *firm, sub, id string) error {
	_, err := (&subscriptionService{Portal: f.Portal}).SetSubscriptionRole(as(f.t, f.id, f.ada), &portalv1.SetSubscriptionRoleRequest{
		Id: sub, Member: theUser(id), Role: roleUser,
	})
	return err
}

// TestRule12_TooMuchIsNotHandedOver refuses more than one transaction takes.
func TestRule12_TooMuchIsNotHandedOver(t *testing.T) {
	o := newOffice(t)
	o.workspace("eli", "acme-modeler")
	tx := store.Transaction{}
	for range maxHandedOver {
		a := &action{}
		on := diagram(newID())
		on.Type = "model"
		a.relation(store.Create, on, "subscription", subject(subscription("acme-modeler"), ""))
		a.relation(store.Create, on, roleOwner, subject(user(o.id["eli"]), ""))
		a.document(put(workspaceKey("acme", on.ID), workspaceDoc{Kind: "model", Name: on.ID, Subscription: "acme-modeler"}))
		tx.Updates, tx.Documents = append(tx.Updates, a.tx.Updates...), append(tx.Documents, a.tx.Documents...)
	}
	propose(t, o.Portal, tx)
	f := &firm{o.Portal, t, "acme", o.id["ada"], &peopleService{Portal: o.Portal}}
	r := denied(t, "one more than the most", f.succeed(f.ada, o.id["eli"], o.id["ada"]), Rule, "12")
	if !strings.Contains(r.Msg, "301") || !strings.Contains(r.Msg, "300") {
		t.Errorf("%s", r.Msg)
	}
}
