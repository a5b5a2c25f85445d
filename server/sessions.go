package server

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/portal"
	"github.com/pemba-authz/pemba/server/portal/session"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// sessionService is pemba.portal.v1.SessionService: of keys of the API it answers
// itself, everything else is the portal's. Without the portal it is there all the
// same, so that the console knows how far it is open.
type sessionService struct {
	portalv1.SessionServiceServer // of the portal; of nothing without it
	server                        *Server
}

func newSessionService(s *Server) *sessionService {
	if s.config.Portal == nil {
		return &sessionService{portalv1.UnimplementedSessionServiceServer{}, s}
	}
	return &sessionService{s.config.Portal.SessionService(), s}
}

// keySession is how long a session of a key lasts at most.
const keySession = 12 * time.Hour

// SignInWithKey begins a session that has the role of a key, for as long as the
// server has that key.
func (k *sessionService) SignInWithKey(ctx context.Context, r *portalv1.SignInWithKeyRequest) (*portalv1.SignInResponse, error) {
	s := k.server
	key, err := s.checkKey(ctx, r.Key)
	if err != nil {
		return nil, err
	}
	c, now := portal.CallerOf(ctx), s.config.Now().UTC().Truncate(time.Millisecond)
	token, _, updates := session.Begin(session.Record{
		Operator: key.Name, Role: key.Role.String(), Proof: key.proof(), Begun: now, Expires: now.Add(keySession),
		Address: c.Address, Agent: c.Agent[:min(len(c.Agent), 200)], By: "key",
	})
	result, err := s.replica.Propose(ctx, replica.Proposal{
		Tx: store.Transaction{Documents: updates, Actor: "key:" + key.Name}, RequestID: c.RequestID,
	})
	if err != nil {
		return nil, err
	}
	return &portalv1.SignInResponse{Token: token, ExpiresAt: timestamppb.New(now.Add(keySession)), WrittenAt: fromToken(result.Token)}, nil
}

var (
	errNoKeys   = &portal.Refusal{Fault: portal.NotSignedIn, Msg: "this server has no keys: sign in with your e-mail address"}
	errWrongKey = &portal.Refusal{Fault: portal.NotSignedIn, Msg: "the key is not valid here"}
)

// checkKey returns the key that a text is. Wrong ones count like wrong tokens.
func (s *Server) checkKey(ctx context.Context, text string) (Key, error) {
	if s.config.Auth == nil {
		return Key{}, errNoKeys
	}
	record := s.config.Auth.peers.record(s.from(ctx))
	if record.blocked() {
		return Key{}, errTooManyFailures
	}
	key, ok := s.config.Auth.key(text)
	switch {
	case ok:
		record.succeeded()
		return key, nil
	case record.failed():
		return Key{}, errTooManyFailures
	}
	return Key{}, errWrongKey
}

// GetMe says who calls. Without the portal that is an operator.
func (k *sessionService) GetMe(ctx context.Context, r *portalv1.GetMeRequest) (*portalv1.GetMeResponse, error) {
	s := k.server
	if s.config.Portal != nil {
		return k.SessionServiceServer.GetMe(ctx, r)
	}
	c, status := portal.CallerOf(ctx), s.replica.Status()
	resp := &portalv1.GetMeResponse{
		Operator: c.Operator, Workbench: portal.AccessOf(c.Role), Operations: portal.AccessOf(c.Role),
		Build: s.config.Version, Node: status.ID,
	}
	if !c.Expires.IsZero() {
		resp.ExpiresAt = timestamppb.New(c.Expires)
	}
	switch {
	case s.replica.Serving() != nil:
		resp.ReadOnly = s.replica.Serving().Error()
	case !status.Ready:
		resp.ReadOnly = "the cluster has no leader"
	}
	return resp, nil
}

// SignOut ends the session of the call.
func (k *sessionService) SignOut(ctx context.Context, r *portalv1.SignOutRequest) (*portalv1.SignOutResponse, error) {
	s := k.server
	if s.config.Portal != nil {
		return k.SessionServiceServer.SignOut(ctx, r)
	}
	c := portal.CallerOf(ctx)
	if c.Session == "" {
		return nil, &portal.Refusal{Fault: portal.NotSignedIn, Msg: "nobody is signed in"}
	}
	ended := &session.Session{ID: c.Session}
	result, err := s.replica.Propose(ctx, replica.Proposal{Tx: store.Transaction{Documents: ended.End(), Actor: "key:" + c.Operator}, RequestID: c.RequestID})
	if err != nil {
		return nil, err
	}
	return &portalv1.SignOutResponse{WrittenAt: fromToken(result.Token)}, nil
}
