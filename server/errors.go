package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema/syntax"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// errorDomain is the domain of every ErrorInfo of the shared API, which clients
// compare; portalDomain is that of the portal's.
const (
	errorDomain  = "authzed.com"
	portalDomain = "portal.pemba"
)

// verdict is what a caller is told about an error, beside its text.
type verdict struct {
	code     codes.Code
	reason   fmt.Stringer // a v1.ErrorReason or a portalReason; nil: the API has none
	metadata map[string]string
	retry    *time.Duration // when trying again may help
}

// portalReason is a reason of the portal's own domain.
type portalReason string

func (r portalReason) String() string { return string(r) }

// status turns an error into what the caller is told. Errors that the table
// does not know are logged here, once.
func (s *Server) status(ctx context.Context, method string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok { // of gRPC itself, or of an interceptor
		return err
	}
	v, known := classify(err)
	if !known {
		s.log.LogAttrs(ctx, slog.LevelError, "request failed",
			slog.String("request_id", requestID(ctx)), slog.String("method", method), slog.Any("error", err))
		return status.Errorf(codes.Internal, "internal error; the server's log has it under request id %s", requestID(ctx))
	}
	return v.status(shorten(err.Error())).Err()
}

// maxMessage is how many bytes of a header the text of an error may take. It
// travels twice, in the text and in the details of a status, and the headers
// that clients take are bounded, by some at 8 KiB.
const maxMessage = 2500

// shorten cuts a text that does not fit, between its lines if it has several.
func shorten(msg string) string {
	if headerSize(msg) <= maxMessage {
		return msg
	}
	kept := 0
	for size := 0; ; {
		_, n := utf8.DecodeRuneInString(msg[kept:])
		if size += headerSize(msg[kept : kept+n]); size > maxMessage {
			break
		}
		kept += n
	}
	end := strings.LastIndexByte(msg[:kept], '\n')
	if end < 0 {
		return msg[:kept] + "…"
	}
	return fmt.Sprintf("%s\n… and %d more lines", msg[:end], strings.Count(msg[end:], "\n"))
}

// headerSize is how many bytes gRPC makes of a text in a header, where what is
// not printable ASCII takes three a byte.
func headerSize(msg string) int {
	n := len(msg)
	for i := range len(msg) {
		if c := msg[i]; c < ' ' || c > '~' || c == '%' {
			n += 2
		}
	}
	return n
}

// status returns the status of a verdict.
func (v verdict) status(msg string) *status.Status {
	st := status.New(v.code, msg)
	var details []protoadapt.MessageV1
	if reason, ok := v.reason.(portalReason); ok {
		details = append(details, &errdetails.ErrorInfo{Reason: reason.String(), Domain: portalDomain, Metadata: v.metadata})
	} else if reason, _ := v.reason.(v1.ErrorReason); reason != 0 || len(v.metadata) > 0 {
		details = append(details, &errdetails.ErrorInfo{Reason: reason.String(), Domain: errorDomain, Metadata: v.metadata})
	}
	if v.retry != nil {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(*v.retry)})
	}
	if len(details) == 0 {
		return st
	}
	with, err := st.WithDetails(details...)
	if err != nil {
		return st
	}
	return with
}

// classify finds an error in the table; ok is false for one that is not in it.
func classify(err error) (v verdict, ok bool) {
	for _, r := range rules {
		if v, ok = r(err); ok {
			v.addUpdate(err)
			return v, true
		}
	}
	return verdict{}, false
}

// addUpdate names the update at fault where the error of its caveat does not
// know it.
func (v *verdict) addUpdate(err error) {
	e, ok := errors.AsType[*store.UpdateError](err)
	if !ok {
		return
	}
	switch r := &e.Update.Relationship; v.reason {
	case v1.ErrorReason_ERROR_REASON_CAVEAT_PARAMETER_TYPE_ERROR:
		v.metadata["definition_name"], v.metadata["relation_name"] = r.Resource.Type, r.Relation
	case v1.ErrorReason_ERROR_REASON_MAX_RELATIONSHIP_CONTEXT_SIZE:
		v.metadata["relationship"] = r.Key().String()
	}
}

