package store

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// Apply writes a transaction at a revision, which must be greater than the
// head. The transaction is judged on the state before it; all of it is written,
// or nothing. After an error the revision may be given to another transaction.
//
// It returns one of the errors of this package or of the engine for a
// transaction that is refused. Any other error is the storage's: what was
// written is unknown, and the store takes no more transactions until it is
// opened again.
//
// The store keeps slices of the transaction: the caller must not change it
// until Apply returns.
func (s *Store) Apply(rev Revision, tx *Transaction) (*Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, err := s.judge(rev, tx, nil)
	if err != nil {
		return nil, err
	}
	if err := s.commit(j); err != nil {
		return nil, err
	}
	if s.config.Sync {
		if err := s.db().backend.barrier(); err != nil {
			s.failed = err
			return nil, fmt.Errorf("syncing revision %d: %w", rev, err)
		}
	}
	return &j.outcome, nil
}

// ready returns why nothing can be applied at all. It is called under mu.
func (s *Store) ready(rev Revision, tx *Transaction) error {
	switch {
	case s.stopped:
		return ErrClosed
	case rev <= s.state.head || rev == math.MaxUint64:
		return &RevisionOrderError{Revision: rev, Head: s.state.head}
	case tx.Floor > rev:
		return &FutureRevisionError{Revision: tx.Floor, Head: rev}
	}
	if s.logged {
		return nil // what a disk has free must not decide what a log does
	}
	return s.CheckSpace(tx)
}

// CheckSpace returns a *DiskFullError when the disk is too full for a
// transaction. Apply asks by itself, unless the store was opened by OpenAt.
func (s *Store) CheckSpace(tx *Transaction) error {
	need := s.config.MinFree
	if tx.OnlyDeletes() {
		need /= 4
	}
	return s.checkSpace(need)
}

// settled waits for the transaction in flight, unless the next can be judged on
// its changes over the state before it, as those of imports can. It is called
// under mu.
func (s *Store) settled(tx *Transaction) error {
	plain := tx.Schema == nil && len(tx.Preconditions)+len(tx.DocumentPreconditions)+len(tx.Guards)+len(tx.Deletes)+len(tx.Expired)+len(tx.Documents)+len(tx.Records)+len(tx.Forget)+len(tx.Counters) == 0
	if plain && s.failed == nil {
		return nil
	}
	return s.land()
}

// OnlyDeletes reports whether a transaction makes room, in the long run.
func (tx *Transaction) OnlyDeletes() bool {
	grows := func(u Update) bool { return u.Op != Delete }
	writes := func(u DocumentUpdate) bool { return u.Value != nil }
	return tx.Schema == nil && len(tx.Records) == 0 && !slices.ContainsFunc(tx.Updates, grows) && !slices.ContainsFunc(tx.Documents, writes)
}

// judge decides what a transaction changes, or why it is refused. It writes
// nothing. ready may hold what the updates come to. It is called under mu.
func (s *Store) judge(rev Revision, tx *Transaction, ready *prepared) (*judge, error) {
	if err := s.ready(rev, tx); err != nil {
		return nil, err
	}
	if err := s.settled(tx); err != nil {
		return nil, err
	}
	j := s.newJudge(rev, tx)
	j.prepared = ready
	for _, step := range []func() error{
		j.readSchema, j.preconditions, j.documentPreconditions, j.guards, j.filterDeletes, j.expired, j.updates,
		j.settle, j.schemaChange, j.constraints, j.documents, j.chains, j.counters, j.finish,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// commit writes what was judged and makes it the head. It is called under mu.
func (s *Store) commit(j *judge) error {
	if err := s.land(); err != nil {
		return err
	}
	s.begin(j)
	return s.land()
}

// flight is a transaction that is being written: the state counts it, readers
// do not see it yet.
type flight struct {
	judge *judge
	ended <-chan error
}

// begin starts to write what was judged. Nothing else may be in flight. It is
// called under mu, and land ends it.
func (s *Store) begin(j *judge) {
	j.in = nil // else every transaction of an import would hold the one before
	start := s.db().backend.start
	if s.logged {
		start = s.db().backend.startParts
	}
	s.flight = &flight{j, start(j.record.Revision, j.entries)}
	s.sweeps.follow(j)
	s.state.countChanges(j.changes)
	s.state.updateCounters(j.registered)
	maps.Copy(s.state.chains, j.heads)
	s.state.head, s.state.floor, s.state.time, s.state.hash =
		j.record.Revision, j.record.Floor, j.record.Time.UnixMilli(), j.record.Hash
}

// land waits for what is in flight and makes it the head. It is called under mu.
func (s *Store) land() error {
	if s.failed != nil {
		return fmt.Errorf("the store stopped taking writes, open it again: %w", &StorageError{Op: "writing", Err: s.failed})
	}
	if s.flight == nil {
		return nil
	}
	j := s.flight.judge
	rev := j.record.Revision
	err := <-s.flight.ended
	s.flight = nil
	if err != nil {
		s.failed = err
		return fmt.Errorf("revision %d: %w", rev, &StorageError{Op: "writing", Err: err})
	}
	// Readers of this revision come after head is set: by then the cache must
	// have let go of what it changed, and know its schema.
	s.db().cache.changed(rev, j.changes, j.record.Schema)
	if j.record.Schema {
		s.db().schemas.add(rev, j.schema)
	}
	s.db().head.Store(uint64(rev))
	return s.tidy(j)
}

// tidy does what may be lost without harm: it moves the floor, removes old
// records and stores the small state from time to time.
func (s *Store) tidy(j *judge) error {
	if j.tx.Floor > 0 {
		s.db().readers.raise(j.record.Floor, s.db().backend)
	}
	err := s.prune()
	if err == nil && !s.logged && j.record.Revision-s.saved >= stateEvery {
		err = s.saveState()
	}
	if err != nil {
		s.failed = err
		return fmt.Errorf("after revision %d: %w", j.record.Revision, &StorageError{Op: "writing", Err: err})
	}
	return nil
}

// finish makes the entries and refuses what is too big for one write.
func (j *judge) finish() error {
	j.entries = slices.Grow(j.entries, 2*len(j.changes)+2)
	for _, c := range j.changes {
		reverse := reverseKey(make([]byte, 0, len(c.key)), &c.Relationship) // of the same parts
		j.entries = append(j.entries,
			entry{key: c.key, value: c.after, remove: !c.has},
			entry{key: reverse, value: c.after, remove: !c.has})
		if c.had {
			j.record.Hash.remove(c.key, c.before, 0)
		}
		if c.has {
			j.record.Hash.add(c.key, c.after, 0)
		}
	}
	if j.record.Schema {
		text := []byte(*j.tx.Schema)
		if j.previous != nil {
			j.record.Hash.remove([]byte{tableSchemas}, []byte(j.previous.Source()), 0)
		}
		j.record.Hash.add([]byte{tableSchemas}, text, 0)
		j.entries = appendChunks(j.entries, tableSchemas, j.record.Revision, text)
	}
	record, err := encodeRecord(&j.record, j.changes)
	if err != nil {
		return err
	}
	j.entries = appendChunks(j.entries, tableChanges, j.record.Revision, record)
	if j.store.logged {
		return nil
	}
	return j.db.backend.fits(j.entries)
}
