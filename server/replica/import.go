package replica

import (
	"context"
	"crypto/rand"
	"encoding/binary"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

// A part of an import holds at most so much, so that it delays no other write
// for long.
const (
	partUpdates = 1_000
	partBytes   = 512 << 10
)

// Import is one transaction that may be larger than a command. Its
// relationships go through the log in parts that nobody sees; Commit creates
// all of them at one revision, or none. It belongs to one goroutine.
type Import struct {
	replica *Replica
	id      uint64
	parts   int
	total   int
	bytes   int // of pending, roughly
	pending []engine.Relationship
	done    bool
}

// Import begins an import. The caller must Commit or Abort it; one that has
// neither is dropped after ten minutes.
func (r *Replica) Import() *Import {
	return &Import{replica: r, id: randomID()}
}

// randomID returns a number that is not 0.
func randomID() uint64 {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // documented never to fail
		if id := binary.BigEndian.Uint64(b[:]); id != 0 {
			return id
		}
	}
}

// Add takes relationships to create. It returns an *ImportTooLargeError,
// *ImportLostError, *TooLargeError, *UnavailableError or ctx's error; after any
// of them nothing of the import will be written.
func (i *Import) Add(ctx context.Context, relationships ...engine.Relationship) error {
	if i.total+len(relationships) > i.replica.config.MaxImport {
		return &ImportTooLargeError{Limit: i.replica.config.MaxImport}
	}
	i.total += len(relationships)
	for _, r := range relationships {
		i.pending = append(i.pending, r)
		i.bytes += relationshipSize(&r)
		if len(i.pending) == partUpdates || i.bytes >= partBytes {
			if err := i.send(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// relationshipSize returns the bytes of a relationship in a command, or a few
// more.
func relationshipSize(r *engine.Relationship) int {
	n := 16 + len(r.Resource.Type) + len(r.Resource.ID) + len(r.Relation) +
		len(r.Subject.Type) + len(r.Subject.ID) + len(r.Subject.Relation)
	if r.Trait != nil {
		e := &encoder{}
		e.relationship(r)
		n += len(e.buf)
	}
	return n
}

// send proposes what is pending as one part.
func (i *Import) send(ctx context.Context) error {
	if len(i.pending) == 0 {
		return nil
	}
	c := &command{kind: kindStage, stage: i.id, part: i.parts, updates: i.pending}
	if err := i.replica.checkSpace(c); err != nil {
		return err
	}
	a, err := i.replica.propose(ctx, c)
	if err != nil {
		return err
	}
	i.parts++
	i.pending, i.bytes = i.pending[:0], 0
	return a.refusal
}

// Total returns how many relationships were added.
func (i *Import) Total() int { return i.total }

// Commit creates everything that was added, at one revision, or nothing. Of the
// proposal's transaction only Actor and Metadata count. It returns what Propose
// returns, or an *ImportLostError.
func (i *Import) Commit(ctx context.Context, p Proposal) (Result, error) {
	if err := i.send(ctx); err != nil {
		return Result{}, err
	}
	if i.parts == 0 {
		p.Tx = store.Transaction{Actor: p.Tx.Actor, Metadata: p.Tx.Metadata}
		return i.replica.Propose(ctx, p)
	}
	ctx = withRequestID(ctx, p.RequestID)
	c := &command{kind: kindImport, stage: i.id, part: i.parts, key: newRetryKey(p.Identity, p.RetryKey)}
	c.tx.Actor, c.tx.Metadata = p.Tx.Actor, p.Tx.Metadata
	a, err := i.replica.propose(ctx, c)
	if err != nil {
		return Result{}, err
	}
	i.done = true
	return i.replica.result(a, p.RetryKey)
}

// Abort drops an import that was not committed. After Commit it does nothing.
func (i *Import) Abort(ctx context.Context) error {
	if i.done || i.parts == 0 {
		return nil
	}
	i.done = true
	_, err := i.replica.propose(ctx, &command{kind: kindDrop, drops: []uint64{i.id}})
	return err
}
