package idp

import (
	"context"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/pemba-authz/pemba/server/portal"
)

// entrant returns who a person is to a client, if he may still enter it.
func (s *storage) entrant(ctx context.Context, userID, clientID string) (*portal.Entrant, error) {
	c, err := s.config.Portal.ServiceClient(ctx, clientID)
	if err != nil {
		return nil, asOIDC(err)
	}
	e, err := s.config.Portal.Enter(ctx, userID, c)
	if err != nil {
		return nil, asOIDC(err)
	}
	return e, nil
}

// describe says of a person what the scopes ask for.
func describe(to *oidc.UserInfo, e *portal.Entrant, scopes []string) {
	to.Subject = e.User
	if slices.Contains(scopes, oidc.ScopeProfile) {
		to.Name = strings.TrimSpace(e.GivenName + " " + e.Surname)
		to.GivenName, to.FamilyName = e.GivenName, e.Surname
	}
	if slices.Contains(scopes, oidc.ScopeEmail) {
		to.Email, to.EmailVerified = e.Email, true
	}
	to.AppendClaims("company", e.Company)
	to.AppendClaims("company_name", e.CompanyName)
	to.AppendClaims("subscription", e.Subscription)
}

// SetUserinfoFromScopes is not asked any more: SetUserinfoFromRequest is.
func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest says who a person is in an id token.
func (s *storage) SetUserinfoFromRequest(ctx context.Context, to *oidc.UserInfo, r op.IDTokenRequest, scopes []string) error {
	e, err := s.entrant(ctx, r.GetSubject(), r.GetClientID())
	if err == nil {
		describe(to, e, scopes)
	}
	return err
}

// SetUserinfoFromToken says who a person is to whoever shows an access token. It is
// asked of the engine once more: a person who was removed is nobody at once.
func (s *storage) SetUserinfoFromToken(ctx context.Context, to *oidc.UserInfo, tokenID, subject, _ string) error {
	e, err := s.entrant(ctx, subject, clientOf(tokenID))
	if err == nil {
		describe(to, e, []string{oidc.ScopeProfile, oidc.ScopeEmail})
	}
	return err
}

// SetIntrospectionFromToken says whether an access token is good, to the client that
// it was made for (RFC 7662).
func (s *storage) SetIntrospectionFromToken(ctx context.Context, to *oidc.IntrospectionResponse, tokenID, subject, clientID string) error {
	if clientOf(tokenID) != clientID {
		return oidc.ErrAccessDenied().WithDescription("the token is another client's")
	}
	e, err := s.entrant(ctx, subject, clientID)
	if err != nil {
		return err
	}
	var info oidc.UserInfo
	describe(&info, e, []string{oidc.ScopeProfile, oidc.ScopeEmail})
	to.SetUserInfo(&info)
	to.ClientID = clientID
	return nil
}

// GetPrivateClaimsFromScopes adds to access tokens which company and subscription
// they are for.
func (s *storage) GetPrivateClaimsFromScopes(ctx context.Context, userID, clientID string, _ []string) (map[string]any, error) {
	e, err := s.entrant(ctx, userID, clientID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"company": e.Company, "subscription": e.Subscription}, nil
}
