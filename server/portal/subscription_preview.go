package portal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// maxEffects is how many effects of a kind a preview lists one by one.
const maxEffects = 50

// PreviewRemoval says what RemoveSubscriptionUser would do.
func (s *subscriptionService) PreviewRemoval(ctx context.Context, r *portalv1.PreviewRemovalRequest) (*portalv1.PreviewRemovalResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	ask := &portalv1.RemoveSubscriptionUserRequest{Id: r.Id, Member: r.Member, Successor: r.Successor}
	l, err := v.leaves(ctx, &action{}, ask)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.PreviewRemovalResponse{ReadAt: v.token(), Allowed: true}
	resp.Effects = v.effects(l)
	if len(l.orphans) > 0 {
		owns, err := v.may(ctx, subscription(l.sub), roleOwner)
		if err != nil {
			return nil, err
		}
		resp.NeedsSuccessor = !owns || l.subject.ID == v.caller.User
	}
	// What the removal would be refused for, in its own words.
	err = v.remove(ctx, &action{}, l)
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		kind := "role_kept" // he is also included through a group
		switch {
		case refusal.Rule == "12":
			kind = "last_owner"
		case len(l.orphans) > 0:
			kind = "workspace_handed_over"
		}
		resp.Allowed = false
		resp.Effects = append(resp.Effects, &portalv1.Effect{Kind: kind, Sentence: capital(refusal.Msg), Resource: subscription(l.sub).String(), Blocks: true})
	} else if err != nil {
		return nil, err
	}
	return resp, nil
}

// effects says what somebody would lose, at most maxEffects of a kind one by one.
func (v *view) effects(l *leaving) []*portalv1.Effect {
	var out []*portalv1.Effect
	add := func(kind, resource, format string, args ...any) {
		out = append(out, &portalv1.Effect{Kind: kind, Resource: resource, Sentence: fmt.Sprintf(format, args...)})
	}
	who := v.called(l.subject.Object)
	for _, h := range l.orphans[:min(len(l.orphans), maxEffects)] {
		add("workspace_handed_over", h.on.String(), "%s gets another owner: %s is its only one", capital(v.called(h.on)), who)
	}
	if n := len(l.orphans) - maxEffects; n > 0 {
		add("workspace_handed_over", subscription(l.sub).String(), "%d more workspaces get another owner", n)
	}
	rest := slices.DeleteFunc(slices.Clone(l.roles), func(h held) bool { return slices.Contains(l.orphans, h) })
	for _, h := range rest[:min(len(rest), maxEffects)] {
		add("role_lost", h.on.String(), "%s is no longer %s of %s", capital(who), h.role, v.called(h.on))
	}
	if n := len(rest) - maxEffects; n > 0 {
		add("role_lost", subscription(l.sub).String(), "%d more roles are cleared", n)
	}
	for _, id := range l.locks[:min(len(l.locks), maxEffects)] {
		add("role_lost", engine.Object{Type: "diagram", ID: id}.String(), "The check-out of %s is released", v.called(diagram(id)))
	}
	return out
}
