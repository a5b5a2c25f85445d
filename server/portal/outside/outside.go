// Package outside asks OpenID Connect providers of others who somebody is: the
// authorization code flow with PKCE, state and nonce, as a relying party. It refuses
// to know who may sign in and what a session is, and keeps nothing but what
// providers publish about themselves.
//
// Companies name their providers themselves, so an address is not to be trusted:
// client.go bounds what is asked and how much of the answer is read. Start reading at
// Client.
package outside

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Config says what a Client may do.
type Config struct {
	// Loopback lets providers be on this machine, without TLS: for installations
	// that nobody else reaches either.
	Loopback bool
	Now      func() time.Time // nil: time.Now
}

// Client asks providers. It is safe for concurrent use.
type Client struct {
	config Config
	http   *http.Client

	mu    sync.Mutex
	known map[string]*known // by issuer
}

// known is what a provider publishes.
type known struct {
	provider *oidc.Provider
	read     time.Time
}

const (
	freshFor = time.Hour // then what a provider publishes is read again
	maxKnown = 1_000
)

// New returns a client.
func New(c Config) *Client {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Client{config: c, http: newHTTP(c.Loopback), known: map[string]*known{}}
}

// Provider is a provider as it knows this installation.
type Provider struct {
	Issuer, ClientID, Secret string
	Redirect                 string // where it sends people back to
}

// Attempt is one sign-in that is under way. All three are secrets of its own.
type Attempt struct {
	State    string // comes back with the answer
	Nonce    string // comes back in the token
	Verifier string // of PKCE
}

// NewAttempt returns secrets that nobody can guess.
func NewAttempt() Attempt {
	return Attempt{State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier()}
}

// Person is who a provider says that somebody is.
type Person struct {
	Subject  string // the name of the person there, for ever
	Email    string
	Verified bool // the provider has verified the address
}

// ErrRefused says that a provider, or what it sent, did not prove who somebody is.
var ErrRefused = errors.New("the identity provider did not confirm who it is")

// UnreachableError says that a provider does not answer as one. Its text says no
// more than that, and names no answer.
type UnreachableError struct{ Issuer string }

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("the identity provider %s does not answer as one: it needs /.well-known/openid-configuration with this issuer, and addresses with https", e.Issuer)
}

// CheckIssuer says why an issuer cannot be one; nil when it can.
func (c *Client) CheckIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(issuer, " *#?"):
		return errors.New("an issuer looks like https://login.example.com, without a query")
	case c.secure(u):
		return nil
	case u.Scheme == "http" && loopbackHost(u.Hostname()):
		return errors.New("an issuer on this machine is for installations that only this machine reaches")
	}
	return errors.New("an issuer must be https")
}

// secure reports whether what is sent to an address stays secret.
func (c *Client) secure(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && c.config.Loopback && loopbackHost(u.Hostname())
}

// Probe reads what a provider publishes. It returns an *UnreachableError.
func (c *Client) Probe(ctx context.Context, issuer string) error {
	c.mu.Lock()
	delete(c.known, issuer)
	c.mu.Unlock()
	_, err := c.provider(ctx, issuer)
	return err
}

// provider returns what a provider publishes.
func (c *Client) provider(ctx context.Context, issuer string) (*oidc.Provider, error) {
	c.mu.Lock()
	k := c.known[issuer]
	c.mu.Unlock()
	if k != nil && c.config.Now().Sub(k.read) < freshFor {
		return k.provider, nil
	}
	p, err := oidc.NewProvider(oidc.ClientContext(ctx, c.http), issuer)
	if err == nil {
		err = c.checkEndpoints(p)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &UnreachableError{issuer}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKnown {
		clear(c.known)
	}
	c.known[issuer] = &known{p, c.config.Now()}
	return p, nil
}

// checkEndpoints refuses a provider that wants something to be sent in plain text.
func (c *Client) checkEndpoints(p *oidc.Provider) error {
	var published struct {
		Keys string `json:"jwks_uri"`
	}
	if err := p.Claims(&published); err != nil {
		return err
	}
	addresses := []string{p.Endpoint().AuthURL, p.Endpoint().TokenURL, published.Keys}
	if info := p.UserInfoEndpoint(); info != "" {
		addresses = append(addresses, info)
	}
	for _, text := range addresses {
		if u, err := url.Parse(text); err != nil || u.Host == "" || !c.secure(u) {
			return errors.New("an address of the provider is not https")
		}
	}
	return nil
}

func (c *Client) oauth(p Provider, at *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.Secret, Endpoint: at.Endpoint(), RedirectURL: p.Redirect,
		Scopes: []string{oidc.ScopeOpenID, "email"},
	}
}

// Begin returns where a browser goes to prove who somebody is. hint is the address
// that was entered; it may be empty.
func (c *Client) Begin(ctx context.Context, p Provider, a Attempt, hint string) (string, error) {
	at, err := c.provider(ctx, p.Issuer)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)}
	if hint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", hint))
	}
	return c.oauth(p, at).AuthCodeURL(a.State, options...), nil
}

// Finish takes the code with which a browser came back, and returns who the provider
// says that it is. It returns ErrRefused when that does not hold together.
func (c *Client) Finish(ctx context.Context, p Provider, a Attempt, code string) (*Person, error) {
	at, err := c.provider(ctx, p.Issuer)
	if err != nil {
		return nil, err
	}
	ctx = oidc.ClientContext(ctx, c.http)
	token, err := c.oauth(p, at).Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return nil, refused(ctx, "the code was not taken")
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, refused(ctx, "there is no id token")
	}
	id, err := at.Verifier(&oidc.Config{ClientID: p.ClientID, Now: c.config.Now}).Verify(ctx, raw)
	if err != nil {
		return nil, refused(ctx, "the id token is not valid")
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 {
		return nil, refused(ctx, "the id token is of another sign-in")
	}
	return c.person(ctx, p, at, id, token)
}

// claims are what is read of an id token, or of what the provider says beside it.
type claims struct {
	Email    string `json:"email"`
	Verified any    `json:"email_verified"` // some send a text
	Party    string `json:"azp"`
}

// person reads who an id token is of. What is not in it is asked for.
func (c *Client) person(ctx context.Context, p Provider, at *oidc.Provider, id *oidc.IDToken, token *oauth2.Token) (*Person, error) {
	var said claims
	if err := id.Claims(&said); err != nil || id.Subject == "" {
		return nil, refused(ctx, "the id token says not whose it is")
	}
	if len(id.Audience) > 1 && said.Party != p.ClientID {
		return nil, refused(ctx, "the id token was made for another")
	}
	if said.Email == "" && at.UserInfoEndpoint() != "" {
		said = claims{} // what is verified is the address beside it
		info, err := at.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil || info.Subject != id.Subject || info.Claims(&said) != nil {
			return nil, refused(ctx, "it says not whose the id token is")
		}
	}
	return &Person{Subject: id.Subject, Email: said.Email, Verified: said.Verified == true || said.Verified == "true"}, nil
}

// refused is ErrRefused with the reason, for the log; of what a provider sent
// nothing is repeated.
func refused(ctx context.Context, why string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %s", ErrRefused, why)
}
