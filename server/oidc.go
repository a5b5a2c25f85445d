package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"google.golang.org/grpc/codes"
)

// OIDCConfig says whose JWT bearer tokens are believed, and what they are good
// for.
type OIDCConfig struct {
	Issuer   string // URL, as in the claim "iss"; its discovery document is read
	Audience string // what the claim "aud" must hold
	// Claim holds the words that Roles knows: a text of words or a list of
	// them. "a.b" also finds b inside a. Default "roles".
	Claim string
	Roles map[string]Role // word of the claim → role; the highest one counts

	Client *http.Client // nil: one with a timeout of 10 s
}

const (
	oidcTimeout = 10 * time.Second
	oidcRetry   = 5 * time.Second // pause after the issuer did not answer
)

// validate names every fault, and fills in the defaults.
func (c *OIDCConfig) validate() error {
	var faults []error
	switch u, err := url.Parse(c.Issuer); {
	case err != nil:
		faults = append(faults, fmt.Errorf("OIDC issuer: %w", err))
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		faults = append(faults, fmt.Errorf("OIDC issuer %q is no URL, such as https://login.example.com", c.Issuer))
	}
	if c.Audience == "" {
		faults = append(faults, errors.New("OIDC audience is missing: without it tokens meant for others would be taken"))
	}
	if len(c.Roles) == 0 {
		faults = append(faults, errors.New("OIDC roles are missing: no token would be good for anything"))
	}
	if c.Claim == "" {
		c.Claim = "roles"
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: oidcTimeout}
	}
	return errors.Join(faults...)
}

// issuer verifies tokens of one OIDC issuer.
type issuer struct {
	config OIDCConfig
	now    func() time.Time

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil until the issuer was found
	retry    time.Time             // not to be asked before
	fault    error                 // why it was not found
}

func newIssuer(c OIDCConfig, now func() time.Time) (*issuer, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &issuer{config: c, now: now}, nil
}

// discover returns the verifier, and reads the issuer's discovery document the
// first time. An issuer that is down is no reason not to start: keys work
// without it.
func (i *issuer) discover(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.verifier != nil {
		return i.verifier, nil
	}
	if i.now().Before(i.retry) {
		return nil, i.fault
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, i.config.Client), oidcTimeout)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, i.config.Issuer)
	if err != nil {
		i.fault = &denial{codes.Unavailable, "issuer_unavailable",
			"the token cannot be verified now: the issuer does not answer", oidcRetry}
		i.retry = i.now().Add(oidcRetry)
		return nil, i.fault
	}
	i.verifier = provider.Verifier(&oidc.Config{ClientID: i.config.Audience, Now: i.now})
	return i.verifier, nil
}

// identify returns whom a token names, or a *denial.
func (i *issuer) identify(ctx context.Context, token string) (Identity, error) {
	verifier, err := i.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	verified, err := verifier.Verify(oidc.ClientContext(ctx, i.config.Client), token)
	if err != nil {
		return Identity{}, notVerified(err)
	}
	var claims map[string]any
	if err := verified.Claims(&claims); err != nil {
		return Identity{}, notVerified(err)
	}
	id := Identity{Name: "oidc:" + verified.Subject}
	for _, word := range claimWords(claims, i.config.Claim) {
		id.Role = max(id.Role, i.config.Roles[word])
	}
	if id.Role == RoleNone {
		return Identity{}, &denial{codes.PermissionDenied, "role",
			fmt.Sprintf("the token is valid; its claim %q gives it no role here", i.config.Claim), 0}
	}
	return id, nil
}

// notVerified says why a token is not believed. Its owner may know when it has
// expired; what else is wrong would only help who forges tokens.
func notVerified(err error) error {
	if expired, ok := errors.AsType[*oidc.TokenExpiredError](err); ok {
		return &denial{codes.PermissionDenied, "expired_token",
			"the token has expired at " + expired.Expiry.UTC().Format(time.RFC3339), 0}
	}
	return errWrongToken
}

// claimWords returns the words of a claim.
func claimWords(claims map[string]any, name string) []string {
	value, ok := claims[name]
	for rest := name; !ok; {
		outer, inner, nested := strings.Cut(rest, ".")
		if !nested {
			return nil
		}
		if claims, nested = claims[outer].(map[string]any); !nested {
			return nil
		}
		value, ok = claims[inner]
		rest = inner
	}
	switch value := value.(type) {
	case string:
		return strings.Fields(value)
	case []any:
		var words []string
		for _, v := range value {
			if word, ok := v.(string); ok {
				words = append(words, word)
			}
		}
		return words
	}
	return nil
}
