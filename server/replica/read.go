package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pemba-authz/pemba/server/store"
)

// Mode says how fresh a read must be.
type Mode uint8

const (
	MinimizeLatency Mode = iota // what this node has
	FullyConsistent             // all that any node acknowledged before the question
	AtLeastAsFresh              // the token's revision or a newer one
	AtExactSnapshot             // the token's revision
)

// Consistency is what a reader asks for.
type Consistency struct {
	Mode  Mode
	Token string // AtLeastAsFresh and AtExactSnapshot only
}

// Snapshot is the state at one revision. The caller must Close it.
type Snapshot struct {
	*store.Snapshot
	replica *Replica
}

// Token returns the token of the snapshot's revision.
func (s *Snapshot) Token() string { return s.replica.Token(s.Revision()) }

// Counter returns a registered counter as of the newest revision, which may be
// after the snapshot's; ok is false when there is none of that name.
func (s *Snapshot) Counter(name string) (c store.Counter, ok bool) {
	return s.replica.store.Counter(name)
}

// Snapshot returns a state that is as fresh as asked for. It waits for it no
// longer than ctx and Config.MaxTokenWait allow.
//
// It returns a *TokenError, a *store.ExpiredRevisionError, an *UnavailableError
// or ctx's error.
func (r *Replica) Snapshot(ctx context.Context, c Consistency) (*Snapshot, error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	if r.history.Load().cluster == 0 {
		return nil, &UnavailableError{Msg: "this node has no cluster yet", RetryAfter: time.Second}
	}
	var fresh store.Revision // the head must be at least this
	var err error
	switch c.Mode {
	case MinimizeLatency:
	case FullyConsistent:
		fresh, err = r.readIndex(ctx)
	case AtLeastAsFresh, AtExactSnapshot:
		fresh, err = r.ParseToken(c.Token)
	default:
		err = errors.New("the consistency mode is unknown")
	}
	if err != nil {
		return nil, err
	}
	if err := r.await(ctx, fresh); err != nil {
		return nil, err
	}
	switch {
	case c.Mode == AtExactSnapshot:
		return r.SnapshotAt(fresh)
	case bugOldSnapshot && c.Mode == MinimizeLatency:
		return r.SnapshotAt(r.Head() - min(r.Head()-1, store.Revision(time.Now().UnixNano()%8)))
	}
	return r.snapshot(0)
}

// SnapshotAt returns the state at a revision that this node has. It returns a
// *store.ExpiredRevisionError or *store.FutureRevisionError.
func (r *Replica) SnapshotAt(rev store.Revision) (*Snapshot, error) {
	if rev == 0 {
		return nil, &store.ExpiredRevisionError{Revision: rev, Floor: r.store.Floor()}
	}
	return r.snapshot(rev)
}

func (r *Replica) snapshot(rev store.Revision) (*Snapshot, error) {
	sn, err := r.store.Snapshot(rev)
	if err != nil {
		if errors.Is(err, store.ErrClosed) {
			err = ErrClosed
		}
		return nil, err
	}
	return &Snapshot{Snapshot: sn, replica: r}, nil
}

// await waits until the head has reached a revision, as long as it may.
func (r *Replica) await(ctx context.Context, rev store.Revision) error {
	if r.Head() >= rev {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, r.config.MaxTokenWait)
	defer cancel()
	if _, err := r.WaitFor(bounded, rev); err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return &UnavailableError{Msg: fmt.Sprintf("this node has not reached revision %d yet", rev), RetryAfter: time.Second}
		}
		return err
	}
	return nil
}

// WaitFor returns the head as soon as it is at least rev. It returns ctx's error,
// ErrClosed, or an *UnavailableError when the node was removed from its cluster,
// with the head as it is then.
func (r *Replica) WaitFor(ctx context.Context, rev store.Revision) (store.Revision, error) {
	head, err := r.headline.wait(ctx, r.over, r.Head, rev)
	if errors.Is(err, ErrClosed) {
		err = cmp.Or(r.usable(), err)
	}
	return head, err
}

// Head returns the newest revision that this node has. Everything it wrote can
// be read.
func (r *Replica) Head() store.Revision { return r.store.Head() }

// Token returns the token of a revision: printable, shorter than 64 characters.
func (r *Replica) Token(rev store.Revision) string { return r.history.Load().token(rev) }

// ParseToken returns the revision of a token. A *TokenError says why it has none
// in this cluster's history.
func (r *Replica) ParseToken(token string) (store.Revision, error) {
	return r.history.Load().parse(token)
}