// rule answers for one type of error.
type rule func(error) (verdict, bool)

// as makes the rule for errors of type E.
func as[E error](f func(E) verdict) rule {
	return func(err error) (verdict, bool) {
		e, ok := errors.AsType[E](err)
		if !ok {
			return verdict{}, false
		}
		return f(e), true
	}
}

// is makes the rule for one error value.
func is(target error, v verdict) rule {
	return func(err error) (verdict, bool) { return v, errors.Is(err, target) }
}

// rules is the table of errors; the first that fits counts. Nobody writes to it.
var rules = []rule{
	as(func(e *requestError) verdict { return verdict{codes.InvalidArgument, e.reason, e.metadata, nil} }),

	// What a request names and the schema does not have.
	as(func(e *engine.UnknownTypeError) verdict {
		return verdict{codes.FailedPrecondition, v1.ErrorReason_ERROR_REASON_UNKNOWN_DEFINITION,
			map[string]string{"definition_name": e.Type}, nil}
	}),
	as(func(e *engine.UnknownRelationError) verdict {
		return verdict{codes.FailedPrecondition, v1.ErrorReason_ERROR_REASON_UNKNOWN_RELATION_OR_PERMISSION,
			map[string]string{"definition_name": e.Type, "relation_or_permission_name": e.Relation}, nil}
	}),
	as(func(e *notRelationError) verdict {
		return verdict{codes.FailedPrecondition, v1.ErrorReason_ERROR_REASON_SCHEMA_TYPE_ERROR,
			map[string]string{"definition_name": e.typeName, "permission_name": e.permission}, nil}
	}),
	is(store.ErrNoSchema, verdict{code: codes.NotFound}),

	// What a question cannot be answered for.
	is(engine.ErrWildcardSubject, verdict{codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_WILDCARD_NOT_ALLOWED,
		map[string]string{"disallowed_field": "subject_id"}, nil}),
	as(func(e *engine.DepthError) verdict {
		return verdict{codes.FailedPrecondition, v1.ErrorReason_ERROR_REASON_MAXIMUM_DEPTH_EXCEEDED,
			map[string]string{"maximum_depth_allowed": strconv.Itoa(e.Limit)}, nil}
	}),
	as(func(e *engine.CycleError) verdict { return verdict{code: codes.FailedPrecondition} }),
	as(func(e *engine.LimitError) verdict { return verdict{code: codes.ResourceExhausted} }),
	as(func(e *caveat.ParamError) verdict {
		return verdict{codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_CAVEAT_PARAMETER_TYPE_ERROR,
			map[string]string{"caveat_name": e.Caveat, "parameter_name": e.Param, "expected_type": e.Want}, nil}
	}),
	as(func(e *caveat.EvalError) verdict {
		return verdict{codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_CAVEAT_EVALUATION_ERROR,
			map[string]string{"caveat_name": e.Caveat}, nil}
	}),

	// What a write cannot do.
	as(func(e *engine.PermissionWriteError) verdict {
		return verdict{codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_CANNOT_UPDATE_PERMISSION,
			map[string]string{"definition_name": e.Type, "permission_name": e.Permission}, nil}
	}),
	as(func(e *engine.SubjectTypeError) verdict {
		return verdict{codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_INVALID_SUBJECT_TYPE,
			map[string]string{"definition_name": e.Type, "relation_name": e.Relation, "subject_type": e.Subject}, nil}
	}),
	as(func(e *store.AlreadyExistsError) verdict {
		return verdict{codes.AlreadyExists, v1.ErrorReason_ERROR_REASON_ATTEMPT_TO_RECREATE_RELATIONSHIP,
			relationshipMetadata(e.Relationship), nil}
	}),
	as(func(e *store.DuplicateUpdateError) verdict {
		return verdict{codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_UPDATES_ON_SAME_RELATIONSHIP,
			map[string]string{"definition_name": e.Relationship.Resource.Type, "relationship": e.Relationship.Key().String()}, nil}
	}),
	as(func(e *store.PreconditionError) verdict {
		return verdict{codes.FailedPrecondition, v1.ErrorReason_ERROR_REASON_WRITE_OR_DELETE_PRECONDITION_FAILURE,
			preconditionMetadata(e.Precondition), nil}
	}),
	as(func(e *store.FilterError) verdict {
		return verdict{codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_INVALID_FILTER,
			map[string]string{"filter": e.Filter.String()}, nil}
	}),
	as(func(e *store.DeleteLimitError) verdict {
		return verdict{codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_TOO_MANY_RELATIONSHIPS_FOR_TRANSACTIONAL_DELETE,
			filterMetadata("filter_", e.Filter), nil}
	}),
	as(func(e *store.ContextTooLargeError) verdict {
		return verdict{codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_MAX_RELATIONSHIP_CONTEXT_SIZE,
			map[string]string{"max_allowed_size": strconv.Itoa(e.Limit), "context_size": strconv.Itoa(e.Size)}, nil}
	}),
	as(func(e *store.ConstraintError) verdict {
		return verdict{codes.FailedPrecondition, nil, constraintMetadata(e), nil}
	}),
	as(func(e *store.CounterExistsError) verdict {
		return verdict{codes.FailedPrecondition, v1.ErrorReason_ERROR_REASON_COUNTER_ALREADY_REGISTERED,
			map[string]string{"counter_name": e.Name}, nil}
	}),
	as(func(e *store.CounterUnknownError) verdict {
		return verdict{codes.FailedPrecondition, v1.ErrorReason_ERROR_REASON_COUNTER_NOT_REGISTERED,
			map[string]string{"counter_name": e.Name}, nil}
	}),
	as(func(e *replica.RetryMismatchError) verdict { return verdict{code: codes.InvalidArgument} }),
	as(func(e *store.GuardError) verdict {
		return verdict{code: codes.FailedPrecondition, metadata: guardMetadata(e)}
	}),
	as(func(e *store.TooManyGuardsError) verdict { return verdict{code: codes.InvalidArgument} }),
	as(func(e *store.DocumentError) verdict { return verdict{code: codes.InvalidArgument} }),
	as(func(e *store.ChainError) verdict { return verdict{code: codes.InvalidArgument} }),
	as(func(e *store.DocumentTooLargeError) verdict { return verdict{code: codes.InvalidArgument} }),
	as(func(e *store.DocumentClassError) verdict { return verdict{code: codes.FailedPrecondition} }),
	as(func(e *store.DocumentVersionError) verdict { return verdict{code: codes.FailedPrecondition} }),

	as(func(e *reservedError) verdict { return verdict{codes.PermissionDenied, reservedReason, e.meta, nil} }),

	// What a schema cannot be.
	as(func(e *reservedSchemaError) verdict {
		return verdict{codes.FailedPrecondition, reservedReason, map[string]string{"names": strings.Join(e.names, ", ")}, nil}
	}),
	as(func(e *store.SchemaInUseError) verdict {
		return verdict{codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_SCHEMA_TYPE_ERROR, inUseMetadata(e), nil}
	}),
	as(func(e *store.ConstraintsError) verdict {
		v := verdict{codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_SCHEMA_TYPE_ERROR, nil, nil}
		if len(e.Examples) > 0 {
			v.metadata = constraintMetadata(e.Examples[0])
		}
		return v
	}),
	as(func(e *schemaTextError) verdict { return e.verdict() }),
	as(schemaVerdict),

	// What cannot be read, or not now.
	as(func(e *store.ExpiredRevisionError) verdict { return verdict{code: codes.FailedPrecondition} }),
	as(func(e *store.FutureRevisionError) verdict {
		return verdict{code: codes.Unavailable, retry: new(time.Second)}
	}),
	as(func(e *replica.TokenError) verdict {
		if e.Fault == replica.TokenGarbage {
			return verdict{code: codes.InvalidArgument}
		}
		return verdict{code: codes.FailedPrecondition}
	}),
	as(func(e *replica.ClusterError) verdict { return verdict{code: clusterCodes[e.Fault]} }),
	as(func(e *replica.UnavailableError) verdict {
		if e.MayApply { // trying again blindly could write it twice
			return verdict{code: codes.Unavailable}
		}
		return verdict{code: codes.Unavailable, retry: &e.RetryAfter}
	}),
	is(context.Canceled, verdict{code: codes.Canceled}),
	is(context.DeadlineExceeded, verdict{code: codes.DeadlineExceeded}),
	is(replica.ErrClosed, verdict{code: codes.Unavailable}),
	is(store.ErrClosed, verdict{code: codes.Unavailable}),

	as(portalVerdict),

	// What is too much.
	as(func(e *replica.TooLargeError) verdict { return verdict{code: codes.ResourceExhausted} }),
	as(func(e *replica.ImportTooLargeError) verdict { return verdict{code: codes.ResourceExhausted} }),
	as(func(e *replica.ImportLostError) verdict { return verdict{code: codes.Aborted} }),
	as(func(e *schemaConflictError) verdict { return verdict{code: codes.Aborted, metadata: e.metadata()} }),
	as(func(e *store.SchemaVersionError) verdict { return verdict{code: codes.Aborted} }),
	as(func(e *store.SchemaMovedError) verdict {
		return verdict{codes.Aborted, v1.ErrorReason_ERROR_REASON_SERIALIZATION_FAILURE, nil, nil}
	}),
	as(func(e *store.TransactionTooBigError) verdict { return verdict{code: codes.ResourceExhausted} }),
	as(func(e *store.DiskFullError) verdict { return verdict{code: codes.ResourceExhausted} }),
}

