package server

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/authzed/authzed-go/pkg/requestmeta"
	"github.com/authzed/authzed-go/pkg/responsemeta"
	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
)

// traceSource is where every part of a trace was computed.
const traceSource = "pemba:local"

// maxLegacyTrace bounds the trace in a trailer: clients bound their headers.
const maxLegacyTrace = 16 << 10 // bytes of JSON

// A trace keeps every step of its walk, so traced walks have bounds of their own.
const (
	maxTracedReads   = 100_000 // reads of all the traced checks of a request
	maxTracedSchemas = 1 << 20 // bytes of the schemas that the traces of a request repeat
)

// traced bounds the walks of an engine that keep their steps.
func traced(e engine.Engine) engine.Engine {
	if e.Limits.Reads <= 0 || e.Limits.Reads > maxTracedReads {
		e.Limits.Reads = maxTracedReads
	}
	return e
}

// wantsLegacyTrace reports whether a request asks for a trace by its header, as
// clients did before requests had a field for it.
func wantsLegacyTrace(ctx context.Context) bool {
	return header(ctx, string(requestmeta.RequestDebugInformation)) != ""
}

// setLegacyTrace answers a trace in the trailer where those clients look for it.
// One that is too large for a trailer is in the response alone.
func setLegacyTrace(ctx context.Context, trace *v1.DebugInformation) {
	text, err := protojson.Marshal(trace)
	if err != nil || len(text) > maxLegacyTrace {
		return
	}
	// It fails only where there is no call to answer.
	_ = grpc.SetTrailer(ctx, metadata.Pairs(string(responsemeta.DebugInformation), string(text)))
}

// explain answers a check with the trace of the walk.
func (s *Server) explain(ctx context.Context, a *asked, q checkQuestion) (engine.Answer, *v1.DebugInformation, error) {
	start := time.Now()
	e := traced(a.engine)
	answer, step, err := e.Explain(ctx, q.resource, q.permission, q.subject)
	if err != nil {
		return engine.Answer{}, nil, err
	}
	t := &tracer{engine: &a.engine, subject: q.subject, ids: map[*engine.Step]string{}}
	check := t.set(step)
	check.Duration = durationpb.New(time.Since(start))
	check.OptionalExpiresAt = fromTime(answer.Until)
	if t.err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "trace is incomplete",
			slog.String("request_id", requestID(ctx)), slog.Any("error", t.err))
	}
	return answer, &v1.DebugInformation{Check: check, SchemaUsed: a.engine.Schema.Source()}, nil
}

// tracer turns the steps of a walk into the API's trace, which knows sets and
// sub-problems only: what an operator asked for counts as asked by its set.
type tracer struct {
	engine  *engine.Engine
	subject engine.Subject
	ids     map[*engine.Step]string // operation ids of sets, so that repetitions point there
	err     error                   // the first thing that could not be shown
}

func (t *tracer) set(s *engine.Step) *v1.CheckDebugTrace {
	out := &v1.CheckDebugTrace{
		Resource: fromObject(s.Resource), Permission: s.Relation, Subject: fromSubject(t.subject),
		PermissionType: t.permissionType(s), Result: fromTraceState(s.State),
		Duration: durationpb.New(0), Source: traceSource,
	}
	if s.Repeated {
		out.TraceOperationId = t.id(s.Elsewhere)
		out.Resolution = &v1.CheckDebugTrace_WasCachedResult{WasCachedResult: true}
		return out
	}
	out.TraceOperationId = t.id(s)
	sub := &v1.CheckDebugTrace_SubProblems{}
	out.Resolution = &v1.CheckDebugTrace_SubProblems_{SubProblems: sub}
	t.steps(out, sub, s.Steps)
	if s.State == engine.Conditional && out.CaveatEvaluationInfo == nil {
		out.CaveatEvaluationInfo = &v1.CaveatEvalInfo{
			Result: v1.CaveatEvalInfo_RESULT_MISSING_SOME_CONTEXT, PartialCaveatInfo: fromMissing(s.Missing),
		}
	}
	return out
}

