package store

import "sync"

// readers knows the open snapshots and the floor. The backend forgets nothing
// that one of them can still see.
type readers struct {
	mu     sync.Mutex
	idle   sync.Cond
	floor  Revision
	kept   Revision         // the floor as it was when what may be applied again began; what follows it is needed then
	gone   Revision         // below it the backend may have let go
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
			r.forget(b)
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
	r.floor = max(r.floor, floor)
	r.forget(b)
}

// needed returns the oldest revision that may be read. It is called under mu.
func (r *readers) needed() Revision {
	needed := min(r.floor, r.kept)
	for rev := range r.open {
		needed = min(needed, rev)
	}
	return needed
}

// forget lets the backend go of what nobody needs. It is called under mu.
func (r *readers) forget(b *backend) {
	r.gone = max(r.gone, r.needed())
	b.setFloor(r.gone)
}

// settle moves up what is kept to be applied again.
func (r *readers) settle(kept Revision, b *backend) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = max(r.kept, kept)
	r.forget(b)
}

// pin counts a reader in at a revision that the backend still has, whatever the
// floor.
func (r *readers) pin(rev Revision, head func() Revision) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	newest := head()
	switch {
	case r.closed:
		return ErrClosed
	case rev > newest:
		return &FutureRevisionError{Revision: rev, Head: newest}
	case rev < r.gone:
		return &ExpiredRevisionError{Revision: rev, Floor: r.gone}
	}
	r.open[rev]++
	r.total++
	return nil
}

func (r *readers) oldest() Revision {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.floor
}

// forgotten returns the revision below which the backend may have let go.
func (r *readers) forgotten() Revision {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gone
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