// clusterCodes are the codes of refused changes of the cluster.
var clusterCodes = [...]codes.Code{
	replica.ClusterState:    codes.FailedPrecondition,
	replica.ClusterNoMember: codes.NotFound,
	replica.ClusterInvalid:  codes.InvalidArgument,
	replica.ClusterRemoved:  codes.FailedPrecondition,
}

// schemaVerdict answers for a schema that does not compile: what cannot be
// parsed counts before what does not fit together.
func schemaVerdict(faults syntax.ErrorList) verdict {
	v := verdict{codes.FailedPrecondition, v1.ErrorReason_ERROR_REASON_SCHEMA_TYPE_ERROR, nil, nil}
	if len(faults) == 0 {
		return v
	}
	at := faults[0]
	for _, f := range faults {
		if f.Kind == syntax.ParseError {
			v.code, v.reason, at = codes.InvalidArgument, v1.ErrorReason_ERROR_REASON_SCHEMA_PARSE_ERROR, f
			break
		}
	}
	if at.Pos.IsValid() { // clients count from 0
		line, column := strconv.Itoa(at.Pos.Line-1), strconv.Itoa(at.Pos.Column-1)
		v.metadata = map[string]string{
			"start_line_number": line, "start_column_position": column,
			"end_line_number": line, "end_column_position": column, "source_code": at.Source,
		}
	}
	return v
}

