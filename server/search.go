package server

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/pemba-authz/pemba/engine"
)

// search is the work of one lookup, and what it took.
type search struct {
	*Server
	asked    *asked
	request  pagedRequest
	limit    uint32
	question func(id string) checkQuestion // that a candidate is checked for

	cost    engine.LookupCost
	finding time.Duration
	kept    bool // the candidates were kept from an earlier page
	sent    int
	trace   string // of the check that took the most reads, when the lookup was slow
}

// newSearch makes a count what the lookup takes.
func (s *Server) newSearch(a *asked, r pagedRequest, limit uint32, question func(id string) checkQuestion) *search {
	l := &search{Server: s, asked: a, request: r, limit: limit, question: question}
	a.engine.Cost = &l.cost
	return l
}

// findIn returns the candidates of a lookup.
func findIn[C candidates](ctx context.Context, l *search, of *cursors, find func(context.Context) (C, error)) (C, error) {
	ctx, end := l.room(ctx, "engine.Candidates")
	defer end()
	start := time.Now()
	found, err := candidatesOf(l, of, func() (C, error) { return find(ctx) })
	l.finding = time.Since(start)
	trace.SpanFromContext(ctx).SetAttributes(
		attribute.Int("pemba.candidates", l.cost.Candidates), attribute.Int("pemba.reads", l.cost.Finding), attribute.Bool("pemba.kept", l.kept))
	return found, err
}

// checking begins the span in which candidates are checked and sent.
func (l *search) checking(ctx context.Context) (context.Context, func()) {
	ctx, end := l.room(ctx, "engine.Results")
	return ctx, func() {
		trace.SpanFromContext(ctx).SetAttributes(
			attribute.Int("pemba.checks", l.cost.Checks), attribute.Int("pemba.reads", l.cost.Checking), attribute.Int("pemba.results", l.sent))
		end()
	}
}

// end counts the lookup. Of a slow one it notes for the line of its call what
// was slow, and traces the check that took the most reads.
func (l *search) end(ctx context.Context) {
	l.metrics.lookedUp.Add(float64(l.sent))
	l.metrics.lookupCandidates.Add(float64(l.cost.Candidates))
	l.metrics.lookupChecks.Add(float64(l.cost.Checks))
	l.metrics.lookupReads.Observe(float64(l.cost.Finding + l.cost.Checking))
	c := callOf(ctx)
	if c == nil || c.busy() < l.limits.Slow {
		return
	}
	if l.cost.Slowest != "" {
		l.trace = l.slowTrace(ctx, l.asked, l.question(l.cost.Slowest))
	}
	c.lookup.Store(l)
}

// attr says what a slow lookup took.
func (l *search) attr() slog.Attr {
	attrs := []any{
		slog.Int("candidates", l.cost.Candidates), slog.Bool("kept", l.kept),
		slog.Float64("finding_ms", float64(l.finding.Microseconds())/1000), slog.Int("finding_reads", l.cost.Finding),
		slog.Int("checks", l.cost.Checks), slog.Int("check_reads", l.cost.Checking), slog.Int("results", l.sent),
	}
	if l.cost.Slowest != "" {
		attrs = append(attrs, slog.String("slowest", l.cost.Slowest), slog.Int("slowest_reads", l.cost.SlowestReads))
	}
	if l.trace != "" {
		attrs = append(attrs, slog.String("trace", l.trace))
	}
	return slog.Group("lookup", attrs...)
}
