package idp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/pemba-authz/pemba/server/portal"
)

// Path is where the provider stands below the public URL of the server.
const Path = "/oidc"

// How long things are good.
const (
	requestTime = 15 * time.Minute // from the redirect to the provider until its answer
	codeTime    = time.Minute      // RFC 6749, 4.1.2: at most ten
	tokenTime   = 5 * time.Minute  // access and id tokens
	refreshTime = 30 * 24 * time.Hour
)

// A Session returns who is signed in to the Customer Portal by a request, and
// since when. A *portal.Refusal says that nobody is.
type Session func(r *http.Request) (caller *portal.Caller, since time.Time, err error)

// Config says what a provider stands on. Portal, Session and SignIn are required.
type Config struct {
	Portal  *portal.Portal
	Session Session
	Ended   func(ctx context.Context, c *portal.Caller) error // nil while a session still lasts; nil: not asked
	SignIn  func(returnTo string) string                      // where people sign in, to come back to a path afterwards
	SignOut func(ctx context.Context, c *portal.Caller) error // ends a session; nil: it goes on
	Logger  *slog.Logger                                      // nil: slog.Default()
	Now     func() time.Time                                  // nil: time.Now
}

// Provider is the identity provider of one node. It is safe for concurrent use.
type Provider struct {
	config   Config
	store    *storage
	provider *op.Provider
	handler  http.Handler
}

// New makes the provider. Its keys are made when the first is needed.
func New(c Config) (*Provider, error) {
	if c.Portal == nil || c.Session == nil || c.SignIn == nil {
		return nil, errors.New("making the identity provider: portal, session and sign-in must be given")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	issuer := c.Portal.Issuer()
	p := &Provider{config: c}
	p.store = &storage{config: c, vault: c.Portal.Vault()}
	options := []op.Option{op.WithLogger(c.Logger)}
	if strings.HasPrefix(issuer, "http://") { // of a server on this machine alone
		options = append(options, op.WithAllowInsecure())
	}
	var err error
	p.provider, err = op.NewProvider(&op.Config{
		CryptoKeyId:           "unused", // access tokens are signed, not encrypted
		CodeMethodS256:        true,
		AuthMethodPost:        true,
		GrantTypeRefreshToken: true,
		SupportedScopes:       []string{"openid", "profile", "email", "offline_access"},
		SupportedClaims:       []string{"sub", "aud", "exp", "iat", "iss", "auth_time", "nonce", "email", "email_verified", "name", "given_name", "family_name", "company", "company_name", "subscription"},
	}, p.store, op.StaticIssuer(issuer), options...)
	if err != nil {
		return nil, fmt.Errorf("making the identity provider: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path+"/continue", p.proceed)
	mux.Handle(Path+"/", http.StripPrefix(Path, p.provider))
	p.handler = mux
	return p, nil
}

// ServeHTTP answers what is below Path.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// proceed goes on with a request for tokens: with the answer when somebody is
// signed in, else to the place to sign in.
func (p *Provider) proceed(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("request")
	ctx := r.Context()
	request, err := p.store.request(ctx, id)
	if err != nil {
		p.fail(w, http.StatusBadRequest, "This sign-in was begun too long ago, or is over. Go back to the service and begin again.")
		return
	}
	caller, since, err := p.config.Session(r)
	if request.MaxAge != nil && err == nil && p.config.Now().Sub(since) > time.Duration(*request.MaxAge)*time.Second || request.Fresh && since.Before(request.Begun) {
		err = &portal.Refusal{Fault: portal.NotSignedIn, Msg: "sign in again"}
	}
	refusal, refused := errors.AsType[*portal.Refusal](err)
	switch {
	case refused && refusal.Fault == portal.NotSignedIn && request.Silent:
		p.deny(w, r, request, "login_required", "nobody is signed in")
	case refused && refusal.Fault == portal.NotSignedIn:
		http.Redirect(w, r, p.config.SignIn(Path+"/continue?request="+url.QueryEscape(id)), http.StatusFound)
	case err != nil:
		p.config.Logger.Error("a sign-in to a service failed", "error", err)
		p.fail(w, http.StatusServiceUnavailable, "The sign-in is not possible at the moment. Try again.")
	default:
		p.enter(w, portal.WithRequest(r, caller), request, caller, since)
	}
}

// enter ends a request for tokens for a person who is signed in.
func (p *Provider) enter(w http.ResponseWriter, r *http.Request, request *authRequest, caller *portal.Caller, since time.Time) {
	ctx := r.Context()
	client, err := p.config.Portal.ServiceClient(ctx, request.Client)
	if err == nil {
		_, err = p.config.Portal.Enter(ctx, caller.User, client)
	}
	if refusal, ok := errors.AsType[*portal.Refusal](err); ok {
		p.deny(w, r, request, "access_denied", refusal.Msg)
		return
	}
	if err == nil {
		request.User, request.Session, request.SignedIn, request.Complete = caller.User, caller.Session, since, true
		err = p.store.keepRequest(ctx, request)
	}
	if err != nil {
		p.config.Logger.Error("a sign-in to a service failed", "error", err)
		p.fail(w, http.StatusServiceUnavailable, "The sign-in is not possible at the moment. Try again.")
		return
	}
	http.Redirect(w, r, op.AuthCallbackURL(p.provider)(op.ContextWithIssuer(ctx, p.config.Portal.Issuer()), request.ID), http.StatusFound)
}

// deny sends the browser back to the service with an error (RFC 6749, 4.1.2.1).
// The redirect URL was held against the client's when the request was made.
func (p *Provider) deny(w http.ResponseWriter, r *http.Request, request *authRequest, code, why string) {
	if err := p.store.DeleteAuthRequest(r.Context(), request.ID); err != nil {
		p.config.Logger.Warn("a request for tokens stays until it expires", "error", err)
	}
	to, err := url.Parse(request.Redirect)
	if err != nil {
		p.fail(w, http.StatusBadRequest, "The service gave no address to go back to.")
		return
	}
	q := to.Query()
	q.Set("error", code)
	q.Set("error_description", why)
	q.Set("iss", p.config.Portal.Issuer())
	if request.State != "" {
		q.Set("state", request.State)
	}
	to.RawQuery = q.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}

// fail answers a browser that cannot be sent anywhere.
func (p *Provider) fail(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	// An error means that the browser is gone.
	_, _ = w.Write([]byte(text + "\n"))
}
