package idp

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/pemba-authz/pemba/server/portal"
)

// client is the portal of a service: it implements op.Client.
type client struct{ *portal.ServiceClient }

func (c client) GetID() string                    { return c.ID }
func (c client) RedirectURIs() []string           { return c.RedirectURLs }
func (c client) PostLogoutRedirectURIs() []string { return c.LogoutURLs }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }
func (c client) IDTokenLifetime() time.Duration      { return tokenTime }
func (c client) IsScopeAllowed(string) bool          { return false } // none beside those of OpenID Connect
func (c client) ClockSkew() time.Duration            { return 0 }

// IDTokenUserinfoClaimsAssertion lets names and e-mail be in the id token, so that a
// service needs no second question.
func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }

func (c client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
}

// ApplicationType is web; native only lets redirect URLs be on this machine, which
// the portal has judged already.
func (c client) ApplicationType() op.ApplicationType {
	local := func(text string) bool { return strings.HasPrefix(text, "http://") }
	if slices.ContainsFunc(c.RedirectURLs, local) {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}

func (c client) AuthMethod() oidc.AuthMethod {
	if c.Public {
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

// DevMode would let any redirect URL be http.
func (c client) DevMode() bool { return false }

// LoginURL is where the provider goes on with a request.
func (c client) LoginURL(request string) string {
	return Path + "/continue?request=" + url.QueryEscape(request)
}

func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

// GetClientByClientID returns a client.
func (s *storage) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := s.config.Portal.ServiceClient(ctx, id)
	if err != nil {
		return nil, asOIDC(err)
	}
	return client{c}, nil
}

// AuthorizeClientIDSecret returns an error unless the secret is the client's.
func (s *storage) AuthorizeClientIDSecret(ctx context.Context, id, secret string) error {
	c, err := s.config.Portal.ServiceClient(ctx, id)
	if err != nil {
		return asOIDC(err)
	}
	if !c.Proves(secret) {
		return oidc.ErrInvalidClient().WithDescription("the secret is not that of the client")
	}
	return nil
}

var errNoJWT = errors.New("clients prove who they are by a secret or by PKCE, not by keys of their own")

// GetKeyByIDAndClientID says that clients have no keys.
func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errNoJWT
}

// ValidateJWTProfileScopes says the same.
func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errNoJWT
}
