package portal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/portal/session"
)

// How long tokens of machines are valid, in days.
const (
	defaultDays = 90
	maxDays     = 365
)

// CreateMyToken makes a token by which a machine acts as the caller.
func (s *sessionService) CreateMyToken(ctx context.Context, r *portalv1.CreateMyTokenRequest) (*portalv1.CreateMyTokenResponse, error) {
	name, err := line("name", r.Name, 1, 100)
	if err != nil {
		return nil, err
	}
	days := r.Days
	if days == 0 {
		days = defaultDays
	}
	if days > maxDays {
		return nil, invalid("days", "%d is more than the %d days that a token is valid at most", days, maxDays)
	}
	c, now := CallerOf(ctx), s.now()
	resp := &portalv1.CreateMyTokenResponse{ExpiresAt: timestamppb.New(now.Add(time.Duration(days) * 24 * time.Hour))}
	token, id, updates := session.Begin(session.Record{
		User: c.User, Company: c.Company, Machine: true, Name: name, Begun: now, Expires: resp.ExpiresAt.AsTime(),
		Address: cutText(c.Address, 64), Agent: cutText(c.Agent, 200),
	})
	resp.Token, resp.Id = token, id
	written, err := s.answer(ctx, nil, func(v *view, a *action) error {
		if err := errors.Join(v.own(ctx, a, "token.create"), v.inPerson()); err != nil {
			return err
		}
		all, err := v.tokens(ctx)
		if err != nil {
			return err
		}
		if len(all) >= maxSessions {
			return &Refusal{Fault: Rule, Msg: fmt.Sprintf("you have %d tokens; at most so many are allowed: revoke one that is not used", len(all))}
		}
		a.sentence = fmt.Sprintf("made the token “%s” for a machine, valid for %d days", name, days)
		a.after = map[string]any{"token": id, "name": name, "expires": resp.ExpiresAt.AsTime()}
		a.document(updates...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if written.again {
		return nil, errOnce("the token “" + name + "”")
	}
	resp.WrittenAt = written.WrittenAt
	return resp, nil
}

// tokens returns the caller's tokens of machines that are not over, the newest first.
func (v *view) tokens(ctx context.Context) ([]*session.Session, error) {
	all, err := session.Of(ctx, v.snap, v.caller.Company, v.caller.User)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(s *session.Session) bool { return !s.Machine || v.portal.sessions.Over(s, 0) })
	slices.SortFunc(all, func(a, b *session.Session) int { return b.Begun.Compare(a.Begun) })
	return all, nil
}

// ListMyTokens returns the caller's tokens of machines, the newest first.
func (s *sessionService) ListMyTokens(ctx context.Context, _ *portalv1.ListMyTokensRequest) (*portalv1.ListMyTokensResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if v.caller.User == "" {
		return nil, v.nobody()
	}
	all, err := v.tokens(ctx)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.ListMyTokensResponse{}
	for _, t := range all {
		resp.Tokens = append(resp.Tokens, v.tokenMessage(t))
	}
	return resp, nil
}

// tokenMessage is a token of a machine as it is answered.
func (v *view) tokenMessage(t *session.Session) *portalv1.MachineToken {
	m := &portalv1.MachineToken{Id: t.ID, Name: t.Name, CreatedAt: timestamppb.New(t.Begun), ExpiresAt: timestamppb.New(t.Expires)}
	if seen := v.portal.sessions.Seen(t); seen.After(t.Begun) {
		m.SeenAt = timestamppb.New(seen)
	}
	return m
}

// RevokeMyToken ends a token of the caller.
func (s *sessionService) RevokeMyToken(ctx context.Context, r *portalv1.RevokeMyTokenRequest) (*portalv1.Written, error) {
	if err := engine.CheckObjectID(r.Id); err != nil {
		return nil, invalid("id", "%v", err)
	}
	return s.act(ctx, func(v *view, a *action) error {
		if err := v.own(ctx, a, "token.revoke"); err != nil {
			return err
		}
		found, err := session.Get(v.snap, r.Id)
		if err != nil {
			return err
		}
		if found == nil || !found.Machine || found.User != v.caller.User || found.Company != v.caller.Company {
			return notFound("token", r.Id)
		}
		a.sentence = fmt.Sprintf("revoked the token “%s”", found.Name)
		a.before = map[string]any{"token": r.Id, "name": found.Name}
		a.document(found.End()...)
		return nil
	})
}
