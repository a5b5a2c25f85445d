package server

import (
	"context"
	"iter"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// watchService is authzed.api.v1.WatchService. It reads the stored record of
// every revision, so a watch costs nothing while it is behind, and goes on from
// any revision that is kept.
type watchService struct {
	v1.UnimplementedWatchServiceServer
	*Server
}

const (
	// maxWatchUpdates is how many updates one response has at most.
	maxWatchUpdates = 1000
	// maxWatchBytes is how large they may be together, as clients accept
	// messages of 4 MiB by default.
	maxWatchBytes = 2 << 20
)

// Watch sends what changes from a revision on, until the caller is gone or too
// slow.
func (s *watchService) Watch(r *v1.WatchRequest, stream grpc.ServerStreamingServer[v1.WatchResponse]) error {
	a, err := s.question(stream.Context(), nil, nil)
	if err != nil {
		return err
	}
	current := a.engine.Schema
	a.Close()
	w := &watcher{Server: s.Server, stream: stream}
	if err := w.choose(r, current); err != nil {
		return err
	}
	if err := w.start(r.OptionalStartCursor); err != nil {
		return err
	}
	// Tells the caller that everything from here on will be sent.
	if err := stream.SendHeader(nil); err != nil {
		return err
	}
	return w.follow()
}

// watcher is one watch.
type watcher struct {
	*Server
	stream grpc.ServerStreamingServer[v1.WatchResponse]

	relationships, schemas, checkpoints bool
	types                               map[string]bool // nil: any
	filters                             []store.Filter  // none: any

	sent store.Revision // everything up to here was sent
}

// choose reads what the request asks for. Filters are held against the schema.
func (w *watcher) choose(r *v1.WatchRequest, current *schema.Schema) error {
	if len(r.OptionalObjectTypes) > 0 && len(r.OptionalRelationshipFilters) > 0 {
		return invalid("the watch has object types and relationship filters; give one of them")
	}
	for _, k := range r.OptionalUpdateKinds {
		switch k {
		case v1.WatchKind_WATCH_KIND_INCLUDE_RELATIONSHIP_UPDATES:
			w.relationships = true
		case v1.WatchKind_WATCH_KIND_INCLUDE_SCHEMA_UPDATES:
			w.schemas = true
		case v1.WatchKind_WATCH_KIND_INCLUDE_CHECKPOINTS:
			w.checkpoints = true
		case v1.WatchKind_WATCH_KIND_UNSPECIFIED:
		default:
			return invalid("update kind %d is none of relationship updates, schema updates and checkpoints", k)
		}
	}
	if !w.relationships && !w.schemas && !w.checkpoints {
		w.relationships = true
	}
	for _, name := range r.OptionalObjectTypes {
		if w.types == nil {
			w.types = map[string]bool{}
		}
		w.types[name] = true
	}
	for _, f := range r.OptionalRelationshipFilters {
		filter, err := filterOf(current, f)
		if err != nil {
			return err
		}
		w.filters = append(w.filters, filter)
	}
	return nil
}

// start finds the revision after which the watch begins: the head without a
// cursor. One that this history does not have, or has no longer, is refused.
func (w *watcher) start(cursor *v1.ZedToken) error {
	c := replica.Consistency{Mode: replica.MinimizeLatency}
	if cursor != nil {
		c = replica.Consistency{Mode: replica.AtExactSnapshot, Token: cursor.Token}
	}
	snap, err := w.replica.Snapshot(w.stream.Context(), c)
	if err != nil {
		return err
	}
	w.sent = snap.Revision()
	if bugWatchGap && cursor != nil && w.sent < w.replica.Head() {
		w.sent++
	}
	snap.Close()
	return nil
}

// follow sends everything after w.sent as it comes, and a checkpoint when
// nothing came for a heartbeat.
func (w *watcher) follow() error {
	ctx := w.stream.Context()
	for {
		head, err := w.next(ctx)
		if err != nil {
			return err
		}
		if head == w.sent {
			if w.checkpoints {
				err = w.send(&v1.WatchResponse{IsCheckpoint: true}, w.sent)
			}
		} else {
			err = w.catchUp(ctx, head)
		}
		if err != nil {
			return err
		}
	}
}

// next waits for a revision that was not sent, at most for a heartbeat:
// then it returns w.sent.
func (w *watcher) next(ctx context.Context) (store.Revision, error) {
	waiting, cancel := context.WithTimeout(ctx, w.limits.Heartbeat)
	defer cancel()
	head, err := w.replica.WaitFor(waiting, w.sent+1)
	switch {
	case err == nil:
		return head, nil
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case waiting.Err() != nil:
		return w.sent, nil
	}
	return 0, err
}

// catchUp sends the revisions after w.sent up to head.
func (w *watcher) catchUp(ctx context.Context, head store.Revision) error {
	snap, err := w.replica.SnapshotAt(head)
	if err != nil {
		return err
	}
	defer snap.Close()
	for record, err := range snap.Changes(ctx, w.sent) {
		if err != nil {
			return err
		}
		if err := w.revision(record); err != nil {
			return err
		}
		w.sent = record.Revision
	}
	if w.sent == head {
		return nil
	}
	w.sent = head // the log has entries that change nothing
	if !w.checkpoints {
		return nil
	}
	return w.send(&v1.WatchResponse{IsCheckpoint: true}, head)
}

// revision sends what one revision changed: updates, then the schema, then
// the checkpoint.
func (w *watcher) revision(record *store.Record) error {
	var metadata *structpb.Struct
	var all []*structpb.Struct
	if len(record.Metadata) > 0 {
		var err error
		if metadata, err = fromMap(record.Metadata); err != nil {
			return err
		}
		all = []*structpb.Struct{metadata}
	}
	updates, err := w.updates(record)
	if err != nil {
		return err
	}
	for part := range inParts(updates) {
		resp := &v1.WatchResponse{Updates: part, OptionalTransactionMetadata: metadata, FullRevisionMetadata: all}
		if err := w.send(resp, record.Revision); err != nil {
			return err
		}
	}
	if w.schemas && record.Schema {
		resp := &v1.WatchResponse{SchemaUpdated: true, OptionalTransactionMetadata: metadata, FullRevisionMetadata: all}
		if err := w.send(resp, record.Revision); err != nil {
			return err
		}
	}
	if w.checkpoints {
		return w.send(&v1.WatchResponse{IsCheckpoint: true}, record.Revision)
	}
	return nil
}

// inParts cuts updates into what fits into one response each.
func inParts(updates []*v1.RelationshipUpdate) iter.Seq[[]*v1.RelationshipUpdate] {
	return func(yield func([]*v1.RelationshipUpdate) bool) {
		from, size := 0, 0
		for i, u := range updates {
			n := proto.Size(u)
			if i-from == maxWatchUpdates || i > from && size+n > maxWatchBytes {
				if !yield(updates[from:i:i]) {
					return
				}
				from, size = i, 0
			}
			size += n
		}
		if from < len(updates) {
			yield(updates[from:])
		}
	}
}

// updates converts the changes that the request selects.
func (w *watcher) updates(record *store.Record) ([]*v1.RelationshipUpdate, error) {
	if !w.relationships {
		return nil, nil
	}
	var updates []*v1.RelationshipUpdate
	for i := range record.Changes {
		c := &record.Changes[i]
		if !w.selects(c) || c.Op == store.Delete && expired(c, record.Time) {
			continue
		}
		r, err := fromRelationship(c.Relationship)
		if err != nil {
			return nil, err
		}
		op := v1.RelationshipUpdate_OPERATION_TOUCH
		if c.Op == store.Delete {
			op = v1.RelationshipUpdate_OPERATION_DELETE
		}
		updates = append(updates, &v1.RelationshipUpdate{Operation: op, Relationship: r})
	}
	return updates, nil
}

// expired reports whether what a change removed had expired before: it ended
// then, without an event, as expirations do.
func expired(c *store.Change, at time.Time) bool {
	return c.Before != nil && !c.Before.Expires.IsZero() && !c.Before.Expires.After(at)
}

func (w *watcher) selects(c *store.Change) bool {
	if w.types != nil && !w.types[c.Relationship.Resource.Type] {
		return false
	}
	for i := range w.filters {
		if w.filters[i].Matches(&c.Relationship) {
			return true
		}
	}
	return len(w.filters) == 0
}

// send sends a response. A reader that takes nothing for too long is cut off
// outside, as on every stream.
func (w *watcher) send(resp *v1.WatchResponse, rev store.Revision) error {
	resp.ChangesThrough = fromToken(w.replica.Token(rev))
	err := w.stream.Send(resp)
	if err == nil {
		w.metrics.watchSends.Inc()
	}
	return err
}