// schemaTextError is a schema that does not compile, with its text.
type schemaTextError struct {
	faults syntax.ErrorList
	text   string
}

func (e *schemaTextError) Error() string { return e.faults.Error() }

// verdict is schemaVerdict with the definition or caveat around the first fault,
// where what is written can be read.
func (e *schemaTextError) verdict() verdict {
	v := schemaVerdict(e.faults)
	if v.reason != v1.ErrorReason_ERROR_REASON_SCHEMA_TYPE_ERROR || v.metadata == nil {
		return v
	}
	file, _ := syntax.Parse(e.text)
	at := e.faults[0].Pos.Offset
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *syntax.Definition:
			if d.Pos.Offset <= at && at <= d.Close.Offset {
				v.metadata["definition_name"] = d.Name.Name
			}
		case *syntax.Caveat:
			if d.Pos.Offset <= at && at <= d.Close.Offset {
				v.metadata["caveat_name"] = d.Name.Name
			}
		}
	}
	return v
}

func relationshipMetadata(r engine.Relationship) map[string]string {
	return map[string]string{
		"relationship":  r.Key().String(),
		"resource_type": r.Resource.Type, "resource_object_id": r.Resource.ID, "resource_relation": r.Relation,
		"subject_type": r.Subject.Type, "subject_object_id": r.Subject.ID, "subject_relation": r.Subject.Relation,
	}
}

