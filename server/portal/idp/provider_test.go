package idp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/portal"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// house is a provider that serves, over a portal in memory, and a service's portal
// that signs its users in by a real relying party library.
type house struct {
	t        *testing.T
	replica  *replica.Replica
	provider *Provider
	url      string
	admin    string // id of the administrator of acme, who owns its modeler
	client   string
	secret   string
	callback string

	mu      sync.Mutex
	now     time.Time
	user    string // who is signed in to the Customer Portal
	company string
	since   time.Time
	ended   bool
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) signIn(user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.user, h.company, h.since = user, "acme", h.now
}

func (h *house) session(*http.Request) (*portal.Caller, time.Time, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.user == "" {
		return nil, time.Time{}, &portal.Refusal{Fault: portal.NotSignedIn, Msg: "nobody is signed in"}
	}
	return &portal.Caller{User: h.user, Company: h.company, Session: "s1"}, h.since, nil
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, now: time.Now()}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	r, err := replica.Open(t.Context(), replica.Config{InMemory: true, Logger: log, Store: store.Config{CacheBytes: 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	h.replica = r
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.url = "http://" + listener.Addr().String()
	p, err := portal.Open(portal.Config{Replica: r, Logger: log, Now: h.clock, PublicURL: h.url})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.provider, err = New(Config{
		Portal: p, Session: h.session, Logger: log, Now: h.clock,
		SignIn: func(returnTo string) string { return "/sign-in?return_to=" + url.QueryEscape(returnTo) },
		Ended: func(context.Context, *portal.Caller) error {
			if h.ended {
				return errors.New("the session ended")
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: h.provider, ReadHeaderTimeout: time.Second}}
	server.Start()
	t.Cleanup(func() {
		server.Close()
		p.Close()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	h.callback = "http://127.0.0.1:1/callback"
	h.fill(p)
	return h
}

// fill makes a company with a subscription and a client.
func (h *house) fill(p *portal.Portal) {
	operators, settings := p.Services()
	ctx := portal.WithCaller(h.t.Context(), &portal.Caller{Operator: "ops", Admin: true})
	made, err := operators.CreateCompany(ctx, &portalv1.CreateCompanyRequest{
		Id: "acme", Name: "Acme", AdministratorEmail: "ada@acme.example", AdministratorGivenName: "Ada", AdministratorSurname: "Min",
	})
	if err == nil {
		h.admin = made.AdministratorId
		_, err = operators.CreateSubscription(ctx, &portalv1.CreateSubscriptionRequest{
			CompanyId: "acme", Service: portalv1.Service_SERVICE_MODELER, Licences: 5, OwnerEmail: "ada@acme.example",
		})
	}
	if err != nil {
		h.t.Fatal(err)
	}
	ctx = portal.WithCaller(h.t.Context(), &portal.Caller{Company: "acme", User: h.admin})
	client, err := settings.SaveClient(ctx, &portalv1.SaveClientRequest{
		Service: portalv1.Service_SERVICE_MODELER, Name: "Modeler Services", RedirectUrls: []string{h.callback}, LogoutUrls: []string{"http://127.0.0.1:1/"},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.client, h.secret = client.Client.Id, client.Secret
}

// browser follows redirects of the provider and stops where it is sent elsewhere.
func (h *house) browser(start string) *url.URL {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if "http://"+r.URL.Host != h.url || !strings.HasPrefix(r.URL.Path, Path) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp, err := c.Get(start)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	to, err := resp.Location()
	if err != nil {
		body, _ := io.ReadAll(resp.Body)
		h.t.Fatalf("%s is answered with %d and no redirect: %s", start, resp.StatusCode, body)
	}
	return to
}

// party is the relying party.
type party struct {
	*oauth2.Config
	verifier *oidc.IDTokenVerifier
	provider *oidc.Provider
}

func (h *house) party() *party {
	h.t.Helper()
	provider, err := oidc.NewProvider(h.t.Context(), h.url+Path)
	if err != nil {
		h.t.Fatal(err)
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // trying both ways would use a code twice
	return &party{
		&oauth2.Config{ClientID: h.client, ClientSecret: h.secret, RedirectURL: h.callback, Endpoint: endpoint, Scopes: []string{"openid", "profile", "email", "offline_access"}},
		provider.Verifier(&oidc.Config{ClientID: h.client, Now: h.clock, SupportedSigningAlgs: []string{"ES256"}}),
		provider,
	}
}

// code brings a browser through a sign-in and returns the code.
func (h *house) code(p *party, verifier string) string {
	h.t.Helper()
	to := h.browser(p.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce-1")))
	if !strings.HasPrefix(to.String(), h.callback) || to.Query().Get("state") != "state-1" || to.Query().Get("code") == "" {
		h.t.Fatalf("the browser was sent to %s", to)
	}
	return to.Query().Get("code")
}

// change writes relationships past the portal's API.
func (h *house) change(op store.Op, text string) {
	h.t.Helper()
	r, err := engine.ParseRelationship(text)
	if err == nil {
		_, err = h.replica.Propose(h.t.Context(), replica.Proposal{Tx: store.Transaction{Updates: []store.Update{{Op: op, Relationship: r}}}})
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestSignIn(t *testing.T) {
	h := newHouse(t)
	p := h.party()
	verifier := oauth2.GenerateVerifier()

	to := h.browser(p.AuthCodeURL("state-1", oauth2.S256ChallengeOption(verifier)))
	if to.Path != "/sign-in" || !strings.HasPrefix(to.Query().Get("return_to"), Path+"/continue?request=") {
		t.Fatalf("nobody is signed in, and the browser was sent to %s", to)
	}
	h.signIn(h.admin)
	if back := h.browser(h.url + to.Query().Get("return_to")); !strings.HasPrefix(back.String(), h.callback) {
		t.Fatalf("after the sign-in the browser was sent to %s", back)
	}

	tokens, err := p.Exchange(t.Context(), h.code(p, verifier), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	id, err := p.verifier.Verify(t.Context(), tokens.Extra("id_token").(string))
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Email, Name, Company, Subscription string
	}
	if err := id.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if id.Subject != h.admin || id.Nonce != "nonce-1" || claims.Email != "ada@acme.example" || claims.Name != "Ada Min" || claims.Company != "acme" || claims.Subscription != "acme-modeler" {
		t.Errorf("the id token says %+v, nonce %q of %s", claims, id.Nonce, id.Subject)
	}
	info, err := p.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(tokens))
	if err != nil {
		t.Fatal(err)
	}
	if info.Email != "ada@acme.example" || info.Subject != h.admin {
		t.Errorf("userinfo says %+v", info)
	}
}

// refused makes sure that the token endpoint says an error of the protocol.
func refused(t *testing.T, err error, code string) {
	t.Helper()
	retrieve, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || retrieve.ErrorCode != code {
		t.Errorf("the answer is %v, not %s", err, code)
	}
}

func TestCodes(t *testing.T) {
	for name, c := range map[string]struct {
		change func(h *house, p *party)
		spoil  func(code, verifier *string)
		want   string
	}{
		"wrong verifier": {spoil: func(_, v *string) { *v = oauth2.GenerateVerifier() }, want: "invalid_grant"},
		"forged code":    {spoil: func(c, _ *string) { *c = "x" + *c }, want: "invalid_grant"},
		"wrong secret":   {change: func(_ *house, p *party) { p.ClientSecret = "wrong" }, want: "invalid_client"},
		"other redirect": {change: func(_ *house, p *party) { p.RedirectURL = "http://127.0.0.1:1/other" }, want: "invalid_grant"},
		"too late":       {change: func(h *house, _ *party) { h.pass(2 * codeTime) }, want: "invalid_grant"},
		"deactivated meanwhile": {change: func(h *house, _ *party) {
			h.change(store.Create, "company:acme#deactivated@user:"+h.admin)
		}, want: "access_denied"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			p := h.party()
			h.signIn(h.admin)
			verifier := oauth2.GenerateVerifier()
			code := h.code(p, verifier)
			if c.change != nil {
				c.change(h, p)
			}
			if c.spoil != nil {
				c.spoil(&code, &verifier)
			}
			_, err := p.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
			refused(t, err, c.want)
		})
	}
}

// TestReplay comes with one code several times at once: one gets tokens.
func TestReplay(t *testing.T) {
	h := newHouse(t)
	p := h.party()
	h.signIn(h.admin)
	verifier := oauth2.GenerateVerifier()
	code := h.code(p, verifier)
	errs := make(chan error)
	const callers = 4
	for range callers {
		go func() {
			_, err := p.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
			errs <- err
		}()
	}
	good := 0
	for range callers {
		if err := <-errs; err == nil {
			good++
		}
	}
	if good != 1 {
		t.Errorf("%d callers got tokens for one code", good)
	}
}

func TestNotAllowed(t *testing.T) {
	h := newHouse(t)
	p := h.party()
	h.change(store.Create, "company:acme#pool_user@user:poor")
	h.signIn("poor") // he has no document: a user of nowhere
	to := h.browser(p.AuthCodeURL("state-1", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	if to.Query().Get("error") != "access_denied" || to.Query().Get("state") != "state-1" {
		t.Errorf("the browser was sent to %s", to)
	}
	for name, start := range map[string]string{
		"without PKCE": p.AuthCodeURL("state-1"),
		"plain PKCE":   p.AuthCodeURL("state-1", oauth2.SetAuthURLParam("code_challenge", strings.Repeat("x", 43)), oauth2.SetAuthURLParam("code_challenge_method", "plain")),
		"other answer": p.AuthCodeURL("state-1", oauth2.SetAuthURLParam("response_type", "id_token"), oauth2.S256ChallengeOption(oauth2.GenerateVerifier())),
	} {
		to := h.browser(start)
		text := to.RawQuery + to.Fragment
		if !strings.Contains(text, "error=") || strings.Contains(text, "code=") {
			t.Errorf("%s: the browser was sent to %s", name, to)
		}
	}
	silent := h.browserAs("", p.AuthCodeURL("state-1", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()), oauth2.SetAuthURLParam("prompt", "none")))
	if silent.Query().Get("error") != "login_required" {
		t.Errorf("prompt=none without a session: the browser was sent to %s", silent)
	}
}

func (h *house) browserAs(user, start string) *url.URL {
	h.signIn(user)
	return h.browser(start)
}

// TestUnknownRedirect makes sure that nobody is sent to an address that the client
// did not name.
func TestUnknownRedirect(t *testing.T) {
	h := newHouse(t)
	p := h.party()
	h.signIn(h.admin)
	for _, to := range []string{"https://evil.example/", h.callback + "/../x", h.callback + "?a=b", "javascript:alert(1)"} {
		p.RedirectURL = to
		resp, err := http.Get(p.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close() != nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("redirect to %s: %d", to, resp.StatusCode)
		}
	}
}

func TestRefresh(t *testing.T) {
	h := newHouse(t)
	p := h.party()
	h.signIn(h.admin)
	begin := func() string {
		verifier := oauth2.GenerateVerifier()
		tokens, err := p.Exchange(t.Context(), h.code(p, verifier), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		return tokens.RefreshToken
	}
	refresh := func(token string) (*oauth2.Token, error) {
		return p.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token}).Token()
	}
	first := begin()
	second, err := refresh(first)
	if err != nil {
		t.Fatal(err)
	}
	third, err := refresh(second.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	_, err = refresh(second.RefreshToken) // stolen, or the thief's: nobody knows
	refused(t, err, "invalid_grant")
	_, err = refresh(third.RefreshToken)
	refused(t, err, "invalid_grant")

	h.ended = true
	_, err = refresh(begin())
	refused(t, err, "invalid_grant")
	h.ended = false

	late := begin()
	h.pass(refreshTime + time.Minute)
	_, err = refresh(late)
	refused(t, err, "invalid_grant")

	h.signIn(h.admin)
	gone := begin()
	h.change(store.Create, "company:acme#deactivated@user:"+h.admin)
	_, err = refresh(gone)
	refused(t, err, "access_denied")
}

// TestUserInfo takes the right away from whoever lost it, at once.
func TestUserInfo(t *testing.T) {
	h := newHouse(t)
	p := h.party()
	h.signIn(h.admin)
	verifier := oauth2.GenerateVerifier()
	tokens, err := p.Exchange(t.Context(), h.code(p, verifier), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	forged := *tokens
	forged.AccessToken = tokens.AccessToken[:len(tokens.AccessToken)-6] + "AAAAAA"
	if info, err := p.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(&forged)); err == nil {
		t.Errorf("a forged token is %+v", info)
	}
	caller, err := h.provider.Caller(t.Context(), tokens.AccessToken)
	if err != nil || caller.User != h.admin || caller.Company != "acme" || caller.Service != "modeler" {
		t.Errorf("by the token acts %+v (%v)", caller, err)
	}
	if caller, err := h.provider.Caller(t.Context(), forged.AccessToken); err == nil {
		t.Errorf("by a forged token acts %+v", caller)
	}
	h.change(store.Create, "company:acme#deactivated@user:"+h.admin)
	if caller, err := h.provider.Caller(t.Context(), tokens.AccessToken); err == nil {
		t.Errorf("who was deactivated acts as %+v", caller)
	}
	if info, err := p.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(tokens)); err == nil {
		t.Errorf("who was deactivated is %+v", info)
	}
}

// TestKeys rotates the keys while tokens of the old one are in flight.
func TestKeys(t *testing.T) {
	h := newHouse(t)
	published := func() map[string]bool {
		resp, err := http.Get(h.url + Path + "/keys")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		var set struct {
			Keys []struct {
				Kid, D string
			}
		}
		if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for _, k := range set.Keys {
			ids[k.Kid] = true
			if k.D != "" {
				t.Error("a private key is published")
			}
		}
		return ids
	}
	signs := func() string {
		k, err := h.provider.store.SigningKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return k.ID()
	}
	first := signs()
	h.pass(keyTime - keyNotice + time.Minute)
	if ids := published(); len(ids) != 2 || signs() != first {
		t.Fatalf("before the change %v are published and %s signs", ids, signs())
	}
	h.pass(keyNotice)
	second := signs()
	if second == first || !published()[first] {
		t.Fatalf("after the change %s signs and %v are published", second, published())
	}
	h.pass(keyNotice + time.Minute)
	if ids := published(); ids[first] || !ids[second] {
		t.Fatalf("a day later %v are published", ids)
	}
	h.pass(3 * keyTime) // nobody asked for long
	if third := signs(); third != second {
		t.Fatalf("%s signs, which nobody could know yet", third)
	}
}

// TestSweep forgets what nobody came back for.
func TestSweep(t *testing.T) {
	h := newHouse(t)
	p := h.party()
	h.browser(p.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	h.signIn(h.admin)
	h.code(p, oauth2.GenerateVerifier())
	count := func() (n int) {
		for k, err := range h.provider.store.vault.All(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if k.Name != keysName {
				n++
			}
		}
		return n
	}
	before := count()
	h.pass(sweepEvery + time.Minute)
	h.browser(p.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	if after := count(); before < 2 || after != 2 { // the request of now, and its code
		t.Errorf("of %d things %d are left", before, after)
	}
}
