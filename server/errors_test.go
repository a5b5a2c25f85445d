package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema/syntax"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// TestErrors looks up errors that conversations do not bring about.
func TestErrors(t *testing.T) {
	second := time.Second
	for _, c := range []struct {
		err    error
		code   codes.Code
		reason v1.ErrorReason
		retry  *time.Duration
	}{
		{context.Canceled, codes.Canceled, 0, nil},
		{context.DeadlineExceeded, codes.DeadlineExceeded, 0, nil},
		{&replica.UnavailableError{Msg: "m", RetryAfter: second}, codes.Unavailable, 0, &second},
		{&replica.UnavailableError{Msg: "m", RetryAfter: second, Err: context.DeadlineExceeded}, codes.Unavailable, 0, &second},
		{&replica.UnavailableError{Msg: "m", RetryAfter: second, MayApply: true}, codes.Unavailable, 0, nil},
		{replica.ErrClosed, codes.Unavailable, 0, nil},
		{store.ErrClosed, codes.Unavailable, 0, nil},
		{&store.ExpiredRevisionError{Revision: 1, Floor: 2}, codes.FailedPrecondition, 0, nil},
		{&store.FutureRevisionError{Revision: 2, Head: 1}, codes.Unavailable, 0, &second},
		{&replica.TokenError{Fault: replica.TokenGarbage}, codes.InvalidArgument, 0, nil},
		{&replica.TokenError{Fault: replica.TokenOtherHistory}, codes.FailedPrecondition, 0, nil},
		{&replica.TooLargeError{Size: 2, Limit: 1}, codes.ResourceExhausted, 0, nil},
		{&replica.ImportLostError{}, codes.Aborted, 0, nil},
		{&store.TransactionTooBigError{}, codes.ResourceExhausted, 0, nil},
		{&store.DiskFullError{}, codes.ResourceExhausted, 0, nil},
		{&engine.LimitError{What: "reads", Limit: 1}, codes.ResourceExhausted, 0, nil},
		{&store.SchemaInUseError{}, codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_SCHEMA_TYPE_ERROR, nil},
		{&store.ConstraintsError{}, codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_SCHEMA_TYPE_ERROR, nil},
		{syntax.ErrorList{{Kind: syntax.TypeError}, {Kind: syntax.ParseError}}, codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_SCHEMA_PARSE_ERROR, nil},
		{syntax.ErrorList{{Kind: syntax.TypeError}}, codes.FailedPrecondition, v1.ErrorReason_ERROR_REASON_SCHEMA_TYPE_ERROR, nil},
		{&store.DocumentVersionError{}, codes.FailedPrecondition, 0, nil},
	} {
		s := &Server{log: slog.New(slog.DiscardHandler)}
		st := status.Convert(s.status(context.Background(), "method", fmt.Errorf("doing: %w", c.err)))
		var reason string
		var retry *time.Duration
		for _, d := range st.Details() {
			switch d := d.(type) {
			case *errdetails.ErrorInfo:
				reason = d.Reason
			case *errdetails.RetryInfo:
				delay := d.RetryDelay.AsDuration()
				retry = &delay
			}
		}
		want := ""
		if c.reason != 0 {
			want = c.reason.String()
		}
		if st.Code() != c.code || reason != want || (retry == nil) != (c.retry == nil) || retry != nil && *retry != *c.retry {
			t.Errorf("%#v: %s %s %v, want %s %s %v", c.err, st.Code(), reason, retry, c.code, want, c.retry)
		}
		if !strings.Contains(st.Message(), c.err.Error()) {
			t.Errorf("%#v: %s", c.err, st.Message())
		}
	}
}

// TestUnknownErrors keeps from the caller what only the log is for, and gives
// both the request id.
func TestUnknownErrors(t *testing.T) {
	var buf bytes.Buffer
	s := &Server{log: slog.New(slog.NewTextHandler(&buf, nil))}
	ctx := context.WithValue(context.Background(), callKey{}, &call{id: "r-1"})
	st := status.Convert(s.status(ctx, "/service/method", errors.New("a secret of the house")))
	if st.Code() != codes.Internal || strings.Contains(st.Message(), "secret") || !strings.Contains(st.Message(), "r-1") {
		t.Errorf("%s: %s", st.Code(), st.Message())
	}
	if line := buf.String(); strings.Count(line, "a secret of the house") != 1 || !strings.Contains(line, "r-1") || !strings.Contains(line, "/service/method") {
		t.Errorf("the log has %s", line)
	}
}

// TestForeignStatuses passes on what gRPC itself says.
func TestForeignStatuses(t *testing.T) {
	s := &Server{log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	given := status.Error(codes.ResourceExhausted, "grpc: received message larger than max")
	if got := s.status(context.Background(), "m", given); !errors.Is(got, given) {
		t.Errorf("%v", got)
	}
	if err := s.status(context.Background(), "m", nil); err != nil {
		t.Errorf("%v", err)
	}
}

// TestShorten cuts between lines, else between characters, and only what is too
// large for a header.
func TestShorten(t *testing.T) {
	for _, c := range []struct{ name, msg, want string }{
		{"fits", strings.Repeat("x", maxMessage), strings.Repeat("x", maxMessage)},
		{"one line", strings.Repeat("x", maxMessage+1), strings.Repeat("x", maxMessage) + "…"},
		{"wide characters", strings.Repeat("ü", maxMessage), strings.Repeat("ü", maxMessage/6) + "…"},
		{"no text", strings.Repeat("\xff", maxMessage), strings.Repeat("\xff", maxMessage/3) + "…"},
		{"lines", strings.Repeat("a line of text\n", maxMessage), strings.Repeat("a line of text\n", maxMessage/17) +
			fmt.Sprintf("… and %d more lines", maxMessage-maxMessage/17+1)},
	} {
		if got := shorten(c.msg); got != c.want {
			t.Errorf("%s: %d bytes: …%q, want %d: …%q", c.name, len(got), got[max(0, len(got)-60):], len(c.want), c.want[max(0, len(c.want)-60):])
		}
	}
}

// TestUpdateAtFault names the relationship of an update whose caveat is at fault.
func TestUpdateAtFault(t *testing.T) {
	r, err := engine.ParseRelationship("document:a#viewer@user:anne")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{log: slog.New(slog.DiscardHandler)}
	for _, c := range []struct {
		err  error
		want map[string]string
	}{
		{&store.ContextTooLargeError{Size: 2, Limit: 1},
			map[string]string{"relationship": "document:a#viewer@user:anne", "context_size": "2", "max_allowed_size": "1"}},
		{&caveat.ParamError{Caveat: "tall", Param: "height", Want: "int", Got: "bool"},
			map[string]string{"definition_name": "document", "relation_name": "viewer", "caveat_name": "tall", "parameter_name": "height", "expected_type": "int"}},
		{&engine.UnknownTypeError{Type: "page"}, map[string]string{"definition_name": "page"}},
	} {
		err := &store.UpdateError{Update: store.Update{Op: store.Touch, Relationship: r}, Err: c.err}
		for _, d := range status.Convert(s.status(context.Background(), "method", err)).Details() {
			if got := d.(*errdetails.ErrorInfo).Metadata; !maps.Equal(got, c.want) {
				t.Errorf("%v: %v, want %v", err, got, c.want)
			}
		}
	}
}
