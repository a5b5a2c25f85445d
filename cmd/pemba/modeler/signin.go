package modeler

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	sessionCookie = "modeler-session"
	signInTime    = 10 * time.Minute
	sessionTime   = 12 * time.Hour
	maxPending    = 10_000
	providerTime  = 10 * time.Second // for one answer of the identity provider
)

// signIns is who is signed in, and who is on the way. All of it is in memory: a
// restart signs everybody out.
type signIns struct {
	config Config
	client *http.Client // to the identity provider
	fail   func(w http.ResponseWriter, code int, note string)

	asking   sync.Mutex     // held while the provider is asked about itself
	provider *oidc.Provider // nil: it was not asked yet

	mu       sync.Mutex
	pending  map[string]pending
	sessions map[string]*session
}

// pending is a sign-in that the identity provider has not answered yet.
type pending struct {
	verifier, nonce, returnTo string
	begun                     time.Time
}

// session is somebody who is signed in.
type session struct {
	user, name string
	begun      time.Time
	idToken    string
	tokens     oauth2.TokenSource // his access token, refreshed when it is over
}

func newSignIns(c Config, fail func(w http.ResponseWriter, code int, note string)) *signIns {
	return &signIns{
		config: c, client: &http.Client{Timeout: providerTime}, fail: fail,
		pending: map[string]pending{}, sessions: map[string]*session{},
	}
}

// outlast is a context for what the provider is asked: its client has the bound.
func (s *signIns) outlast(ctx context.Context) context.Context {
	return oidc.ClientContext(context.WithoutCancel(ctx), s.client)
}

// relyingParty asks the identity provider about itself, once.
func (s *signIns) relyingParty(ctx context.Context) (*oauth2.Config, *oidc.Provider, error) {
	s.asking.Lock()
	defer s.asking.Unlock()
	if s.provider == nil {
		p, err := oidc.NewProvider(s.outlast(ctx), s.config.Issuer)
		if err != nil {
			return nil, nil, err
		}
		s.provider = p
	}
	return &oauth2.Config{
		ClientID: s.config.ClientID, ClientSecret: s.config.ClientSecret, RedirectURL: s.config.URL + "/callback",
		Endpoint: s.provider.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess},
	}, s.provider, nil
}

// find returns the session of a request, nil for none.
func (s *signIns) find(r *http.Request) *session {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.sessions[c.Value]
	if found != nil && time.Since(found.begun) > sessionTime {
		delete(s.sessions, c.Value)
		return nil
	}
	return found
}

// begin sends a browser to the identity provider.
func (s *signIns) begin(w http.ResponseWriter, r *http.Request) {
	party, _, err := s.relyingParty(r.Context())
	if err != nil {
		s.fail(w, http.StatusServiceUnavailable, "The identity provider cannot be reached at the moment. Try again.")
		return
	}
	state, p := rand.Text(), pending{oauth2.GenerateVerifier(), rand.Text(), r.URL.RequestURI(), time.Now()}
	if r.Method != http.MethodGet {
		p.returnTo = "/"
	}
	s.mu.Lock()
	for id, old := range s.pending {
		if time.Since(old.begun) > signInTime || len(s.pending) >= maxPending {
			delete(s.pending, id)
		}
	}
	s.pending[state] = p
	s.mu.Unlock()
	http.SetCookie(w, s.cookie("modeler-state", state, signInTime))
	http.Redirect(w, r, party.AuthCodeURL(state, oauth2.S256ChallengeOption(p.verifier), oidc.Nonce(p.nonce)), http.StatusFound)
}

func (s *signIns) cookie(name, value string, lasts time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(lasts.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(s.config.URL, "https://"),
	}
}

var errState = errors.New("this sign-in was begun too long ago, or in another browser")

// callback takes the answer of the identity provider.
func (s *signIns) callback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p, err := s.take(r, q.Get("state"))
	if err == nil && q.Get("error") != "" {
		err = errors.New(cmp.Or(q.Get("error_description"), q.Get("error")))
	}
	var made *session
	if err == nil {
		made, err = s.exchange(r.Context(), q.Get("code"), p)
	}
	if err != nil {
		s.fail(w, http.StatusForbidden, "You are not signed in: "+err.Error()+".")
		return
	}
	id := rand.Text() + rand.Text()
	s.mu.Lock()
	for id, old := range s.sessions {
		if time.Since(old.begun) > sessionTime {
			delete(s.sessions, id)
		}
	}
	s.sessions[id] = made
	s.mu.Unlock()
	http.SetCookie(w, s.cookie(sessionCookie, id, sessionTime))
	http.Redirect(w, r, p.returnTo, http.StatusFound)
}

// take returns the sign-in of a state, once, to the browser that began it.
func (s *signIns) take(r *http.Request, state string) (pending, error) {
	c, err := r.Cookie("modeler-state")
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.pending[state]
	if err != nil || c.Value != state || !ok || time.Since(p.begun) > signInTime {
		return pending{}, errState
	}
	delete(s.pending, state)
	return p, nil
}

// exchange turns a code into tokens and reads who it is.
func (s *signIns) exchange(ctx context.Context, code string, p pending) (*session, error) {
	party, provider, err := s.relyingParty(ctx)
	if err != nil {
		return nil, err
	}
	ctx = s.outlast(ctx)
	tokens, err := party.Exchange(ctx, code, oauth2.VerifierOption(p.verifier))
	if err != nil {
		return nil, err
	}
	raw, _ := tokens.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: s.config.ClientID, SupportedSigningAlgs: []string{oidc.ES256}}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if id.Nonce != p.nonce {
		return nil, errState
	}
	var claims struct{ Name, Email string }
	if err := id.Claims(&claims); err != nil {
		return nil, err
	}
	if claims.Name == "" {
		claims.Name = claims.Email
	}
	return &session{
		user: id.Subject, name: claims.Name, begun: time.Now(), idToken: raw,
		tokens: party.TokenSource(ctx, tokens),
	}, nil
}

// signOut ends the session here, and at the identity provider.
func (s *signIns) signOut(w http.ResponseWriter, r *http.Request) {
	found := s.find(r)
	if c, err := r.Cookie(sessionCookie); err == nil {
		s.mu.Lock()
		delete(s.sessions, c.Value)
		s.mu.Unlock()
	}
	http.SetCookie(w, s.cookie(sessionCookie, "", -time.Second))
	_, provider, err := s.relyingParty(r.Context())
	if found == nil || err != nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	var at struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&at); err != nil || at.EndSession == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	q := url.Values{"id_token_hint": {found.idToken}, "post_logout_redirect_uri": {s.config.URL + "/"}, "client_id": {s.config.ClientID}}
	http.Redirect(w, r, at.EndSession+"?"+q.Encode(), http.StatusSeeOther)
}
