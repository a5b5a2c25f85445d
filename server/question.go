package server

import (
	"context"
	"errors"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// asked is what one request reads: a snapshot, and the engine that answers
// questions about it. It must be closed.
type asked struct {
	snap   *replica.Snapshot
	engine engine.Engine
}

// Close lets go of the snapshot.
func (a *asked) Close() { a.snap.Close() }

// token returns the snapshot's token.
func (a *asked) token() *v1.ZedToken { return fromToken(a.snap.Token()) }

// question picks the snapshot that a request asks for, and makes the engine for
// it. caveatContext may be nil.
func (s *Server) question(ctx context.Context, consistency *v1.Consistency, caveatContext *structpb.Struct) (*asked, error) {
	values, err := toContext(caveatContext, s.limits.Context)
	if err != nil {
		return nil, err
	}
	snap, err := s.snapshot(ctx, consistency)
	if err != nil {
		return nil, err
	}
	return s.ask(snap, s.now(), values)
}

// resume is question for a request that may go on after a cursor: then revision
// and time are the cursor's, and consistency does not count. It returns the
// cursors of the request, and after what to go on ("" from the start).
func (s *Server) resume(ctx context.Context, r pagedRequest, consistency *v1.Consistency, cursor *v1.Cursor, caveatContext *structpb.Struct) (*asked, *cursors, string, error) {
	if cursor == nil {
		a, err := s.question(ctx, consistency, caveatContext)
		if err != nil {
			return nil, nil, "", err
		}
		return a, newCursors(r, a.engine.Now, a.snap.Token()), "", nil
	}
	values, err := toContext(caveatContext, s.limits.Context)
	if err != nil {
		return nil, nil, "", err
	}
	c, after, err := parseCursor(r, cursor.Token)
	if err != nil {
		return nil, nil, "", err
	}
	rev, err := s.replica.ParseToken(c.token)
	if err != nil {
		return nil, nil, "", err
	}
	snap, err := s.replica.SnapshotAt(rev)
	if err != nil {
		return nil, nil, "", err
	}
	a, err := s.ask(snap, c.now, values)
	return a, c, after, err
}

// ask makes the engine for a snapshot, which it closes when that fails.
func (s *Server) ask(snap *replica.Snapshot, now time.Time, values map[string]any) (*asked, error) {
	current, err := snap.Schema()
	if errors.Is(err, store.ErrNoSchema) {
		current, err = &schema.Schema{}, nil // it defines nothing, as the answers will say
	}
	if err != nil {
		snap.Close()
		return nil, err
	}
	return &asked{snap, engine.Engine{
		Schema: current, Reader: snap, Now: now, Context: values, Limits: s.limits.Engine,
	}}, nil
}

// snapshot picks the snapshot that a request asks for.
func (s *Server) snapshot(ctx context.Context, consistency *v1.Consistency) (*replica.Snapshot, error) {
	c, err := toConsistency(consistency)
	if err != nil {
		return nil, err
	}
	ctx, end := s.room(ctx, "replica.Snapshot")
	defer end()
	start := time.Now()
	snap, err := s.replica.Snapshot(ctx, c)
	s.metrics.waited.Observe(time.Since(start).Seconds())
	if c.Mode != replica.AtLeastAsFresh {
		return snap, err
	}
	if mismatch, ok := errors.AsType[*replica.TokenError](err); !ok || mismatch.Fault == replica.TokenGarbage {
		return snap, err
	}
	switch s.config.MismatchedToken {
	case MismatchFullConsistency:
		return s.replica.Snapshot(ctx, replica.Consistency{Mode: replica.FullyConsistent})
	case MismatchMinLatency:
		return s.replica.Snapshot(ctx, replica.Consistency{Mode: replica.MinimizeLatency})
	}
	return nil, err
}

// now returns the time of a request, as exactly as cursors keep it.
func (s *Server) now() time.Time { return s.config.Now().UTC().Truncate(time.Microsecond) }

// newestSchema returns the schema of what this node has applied, for a request
// that reads nothing else.
func (s *Server) newestSchema(ctx context.Context) (*schema.Schema, error) {
	a, err := s.question(ctx, nil, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.engine.Schema, nil
}
