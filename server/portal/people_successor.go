package portal

import (
	"context"
	"errors"
	"fmt"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// maxHandedOver is how many workspaces a deactivation hands over at most: it is one
// transaction, and the record of its revision stays small.
const maxHandedOver = 300

// legacy is what a user alone is who is made inactive, and what a successor gets.
type legacy struct {
	user, successor string
	roles           []lastRole      // of the company and its subscriptions
	workspaces      []engine.Object // of which nobody else who is active is owner
}

// legacy returns what a user alone is.
func (v *view) legacy(roles []lastRole, userID, successor string) (*legacy, error) {
	l := &legacy{user: userID, successor: successor}
	for _, role := range roles {
		if role.last {
			l.roles = append(l.roles, role)
		}
	}
	for _, kind := range []string{"model", "project"} {
		for id, err := range v.resources(subject(user(userID), ""), kind, roleOwner) {
			if err != nil {
				return nil, err
			}
			on := engine.Object{Type: kind, ID: id}
			other, err := v.otherHolder(on, roleOwner, userID)
			if err != nil {
				return nil, err
			}
			if other == "" {
				l.workspaces = append(l.workspaces, on)
			}
		}
	}
	return l, nil
}

// inherits plans that the successor gets what the user alone is: first the roles, so
// that who becomes owner of a subscription may get its workspaces.
func (v *view) inherits(ctx context.Context, a *action, l *legacy) error {
	who := subject(user(l.successor), "")
	if err := v.exists("successor", "user", l.successor, userKey(v.caller.Company, l.successor)); err != nil {
		return err
	}
	if l.successor == l.user {
		return invalid("successor", "nobody succeeds himself; name somebody else")
	}
	switch active, err := v.active(l.successor); {
	case err != nil:
		return err
	case !active:
		return broken("12", "successor: %s is not active; name somebody who is", v.person(l.successor))
	}
	a.must(l.successor, v.company(), "active_user", true)
	if n := len(l.workspaces); n > maxHandedOver {
		return &Refusal{Fault: Rule, Rule: "12", Msg: fmt.Sprintf("%s alone owns %d workspaces, and at most %d are handed over at once; give some to others first", v.person(l.user), n, maxHandedOver)}
	}
	owns := map[string]bool{}
	for _, role := range l.roles {
		if err := v.inheritsRole(ctx, a, who, role); err != nil {
			return err
		}
		owns[role.on.ID] = true
	}
	for _, on := range l.workspaces {
		if err := v.inheritsWorkspace(a, l, who, on, owns); err != nil {
			return err
		}
	}
	return nil
}

// inheritsRole plans that the successor becomes what must not be without anybody.
func (v *view) inheritsRole(ctx context.Context, a *action, who engine.Subject, role lastRole) error {
	if who.ID == v.caller.User {
		return broken("12", "nobody makes himself %s of %s; name another successor", role.relation, v.called(role.on))
	}
	if role.on.Type == "company" {
		a.relation(store.Create, role.on, role.relation, who)
		return v.needs(ctx, a, role.on, "include_administrator")
	}
	has, err := v.subscriptionRole(role.on.ID, who)
	if err != nil {
		return err
	}
	if has == "" {
		return broken("7", "successor: %s is not included in %s; include him first", v.called(who.Object), v.called(role.on))
	}
	a.stored(role.on, "participant", who, true)
	if has != roleUser {
		a.stored(role.on, has, who, true)
		a.relation(store.Delete, role.on, has, who)
	}
	a.relation(store.Create, role.on, role.relation, who)
	return v.needs(ctx, a, role.on, "set_owner")
}

// inheritsWorkspace plans that the successor owns a workspace beside the user, who
// keeps the role as data. As when somebody is removed, he must own the subscription
// (rule 8); owns has those that he comes to own.
func (v *view) inheritsWorkspace(a *action, l *legacy, who engine.Subject, on engine.Object, owns map[string]bool) error {
	sub, err := v.single(on, "subscription", "subscription")
	if err != nil {
		return err
	}
	if _, known := owns[sub]; !known {
		if owns[sub], err = v.has(subscription(sub), roleOwner, who); err != nil {
			return err
		}
		if owns[sub] {
			a.stored(subscription(sub), roleOwner, who, true)
		}
	}
	if !owns[sub] {
		return broken("8", "successor: %s is no owner of %s, of which %s alone owns %s; name an owner who gets it", v.called(who.Object), v.called(subscription(sub)), v.person(l.user), v.called(on))
	}
	a.stored(on, roleOwner, subject(user(l.user), ""), true)
	return v.handOver(a, on, who)
}

// effects says what a successor gets.
func (l *legacy) effects(v *view) []*portalv1.Effect {
	var out []*portalv1.Effect
	to := v.person(l.successor)
	for _, role := range l.roles {
		out = append(out, &portalv1.Effect{Kind: "role_handed_over", Resource: role.on.String(),
			Sentence: fmt.Sprintf("%s becomes %s of %s", to, role.relation, v.called(role.on))})
	}
	for i, on := range l.workspaces {
		if i == maxEffects {
			rest := len(l.workspaces) - maxEffects
			return append(out, &portalv1.Effect{Kind: "workspace_handed_over", Sentence: fmt.Sprintf("%s becomes owner of %d more workspaces", to, rest)})
		}
		out = append(out, &portalv1.Effect{Kind: "workspace_handed_over", Resource: on.String(), Sentence: fmt.Sprintf("%s becomes owner of %s", to, v.called(on))})
	}
	return out
}

// previewSuccession says what a successor would get, and for what the deactivation
// would be refused, in its own words.
func (v *view) previewSuccession(ctx context.Context, resp *portalv1.PreviewResponse, roles []lastRole, r *portalv1.PreviewDeactivationRequest) error {
	l, err := v.legacy(roles, r.Id, r.Successor)
	if err != nil {
		return err
	}
	err = v.inherits(ctx, &action{}, l)
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		resp.Allowed = false
		resp.Effects = append(resp.Effects, &portalv1.Effect{Kind: "role_handed_over", Sentence: capital(refusal.Msg), Resource: user(r.Id).String(), Blocks: true})
		return nil
	}
	resp.Effects = append(resp.Effects, l.effects(v)...)
	return err
}