// steps adds what a set asked for, looking through operators.
func (t *tracer) steps(out *v1.CheckDebugTrace, sub *v1.CheckDebugTrace_SubProblems, steps []*engine.Step) {
	for _, s := range steps {
		switch s.Kind {
		case engine.StepSet:
			sub.Traces = append(sub.Traces, t.set(s))
		case engine.StepRelationship, engine.StepFollow:
			t.relationship(out, s)
			t.steps(out, sub, s.Steps)
		default:
			t.steps(out, sub, s.Steps)
		}
	}
}

// relationship notes what the caveat of a relationship came to: of several in
// one set, the one that decided, or else the first.
func (t *tracer) relationship(out *v1.CheckDebugTrace, s *engine.Step) {
	r := s.Relationship
	if !s.Stored || r.Trait == nil || r.Trait.Caveat == "" || !r.Trait.Alive(t.engine.Now) {
		return
	}
	if out.CaveatEvaluationInfo != nil && s.State != engine.Yes {
		return
	}
	if info := t.caveat(r.Trait); info != nil {
		out.CaveatEvaluationInfo = info
	}
}

func (t *tracer) caveat(trait *engine.Trait) *v1.CaveatEvalInfo {
	c := t.engine.Schema.Caveat(trait.Caveat)
	if c == nil {
		return nil
	}
	verdict, missing, err := c.Program.Evaluate(trait.Context, t.engine.Context)
	if err != nil {
		t.keep(err)
		return nil
	}
	used := map[string]any{}
	for _, p := range c.Params {
		if v, ok := trait.Context[p.Name]; ok {
			used[p.Name] = v
		} else if v, ok := t.engine.Context[p.Name]; ok {
			used[p.Name] = v
		}
	}
	values, err := fromMap(used)
	t.keep(err)
	return &v1.CaveatEvalInfo{
		Expression: c.Program.Canonical(), CaveatName: c.Name, Result: fromVerdict(verdict),
		Context: values, PartialCaveatInfo: fromMissing(missing),
	}
}

func (t *tracer) keep(err error) {
	if t.err == nil {
		t.err = err
	}
}

// id returns the operation id of a set.
func (t *tracer) id(s *engine.Step) string {
	if s == nil { // in a cycle: it is being answered further out
		return ""
	}
	id, ok := t.ids[s]
	if !ok {
		id = strconv.Itoa(len(t.ids) + 1)
		t.ids[s] = id
	}
	return id
}

func (t *tracer) permissionType(s *engine.Step) v1.CheckDebugTrace_PermissionType {
	r := t.engine.Schema.Relation(s.Resource.Type, s.Relation)
	if r != nil && r.IsPermission() {
		return v1.CheckDebugTrace_PERMISSION_TYPE_PERMISSION
	}
	return v1.CheckDebugTrace_PERMISSION_TYPE_RELATION
}

func fromTraceState(s engine.State) v1.CheckDebugTrace_Permissionship {
	switch s {
	case engine.Yes:
		return v1.CheckDebugTrace_PERMISSIONSHIP_HAS_PERMISSION
	case engine.Conditional:
		return v1.CheckDebugTrace_PERMISSIONSHIP_CONDITIONAL_PERMISSION
	default:
		return v1.CheckDebugTrace_PERMISSIONSHIP_NO_PERMISSION
	}
}

func fromVerdict(v schema.Verdict) v1.CaveatEvalInfo_Result {
	switch v {
	case schema.True:
		return v1.CaveatEvalInfo_RESULT_TRUE
	case schema.False:
		return v1.CaveatEvalInfo_RESULT_FALSE
	default:
		return v1.CaveatEvalInfo_RESULT_MISSING_SOME_CONTEXT
	}
}
