package portal

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/portal/outside"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

const (
	attemptPrefix = DocumentPrefix + "outside/" // sign-ins that are under way, by the hash of their state
	attemptTime   = 10 * time.Minute            // from the redirect to an authenticator until its answer
	maxReturnTo   = 1_000
)

// attemptDoc is a sign-in by an outside authenticator that is under way.
type attemptDoc struct {
	Company       string    `json:"company"`
	Authenticator string    `json:"authenticator"`
	Issuer        string    `json:"issuer"` // that was asked
	Nonce         string    `json:"nonce"`
	Verifier      string    `json:"verifier"`
	ReturnTo      string    `json:"return_to"`
	Begun         time.Time `json:"begun"`

	Founding *outsideFounding `json:"founding,omitempty"` // the first run that it is part of
}

// home is where people land who wanted to go nowhere in particular.
const home = "/console/"

// returnPath reads where to go after a sign-in: a page of the console, or the
// identity provider that asked for it. Nothing else, so that no link to here leads
// elsewhere.
func returnPath(text string) (string, error) {
	if text == "" {
		return home, nil
	}
	u, err := url.Parse(text)
	bad := err != nil || len(text) > maxReturnTo || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		strings.ContainsAny(text, "\\\r\n\t") || strings.Contains(u.Path, "..") ||
		!strings.HasPrefix(u.Path, home) && u.Path != "/console" && u.Path != "/oidc/continue"
	if bad {
		return "", invalid("return_to", "it is no page of the console; leave it out to go to the first one")
	}
	return text, nil
}

// BeginSignIn says how an address signs in: with a password, or by an authenticator,
// to which the browser is sent. That depends on the domain alone, not on whether
// somebody has the address.
func (s *sessionService) BeginSignIn(ctx context.Context, r *portalv1.BeginSignInRequest) (*portalv1.BeginSignInResponse, error) {
	address, err := email("email", r.Email)
	if err != nil { // what was entered is not repeated: people enter passwords in the wrong field
		return nil, invalid("email", "it is no e-mail address; it looks like name@example.com")
	}
	to, err := returnPath(r.ReturnTo)
	if err != nil {
		return nil, err
	}
	by, err := s.authenticatorOf(ctx, domainOf(address))
	if err != nil || by == nil {
		return &portalv1.BeginSignInResponse{}, err
	}
	redirect, err := s.beginOutside(ctx, by, address, to)
	if err != nil {
		return nil, err
	}
	return &portalv1.BeginSignInResponse{Redirect: redirect, Authenticator: by.Name}, nil
}

// beginOutside keeps a sign-in that is under way, and returns where the browser goes.
func (p *Portal) beginOutside(ctx context.Context, by *authenticator, address, to string) (string, error) {
	v, err := p.newest(ctx)
	if err != nil {
		return "", err
	}
	provider, err := v.provider(by)
	v.close()
	if err != nil {
		return "", err
	}
	redirect, err := p.sendOutside(ctx, provider, address, attemptDoc{Company: by.company, Authenticator: by.id, ReturnTo: to})
	if _, ok := errors.AsType[*outside.UnreachableError](err); ok {
		p.log.Warn("an outside authenticator does not answer", "company", by.company, "authenticator", by.id, "error", err)
		return "", &replica.UnavailableError{Msg: "“" + by.Name + "” does not answer at the moment: try again", RetryAfter: 5 * time.Second}
	}
	return redirect, err
}

// sendOutside asks where a provider wants the browser, and keeps the attempt until it
// comes back. It returns an *outside.UnreachableError.
func (p *Portal) sendOutside(ctx context.Context, provider outside.Provider, address string, d attemptDoc) (string, error) {
	attempt := outside.NewAttempt()
	redirect, err := p.outside.Begin(ctx, provider, attempt, address)
	if err != nil {
		return "", err
	}
	d.Issuer, d.Nonce, d.Verifier, d.Begun = provider.Issuer, attempt.Nonce, attempt.Verifier, p.now()
	tx := store.Transaction{Actor: "portal", Documents: []store.DocumentUpdate{at(0, seal(attemptPrefix+hashSecret(attempt.State), d))}}
	_, err = p.replica.Propose(ctx, replica.Proposal{Tx: tx, RequestID: CallerOf(ctx).RequestID})
	return redirect, err
}

// errOutside is the one answer to a sign-in by an authenticator that fails, whatever
// the reason. The audit log of the company has it.
var errOutside = &Refusal{Fault: NotSignedIn, Msg: "the sign-in did not succeed: begin again, or ask an administrator of your company"}

// Answer is with what a browser comes back from an outside authenticator.
type Answer struct {
	State, Cookie string // the same, if the browser is the one that was sent there
	Code, Issuer  string // Issuer may be empty
	Error         string // instead of the code
}

