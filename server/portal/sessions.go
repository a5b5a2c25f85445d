package portal

import (
	"context"
	"time"

	"github.com/pemba-authz/pemba/server/portal/session"
	"github.com/pemba-authz/pemba/server/store"
)

// Sessions returns the keeper of sessions, which other parts of the server share.
func (p *Portal) Sessions() *session.Keeper { return p.sessions }

// wasSeen is what is written beside the use of a session: that its user was there.
func wasSeen(company, user string, at time.Time) store.DocumentUpdate {
	return put(seenKey(company, user), seenDoc{At: at})
}

// ErrEnded says that a session opens nothing any more; nobody learns why.
var ErrEnded = &Refusal{Fault: NotSignedIn, Msg: "the session has ended: sign in again"}

// SignedIn returns who a token of a session or of a machine stands for, or a
// *Refusal. It is asked at the newest revision: whoever was deactivated is out at
// once. address is where the call comes from. The caller has no request of his own
// yet: the fields of that are for whoever asks to fill in.
func (p *Portal) SignedIn(ctx context.Context, token, address string) (*Caller, error) {
	v, err := p.newest(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	s, err := session.Find(v.snap, token)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, ErrEnded
	}
	c, err := v.lasting(ctx, s)
	if err != nil {
		return nil, err
	}
	c.Address = address
	p.sessions.Use(s)
	return c, nil
}

// lasting returns whose a session is, or ErrEnded.
func (v *view) lasting(ctx context.Context, s *session.Session) (*Caller, error) {
	c := &Caller{
		User: s.User, Company: s.Company, Session: s.ID, Machine: s.Machine, Since: s.Begun, Expires: s.Expires,
		Operator: s.Operator, Role: s.Role, Proof: s.Proof,
	}
	idle := KeyIdle
	if s.User != "" {
		policies, _, err := v.policies(s.Company)
		if err != nil {
			return nil, err
		}
		idle = policies.idle()
		if !s.Machine && !v.engine.Now.Before(s.Begun.Add(policies.session())) { // they are shorter now
			return nil, ErrEnded
		}
		active, err := v.can(ctx, s.User, company(s.Company), "sign_in")
		if err != nil {
			return nil, err
		}
		if !active {
			return nil, ErrEnded
		}
	} else {
		c.Admin = s.Role == adminRole
	}
	if v.portal.sessions.Over(s, idle) {
		return nil, ErrEnded
	}
	return c, nil
}

// KeyIdle is how long a session of a key may be without use.
const KeyIdle = time.Hour

// adminRole is the role of the keys by which operators do what the installation
// needs.
const adminRole = "admin"

// Lasts returns ErrEnded, a *Refusal, when the session of a caller is over.
func (p *Portal) Lasts(ctx context.Context, c *Caller) error {
	v, err := p.newest(ctx)
	if err != nil {
		return err
	}
	defer v.close()
	s, err := session.Get(v.snap, c.Session)
	if err != nil {
		return err
	}
	if s == nil {
		return ErrEnded
	}
	_, err = v.lasting(ctx, s)
	return err
}

// Reach is how far a person may use the installation beyond his company.
type Reach uint8

const (
	ReachNone    Reach = iota
	ReachObserve       // see everything
	ReachOperate       // and change it
)

// Reach returns how far a person who is signed in may use the installation.
func (p *Portal) Reach(ctx context.Context, c *Caller) (Reach, error) {
	v, err := p.newest(ctx)
	if err != nil {
		return ReachNone, err
	}
	defer v.close()
	return v.reach(ctx, c.User)
}

func (v *view) reach(ctx context.Context, userID string) (Reach, error) {
	holds, err := v.rights(ctx, userID, []asked{{installation, "operate"}, {installation, "observe"}})
	switch {
	case err != nil:
		return ReachNone, err
	case holds[0]:
		return ReachOperate, nil
	case holds[1]:
		return ReachObserve, nil
	}
	return ReachNone, nil
}

// maxSessions is how many sessions a person has at once; who begins another ends
// the one that was not used for longest. It also bounds tokens of machines.
const maxSessions = 100

// begun is a session that is about to be written.
type begun struct {
	token   string
	expires time.Time
	updates []store.DocumentUpdate
}

// newSession makes a session of a person for the call of ctx.
func (p *Portal) newSession(ctx context.Context, company, userID, by string, policies *policiesDoc) *begun {
	c, now := CallerOf(ctx), p.now()
	b := &begun{expires: now.Add(policies.session())}
	b.token, _, b.updates = session.Begin(session.Record{
		User: userID, Company: company, Begun: now, Expires: b.expires,
		Address: cutText(c.Address, 64), Agent: cutText(c.Agent, 200), By: by,
	})
	b.updates = append(b.updates, wasSeen(company, userID, now)) // who leaves at once was there, too
	return b
}

// makeRoom plans that a person has at most so many sessions.
func (v *view) makeRoom(ctx context.Context, a *action, company, userID string) error {
	all, err := session.Of(ctx, v.snap, company, userID)
	if err != nil {
		return err
	}
	var oldest *session.Session
	count := 0
	for _, s := range all {
		if s.Machine {
			continue
		}
		count++
		if oldest == nil || s.Seen.Before(oldest.Seen) {
			oldest = s
		}
	}
	if count >= maxSessions {
		a.document(oldest.End()...)
	}
	return nil
}

// ended is how much of what a person opened came to its end, and what was left.
type ended struct {
	sessions, tokens int
	kept             int // tokens of machines
}

// String says it in a sentence about a person.
func (e ended) String() string {
	out := "ended " + counted(e.sessions, "session", "sessions")
	if e.tokens > 0 {
		out += " and revoked " + counted(e.tokens, "token of a machine", "tokens of machines")
	}
	if e.kept > 0 {
		out += "; " + counted(e.kept, "token of a machine stays", "tokens of machines stay")
	}
	return out
}

// endSessions plans the end of the sessions of a person but one, and of his tokens
// of machines too if machines is set.
//
// decided: who changes or resets a password says whether that revokes his tokens. They
// were made by the person himself, signed in, and say nothing of the password: ending
// them unasked would stop whatever runs by them each time that a password is changed by
// and by. Whoever fears that somebody else made them revokes them in the same step; an
// administrator sees them and ends them with all sessions (EndUserSessions).
func (v *view) endSessions(ctx context.Context, a *action, company, userID, but string, machines bool) (ended, error) {
	all, err := session.Of(ctx, v.snap, company, userID)
	var e ended
	for _, s := range all {
		switch {
		case s.ID == but:
			continue
		case s.Machine && !machines:
			if !v.portal.sessions.Over(s, 0) {
				e.kept++
			}
			continue
		case s.Machine:
			e.tokens++
		default:
			e.sessions++
		}
		a.document(s.End()...)
	}
	return e, err
}

// cutText shortens a text that a client gave about itself.
func cutText(text string, most int) string {
	for i := range text {
		if i >= most {
			return text[:i]
		}
	}
	return text
}