// inUseMetadata describes the first of the conflicts: a relationship that stands
// against the schema, and how many there are.
func inUseMetadata(e *store.SchemaInUseError) map[string]string {
	if len(e.Conflicts) == 0 {
		return nil
	}
	c := &e.Conflicts[0]
	m := relationshipMetadata(c.Example)
	if t := c.Example.Trait; t != nil && t.Caveat != "" {
		m["caveat_name"] = t.Caveat
	}
	m["relationship_count"], m["conflict_count"] = strconv.FormatInt(c.Count, 10), strconv.Itoa(len(e.Conflicts))
	return m
}

func constraintMetadata(e *store.ConstraintError) map[string]string {
	return map[string]string{
		"constraint_name": e.Constraint, "constraint_kind": e.Kind.String(),
		"resource_type": e.Resource.Type, "resource_object_id": e.Resource.ID,
	}
}

func guardMetadata(e *store.GuardError) map[string]string {
	m := map[string]string{
		"guard_resource": e.Guard.Resource.String(), "guard_permission": e.Guard.Permission, "guard_subject": e.Guard.Subject.String(),
		"guard_must_hold": strconv.FormatBool(e.Guard.Must), "answer": e.State.String(),
	}
	if len(e.Missing) > 0 {
		m["missing"] = strings.Join(e.Missing, " ")
	}
	return m
}

func preconditionMetadata(p store.Precondition) map[string]string {
	m := filterMetadata("precondition_", p.Filter)
	m["precondition_operation"] = v1.Precondition_OPERATION_MUST_NOT_MATCH.String()
	if p.MustMatch {
		m["precondition_operation"] = v1.Precondition_OPERATION_MUST_MATCH.String()
	}
	return m
}

// filterMetadata returns the fields of a filter that are set.
func filterMetadata(prefix string, f store.Filter) map[string]string {
	m := map[string]string{}
	set := func(name, value string) {
		if value != "" {
			m[prefix+name] = value
		}
	}
	set("resource_type", f.ResourceType)
	set("resource_id", f.ResourceID)
	set("resource_id_prefix", f.ResourceIDPrefix)
	set("relation", f.Relation)
	if s := f.Subject; s != nil {
		set("subject_type", s.Type)
		set("subject_id", s.ID)
		if s.Relation != nil {
			set("subject_relation", *s.Relation)
		}
	}
	return m
}

// notRelationError refuses a filter that names a permission as its relation.
type notRelationError struct{ typeName, permission string }

func (e *notRelationError) Error() string {
	return fmt.Sprintf("%q of %q is a permission: it is computed, and filters select what is stored in relations", e.permission, e.typeName)
}

func invalidFilter(f store.Filter, msg string) error {
	return &store.FilterError{Filter: f, Msg: msg}
}

// tooMany refuses a request with more parts than a limit. what is the word for
// one of them.
func tooMany(reason v1.ErrorReason, what string, count, limit int) error {
	return &requestError{reason, map[string]string{
		what + "_count":                 strconv.Itoa(count),
		"maximum_" + what + "s_allowed": strconv.Itoa(limit),
	}, fmt.Errorf("the request has %d %ss; at most %d are allowed", count, what, limit)}
}

// checkLimit refuses an optional_limit above the largest one.
func checkLimit(given uint32, limit int) error {
	if uint64(given) <= uint64(limit) {
		return nil
	}
	return &requestError{v1.ErrorReason_ERROR_REASON_EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT, map[string]string{
		"limit_provided": strconv.FormatUint(uint64(given), 10), "maximum_limit_allowed": strconv.Itoa(limit),
	}, fmt.Errorf("the limit is %d; at most %d is allowed: go on with the cursor of the last result", given, limit)}
}

func tooLargeMetadata(size, limit int) error {
	return &requestError{v1.ErrorReason_ERROR_REASON_TRANSACTION_METADATA_TOO_LARGE, map[string]string{
		"metadata_byte_size": strconv.Itoa(size), "maximum_allowed_metadata_byte_size": strconv.Itoa(limit),
	}, fmt.Errorf("the transaction metadata has %d bytes as JSON; at most %d are allowed", size, limit)}
}
