package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// serverError is what a server answered instead of what was asked for.
type serverError struct {
	where  string // the server
	status *status.Status
}

// callError turns the error of a call into a *serverError; nil stays nil.
func callError(where string, err error) error {
	if err == nil {
		return nil
	}
	return &serverError{where, status.Convert(err)}
}

// GRPCStatus makes the status be found by package status.
func (e *serverError) GRPCStatus() *status.Status { return e.status }

// Is finds what a context ended with.
func (e *serverError) Is(target error) bool {
	return target == context.Canceled && e.status.Code() == codes.Canceled ||
		target == context.DeadlineExceeded && e.status.Code() == codes.DeadlineExceeded
}

func (e *serverError) Error() string {
	msg := e.status.Message()
	if e.ofPortal() {
		return msg
	}
	switch e.status.Code() {
	case codes.Unavailable:
		if detail, ok := transportFault(msg); ok {
			return fmt.Sprintf("the server at %s cannot be reached: %s%s", e.where, detail, transportHint(detail))
		}
	case codes.Unauthenticated:
		return fmt.Sprintf("the server at %s wants a token: %s (--token, PEMBA_TOKEN or a context gives it one)", e.where, msg)
	case codes.PermissionDenied:
		return fmt.Sprintf("the server at %s refuses the token: %s", e.where, msg)
	case codes.Unimplemented:
		return fmt.Sprintf("the server at %s does not know this call: %s", e.where, msg)
	case codes.DeadlineExceeded:
		return fmt.Sprintf("the server at %s did not answer in time: %s", e.where, msg)
	}
	return msg
}

// transportFault finds out whether it was the connection that failed and not
// the server that spoke, and returns gRPC's words without their wrapping.
func transportFault(msg string) (string, bool) {
	for _, prefix := range []string{"connection error: ", "error reading ", "name resolver error: ", "closing transport", "last resolver error: ", "dns: ", "the connection is "} {
		if strings.HasPrefix(msg, prefix) {
			if _, inner, ok := strings.Cut(msg, `desc = "`); ok {
				msg = strings.TrimSuffix(inner, `"`)
			}
			return strings.TrimPrefix(strings.TrimPrefix(msg, "transport: "), "Error while dialing: "), true
		}
	}
	return msg, false
}

// transportHint says what may help where client and server do not agree on TLS.
func transportHint(detail string) string {
	switch {
	case strings.Contains(detail, "first record does not look like a TLS handshake"):
		return " (it speaks plain text: --insecure does, too)"
	case strings.Contains(detail, "remote error: tls: ") && strings.Contains(detail, "certificate"):
		return " (--cert and --key name a certificate that it trusts)"
	case strings.Contains(detail, "x509: "), strings.Contains(detail, "certificate"):
		return " (--ca FILE names who signed its certificate)"
	case strings.Contains(detail, "error reading server preface"):
		return " (does it speak TLS? leave --insecure out)"
	}
	return ""
}

// exitCode returns the exit code that fits the answer of a server.
func (e *serverError) exitCode() int {
	if e.ofPortal() && e.status.Code() == codes.InvalidArgument {
		return exitUsage
	}
	switch e.status.Code() {
	case codes.Unavailable, codes.DeadlineExceeded:
		return exitUnavailable
	case codes.AlreadyExists, codes.Aborted:
		return exitConflict
	case codes.ResourceExhausted:
		if e.retryable() {
			return exitUnavailable
		}
		return exitRefused
	case codes.FailedPrecondition:
		if e.reason() == v1.ErrorReason_ERROR_REASON_WRITE_OR_DELETE_PRECONDITION_FAILURE.String() {
			return exitConflict
		}
		return exitRefused
	case codes.InvalidArgument, codes.NotFound, codes.OutOfRange, codes.Unimplemented,
		codes.Unauthenticated, codes.PermissionDenied:
		return exitRefused
	}
	return exitFailure
}

// ofPortal reports whether it is the portal that refused: it says by itself what was
// wrong and who can help.
func (e *serverError) ofPortal() bool {
	for _, d := range e.status.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.Domain == portalDomain
		}
	}
	return false
}

// portalDomain is the domain of the reasons of the Customer Portal.
const portalDomain = "portal.pemba"

// reason returns the reason of the answer, "" for none.
func (e *serverError) reason() string {
	for _, d := range e.status.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.Reason
		}
	}
	return ""
}

// retryable reports whether the server says when to try again.
func (e *serverError) retryable() bool {
	for _, d := range e.status.Details() {
		if _, ok := d.(*errdetails.RetryInfo); ok {
			return true
		}
	}
	return false
}

// isCode reports whether a server answered with a code.
func isCode(err error, code codes.Code) bool {
	return err != nil && status.Code(err) == code
}

// retryable reports whether a server said when to try again.
func retryable(err error) bool {
	var e *serverError
	return errors.As(err, &e) && e.retryable()
}
