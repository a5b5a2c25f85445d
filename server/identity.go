package server

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"google.golang.org/grpc/codes"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/portal"
	"github.com/pemba-authz/pemba/server/portal/session"
	"github.com/pemba-authz/pemba/server/replica"
)

const (
	portalPrefix   = "/pemba.portal.v1."
	operatorPrefix = portalPrefix + "OperatorService/"
)

// isPortal reports whether a call is one of the Customer Portal.
func isPortal(method string) bool { return strings.HasPrefix(method, portalPrefix) }

// readsOnly reports whether a call of the portal changes nothing, by its name.
func readsOnly(method string) bool {
	name := method[strings.LastIndexByte(method, '/')+1:]
	return strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List") || strings.HasPrefix(name, "Search")
}

// anonymous are the calls by which people come in: nobody is signed in yet. Guesses
// are counted for those that are true.
var anonymous = map[string]bool{
	portalv1.SessionService_GetFirstRun_FullMethodName:      false,
	portalv1.SessionService_CompleteFirstRun_FullMethodName: true,
	portalv1.SessionService_BeginFirstRun_FullMethodName:    true,
	portalv1.SessionService_BeginSignIn_FullMethodName:      true,
	portalv1.SessionService_SignIn_FullMethodName:           true,
	portalv1.SessionService_SignInWithKey_FullMethodName:    true,
	portalv1.SessionService_RequestLink_FullMethodName:      true,
	portalv1.SessionService_InspectLink_FullMethodName:      true,
	portalv1.SessionService_RedeemLink_FullMethodName:       true,
}

// from returns where a call comes from.
func (s *Server) from(ctx context.Context) netip.Addr { return peerAddr(ctx, s.config.TrustedProxies) }

// fromHTTP returns where a request comes from.
func (s *Server) fromHTTP(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return origin(at.Addr().Unmap(), strings.Join(r.Header.Values("X-Forwarded-For"), ","), s.config.TrustedProxies)
}

// authenticate finds out who makes the call that ctx belongs to, and refuses it
// if they may not. The context that it returns tells the portal.
func (s *Server) authenticate(ctx context.Context, method string) (context.Context, error) {
	var err error
	switch {
	case isPortal(method):
		ctx, err = s.authenticatePortal(ctx, method)
	case s.config.Auth == nil || needs(method) == RoleNone:
		return ctx, nil
	default:
		err = s.authenticateShared(ctx, method)
	}
	if d, ok := errors.AsType[*denial](err); ok {
		s.metrics.denials.WithLabelValues(d.why).Inc()
	} else if r, ok := errors.AsType[*portal.Refusal](err); ok && r.Fault == portal.NotSignedIn {
		s.metrics.denials.WithLabelValues("session").Inc()
	}
	return ctx, err
}

// authenticateShared lets in whoever has the role for a call that is not the
// portal's: a key, a token of the issuer, a certificate, or a session.
func (s *Server) authenticateShared(ctx context.Context, method string) error {
	token := header(ctx, "authorization")
	var who Identity
	var err error
	if t := bearer(token); session.IsToken(t) {
		who, err = s.sessionIdentity(ctx, t)
	} else {
		who, err = s.config.Auth.authenticate(ctx, s.from(ctx), token)
	}
	if err != nil {
		return err
	}
	callOf(ctx).who = who
	return who.allows(method)
}

// reachRoles are the roles of people who may use the installation.
var reachRoles = [...]Role{portal.ReachNone: RoleNone, portal.ReachObserve: RoleRead, portal.ReachOperate: RoleAdmin}

var errNoOperator = &denial{codes.PermissionDenied, "role",
	"your session opens the Customer Portal alone; this is for operators of the installation", 0}

// sessionIdentity returns what a session or a token of a machine is good for
// outside of the portal.
func (s *Server) sessionIdentity(ctx context.Context, token string) (Identity, error) {
	c, err := s.signedIn(ctx, token)
	if err != nil {
		return Identity{}, err
	}
	if c.Operator != "" {
		role, err := ParseRole(c.Role)
		return Identity{c.Operator, role}, err
	}
	reach, err := s.config.Portal.Reach(ctx, c)
	if err == nil && reach == portal.ReachNone {
		err = errNoOperator
	}
	return Identity{personName(c), reachRoles[reach]}, err
}

// personName is the name of a person as the maker of calls.
func personName(c *portal.Caller) string { return "user:" + c.User }

// signedIn returns who a token of a session stands for, or a *portal.Refusal. The
// session of a key ends with the key.
func (s *Server) signedIn(ctx context.Context, token string) (*portal.Caller, error) {
	c, proof, err := s.findSession(ctx, token)
	if err != nil {
		return nil, err
	}
	if c.Operator != "" && (s.config.Auth == nil || !s.config.Auth.proves(c.Operator, c.Role, proof)) {
		return nil, portal.ErrEnded
	}
	return c, nil
}

