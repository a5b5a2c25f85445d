package portal

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// Kinds of one-time links.
const (
	linkActivation = "activation" // sets the first password
	linkReset      = "reset"
	linkSignIn     = "sign-in" // no secret: an outside authenticator signs the user in
)

const linkPrefix = DocumentPrefix + "link/"

// linkKey is where a link is found by its token, of which only the hash is kept.
func linkKey(hash string) string { return linkPrefix + hash }

// userLinkKey is where the link of a user is found: there is at most one.
func userLinkKey(company, id string) string { return companyPrefix(company) + "link/" + id }

// linkDoc is whose a link is.
type linkDoc struct {
	Company string `json:"company"`
	User    string `json:"user"`
}

// userLinkDoc is the link of a user.
type userLinkDoc struct {
	Hash    string    `json:"hash"`
	Kind    string    `json:"kind"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"`
}

// linkToken is how tokens of links begin.
const linkToken = "pemba_link_"

func newLinkToken() string { return linkToken + strings.ToLower(rand.Text()) }

// occasion is on what occasion a link is made.
type occasion uint8

const (
	invited   occasion = iota // somebody who may makes or invites the user
	reinvited                 // the call that made him is repeated: he gets a link if the first call came to no link
	forgot                    // somebody who is not signed in asks for it
)

// linkPause is how soon after a link another is sent to somebody who forgot his
// password.
const linkPause = 5 * time.Minute

// errLink is the answer to a link that is of no use, whatever the reason.
var errLink = &Refusal{Fault: NotFound, Msg: "this link was used, has expired or never existed: ask for a new one"}

// sendLink makes a one-time link by which a user of a company sets his password, in
// place of the one he had. It is sent to him by mail, and then the result is empty;
// without a mail server it is returned, and written to the log. It is called after
// the transaction that made the user. note is what whoever invites him says; it may
// be empty.
func (p *Portal) sendLink(ctx context.Context, company, userID, note string, on occasion) (link string, err error) {
	token := newLinkToken()
	var m *message
	ctx = WithCaller(ctx, &Caller{Company: company, RequestID: CallerOf(ctx).RequestID})
	_, err = p.act(ctx, func(v *view, a *action) error {
		a.name, a.system, a.quiet = "link.send", true, true
		var err error
		m, err = v.planLink(ctx, a, userID, token, on)
		a.unchanged = m == nil || m.kind == linkSignIn
		return err
	})
	if err != nil || m == nil {
		return "", err
	}
	m.note = note
	return p.handOver(m, company, userID, token), nil
}

// handOver sends a link, or returns it where there is no mail server.
func (p *Portal) handOver(m *message, company, userID, token string) string {
	link := p.publicURL() + "/console/invite/" + token
	if m.kind == linkSignIn {
		link = p.publicURL() + "/console/sign-in"
	}
	if p.post(m.with(link)) {
		return ""
	}
	if m.kind == linkSignIn {
		return link
	}
	p.log.Warn("a one-time link was made; no mail server is configured, so hand it over yourself", "kind", m.kind, "user", userID, "company", company, "link", link)
	return link
}

// planLink plans the link of a user. It returns nil when he is to get none.
func (v *view) planLink(ctx context.Context, a *action, userID, token string, on occasion) (*message, error) {
	of := v.caller.Company
	var u userDoc
	if version, err := v.document(userKey(of, userID), &u); err != nil || version == 0 {
		return nil, err
	}
	if active, err := v.active(userID); err != nil || !active {
		return nil, err
	}
	if ok, err := v.portal.byPassword(ctx, of, userID, u.Email); err != nil || !ok {
		if err != nil || on == forgot { // who asks for a new password has none
			return nil, err
		}
		return &message{user: userID, to: u.Email, name: u.name(), kind: linkSignIn}, nil
	}
	policies, _, err := v.policies(of)
	if err != nil {
		return nil, err
	}
	var old userLinkDoc
	version, err := v.document(userLinkKey(of, userID), &old)
	if err != nil {
		return nil, err
	}
	now := v.engine.Now
	_, had, err := v.password(of, userID)
	if err != nil {
		return nil, err
	}
	if on == forgot && now.Sub(old.Made) < linkPause || on == reinvited && (version != 0 || had != 0) {
		return nil, nil
	}
	d := userLinkDoc{Hash: hashSecret(token), Kind: linkActivation, Made: now, Expires: now.Add(policies.link())}
	if had != 0 {
		d.Kind = linkReset
	}
	if version != 0 {
		a.document(drop(linkKey(old.Hash)))
	}
	a.document(at(version, seal(userLinkKey(of, userID), d)), seal(linkKey(d.Hash), linkDoc{of, userID}))
	return &message{user: userID, to: u.Email, name: u.name(), kind: d.Kind, expires: d.Expires}, nil
}

// voidLink plans that the link of a user, if he has one, is good for nothing, and that
// none is made meanwhile.
func (v *view) voidLink(a *action, company, userID string) error {
	var old userLinkDoc
	version, err := v.document(userLinkKey(company, userID), &old)
	switch {
	case err != nil:
		return err
	case version == 0:
		a.relies(userLinkKey(company, userID), 0)
	default:
		a.document(at(version, drop(userLinkKey(company, userID))), drop(linkKey(old.Hash)))
	}
	return nil
}

// link is a one-time link that is still good.
type link struct {
	linkDoc
	userLinkDoc
	version store.Revision
	user    userDoc
}

