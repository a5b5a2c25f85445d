package replica

import (
	"context"
	"sync"

	"github.com/pemba-authz/pemba/server/store"
)

// headline tells those that wait for a revision when the head has reached it.
type headline struct {
	mu      sync.Mutex
	waiting bool
	moved   chan struct{} // closed when the head moves and somebody waits
}

func newHeadline() *headline { return &headline{moved: make(chan struct{})} }

// tell wakes all that wait. The head was published before.
func (h *headline) tell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting {
		h.waiting = false
		close(h.moved)
		h.moved = make(chan struct{})
	}
}

// next returns a channel that is closed when the head moves. The head must be
// read after next was called.
func (h *headline) next() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = true
	return h.moved
}

// wait returns when head() is at least rev, with ctx's error, or ErrClosed.
func (h *headline) wait(ctx context.Context, stop <-chan struct{}, head func() store.Revision, rev store.Revision) (store.Revision, error) {
	for {
		if at := head(); at >= rev {
			return at, nil
		}
		moved := h.next()
		if at := head(); at >= rev {
			return at, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return head(), ctx.Err()
		case <-stop:
			return head(), ErrClosed
		}
	}
}
