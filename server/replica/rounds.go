package replica

import (
	"context"
	"sync"

	"github.com/pemba-authz/pemba/server/store"
)

// rounds asks one question for all that wait at the same moment: an answer
// counts for those that asked before its question was put.
type rounds struct {
	question func() (store.Revision, error)

	mu      sync.Mutex
	next    *round
	running bool
	all     sync.WaitGroup
}

type round struct {
	done chan struct{}
	rev  store.Revision
	err  error
}

func (r *rounds) ask(ctx context.Context) (store.Revision, error) {
	mine := r.join()
	select {
	case <-mine.done:
		return mine.rev, mine.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// join returns the round whose question will be put next.
func (r *rounds) join() *round {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = &round{done: make(chan struct{})}
	}
	if !r.running {
		r.running = true
		r.all.Go(r.run)
	}
	return r.next
}

// run puts questions as long as somebody waits.
func (r *rounds) run() {
	for {
		r.mu.Lock()
		current := r.next
		r.next = nil
		r.running = current != nil
		r.mu.Unlock()
		if current == nil {
			return
		}
		current.rev, current.err = r.question()
		close(current.done)
	}
}

func (r *rounds) wait() { r.all.Wait() }