// findLink returns what a token of a link opens, or errLink.
func (v *view) findLink(token string) (*link, error) {
	if !strings.HasPrefix(token, linkToken) {
		return nil, errLink
	}
	l := &link{}
	version, err := v.document(linkKey(hashSecret(token)), &l.linkDoc)
	if err == nil && version != 0 {
		l.version, err = v.document(userLinkKey(l.Company, l.User), &l.userLinkDoc)
	}
	if err == nil && l.version != 0 {
		_, err = v.document(userKey(l.Company, l.User), &l.user)
	}
	if err != nil {
		return nil, err
	}
	if l.version == 0 || l.Hash != hashSecret(token) || !v.engine.Now.Before(l.Expires) {
		return nil, errLink
	}
	return l, nil
}

// RequestLink sends a link to whoever has an address. It is answered before it is
// known whether somebody has it.
func (s *sessionService) RequestLink(_ context.Context, r *portalv1.RequestLinkRequest) (*portalv1.RequestLinkResponse, error) {
	address, err := email("email", r.Email)
	if err != nil { // what was entered is not repeated: people enter passwords in the wrong field
		return nil, invalid("email", "it is no e-mail address; it looks like name@example.com")
	}
	s.mailer.ask(address)
	return &portalv1.RequestLinkResponse{}, nil
}

// InspectLink says whose a link is.
func (s *sessionService) InspectLink(ctx context.Context, r *portalv1.InspectLinkRequest) (*portalv1.InspectLinkResponse, error) {
	v, err := s.newest(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	l, err := v.findLink(r.Token)
	if err != nil {
		return nil, err
	}
	var c companyDoc
	if _, err := v.document(companyKey(l.Company), &c); err != nil {
		return nil, err
	}
	return &portalv1.InspectLinkResponse{
		Kind: l.Kind, Email: l.user.Email, GivenName: l.user.GivenName, Surname: l.user.Surname,
		CompanyName: c.Name, ExpiresAt: timestamppb.New(l.Expires),
	}, nil
}

// RedeemLink sets the password by a link, ends all sessions that the user had, and his
// tokens of machines if that is asked for, and signs him in. The link is used up with it.
func (s *sessionService) RedeemLink(ctx context.Context, r *portalv1.RedeemLinkRequest) (*portalv1.SignInResponse, error) {
	l, policies, err := s.openLink(ctx, r.Token)
	if err != nil {
		return nil, err
	}
	password, err := s.newPassword(ctx, r.Password, l.user.Email, policies)
	if err != nil {
		return nil, err
	}
	if ok, err := s.byPassword(ctx, l.Company, l.User, l.user.Email); err != nil || !ok {
		if err == nil {
			err = broken("17", "your company signs you in by its own authenticator: enter your e-mail address where one signs in")
		}
		return nil, err
	}
	names := l.user
	if l.Kind == linkActivation {
		if err := names.rename(r.GivenName, r.Surname); err != nil {
			return nil, err
		}
	}
	who := emailDoc(l.linkDoc)
	ctx = s.actingAs(ctx, &who)
	session := s.newSession(ctx, l.Company, l.User, "link", policies)
	written, err := s.act(ctx, func(v *view, a *action) error {
		a.name, a.on, a.permission, a.target = "password.set", company(l.Company), "sign_in", user(l.User)
		a.sentence = fmt.Sprintf("set a password by the %s link and signed in", l.Kind)
		return v.planRedeem(ctx, a, r, names, password, session)
	})
	if err != nil {
		return nil, err
	}
	return &portalv1.SignInResponse{Token: session.token, ExpiresAt: timestamppb.New(session.expires), WrittenAt: written.WrittenAt}, nil
}

// openLink returns a link and the policies of its company.
func (p *Portal) openLink(ctx context.Context, token string) (*link, *policiesDoc, error) {
	v, err := p.newest(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer v.close()
	l, err := v.findLink(token)
	if err != nil {
		return nil, nil, err
	}
	policies, _, err := v.policies(l.Company)
	return l, policies, err
}

func (v *view) planRedeem(ctx context.Context, a *action, r *portalv1.RedeemLinkRequest, names userDoc, password *passwordDoc, session *begun) error {
	l, err := v.findLink(r.Token)
	if err != nil {
		return err
	}
	if may, err := v.may(ctx, a.on, a.permission); err != nil || !may {
		if err == nil {
			err = errLink // of somebody who was deactivated meanwhile
		}
		return err
	}
	var u userDoc
	version, err := v.document(userKey(l.Company, l.User), &u)
	if err != nil {
		return err
	}
	if u.GivenName != names.GivenName || u.Surname != names.Surname {
		u.GivenName, u.Surname = names.GivenName, names.Surname
		a.document(at(version, put(userKey(l.Company, l.User), u)))
	}
	e, err := v.endSessions(ctx, a, l.Company, l.User, "", r.RevokeTokens)
	if err != nil {
		return err
	}
	if e != (ended{}) {
		a.sentence += "; " + e.String()
	}
	a.document(at(l.version, drop(userLinkKey(l.Company, l.User))), drop(linkKey(l.Hash)), drop(attemptsKey(u.Email)))
	a.document(seal(passwordKey(l.Company, l.User), password))
	a.document(session.updates...)
	return nil
}

// rename gives a person the names of a request; empty ones stay.
func (u *userDoc) rename(given, surname string) error {
	if given != "" {
		name, err := line("given_name", given, 1, 100)
		if err != nil {
			return err
		}
		u.GivenName = name
	}
	if surname != "" {
		name, err := line("surname", surname, 0, 100)
		if err != nil {
			return err
		}
		u.Surname = name
	}
	return nil
}
