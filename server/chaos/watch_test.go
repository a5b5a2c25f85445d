//go:build linux

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// watches are clients that want to miss nothing: they follow the changes from
// the beginning, and go on where they were whenever a stream ends.
type watches struct {
	cluster  *cluster
	recorder *recorder
	running  sync.WaitGroup
	streams  atomic.Int64 // that were begun

	mu    sync.Mutex
	lost  map[string]error // watches that could not go on, and why
	until int64            // the operation whose change ends them; 0: none yet
}

func newWatches(c *cluster, r *recorder) *watches {
	return &watches{cluster: c, recorder: r, lost: map[string]error{}}
}

// run starts one watch for each node, and three at least, which changes nodes at
// random. They begin after the revision of a token.
func (w *watches) run(ctx context.Context, seed uint64, after string) {
	for i := range max(3, len(w.cluster.clients)) {
		f := &follower{
			watches: w, name: fmt.Sprintf("watch%d", i+1), node: i % len(w.cluster.clients), token: after,
			random: rand.New(rand.NewPCG(seed, 1000+uint64(i))), checkpoints: i%2 == 0, seen: map[int64]bool{},
		}
		w.running.Go(func() { f.follow(ctx) })
	}
}

// finish waits until all watches have had the change of an operation.
func (w *watches) finish(last *operation) {
	w.mu.Lock()
	w.until = last.ID
	w.mu.Unlock()
	w.running.Wait()
}

// follower is one watch.
type follower struct {
	*watches
	name        string
	node        int
	token       string // everything up to here was received
	random      *rand.Rand
	checkpoints bool
	seen        map[int64]bool
}

func (f *follower) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.until != 0 && f.seen[f.until]
}

// follow watches, on one node after the other, until the end.
func (f *follower) follow(ctx context.Context) {
	for ctx.Err() == nil && !f.over() {
		err := f.stream(ctx)
		if status.Code(err) == codes.FailedPrecondition { // retention was faster
			f.mu.Lock()
			f.lost[f.name] = err
			f.mu.Unlock()
			return
		}
		_ = wait(ctx, 20*time.Millisecond)
		if f.random.IntN(3) == 0 {
			f.node = f.random.IntN(len(f.cluster.clients))
		}
	}
}

// stream follows one stream for a while.
func (f *follower) stream(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(50+f.random.IntN(1500))*time.Millisecond)
	defer cancel()
	r := &v1.WatchRequest{
		OptionalStartCursor: &v1.ZedToken{Token: f.token},
		OptionalUpdateKinds: []v1.WatchKind{v1.WatchKind_WATCH_KIND_INCLUDE_RELATIONSHIP_UPDATES, v1.WatchKind_WATCH_KIND_INCLUDE_SCHEMA_UPDATES},
	}
	if f.checkpoints {
		r.OptionalUpdateKinds = append(r.OptionalUpdateKinds, v1.WatchKind_WATCH_KIND_INCLUDE_CHECKPOINTS)
	}
	stream, err := f.cluster.clients[f.node].Watch(ctx, r)
	if err != nil {
		return err
	}
	f.streams.Add(1)
	for {
		resp, err := stream.Recv()
		if err != nil {
			return err
		}
		f.token = resp.ChangesThrough.Token
		if !resp.IsCheckpoint {
			f.take(resp)
		}
		if f.over() {
			return nil
		}
	}
}

func (f *follower) take(resp *v1.WatchResponse) {
	c := &change{Token: resp.ChangesThrough.Token, ID: markOf(resp.OptionalTransactionMetadata), Schema: resp.SchemaUpdated}
	for _, u := range resp.Updates {
		c.Updates = append(c.Updates, update{u.Operation == v1.RelationshipUpdate_OPERATION_DELETE, text(u.Relationship)})
	}
	f.seen[c.ID] = true
	f.recorder.watched(f.name, c)
}
