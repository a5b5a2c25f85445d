package idp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/pemba-authz/pemba/server/portal"
)

// storage is what the protocol keeps, over the vault of the portal: it implements
// op.Storage.
type storage struct {
	config Config
	vault  *portal.Vault
	swept  atomic.Int64 // when what nobody came back for was forgotten here, in milliseconds since 1970
}

// sweepEvery is how often a member that is asked for tokens forgets what nobody came
// back for.
const sweepEvery = time.Hour

// authRequest is one request for tokens on its way: it implements op.AuthRequest.
type authRequest struct {
	ID        string            `json:"id"`
	Client    string            `json:"client"`
	Redirect  string            `json:"redirect"`
	State     string            `json:"state,omitempty"`
	Nonce     string            `json:"nonce,omitempty"`
	Scopes    []string          `json:"scopes"`
	Challenge string            `json:"challenge"` // S256
	Mode      oidc.ResponseMode `json:"mode,omitempty"`
	MaxAge    *uint             `json:"max_age,omitempty"`
	Silent    bool              `json:"silent,omitempty"` // prompt=none
	Fresh     bool              `json:"fresh,omitempty"`  // prompt=login
	Begun     time.Time         `json:"begun"`
	User      string            `json:"user,omitempty"`
	Session   string            `json:"session,omitempty"`
	SignedIn  time.Time         `json:"signed_in,omitzero"`
	Complete  bool              `json:"complete,omitempty"`
	version   uint64
}

func (r *authRequest) GetID() string                      { return r.ID }
func (r *authRequest) GetACR() string                     { return "" }
func (r *authRequest) GetAMR() []string                   { return nil }
func (r *authRequest) GetAudience() []string              { return []string{r.Client} }
func (r *authRequest) GetAuthTime() time.Time             { return r.SignedIn }
func (r *authRequest) GetClientID() string                { return r.Client }
func (r *authRequest) GetNonce() string                   { return r.Nonce }
func (r *authRequest) GetRedirectURI() string             { return r.Redirect }
func (r *authRequest) GetResponseType() oidc.ResponseType { return oidc.ResponseTypeCode }
func (r *authRequest) GetResponseMode() oidc.ResponseMode { return r.Mode }
func (r *authRequest) GetScopes() []string                { return r.Scopes }
func (r *authRequest) GetState() string                   { return r.State }
func (r *authRequest) GetSubject() string                 { return r.User }
func (r *authRequest) Done() bool                         { return r.Complete }
func (r *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: r.Challenge, Method: oidc.CodeChallengeMethodS256}
}

// code leads from the hash of a code to its request.
type code struct {
	Request string    `json:"request"`
	Made    time.Time `json:"made"`
}

func requestName(id string) string { return "request/" + hashed(id) }
func codeName(c string) string     { return "code/" + hashed(c) }

// hashed is how secrets stand in names: whoever reads them learns nothing.
func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// CreateAuthRequest keeps a request whose client, redirect URL and scopes were
// found to be in order. PKCE with S256 is demanded of all clients (RFC 9700, 2.1.1).
func (s *storage) CreateAuthRequest(ctx context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if r.CodeChallenge == "" || r.CodeChallengeMethod != oidc.CodeChallengeMethodS256 {
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE is needed: send code_challenge with code_challenge_method S256")
	}
	if r.ResponseType != oidc.ResponseTypeCode {
		return nil, oidc.ErrInvalidRequest().WithDescription("response_type is code")
	}
	request := &authRequest{
		ID: rand.Text(), Client: r.ClientID, Redirect: r.RedirectURI, State: r.State, Nonce: r.Nonce, Scopes: r.Scopes,
		Challenge: r.CodeChallenge, Mode: r.ResponseMode, MaxAge: r.MaxAge, Begun: s.now(),
		Silent: slices.Contains(r.Prompt, oidc.PromptNone), Fresh: slices.Contains(r.Prompt, oidc.PromptLogin),
	}
	if err := s.keepRequest(ctx, request); err != nil {
		return nil, err
	}
	if now, last := s.now().UnixMilli(), s.swept.Load(); now-last > sweepEvery.Milliseconds() && s.swept.CompareAndSwap(last, now) {
		if err := s.sweep(ctx); err != nil {
			s.config.Logger.Warn("old requests for tokens were not removed", "error", err)
		}
	}
	return request, nil
}

