package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sort"
	"time"
)

// pruneEvery is how many records below the floor one transaction removes at
// most, so that none takes long.
const pruneEvery = 256

// record reads what a revision changed.
func (v view) record(rev Revision) (*Record, error) {
	value, ok, err := v.chunks(tableChanges, rev)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("the record of revision %d is missing", rev)
	}
	return decodeRecord(rev, value)
}

// Changes yields the records of the revisions after the one given, up to the
// snapshot's, ascending. from must not be below the floor (an
// *ExpiredRevisionError); 0 means the floor. An error ends it.
//
// A record costs one read and has all that its revision changed: relationships
// with what they carried before, and the keys of documents with what was done to
// them and their class, sealed ones too. So what follows the store keeps the
// revision it has come to, opens a snapshot of the head and asks for Changes of
// the one since the other; values of documents are read at the snapshot, where
// only the newest of several changes is to be found. Where it was told that its
// revision is no longer kept it has to begin anew.
func (sn *Snapshot) Changes(ctx context.Context, from Revision) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		if sn.closed.Load() {
			yield(nil, ErrClosed)
			return
		}
		floor := sn.db.readers.oldest()
		if from > 0 && from < floor {
			yield(nil, &ExpiredRevisionError{Revision: from, Floor: floor})
			return
		}
		from = max(from, floor)
		var fault error
		err := sn.view.revisions(tableChanges, from, sn.rev, func(rev Revision) bool {
			var r *Record
			if r, fault = sn.view.record(rev); fault == nil {
				fault = ctx.Err()
			}
			return fault == nil && yield(r, nil)
		})
		if err := errors.Join(err, fault); err != nil {
			yield(nil, err)
		}
	}
}

// Record returns what the snapshot's revision changed; ok is false when its
// record is no longer kept.
func (sn *Snapshot) Record() (r *Record, ok bool, err error) {
	if sn.closed.Load() {
		return nil, false, ErrClosed
	}
	value, ok, err := sn.view.chunks(tableChanges, sn.rev)
	if err != nil || !ok {
		return nil, false, err
	}
	r, err = decodeRecord(sn.rev, value)
	return r, err == nil, err
}

// RetentionFloor returns the floor that the configured retention allows at a
// time, for the Floor of a transaction. It never is below the present floor.
func (s *Store) RetentionFloor(now time.Time) (Revision, error) {
	sn, err := s.Snapshot(0)
	if err != nil {
		return 0, err
	}
	defer sn.Close()
	floor := s.Floor()
	if keep := Revision(s.config.RetentionRevisions); sn.rev > keep {
		floor = max(floor, sn.rev-keep)
	}
	// The last revision that is older than the retention is still what readers
	// at the start of the retained time see.
	cut := now.Add(-s.config.Retention)
	var fault error
	n := sort.Search(int(sn.rev-floor), func(i int) bool {
		at, err := sn.view.timeAfter(floor+Revision(i), sn.rev)
		if err != nil && fault == nil {
			fault = err
		}
		return at.After(cut)
	})
	return floor + Revision(n), fault
}

// timeAfter returns when the first revision after the one given was made.
func (v view) timeAfter(rev, to Revision) (at time.Time, err error) {
	var fault error
	err = v.revisions(tableChanges, rev, to, func(next Revision) bool {
		var first stored // of the record's chunks: the others may be many
		if first, _, fault = v.get(chunkKey(tableChanges, next, 0)); fault == nil {
			at, fault = decodeRecordTime(next, first.value)
		}
		return false
	})
	return at, errors.Join(err, fault)
}

// prune removes records below the floor. The head's is kept, whatever the
// floor. It is called under mu.
func (s *Store) prune() error {
	limit := min(s.state.floor, s.state.head)
	if s.pruned+1 >= limit {
		return nil
	}
	v := s.db().backend.view(s.state.head)
	walk := v.scan([]byte{tableChanges})
	defer walk.close()
	var entries []entry
	done := false
	walk.seek(revisionPrefix(tableChanges, s.pruned))
	for ; walk.valid() && len(entries) < pruneEvery; walk.next() {
		_, rev, _, err := splitChunk(walk.key())
		if err != nil {
			return err
		}
		if done = rev >= limit; done {
			break
		}
		s.pruned = rev
		entries = append(entries, entry{key: append([]byte(nil), walk.key()...), remove: true})
	}
	if done || !walk.valid() {
		s.pruned = limit - 1
	}
	if len(entries) == 0 {
		return nil
	}
	return s.db().backend.apply(s.state.head, entries)
}
