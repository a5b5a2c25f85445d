package portal

import (
	"context"
	"fmt"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// activity begins the plan of an action that makes a user active or inactive.
func (v *view) activity(ctx context.Context, a *action, name, permission, sentence, id string) error {
	a.target = user(id)
	a.sentence = fmt.Sprintf(sentence, v.called(a.target))
	if err := v.begin(ctx, a, name, v.company(), permission); err != nil {
		return err
	}
	return v.exists("id", "user", id, userKey(v.caller.Company, id))
}

// ActivateUser makes the roles of a user work again.
func (s *peopleService) ActivateUser(ctx context.Context, r *portalv1.ActivateUserRequest) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error { return v.activates(ctx, a, r.Id) })
}

func (v *view) activates(ctx context.Context, a *action, id string) error {
	if err := v.activity(ctx, a, "user.activate", "activate_user", "activated %s", id); err != nil {
		return err
	}
	active, err := v.active(id)
	if err != nil {
		return err
	}
	a.unchanged = active
	a.before, a.after = map[string]any{"active": false}, map[string]any{"active": true}
	a.relation(store.Delete, v.company(), "deactivated", subject(user(id), ""))
	return nil
}

// DeactivateUser takes all rights from a user, whose roles are kept. A successor gets
// what he alone is, in the same transaction.
func (s *peopleService) DeactivateUser(ctx context.Context, r *portalv1.DeactivateUserRequest) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error { return v.deactivates(ctx, a, r.Id, r.Successor) })
}

func (v *view) deactivates(ctx context.Context, a *action, id, successor string) error {
	if err := v.activity(ctx, a, "user.deactivate", "deactivate_user", "deactivated %s", id); err != nil {
		return err
	}
	active, err := v.active(id)
	if err != nil {
		return err
	}
	if a.unchanged = !active; a.unchanged {
		return nil
	}
	roles, err := v.keptRoles(a, id)
	if err != nil {
		return err
	}
	a.before, a.after = map[string]any{"active": true}, map[string]any{"active": false}
	a.relation(store.Create, v.company(), "deactivated", subject(user(id), ""))
	if err := v.shutOut(ctx, a, id); err != nil {
		return err
	}
	if successor == "" {
		return v.leavesNothing(id, roles)
	}
	l, err := v.legacy(roles, id, successor)
	if err != nil {
		return err
	}
	a.after = map[string]any{"active": false, "successor": successor, "roles_handed_over": len(l.roles), "workspaces_handed_over": len(l.workspaces)}
	a.sentence += ", whom " + v.person(successor) + " succeeds"
	return v.inherits(ctx, a, l)
}

// shutOut plans that all sessions and tokens of machines of a user end, and that his
// one-time link is void: roles are kept for the time when he is active again, what
// opened them is not.
func (v *view) shutOut(ctx context.Context, a *action, id string) error {
	if _, err := v.endSessions(ctx, a, v.caller.Company, id, "", true); err != nil {
		return err
	}
	return v.voidLink(a, v.caller.Company, id)
}

// leavesNothing refuses to make a user inactive who is what must not be without
// anybody.
func (v *view) leavesNothing(id string, roles []lastRole) error {
	var last []string
	for _, role := range roles {
		if role.last {
			last = append(last, role.what)
		}
	}
	if len(last) == 0 {
		return nil
	}
	return broken("12", "%s is %s; give that to somebody else who is active first, or name a successor", v.person(id), enumerate(last, "and"))
}

// PreviewDeactivation says what DeactivateUser would do.
func (s *peopleService) PreviewDeactivation(ctx context.Context, r *portalv1.PreviewDeactivationRequest) (*portalv1.PreviewResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if err := v.reads(ctx, "user.deactivate", asked{v.company(), "deactivate_user"}); err != nil {
		return nil, err
	}
	if err := v.exists("id", "user", r.Id, userKey(v.caller.Company, r.Id)); err != nil {
		return nil, err
	}
	resp := &portalv1.PreviewResponse{Allowed: true, ReadAt: v.token()}
	roles, err := v.keptRoles(nil, r.Id)
	if err != nil {
		return nil, err
	}
	who := v.person(r.Id)
	if r.Successor != "" {
		if err := v.previewSuccession(ctx, resp, roles, r); err != nil {
			return nil, err
		}
	}
	for _, role := range roles {
		switch {
		case role.last && r.Successor == "":
			kind := "last_owner"
			if role.relation == "administrator" {
				kind = "last_administrator"
			}
			resp.Allowed = false
			resp.Effects = append(resp.Effects, &portalv1.Effect{Kind: kind, Blocks: true, Resource: role.on.String(),
				Sentence: fmt.Sprintf("%s is %s; give that to somebody else who is active first", who, role.what)})
		case role.has:
			resp.Effects = append(resp.Effects, v.kept(who, role.on, role.relation))
		}
	}
	rest, err := v.keptWorkspaces(ctx, who, r.Id, r.Successor != "")
	if err != nil {
		return nil, err
	}
	resp.Effects = append(resp.Effects, rest...)
	resp.Effects = append(resp.Effects, &portalv1.Effect{Kind: "session_ended", Resource: user(r.Id).String(),
		Sentence: who + " is signed out everywhere, at once"})
	return resp, nil
}

// kept says of a role that it is kept and gives nothing.
func (v *view) kept(who string, on engine.Object, relation string) *portalv1.Effect {
	return &portalv1.Effect{Kind: "role_kept", Resource: on.String(),
		Sentence: fmt.Sprintf("%s stays %s of %s, which gives no right until he is activated again", who, relation, v.called(on))}
}

// keptWorkspaces says what becomes of the workspaces on which a user has a role.
func (v *view) keptWorkspaces(ctx context.Context, who, id string, succeeded bool) ([]*portalv1.Effect, error) {
	var effects []*portalv1.Effect
	count := 0
	for _, kind := range []string{"model", "project"} {
		for _, role := range workspaceRoles[kind] {
			for w, err := range v.resources(subject(user(id), ""), kind, role) {
				if err != nil {
					return nil, err
				}
				if count++; count > maxEffects {
					continue
				}
				on := engine.Object{Type: kind, ID: w}
				e := v.kept(who, on, role)
				if role == roleOwner && !succeeded {
					other, err := v.otherHolder(on, roleOwner, id)
					if err != nil {
						return nil, err
					}
					if other == "" {
						e.Kind, e.Sentence = "last_owner", fmt.Sprintf("%s is the only active owner of %s; it stays without one", who, v.called(on))
					}
				}
				effects = append(effects, e)
			}
		}
	}
	if count > maxEffects {
		effects = append(effects, &portalv1.Effect{Kind: "role_kept", Sentence: fmt.Sprintf("%s keeps roles on %d more workspaces", who, count-maxEffects)})
	}
	return effects, ctx.Err()
}