// findSession returns whose session a token opens, and of that of a key what it
// began with. Without the portal only keys have sessions.
func (s *Server) findSession(ctx context.Context, token string) (*portal.Caller, string, error) {
	if s.config.Portal != nil {
		c, err := s.config.Portal.SignedIn(ctx, token, s.from(ctx).String())
		if err != nil {
			return nil, "", err
		}
		return c, c.Proof, nil
	}
	snap, err := s.replica.Snapshot(ctx, replica.Consistency{Mode: replica.FullyConsistent})
	if _, ok := errors.AsType[*replica.UnavailableError](err); ok { // reading goes on without a leader
		snap, err = s.replica.Snapshot(ctx, replica.Consistency{Mode: replica.MinimizeLatency})
	}
	if err != nil {
		return nil, "", err
	}
	defer snap.Close()
	found, err := session.Find(snap, token)
	if err != nil {
		return nil, "", err
	}
	if found == nil || found.Operator == "" || s.sessions.Over(found, portal.KeyIdle) {
		return nil, "", portal.ErrEnded
	}
	s.sessions.Use(found)
	return &portal.Caller{
		Operator: found.Operator, Role: found.Role, Admin: found.Role == RoleAdmin.String(),
		Session: found.ID, Since: found.Begun, Expires: found.Expires,
	}, found.Proof, nil
}

// authenticatePortal finds out who makes a call of the portal. Calls by which
// people come in are open, but not to too many at once from one address.
func (s *Server) authenticatePortal(ctx context.Context, method string) (context.Context, error) {
	from := s.from(ctx)
	guess, open := anonymous[method]
	if guess {
		if err := s.visitors.admit(from, s.config.Now()); err != nil {
			return ctx, err
		}
	}
	c, err := s.portalCaller(ctx, method)
	switch {
	case err != nil && !open:
		return ctx, err
	case err != nil:
		c = &portal.Caller{}
	}
	name := header(ctx, idempotencyKey)
	if len(name) > maxIdempotencyKey {
		return ctx, invalid("the idempotency key has %d bytes; at most %d are allowed", len(name), maxIdempotencyKey)
	}
	call := callOf(ctx)
	switch {
	case c.User != "":
		call.who.Name = personName(c)
	case c.Operator != "":
		call.who.Name = c.Operator
	}
	c.Address, c.Agent, c.RequestID = from.String(), agent(ctx), call.id
	c.AtLeast, c.RetryKey = header(ctx, atLeastHeader), name
	return portal.WithCaller(ctx, c), nil
}

// atLeastHeader names a revision that the answer must have reached.
const atLeastHeader = "pemba-at-least"

// agent is the program of the caller, as it says itself.
func agent(ctx context.Context) string {
	if browser := header(ctx, "grpcgateway-user-agent"); browser != "" {
		return browser
	}
	return header(ctx, "user-agent")
}

// local is who calls a server that has no authentication, and so only listens to
// its own machine.
const local = "local"

// portalCaller returns who makes a call of the portal. A session, or a token of a
// machine, is that of a person; a key is an operator's.
func (s *Server) portalCaller(ctx context.Context, method string) (*portal.Caller, error) {
	authorization := header(ctx, "authorization")
	token := bearer(authorization)
	switch {
	case session.IsToken(token):
		return s.signedIn(ctx, token)
	case s.provider != nil && s.provider.Issued(token):
		return s.serviceCaller(ctx, method, token)
	case s.config.Auth == nil && s.openTo(method):
		return &portal.Caller{Operator: local, Role: RoleAdmin.String(), Admin: true}, nil
	case s.config.Auth == nil, token == "" && s.config.Auth.tokens:
		return nil, &portal.Refusal{Fault: portal.NotSignedIn, Msg: "nobody is signed in: sign in first"}
	}
	who, err := s.config.Auth.authenticate(ctx, s.from(ctx), authorization)
	if err != nil {
		return nil, err
	}
	if who.Role < RoleAdmin && method != portalv1.SessionService_GetMe_FullMethodName {
		return nil, who.allows(method)
	}
	return &portal.Caller{Operator: who.Name, Role: who.Role.String(), Admin: who.Role == RoleAdmin}, nil
}

// openTo reports whether a call of the portal needs no proof on a server without
// authentication: those of operators, as everything else that they do is open too,
// and without the portal the question who one is.
func (s *Server) openTo(method string) bool {
	return strings.HasPrefix(method, operatorPrefix) || s.config.Portal == nil && method == portalv1.SessionService_GetMe_FullMethodName
}
