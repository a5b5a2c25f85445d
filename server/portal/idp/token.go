package idp

import (
	"context"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/pemba-authz/pemba/server/portal"
)

// Issued reports whether a bearer token says of itself that it is one of the
// provider's. Whether that is true, Caller finds out.
func (p *Provider) Issued(token string) bool {
	var claims struct {
		Issuer string `json:"iss"`
	}
	_, err := oidc.ParseToken(token, &claims)
	return err == nil && claims.Issuer == p.config.Portal.Issuer()
}

// Caller returns who acts by an access token that a service shows: the person, for as
// long as he may enter the service. A token that is not good is a *portal.Refusal.
func (p *Provider) Caller(ctx context.Context, token string) (*portal.Caller, error) {
	ctx = op.ContextWithIssuer(ctx, p.config.Portal.Issuer())
	claims, err := op.VerifyAccessToken[*oidc.AccessTokenClaims](ctx, token, p.provider.AccessTokenVerifier(ctx))
	if err != nil {
		return nil, &portal.Refusal{Fault: portal.NotSignedIn, Msg: "the access token is not good (any more): refresh it, or sign in again"}
	}
	client, err := p.config.Portal.ServiceClient(ctx, clientOf(claims.JWTID))
	if err != nil {
		return nil, err
	}
	entrant, err := p.config.Portal.Enter(ctx, claims.Subject, client)
	if err != nil {
		return nil, err
	}
	return &portal.Caller{User: entrant.User, Company: entrant.Company, Machine: true, Service: client.Service}, nil
}