// FinishSignIn begins a session for whoever an authenticator says that it is: an
// active user of its company whose address it may speak for, or the first person of an
// installation. It returns where the browser goes, to a page that says so if it failed.
// A state is used up, whatever follows.
func (p *Portal) FinishSignIn(ctx context.Context, answer Answer) (session *portalv1.SignInResponse, goTo string, err error) {
	if answer.State == "" || subtle.ConstantTimeCompare([]byte(answer.State), []byte(answer.Cookie)) != 1 {
		return nil, failedSignIn(home), errOutside
	}
	d, err := p.takeAttempt(ctx, answer.State)
	if err != nil {
		return nil, failedSignIn(home), err
	}
	if d.Founding != nil {
		return p.finishFirstRun(ctx, d, answer)
	}
	by, who, why, err := p.identify(ctx, d, answer)
	if err == nil && why == "" {
		session, err = p.enterOutside(ctx, by, who)
		if errors.Is(err, errSignIn) {
			err, why = nil, "the user is not active"
		}
	}
	if err != nil {
		return nil, failedSignIn(d.ReturnTo), err
	}
	if why != "" {
		p.noteOutside(ctx, d, who, why)
		return nil, failedSignIn(d.ReturnTo), errOutside
	}
	return session, d.ReturnTo, nil
}

// failedSignIn is the page that says that a sign-in by an authenticator failed.
func failedSignIn(to string) string {
	return "/console/sign-in?failed=outside&to=" + url.QueryEscape(to)
}

// takeAttempt uses up a sign-in that is under way: of two who come with its state one
// gets it.
func (p *Portal) takeAttempt(ctx context.Context, state string) (*attemptDoc, error) {
	v, err := p.newest(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	var d attemptDoc
	key := attemptPrefix + hashSecret(state)
	version, err := v.document(key, &d)
	if err != nil {
		return nil, err
	}
	if version == 0 {
		return nil, errOutside
	}
	tx := store.Transaction{Actor: "portal", Documents: []store.DocumentUpdate{at(version, drop(key))}}
	if _, err = p.replica.Propose(ctx, replica.Proposal{Tx: tx}); overtaken(err) {
		return nil, errOutside
	}
	if err == nil && v.engine.Now.Sub(d.Begun) > attemptTime {
		err = errOutside
	}
	return &d, err
}

// identified is who an authenticator says that somebody is, and which user that is.
type identified struct {
	account
	subject string // hash of issuer and subject
}

// identify asks the authenticator who it is. why says, for the audit log, why nobody
// may sign in.
func (p *Portal) identify(ctx context.Context, d *attemptDoc, answer Answer) (by *authenticator, who *identified, why string, err error) {
	v, err := p.newest(ctx)
	if err != nil {
		return nil, nil, "", err
	}
	defer v.close()
	by, err = v.authenticator(claimDoc{d.Company, d.Authenticator})
	if err != nil {
		return nil, nil, "", err
	}
	if by == nil || by.Issuer != d.Issuer {
		return by, nil, "the authenticator was changed meanwhile", nil
	}
	provider, err := v.provider(by)
	if err != nil {
		return nil, nil, "", err
	}
	person, why, err := p.ask(ctx, provider, d, answer)
	if err == nil && why == "" {
		who, why, err = p.recognise(ctx, by, person)
	}
	return by, who, why, err
}

// Why a provider does not say who somebody is.
const (
	whyOtherProvider = "the answer came from another provider"
	whyRefused       = "the authenticator refused the sign-in"
	whySilent        = "the authenticator does not answer"
	whyNoAddress     = "the authenticator gave no e-mail address"
	whyUnverified    = "the authenticator has not verified the e-mail address"
)

// ask returns who a provider says that somebody is. why says why it does not.
func (p *Portal) ask(ctx context.Context, provider outside.Provider, d *attemptDoc, answer Answer) (person *outside.Person, why string, err error) {
	switch {
	case answer.Issuer != "" && answer.Issuer != provider.Issuer: // RFC 9207
		return nil, whyOtherProvider, nil
	case answer.Error != "" || answer.Code == "":
		return nil, whyRefused, nil
	}
	person, err = p.outside.Finish(ctx, provider, outside.Attempt{Nonce: d.Nonce, Verifier: d.Verifier}, answer.Code)
	_, unreachable := errors.AsType[*outside.UnreachableError](err)
	switch {
	case errors.Is(err, outside.ErrRefused):
		return nil, err.Error(), nil
	case unreachable:
		p.log.Warn("an outside authenticator does not answer", "company", d.Company, "authenticator", d.Authenticator, "error", err)
		return nil, whySilent, nil
	}
	return person, "", err
}

// identityKey is where the user is found whom an authenticator knows by a name that
// stays, once he has signed in by it; userIdentityKey is the way back.
func identityKey(by *authenticator, subject string) string {
	return identityPrefix + by.company + "/" + by.id + "/subject/" + subject
}
func userIdentityKey(by *authenticator, userID string) string {
	return identityPrefix + by.company + "/" + by.id + "/user/" + userID
}

const identityPrefix = DocumentPrefix + "identity/"

type identityDoc struct {
	User    string `json:"user,omitempty"`
	Subject string `json:"subject,omitempty"` // hash
}

// subjectHash names a person of a provider in keys.
func subjectHash(issuer, subject string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + subject))
	return hex.EncodeToString(sum[:])
}

