package server

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/server/reload"
)

// AuthConfig says who may call. Without any of its means nobody may; a server
// that serves everybody has no Auth at all.
type AuthConfig struct {
	Keys    []Key       // preshared keys, all valid at once
	KeyFile string      // more of them, by hash; read again when it changes
	OIDC    *OIDCConfig // bearer tokens of an issuer
	// Certificates lets in, as admin, whoever shows a certificate that TLS has
	// verified, if neither keys nor an issuer are given. With them it has no
	// effect: then the certificate is asked for beside the token. gRPC and HTTP
	// must both be served with TLS that demands one.
	Certificates bool

	Logger *slog.Logger     // nil: slog.Default()
	Now    func() time.Time // nil: time.Now
}

// Enabled reports whether c lets anybody in by some proof.
func (c AuthConfig) Enabled() bool { return c.tokens() || c.Certificates }

func (c AuthConfig) tokens() bool { return len(c.Keys) > 0 || c.KeyFile != "" || c.OIDC != nil }

// Auth tells who a caller is. It is safe for concurrent use.
type Auth struct {
	tokens bool // a token is needed, not just a certificate
	keys   []Key
	file   *reload.Value[[]Key] // nil without
	oidc   *issuer              // nil without
	peers  *peers
}

// NewAuth reads the key file. It names every fault of the configuration. The
// issuer is asked when the first of its tokens comes.
func NewAuth(c AuthConfig) (*Auth, error) {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	var faults []error
	if !c.Enabled() {
		faults = append(faults, errors.New("authentication has neither keys nor an issuer nor certificates"))
	}
	a := &Auth{tokens: c.tokens(), keys: c.Keys}
	var err error
	if a.peers, err = newPeers(); err != nil {
		faults = append(faults, err)
	}
	if c.KeyFile != "" {
		load := func() ([]Key, error) { return readKeys(c.KeyFile) }
		if a.file, err = reload.New(c.Logger, c.Now, load, c.KeyFile); err != nil {
			faults = append(faults, err)
		}
	}
	if c.OIDC != nil {
		if a.oidc, err = newIssuer(*c.OIDC, c.Now); err != nil {
			faults = append(faults, err)
		}
	}
	return a, errors.Join(faults...)
}

// Identity is who calls. The zero Identity is nobody.
type Identity struct {
	Name string // stable: idempotency keys are scoped to it; no secret
	Role Role
}

// denial refuses a call for who makes it. It is a gRPC status.
type denial struct {
	code  codes.Code
	why   string // for the metric: one of few words
	msg   string
	retry time.Duration // 0: trying again does not help
}

func (d *denial) Error() string { return d.msg }

// GRPCStatus makes a denial the status that the caller gets.
func (d *denial) GRPCStatus() *status.Status {
	v := verdict{code: d.code}
	if d.retry > 0 {
		v.retry = &d.retry
	}
	return v.status(d.msg)
}

var (
	errMissingToken = &denial{codes.Unauthenticated, "missing_token",
		"the call has no token: send the header `authorization: Bearer TOKEN`", 0}
	errNoCertificate = &denial{codes.Unauthenticated, "missing_certificate",
		"the call has no verified client certificate", 0}
	errWrongToken = &denial{codes.PermissionDenied, "wrong_token",
		"the token is not valid here", 0}
	errTooManyFailures = &denial{codes.ResourceExhausted, "rate_limited",
		"too many wrong tokens came from this address; try again later", time.Second / failureSecond}
)

// authenticate returns who makes a call that comes from an address, or a *denial.
// token is what stands in the header "authorization".
func (a *Auth) authenticate(ctx context.Context, from netip.Addr, authorization string) (Identity, error) {
	if !a.tokens {
		return certified(ctx)
	}
	token := bearer(authorization)
	if token == "" {
		return Identity{}, errMissingToken
	}
	record := a.peers.record(from)
	if record.blocked() {
		return Identity{}, errTooManyFailures
	}
	id, err := a.identify(ctx, token)
	switch d, denied := errors.AsType[*denial](err); {
	case err == nil:
		record.succeeded()
	case denied && d.code == codes.PermissionDenied && record.failed():
		return Identity{}, errTooManyFailures
	}
	return id, err
}

// bearer returns the token of a header "Bearer TOKEN", "" when it has none.
func bearer(authorization string) string {
	scheme, token, ok := strings.Cut(authorization, " ")
	if !ok || !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// key returns the key that a token is.
func (a *Auth) key(token string) (Key, bool) {
	if k, ok := find(a.keys, token); ok || a.file == nil {
		return k, ok
	}
	return find(a.file.Get(), token)
}

// proves reports whether one of the keys has a name and role, and is the one that a
// session began with.
func (a *Auth) proves(name, role, proof string) bool {
	keys := a.keys
	if a.file != nil {
		keys = slices.Concat(keys, a.file.Get())
	}
	return slices.ContainsFunc(keys, func(k Key) bool {
		return k.Name == name && k.Role.String() == role && subtle.ConstantTimeCompare([]byte(k.proof()), []byte(proof)) == 1
	})
}

// identify returns whose token it is.
func (a *Auth) identify(ctx context.Context, token string) (Identity, error) {
	if k, ok := a.key(token); ok {
		return Identity{k.Name, k.Role}, nil
	}
	if a.oidc != nil && strings.Count(token, ".") == 2 { // it looks like a JWT
		return a.oidc.identify(ctx, token)
	}
	return Identity{}, errWrongToken
}

// certified returns who the client's certificate names.
func certified(ctx context.Context) (Identity, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return Identity{}, errNoCertificate
	}
	if inProcess(p) { // the HTTP side, whose listener has asked for the certificate
		return Identity{"cert", RoleAdmin}, nil
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 {
		return Identity{}, errNoCertificate
	}
	return Identity{"cert:" + info.State.VerifiedChains[0][0].Subject.String(), RoleAdmin}, nil
}

// allows returns a *denial if a role is not enough for a call.
func (id Identity) allows(method string) error {
	if need := needs(method); id.Role < need {
		return &denial{codes.PermissionDenied, "role",
			fmt.Sprintf("this token has the role %s; %s needs the role %s", id.Role, method, need), 0}
	}
	return nil
}
