package store

import (
	"bytes"
	"errors"
	"fmt"
)

// OpenAt opens the store of a directory for a log: at a state that State
// returned once, or the empty one for nil. base is asked for it once, when the
// directory is locked. Whatever was applied since must be applied again,
// transaction by transaction at the same revisions. It is judged on the states
// as they were, whether the directory has it already or not, and writes the
// same. Where the state is of a dump that was received and not loaded yet (BaseOf
// says), open at the empty state and Load it.
//
// Such a store keeps no small state of its own, writes a revision in as many
// parts as it takes, bounds no transaction but by constants, and leaves it to
// the caller to ask CheckSpace. The errors are those of Open, and of base.
func OpenAt(config Config, base func() ([]byte, error)) (*Store, error) {
	return openStore(&Store{config: config, logged: true, base: base})
}

// Written returns the newest revision of which the directory holds the record,
// 0 for none. Right after OpenAt it may be ahead of the head: a store that was
// killed had applied as much. It proves nothing of the revisions before it.
func (s *Store) Written() (Revision, error) {
	return s.db().backend.view(^Revision(0)).newest(tableChanges)
}

// format returns the format that the directory must have.
func (s *Store) format() int {
	if s.logged {
		return formatLogged
	}
	return formatNumber
}

// loadBase checks that the directory has all of the state it is opened at.
func (s *Store) loadBase() error {
	state, err := s.base()
	if err != nil {
		return err
	}
	s.state = newState()
	if state != nil {
		if s.state, err = decodeState(state); err != nil {
			return s.corrupt("the snapshot of the log cannot be read", err)
		}
	}
	base := s.state.head
	v := s.db().backend.view(base)
	if base > 0 {
		r, err := v.record(base)
		if err == nil && r.Hash != s.state.hash {
			err = fmt.Errorf("the record of revision %d has state hash %s, and the log's snapshot %s", base, r.Hash, s.state.hash)
		}
		if err != nil {
			return s.corrupt("it does not belong to the snapshot of the log", err)
		}
	}
	if s.db().schemas, err = loadSchemas(s.db().backend, base); err != nil {
		return s.corrupt("the schemas cannot be read", err)
	}
	return nil
}

// State returns the small state at the newest revision, for OpenAt. The caller
// must be the one that applies transactions, between two of them.
func (s *Store) State() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.state.encode())
}

// Settle says that the store will never be opened at a state before the given
// revision again, so that versions which only that would need may go. Until
// then they are kept, whatever the floor.
func (s *Store) Settle(base Revision) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return ErrClosed
	}
	if base > s.state.head {
		base = s.state.head
	}
	floor, err := s.db().backend.view(base).floor()
	if err != nil {
		return err
	}
	s.db().readers.settle(floor, s.db().backend)
	return nil
}

var errNotLogged = errors.New("this store keeps no counters: it belongs to no log")

// Base returns the revision whose dump the database began with, 0 for none.
func (s *Store) Base() Revision { return s.db().origin.base }
