package portal

import (
	"context"
	"fmt"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// maxNote is how long what somebody says with an invitation is, in characters.
const maxNote = 1_000

// welcome sends the link by which a new user of the caller's company sets his
// password. The user is there whatever becomes of it: a link can be sent again. again
// says that the call which made him is a repetition.
func (p *Portal) welcome(ctx context.Context, userID, note string, again bool) {
	if _, err := p.sendLink(ctx, CallerOf(ctx).Company, userID, note, firstOr(again)); err != nil {
		p.log.Warn("a user was created and got no link; send it again", "user", userID, "error", err)
	}
}

// firstOr is the occasion of a call that made a user, or of its repetition.
func firstOr(again bool) occasion {
	if again {
		return reinvited
	}
	return invited
}

// ResendInvitation sends a new link to a user who never signed in; the one before is
// void.
func (s *peopleService) ResendInvitation(ctx context.Context, r *portalv1.ResendInvitationRequest) (*portalv1.Written, error) {
	token := newLinkToken()
	var m *message
	written, err := s.answer(ctx, nil, func(v *view, a *action) error {
		c := v.caller.Company
		a.target = user(r.Id)
		if err := v.begin(ctx, a, "user.invite", v.company(), "create_user"); err != nil {
			return err
		}
		if err := v.exists("id", "user", r.Id, userKey(c, r.Id)); err != nil {
			return err
		}
		a.called = v.person(r.Id)
		active, err := v.active(r.Id)
		if err != nil {
			return err
		}
		if !active {
			return broken("5", "%s is deactivated; activate him first", a.called)
		}
		if _, had, err := v.password(c, r.Id); err != nil || had != 0 {
			if err != nil {
				return err
			}
			return broken("18", "%s has set his password already; he asks for a new one where one signs in", a.called)
		}
		a.sentence = fmt.Sprintf("sent a new invitation to %s", a.called)
		m, err = v.planLink(ctx, a, r.Id, token, invited)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !written.again {
		s.handOver(m, CallerOf(ctx).Company, r.Id, token)
	}
	return written.Written, nil
}

// ListUserSessions returns where a user of the company is signed in.
func (s *peopleService) ListUserSessions(ctx context.Context, r *portalv1.ListUserSessionsRequest) (*portalv1.ListSessionsResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if err := v.reads(ctx, "user.sessions", asked{v.company(), "edit_user"}); err != nil {
		return nil, err
	}
	if err := v.exists("id", "user", r.Id, userKey(v.caller.Company, r.Id)); err != nil {
		return nil, err
	}
	return v.sessionsOf(ctx, r.Id)
}

// EndUserSessions ends one session of a user of the company, or all.
func (s *peopleService) EndUserSessions(ctx context.Context, r *portalv1.EndUserSessionsRequest) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error {
		a.target = user(r.Id)
		if err := v.begin(ctx, a, "session.end", v.company(), "edit_user"); err != nil {
			return err
		}
		if err := v.exists("id", "user", r.Id, userKey(v.caller.Company, r.Id)); err != nil {
			return err
		}
		return v.planEnd(ctx, a, r.Id, r.SessionId, "")
	})
}