func (s *storage) now() time.Time { return s.config.Now().UTC().Truncate(time.Millisecond) }

// keepRequest writes a request, unless somebody else changed it.
func (s *storage) keepRequest(ctx context.Context, r *authRequest) error {
	return s.vault.Put(ctx, requestName(r.ID), r, r.version)
}

var errGone = errors.New("there is no such request, or it was begun too long ago")

// request returns a request that is not too old.
func (s *storage) request(ctx context.Context, id string) (*authRequest, error) {
	var r authRequest
	version, err := s.vault.Get(ctx, requestName(id), &r)
	if err != nil {
		return nil, err
	}
	if version == 0 || s.now().Sub(r.Begun) > requestTime {
		return nil, errGone
	}
	r.version = version
	return &r, nil
}

// AuthRequestByID returns a request.
func (s *storage) AuthRequestByID(ctx context.Context, id string) (op.AuthRequest, error) {
	r, err := s.request(ctx, id)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// SaveAuthCode keeps a code for a request.
func (s *storage) SaveAuthCode(ctx context.Context, id, c string) error {
	return s.vault.Put(ctx, codeName(c), code{Request: id, Made: s.now()}, 0)
}

// AuthRequestByCode returns the request of a code, which is used up: of two who
// come with it, one gets the request, whatever follows.
func (s *storage) AuthRequestByCode(ctx context.Context, c string) (op.AuthRequest, error) {
	var kept code
	version, err := s.vault.Get(ctx, codeName(c), &kept)
	if err != nil {
		return nil, err
	}
	if version == 0 {
		return nil, errGone
	}
	if err := s.vault.Delete(ctx, codeName(c), version); err != nil {
		return nil, err
	}
	if s.now().Sub(kept.Made) > codeTime {
		return nil, errGone
	}
	return s.AuthRequestByID(ctx, kept.Request)
}

// DeleteAuthRequest forgets a request.
func (s *storage) DeleteAuthRequest(ctx context.Context, id string) error {
	var r authRequest
	version, err := s.vault.Get(ctx, requestName(id), &r)
	if err != nil || version == 0 {
		return err
	}
	return s.vault.Delete(ctx, requestName(id), version)
}

// sweep forgets requests and codes that nobody came back for, and families of
// refresh tokens that are over. Any member may do so at any time.
func (s *storage) sweep(ctx context.Context) error {
	for _, kind := range []struct {
		prefix string
		over   func(k portal.Kept) (bool, error)
	}{
		{"request/", func(k portal.Kept) (bool, error) {
			var r authRequest
			err := k.Read(&r)
			return s.now().Sub(r.Begun) > requestTime, err
		}},
		{"code/", func(k portal.Kept) (bool, error) {
			var c code
			err := k.Read(&c)
			return s.now().Sub(c.Made) > codeTime, err
		}},
		{"family/", func(k portal.Kept) (bool, error) {
			var f family
			err := k.Read(&f)
			return s.now().Sub(f.Begun) > refreshTime, err
		}},
	} {
		var gone []portal.Kept
		for k, err := range s.vault.All(ctx, kind.prefix) {
			if err != nil {
				return err
			}
			over, err := kind.over(k)
			if err != nil {
				return err
			}
			if over {
				gone = append(gone, k)
			}
		}
		for _, k := range gone {
			if err := s.vault.Delete(ctx, k.Name, k.Version); err != nil && !errors.Is(err, portal.ErrStale) {
				return err
			}
		}
	}
	return nil
}

// Health says whether the storage can be asked.
func (s *storage) Health(context.Context) error { return nil }

// token ids name the client, so that what is asked later with the token alone can
// be asked of the right portal.
const idSeparator = "~"

func tokenID(client string) string { return client + idSeparator + rand.Text() }

func clientOf(tokenID string) string {
	client, _, _ := strings.Cut(tokenID, idSeparator)
	return client
}
