package idp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/pemba-authz/pemba/server/portal"
)

// family is all refresh tokens that follow one sign-in, one after the other. The
// newest is good, once; whoever comes with an older one ends the family, because
// one of the two who had it has stolen it (RFC 9700, 4.14.2).
type family struct {
	User     string    `json:"user"`
	Client   string    `json:"client"`
	Session  string    `json:"session"`
	Company  string    `json:"company"`
	Scopes   []string  `json:"scopes"`
	SignedIn time.Time `json:"signed_in"`
	Begun    time.Time `json:"begun"`
	Newest   string    `json:"newest"` // hash
}

// refreshRequest is a family whose token was shown: it implements
// op.RefreshTokenRequest.
type refreshRequest struct {
	family
	name    string
	version uint64
	scopes  []string
}

func (r *refreshRequest) GetAMR() []string              { return nil }
func (r *refreshRequest) GetAudience() []string         { return []string{r.Client} }
func (r *refreshRequest) GetAuthTime() time.Time        { return r.SignedIn }
func (r *refreshRequest) GetClientID() string           { return r.Client }
func (r *refreshRequest) GetScopes() []string           { return r.scopes }
func (r *refreshRequest) GetSubject() string            { return r.User }
func (r *refreshRequest) SetCurrentScopes(all []string) { r.scopes = all }

// A refresh token is the user, the id of its family and a secret.
func familyName(user, id string) string { return "family/" + user + "/" + id }

func splitRefresh(token string) (name, secret string, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || strings.ContainsAny(parts[0]+parts[1], "/\x00") {
		return "", "", false
	}
	return familyName(parts[0], parts[1]), parts[2], true
}

// CreateAccessToken names an access token for a request that was found in order. It
// asks once more whether the person may enter.
func (s *storage) CreateAccessToken(ctx context.Context, r op.TokenRequest) (string, time.Time, error) {
	client, err := s.mayStill(ctx, r)
	if err != nil {
		return "", time.Time{}, err
	}
	return tokenID(client.ID), s.now().Add(tokenTime), nil
}

// mayStill returns the client of a request whose person may enter it.
func (s *storage) mayStill(ctx context.Context, r op.TokenRequest) (*portal.ServiceClient, error) {
	client, err := s.config.Portal.ServiceClient(ctx, r.GetAudience()[0])
	if err != nil {
		return nil, asOIDC(err)
	}
	entrant, err := s.config.Portal.Enter(ctx, r.GetSubject(), client)
	if err != nil {
		return nil, asOIDC(err)
	}
	if request, ok := r.(*authRequest); ok {
		s.config.Portal.Entered(portal.WithCaller(ctx, &portal.Caller{Session: request.Session}), entrant, client)
	}
	return client, nil
}

// CreateAccessAndRefreshTokens does the same and gives the next refresh token of the
// family, or begins one.
func (s *storage) CreateAccessAndRefreshTokens(ctx context.Context, r op.TokenRequest, _ string) (id, refresh string, expires time.Time, err error) {
	client, err := s.mayStill(ctx, r)
	if err != nil {
		return "", "", time.Time{}, err
	}
	secret := rand.Text() + rand.Text()
	var name string
	switch r := r.(type) {
	case *refreshRequest:
		name = r.name
		r.Newest = hashed(secret)
		err = s.vault.Put(ctx, r.name, r.family, r.version)
	case *authRequest:
		name = familyName(r.User, rand.Text())
		err = s.vault.Put(ctx, name, family{
			User: r.User, Client: r.Client, Session: r.Session, Company: client.Company, Scopes: r.Scopes,
			SignedIn: r.SignedIn, Begun: s.now(), Newest: hashed(secret),
		}, 0)
	default:
		err = fmt.Errorf("a %T gets no refresh token", r)
	}
	if errors.Is(err, portal.ErrStale) {
		err = oidc.ErrInvalidGrant().WithDescription("the refresh token was used already")
	}
	user, family, _ := strings.Cut(strings.TrimPrefix(name, "family/"), "/")
	return tokenID(client.ID), user + "." + family + "." + secret, s.now().Add(tokenTime), err
}

