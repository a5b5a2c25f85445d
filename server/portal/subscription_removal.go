package portal

import (
	"context"
	"fmt"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// Whoever is removed loses every right with the first transaction, in which he
// stops being included. What it cannot hold of his roles and check-outs is cleared
// in further ones; until they are done he cannot be included again (leftBehind), and
// a removal that was interrupted is finished by asking for it again.

// clearedAtOnce is how many roles and check-outs one transaction clears: so many
// that the record of its revision stays small.
const clearedAtOnce = 300

// leaving is what becomes of a user or group who is removed from a subscription.
type leaving struct {
	sub, successor string
	subject        engine.Subject
	role           string // in the subscription; "" when he is not included any more
	roles          []held
	locks          []string // diagrams that he has checked out
	orphans        []held   // of roles: workspaces of which he is the only owner
}

// RemoveSubscriptionUser takes away every right in a subscription.
func (s *subscriptionService) RemoveSubscriptionUser(ctx context.Context, r *portalv1.RemoveSubscriptionUserRequest) (*portalv1.Written, error) {
	first, err := s.act(ctx, func(v *view, a *action) error {
		l, err := v.leaves(ctx, a, r)
		if err != nil {
			return err
		}
		if l.role == "" && len(l.roles)+len(l.locks) == 0 {
			return broken("7", "%s is not included in %s", v.called(l.subject.Object), v.called(a.on))
		}
		return v.remove(ctx, a, l)
	})
	if err != nil {
		return nil, err
	}
	ctx = further(ctx)
	for more := true; more; {
		_, err := s.act(ctx, func(v *view, a *action) error {
			l, err := v.clears(a, r)
			if err != nil {
				return err
			}
			more = len(l.roles)+len(l.locks) > 0
			a.unchanged = !more
			return v.clear(ctx, a, l)
		})
		if err != nil {
			return nil, err
		}
	}
	return first, nil
}

// leaves reads what removing somebody is about.
func (v *view) leaves(ctx context.Context, a *action, r *portalv1.RemoveSubscriptionUserRequest) (*leaving, error) {
	d, _, err := v.findSubscription(r.Id)
	if err != nil {
		return nil, err
	}
	who, err := v.asSubject("member", r.Member)
	if err != nil {
		return nil, err
	}
	a.service, a.target = d.Service, who.Object
	if err := v.begin(ctx, a, "subscription.user.remove", subscription(r.Id), "remove_user"); err != nil {
		return nil, err
	}
	return v.leaving(r.Id, who, r.Successor)
}

// clears reads what is left of somebody who is no longer included. It needs no
// permission any more: he was removed by one who had it, who may have been himself.
func (v *view) clears(a *action, r *portalv1.RemoveSubscriptionUserRequest) (*leaving, error) {
	d, _, err := v.findSubscription(r.Id)
	if err != nil {
		return nil, err
	}
	who, err := v.asSubject("member", r.Member)
	if err != nil {
		return nil, err
	}
	a.system, a.service, a.target = true, d.Service, who.Object
	a.name, a.on, a.permission = "subscription.user.clear", subscription(r.Id), "remove_user"
	l, err := v.leaving(r.Id, who, r.Successor)
	if err == nil && l.role != "" {
		l.roles, l.locks, l.orphans = nil, nil, nil // somebody included him again
	}
	return l, err
}

// leaving collects the roles and check-outs of somebody in a subscription.
func (v *view) leaving(sub string, who engine.Subject, successor string) (*leaving, error) {
	l := &leaving{sub: sub, subject: who, successor: successor}
	var err error
	if l.role, err = v.subscriptionRole(sub, who); err != nil {
		return nil, err
	}
	if l.roles, err = v.rolesIn(sub, who); err != nil {
		return nil, err
	}
	if who.Type != "user" {
		return l, nil
	}
	for _, h := range l.roles {
		if h.role != roleOwner {
			continue
		}
		owners, err := v.holders(h.on, roleOwner)
		if err != nil {
			return nil, err
		}
		if len(owners) == 1 {
			l.orphans = append(l.orphans, h)
		}
	}
	l.locks, err = v.locksIn(sub, who.ID)
	return l, err
}

// locksIn returns the diagrams of a subscription that a user has checked out.
func (v *view) locksIn(sub, userID string) ([]string, error) {
	var out []string
	for id, err := range v.resources(subject(user(userID), ""), "diagram", "checked_out_by") {
		if err != nil {
			return nil, err
		}
		model, err := v.single(diagram(id), "model", "model")
		if err != nil {
			return nil, err
		}
		in, err := v.has(engine.Object{Type: "model", ID: model}, "subscription", subject(subscription(sub), ""))
		if err != nil {
			return nil, err
		}
		if in {
			out = append(out, id)
		}
	}
	return out, nil
}

// remove plans that somebody is no longer included, and as much of the rest as one
// transaction holds.
func (v *view) remove(ctx context.Context, a *action, l *leaving) error {
	sub := subscription(l.sub)
	if l.subject.Type == "user" {
		groups, err := v.groupsWith(ctx, l.sub, l.subject.ID)
		if err != nil {
			return err
		}
		if len(groups) > 0 {
			return broken("8", "%s is also included through %s; take him out of it first, or remove it", v.called(l.subject.Object), v.called(group(groups[0])))
		}
	}
	if l.role == roleOwner {
		if err := v.keepsOwner(a, l.sub, l.subject.ID); err != nil {
			return err
		}
	}
	if l.role != "" {
		a.stored(sub, "participant", l.subject, true)
		a.relation(store.Delete, sub, "participant", l.subject)
		if l.role != roleUser {
			a.stored(sub, l.role, l.subject, true)
			a.relation(store.Delete, sub, l.role, l.subject)
		}
		a.before = map[string]any{"role": l.role}
	}
	if err := v.clear(ctx, a, l); err != nil {
		return err
	}
	return v.licences(ctx, a)
}

// clear plans that roles and check-outs are taken away, as many as one transaction
// holds, and that workspaces which would have no owner get one.
func (v *view) clear(ctx context.Context, a *action, l *leaving) error {
	orphans := map[engine.Object]bool{}
	for _, h := range l.orphans {
		orphans[h.on] = true
	}
	if len(orphans) > 0 {
		if err := v.succeeds(ctx, a, l); err != nil {
			return err
		}
	}
	roles := l.roles[:min(len(l.roles), clearedAtOnce)]
	locks := l.locks[:min(len(l.locks), clearedAtOnce)]
	handed := 0
	for _, h := range roles {
		a.stored(h.on, h.role, l.subject, true)
		a.relation(store.Delete, h.on, h.role, l.subject)
		if !orphans[h.on] {
			continue
		}
		handed++
		if err := v.handOver(a, h.on, subject(user(l.successor), "")); err != nil {
			return err
		}
	}
	for _, id := range locks {
		if err := v.unlock(a, id, l.subject); err != nil {
			return err
		}
	}
	a.after = cleared{Roles: len(roles), CheckOuts: len(locks), HandedOver: handed, Successor: l.successor}
	a.sentence = fmt.Sprintf("removed %s from %s%s", v.called(l.subject.Object), v.called(subscription(l.sub)), v.cleared(l, len(roles), len(locks), handed))
	return nil
}

// unlock plans that somebody's check-out of a diagram ends.
func (v *view) unlock(a *action, id string, holder engine.Subject) error {
	a.stored(diagram(id), "checked_out_by", holder, true)
	a.relation(store.Delete, diagram(id), "checked_out_by", holder)
	var d diagramDoc
	version, err := v.document(diagramKey(v.caller.Company, id), &d)
	if err == nil && d.Offline {
		d.Offline = false
		a.document(at(version, put(diagramKey(v.caller.Company, id), d)))
	}
	return err
}

type cleared struct {
	Roles      int    `json:"roles"`
	CheckOuts  int    `json:"check_outs"`
	HandedOver int    `json:"handed_over"`
	Successor  string `json:"successor,omitempty"`
}

// cleared says for people what was taken away.
func (v *view) cleared(l *leaving, roles, locks, handed int) string {
	var words []string
	if roles > 0 {
		words = append(words, fmt.Sprintf("cleared %d roles", roles))
	}
	if locks > 0 {
		words = append(words, fmt.Sprintf("released %d check-outs", locks))
	}
	if handed > 0 {
		words = append(words, fmt.Sprintf("gave %d workspaces to %s", handed, v.person(l.successor)))
	}
	if len(words) == 0 {
		return ""
	}
	return ", " + strings.TrimSpace(enumerate(words, "and"))
}

// handOver plans that a workspace gets an owner, in place of the role that he may
// have on it.
func (v *view) handOver(a *action, on engine.Object, to engine.Subject) error {
	role, err := v.directRole(on, to)
	if err != nil {
		return err
	}
	if role != "" {
		a.stored(on, role, to, true)
		a.relation(store.Delete, on, role, to)
	}
	a.relation(store.Create, on, roleOwner, to)
	return nil
}

// directRole is the role that a workspace gives to a user or group itself; "" for
// none.
func (v *view) directRole(on engine.Object, s engine.Subject) (string, error) {
	for _, role := range workspaceRoles[on.Type] {
		if ok, err := v.has(on, role, s); err != nil || ok {
			return role, err
		}
	}
	return "", nil
}

// succeeds settles who gets the workspaces that would have no owner: whoever is
// named, or the caller. He must own the subscription, and go on doing so.
func (v *view) succeeds(ctx context.Context, a *action, l *leaving) error {
	named := l.successor != ""
	if !named {
		l.successor = v.caller.User
	}
	err := v.exists("successor", "user", l.successor, userKey(v.caller.Company, l.successor))
	if err != nil {
		return err
	}
	owns := false
	if l.successor != l.subject.ID {
		holds, err := v.rights(ctx, l.successor, []asked{{subscription(l.sub), roleOwner}, {v.company(), "active_user"}})
		if err != nil {
			return err
		}
		owns = holds[0] && holds[1]
	}
	switch {
	case !owns && named:
		return broken("8", "successor: %s is no active owner of %s; name one who is", v.person(l.successor), v.called(subscription(l.sub)))
	case !owns:
		return broken("8", "%d workspaces would have no owner; name an owner of %s as successor who gets them", len(l.orphans), v.called(subscription(l.sub)))
	}
	a.must(l.successor, subscription(l.sub), roleOwner, true)
	a.must(l.successor, v.company(), "active_user", true)
	return nil
}
