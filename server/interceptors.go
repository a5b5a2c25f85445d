package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/authzed/authzed-go/pkg/requestmeta"
	"github.com/authzed/authzed-go/pkg/responsemeta"

	"github.com/pemba-authz/pemba/server/portal"
)

// interceptor is one step that every call passes on its way in and out.
type interceptor struct {
	unary  grpc.UnaryServerInterceptor
	stream grpc.StreamServerInterceptor
}

// interceptors returns the steps of a call, the outermost first.
func (s *Server) interceptors() []interceptor {
	return []interceptor{
		{s.identifyUnary, s.identifyStream},         // request id
		{s.observeUnary, s.observeStream},           // one metric and one log line
		{s.mapErrorUnary, s.mapErrorStream},         // errors become statuses here and nowhere else
		{s.authenticateUnary, s.authenticateStream}, // who calls, and may they
		{s.admitUnary, s.admitStream},               // not too many at once; deadline
		{validateUnary, validateStream},             // what the messages' own rules refuse
	}
}

func (s *Server) unaryInterceptors() []grpc.UnaryServerInterceptor {
	var chain []grpc.UnaryServerInterceptor
	for _, i := range s.interceptors() {
		if i.unary != nil {
			chain = append(chain, i.unary)
		}
	}
	return chain
}

func (s *Server) streamInterceptors() []grpc.StreamServerInterceptor {
	var chain []grpc.StreamServerInterceptor
	for _, i := range s.interceptors() {
		if i.stream != nil {
			chain = append(chain, i.stream)
		}
	}
	return chain
}

// stream is a server stream with another context.
type stream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *stream) Context() context.Context { return s.ctx }

// maxRequestID is how many bytes of a caller's request id are kept.
const maxRequestID = 128

// identify takes the caller's request id, or makes one.
func identify(ctx context.Context, method string) (context.Context, *call) {
	id := header(ctx, string(requestmeta.RequestIDKey))
	if id == "" {
		id = newRequestID()
	}
	c := &callContext{Context: ctx, call: call{id: id[:min(len(id), maxRequestID)], method: method, start: time.Now()}}
	return c, &c.call
}

// newRequestID returns 26 random letters and digits, 130 bits. They tell requests
// apart, and need not be hard to guess.
func newRequestID() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	var text [26]byte
	for i := range text {
		text[i] = alphabet[rand.Uint32()%32]
	}
	return string(text[:])
}

// header returns the first value of a request header, "" when it is missing.
func header(ctx context.Context, key string) string {
	if values := metadata.ValueFromIncomingContext(ctx, key); len(values) > 0 {
		return values[0]
	}
	return ""
}

func (s *Server) identifyUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, c := identify(ctx, info.FullMethod)
	if version := s.version(ctx); version != nil {
		if err := grpc.SetHeader(ctx, version); err != nil {
			return nil, err
		}
	}
	resp, err := next(ctx, req)
	// It fails only where there is no call to answer.
	_ = grpc.SetTrailer(ctx, c.trailer())
	return resp, err
}

func (s *Server) identifyStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, c := identify(ss.Context(), info.FullMethod)
	ss.SetTrailer(c.trailer())
	if version := s.version(ctx); version != nil {
		if err := ss.SetHeader(version); err != nil {
			return err
		}
	}
	return next(srv, &stream{receiving{ss}, ctx})
}

// version returns the header with the version of the program for a caller that
// asks for it, nil for the others.
func (s *Server) version(ctx context.Context) metadata.MD {
	if header(ctx, string(requestmeta.RequestServerVersion)) == "" {
		return nil
	}
	return metadata.Pairs(string(responsemeta.ServerVersion), s.config.Version)
}

func (s *Server) mapErrorUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	resp, err := next(ctx, req)
	return resp, s.status(ctx, info.FullMethod, err)
}

func (s *Server) mapErrorStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return s.status(ss.Context(), info.FullMethod, next(srv, ss))
}

func (s *Server) authenticateUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, err := s.authenticate(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	if m, ok := req.(proto.Message); ok {
		if ctx, err = portal.Asked(ctx, info.FullMethod, m); err != nil {
			return nil, err
		}
	}
	return next(ctx, req)
}

func (s *Server) authenticateStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, err := s.authenticate(ss.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	return next(srv, &stream{ss, ctx})
}

func validateUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := validate(req); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func validateStream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return next(srv, &validatingStream{ss})
}

// validatingStream validates the messages that it receives.
type validatingStream struct{ grpc.ServerStream }

func (s *validatingStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return validate(m)
}

// errNoRequirement refuses a Consistency message that asks for nothing.
var errNoRequirement = errors.New("consistency has no requirement: give one of minimize_latency, at_least_as_fresh, at_exact_snapshot, fully_consistent, or leave consistency out")

// validate returns what the rules of a message refuse, as a *requestError.
// Messages that carry many objects are not walked here: convert.go looks at all
// of them once, when it converts them.
func validate(m any) error {
	if c, ok := m.(interface{ GetConsistency() *v1.Consistency }); ok {
		if c := c.GetConsistency(); c != nil && c.GetRequirement() == nil {
			return &requestError{err: errNoRequirement}
		}
	}
	switch m.(type) {
	case *v1.CheckPermissionRequest, *v1.CheckBulkPermissionsRequest, *v1.BulkCheckPermissionRequest,
		*v1.ImportBulkRelationshipsRequest, *v1.BulkImportRelationshipsRequest:
		return nil
	}
	if v, ok := m.(interface {
		proto.Message
		Validate() error
	}); ok {
		if err := v.Validate(); err != nil {
			return &requestError{err: brokenRule(v.ProtoReflect(), err)}
		}
	}
	if v, ok := m.(interface {
		proto.Message
		checkedByHand
	}); ok && v.HandwrittenValidate() != nil {
		return &requestError{err: misplacedWildcard(v.ProtoReflect(), "")}
	}
	return nil
}

// requestError refuses a request for its form: INVALID_ARGUMENT. The reason is
// UNSPECIFIED where the API has none for the fault.
type requestError struct {
	reason   v1.ErrorReason
	metadata map[string]string
	err      error
}

func (e *requestError) Error() string { return e.err.Error() }
func (e *requestError) Unwrap() error { return e.err }

// invalid returns a *requestError without a reason.
func invalid(format string, args ...any) error {
	return &requestError{err: fmt.Errorf(format, args...)}
}