// TokenRequestByRefreshToken returns the family of a refresh token that is good.
func (s *storage) TokenRequestByRefreshToken(ctx context.Context, token string) (op.RefreshTokenRequest, error) {
	r, err := s.refresh(ctx, token)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (s *storage) refresh(ctx context.Context, token string) (*refreshRequest, error) {
	name, secret, ok := splitRefresh(token)
	if !ok {
		return nil, op.ErrInvalidRefreshToken
	}
	r := &refreshRequest{name: name}
	var err error
	if r.version, err = s.vault.Get(ctx, name, &r.family); err != nil {
		return nil, err
	}
	switch {
	case r.version == 0, s.now().Sub(r.Begun) > refreshTime:
		return nil, op.ErrInvalidRefreshToken
	case hashed(secret) != r.Newest:
		s.config.Logger.Warn("a refresh token was used twice: its sign-in is ended", "user", r.User, "client", r.Client)
		if err := s.vault.Delete(ctx, name, r.version); err != nil && !errors.Is(err, portal.ErrStale) {
			return nil, err
		}
		return nil, op.ErrInvalidRefreshToken
	}
	if s.config.Ended != nil && r.Session != "" {
		caller := &portal.Caller{User: r.User, Company: r.Company, Session: r.Session}
		if err := s.config.Ended(ctx, caller); err != nil {
			return nil, op.ErrInvalidRefreshToken
		}
	}
	r.scopes = r.Scopes
	return r, nil
}

// GetRefreshTokenInfo says whose a refresh token is.
func (s *storage) GetRefreshTokenInfo(ctx context.Context, clientID, token string) (userID, tokenID string, err error) {
	r, err := s.refresh(ctx, token)
	if err != nil {
		return "", "", err
	}
	if r.Client != clientID {
		return "", "", op.ErrInvalidRefreshToken
	}
	return r.User, token, nil
}

// RevokeToken ends the family of a refresh token. Access tokens end by themselves,
// within minutes.
func (s *storage) RevokeToken(ctx context.Context, token, _, clientID string) *oidc.Error {
	name, _, ok := splitRefresh(token)
	if !ok {
		return nil
	}
	var f family
	version, err := s.vault.Get(ctx, name, &f)
	if err == nil && version != 0 {
		if f.Client != clientID {
			return oidc.ErrInvalidClient().WithDescription("the token is another client's")
		}
		err = s.vault.Delete(ctx, name, version)
	}
	if err != nil && !errors.Is(err, portal.ErrStale) {
		return oidc.ErrServerError().WithParent(err)
	}
	return nil
}

// TerminateSession ends what a person has at one service, and the sessions in the
// Customer Portal that it began with: whoever signs out of a service means to be
// signed out.
func (s *storage) TerminateSession(ctx context.Context, userID, clientID string) error {
	gone := map[portal.Kept]family{}
	for k, err := range s.vault.All(ctx, "family/"+userID+"/") {
		if err != nil {
			return err
		}
		var f family
		if err := k.Read(&f); err != nil {
			return err
		}
		if f.Client == clientID {
			gone[portal.Kept{Name: k.Name, Version: k.Version}] = f
		}
	}
	for k, f := range gone {
		if err := s.vault.Delete(ctx, k.Name, k.Version); err != nil && !errors.Is(err, portal.ErrStale) {
			return err
		}
		if s.config.SignOut != nil && f.Session != "" {
			if err := s.config.SignOut(ctx, &portal.Caller{User: f.User, Company: f.Company, Session: f.Session}); err != nil {
				return err
			}
		}
	}
	return nil
}

// asOIDC says a refusal of the portal in the words of the protocol.
func asOIDC(err error) error {
	r, ok := errors.AsType[*portal.Refusal](err)
	if !ok {
		return err
	}
	if r.Fault == portal.NotFound {
		return oidc.ErrInvalidClient().WithDescription("%s", r.Msg)
	}
	return oidc.ErrAccessDenied().WithDescription("%s", r.Msg)
}