// recognise returns which user somebody is whom an authenticator has identified: the
// one it was linked to at the first sign-in, or else the one who has the address, if
// the authenticator has verified it. why says why it is nobody.
func (p *Portal) recognise(ctx context.Context, by *authenticator, person *outside.Person) (*identified, string, error) {
	v, err := p.newest(ctx)
	if err != nil {
		return nil, "", err
	}
	defer v.close()
	who := &identified{subject: subjectHash(by.Issuer, person.Subject)}
	var known identityDoc
	version, err := v.document(identityKey(by, who.subject), &known)
	if err != nil {
		return nil, "", err
	}
	if version != 0 {
		who.emailDoc = emailDoc{Company: by.company, User: known.User}
	} else if why, err := v.byAddress(by, person, who); err != nil || why != "" {
		return nil, why, err
	}
	var u userDoc
	if version, err = v.document(userKey(who.Company, who.User), &u); err != nil {
		return nil, "", err
	}
	if version == 0 {
		return nil, "the linked user is gone", nil
	}
	who.email = u.Email
	speaks, err := p.authenticatorOf(ctx, domainOf(u.Email))
	if err != nil {
		return nil, "", err
	}
	if speaks == nil || speaks.company != by.company || speaks.id != by.id {
		return who, "the authenticator does not have the domain of the user's address", nil
	}
	who.policies, _, err = v.policies(by.company)
	return who, "", err
}

// verified returns the address that an authenticator has verified; why says why there is
// none.
func verified(person *outside.Person) (address, why string) {
	address, err := email("email", person.Email)
	switch {
	case err != nil:
		return "", whyNoAddress
	case !person.Verified:
		return "", whyUnverified
	}
	return address, ""
}

// byAddress finds the user of the address that an authenticator has verified.
func (v *view) byAddress(by *authenticator, person *outside.Person, who *identified) (why string, err error) {
	address, why := verified(person)
	if why != "" {
		return why, nil
	}
	if _, err := v.document(emailKey(address), &who.emailDoc); err != nil {
		return "", err
	}
	if who.Company != by.company {
		who.emailDoc = emailDoc{}
		return "nobody in the company has the e-mail address", nil
	}
	var linked identityDoc
	version, err := v.document(userIdentityKey(by, who.User), &linked)
	if err == nil && version != 0 && linked.Subject != who.subject {
		why = "the user is linked to another person of the authenticator; delete the authenticator and add it again to link everybody anew"
	}
	return why, err
}

// enterOutside begins the session, and links the user at his first sign-in.
func (p *Portal) enterOutside(ctx context.Context, by *authenticator, who *identified) (*portalv1.SignInResponse, error) {
	if err := p.link(ctx, by, who); err != nil {
		return nil, err
	}
	return p.enter(ctx, &who.account, by.Name, fmt.Sprintf("signed in by “%s”", by.Name))
}

// link keeps which person of an authenticator a user is, unless it is known.
func (p *Portal) link(ctx context.Context, by *authenticator, who *identified) error {
	_, err := p.act(p.actingAs(ctx, &who.emailDoc), func(v *view, a *action) error {
		a.name, a.on, a.permission, a.target = "identity.link", company(by.company), "sign_in", user(who.User)
		a.sentence = fmt.Sprintf("was linked to the person of “%s” who signed in", by.Name)
		if may, err := v.may(ctx, a.on, a.permission); err != nil || !may {
			if err == nil {
				err = errSignIn
			}
			return err
		}
		var there, back identityDoc
		version, err := v.document(identityKey(by, who.subject), &there)
		if err != nil {
			return err
		}
		if _, err = v.document(userIdentityKey(by, who.User), &back); err != nil {
			return err
		}
		switch {
		case there.User == who.User && back.Subject == who.subject:
			a.unchanged = true
			return nil
		case version != 0 || back.Subject != "": // linked otherwise meanwhile
			return errSignIn
		}
		a.document(linked(by, who.User, who.subject)...)
		return nil
	})
	return err
}

// linked keeps that a user is a person of an authenticator: both are of nobody yet.
func linked(by *authenticator, userID, subject string) []store.DocumentUpdate {
	return []store.DocumentUpdate{
		at(0, seal(identityKey(by, subject), identityDoc{User: userID})),
		at(0, seal(userIdentityKey(by, userID), identityDoc{Subject: subject})),
	}
}

// noteOutside notes a sign-in that failed in the audit log of the company.
func (p *Portal) noteOutside(ctx context.Context, d *attemptDoc, who *identified, why string) {
	c := *CallerOf(ctx)
	c.Company = d.Company
	v, err := p.newest(WithCaller(ctx, &c))
	if err != nil {
		p.log.Warn("an entry of the audit log is missing", "error", err)
		return
	}
	defer v.close()
	target, called := company(d.Company), ""
	if who != nil && who.User != "" {
		target, called = user(who.User), v.person(who.User)
	}
	e := v.entry("session.begin", target.String(), called)
	e.Result, e.Sentence, e.Reason = resultRefused, "wanted to sign in by an outside authenticator", why
	p.notes.add(d.Company, e)
}
