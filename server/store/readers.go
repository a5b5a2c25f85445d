package store

import "sync"

// readers knows the open snapshots and the floor. The backend forgets nothing
// that one of them can still see.
type readers struct {
	mu     sync.Mutex
	idle   sync.Cond
	floor  Revision
	base   Revision         // what follows it may be applied again, on the states as they were
	open   map[Revision]int // snapshots by revision
	total  int
	closed bool
}

// enter counts a snapshot in, at the head for revision 0.
func (r *readers) enter(rev Revision, head func() Revision) (Revision, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// The floor never passes the published head, so a snapshot of the head that
	// is read here is above it.
	newest := head()
	switch {
	case r.closed:
		return 0, ErrClosed
	case rev > newest:
		return 0, &FutureRevisionError{Revision: rev, Head: newest}
	case rev == 0:
		rev = newest
	case rev < r.floor:
		return 0, &ExpiredRevisionError{Revision: rev, Floor: r.floor}
	}
	r.open[rev]++
	r.total++
	return rev, nil
}

// leave counts a snapshot out, and tells the backend when that lets go of
// versions below the floor.
func (r *readers) leave(rev Revision, b *backend) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total--
	if r.open[rev]--; r.open[rev] == 0 {
		delete(r.open, rev)
		if rev < r.floor {
			b.setFloor(r.needed())
		}
	}
	if r.total == 0 {
		r.idle.Broadcast()
	}
}

// raise moves the floor up.
func (r *readers) raise(floor Revision, b *backend) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.floor = floor
	b.setFloor(r.needed())
}

// needed returns the oldest revision that may be read. It is called under mu.
func (r *readers) needed() Revision {
	needed := min(r.floor, r.base)
	for rev := range r.open {
		needed = min(needed, rev)
	}
	return needed
}

// settle moves the base up.
func (r *readers) settle(base Revision, b *backend) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.base = max(r.base, base)
	b.setFloor(r.needed())
}

func (r *readers) oldest() Revision {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.floor
}

func (r *readers) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}

// drain refuses new snapshots and waits for the open ones.
func (r *readers) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for r.total > 0 {
		r.idle.Wait()
	}
}
