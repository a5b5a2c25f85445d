package portal

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// sessionService is pemba.portal.v1.SessionService. This file has the sign-in with a
// password; links.go and firstrun.go the other ways in, signin_outside.go those from outside;
// me.go and tokens.go what belongs to oneself.
type sessionService struct {
	portalv1.UnimplementedSessionServiceServer
	*Portal
}

// SessionService returns the service by which people come in. The server answers
// those of its methods itself that are about keys of the API.
func (p *Portal) SessionService() portalv1.SessionServiceServer { return &sessionService{Portal: p} }

// errSignIn is the one answer to a sign-in that fails, whatever the reason.
var errSignIn = &Refusal{Fault: NotSignedIn, Msg: "the e-mail address or the password is wrong"}

// account is what is known of an address that somebody signs in with.
type account struct {
	emailDoc // zero: nobody has the address
	email    string
	hash     string // of the password; "": there is none, or he signs in without
	policies *policiesDoc
}

// account looks an address up. It reads the same for one that nobody has.
func (p *Portal) account(ctx context.Context, address string) (*account, error) {
	v, err := p.newest(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	a := &account{}
	taken := ""
	if a.email, err = email("email", address); err == nil {
		taken = a.email
	} else { // nobody has what is none, and it is treated like any other
		a.email = cutText(strings.TrimSpace(address), maxEmail)
	}
	attempts, _, err := v.attempts(a.email)
	if err != nil {
		return nil, err
	}
	if wait := attempts.locked(v.engine.Now); wait > 0 {
		return nil, lockedOut(wait)
	}
	if _, err = v.document(emailKey(taken), &a.emailDoc); err != nil {
		return nil, err
	}
	password, _, err := v.password(a.Company, a.User)
	if err != nil {
		return nil, err
	}
	a.hash = password.Hash
	stranger, err := p.strangerPolicies(ctx, a.email)
	if err != nil {
		return nil, err
	}
	if a.policies, _, err = v.policies(a.Company); a.User == "" {
		a.policies = stranger
	}
	return a, err
}

// SignIn begins a session with e-mail and password.
func (s *sessionService) SignIn(ctx context.Context, r *portalv1.SignInRequest) (*portalv1.SignInResponse, error) {
	who, err := s.account(ctx, r.Email)
	if err != nil {
		return nil, err
	}
	right, err := s.hasher.matches(ctx, r.Password, who.hash)
	if err != nil {
		return nil, err
	}
	if right {
		if right, err = s.byPassword(ctx, who.Company, who.User, who.email); err != nil {
			return nil, err
		}
	}
	if right {
		resp, err := s.enter(ctx, who, "password", "signed in with a password")
		if !errors.Is(err, errSignIn) {
			return resp, err
		}
	}
	if err := s.fail(ctx, who.email, who.policies); err != nil {
		return nil, err
	}
	s.noteSignIn(ctx, &who.emailDoc, "", "wanted to sign in with a password")
	return nil, errSignIn
}

// enter begins a session of somebody who proved who he is, if the engine says
// sign_in at that revision. Failed attempts are forgotten with it if it was a password,
// which opens nothing while the address is locked out. errSignIn says that he may not.
func (p *Portal) enter(ctx context.Context, who *account, by, sentence string) (*portalv1.SignInResponse, error) {
	ctx = p.actingAs(ctx, &who.emailDoc)
	session := p.newSession(ctx, who.Company, who.User, by, who.policies)
	written, err := p.act(ctx, func(v *view, a *action) error {
		a.name, a.on, a.permission, a.quiet = "session.begin", company(who.Company), "sign_in", true
		may, err := v.may(ctx, a.on, a.permission)
		if err != nil {
			return err
		}
		if !may {
			return errSignIn
		}
		if who.hash != "" { // only passwords are guessed: the lockout is of the built-in authenticator (rule 18)
			if err := v.forgive(a, who.email); err != nil {
				return err
			}
		}
		a.document(session.updates...)
		return v.makeRoom(ctx, a, who.Company, who.User)
	})
	if err != nil {
		return nil, err
	}
	p.noteSignIn(ctx, &who.emailDoc, resultAllowed, sentence)
	return &portalv1.SignInResponse{Token: session.token, ExpiresAt: timestamppb.New(session.expires), WrittenAt: written.WrittenAt}, nil
}

// forgive plans that failed attempts are forgotten, unless the address is locked
// out.
func (v *view) forgive(a *action, email string) error {
	attempts, version, err := v.attempts(email)
	if err != nil {
		return err
	}
	if wait := attempts.locked(v.engine.Now); wait > 0 {
		return lockedOut(wait)
	}
	if version != 0 {
		a.document(at(version, drop(attemptsKey(email))))
		return nil
	}
	a.relies(attemptsKey(email), 0)
	return nil
}

// actingAs is the context of a call whose caller has just proved who he is.
func (p *Portal) actingAs(ctx context.Context, who *emailDoc) context.Context {
	c := *CallerOf(ctx)
	c.User, c.Company, c.Session, c.Operator, c.Admin, c.RetryKey = who.User, who.Company, "", "", false, ""
	return WithCaller(ctx, &c)
}

// noteSignIn notes a sign-in for the audit log of the company: one that succeeded,
// or else one that was refused. Attempts for addresses that nobody has belong to no
// company. The address that was entered is not written anywhere: people enter
// passwords in the wrong field.
func (p *Portal) noteSignIn(ctx context.Context, who *emailDoc, result, sentence string) {
	v, err := p.newest(p.actingAs(ctx, who)) // for everybody: nobody waits longer than others
	if err != nil {
		p.log.Warn("an entry of the audit log is missing", "error", err)
		return
	}
	defer v.close()
	if who.User == "" {
		return
	}
	e := v.entry("session.begin", user(who.User).String(), v.person(who.User))
	e.Result, e.Sentence = resultAllowed, sentence
	if result != resultAllowed {
		e.Result, e.Reason = resultRefused, "the proof was wrong, or the user is not active"
		e.Actor, e.ActorName, e.ActorEmail = "", "", "" // nobody knows who it was
	}
	p.notes.add(who.Company, e)
}
