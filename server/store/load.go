package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// spaceEvery is how many bytes of a dump are loaded between two looks at the
// free space.
const spaceEvery = 16 << 20

// Load replaces all that is stored by what Dump wrote and the state that goes
// with it, as State returned it at that revision; nil is the empty one. Snapshots
// that are open keep what they read from, new ones see what was loaded.
// Revisions below the floor of the dump are refused. Nothing may be applied
// meanwhile.
//
// After an error everything is as it was. After a crash, or a *StorageError that
// stops the store, it is as it was or as it was loaded when the store is opened
// again. The errors are *DumpError (what was read is not a whole dump, or not of
// that state), *DiskFullError, ErrClosed, a *StorageError, or the error of ctx
// or r.
func (s *Store) Load(ctx context.Context, stored []byte, r io.Reader) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	if err := s.takesLoads(); err != nil {
		return err
	}
	l := &loader{store: s, ctx: ctx, state: newState(), stored: stored}
	var err error
	if stored != nil {
		if l.state, err = decodeState(stored); err != nil {
			return fmt.Errorf("loading a dump: %w", err)
		}
	}
	d, err := l.database(r)
	if err == nil {
		err = s.replace(d, l.state)
	}
	if err != nil {
		return fmt.Errorf("loading a dump: %w", err)
	}
	return nil
}

// takesLoads returns ErrClosed when the store is.
func (s *Store) takesLoads() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return ErrClosed
	}
	return nil
}

// loader makes a database of a dump.
type loader struct {
	store  *Store
	ctx    context.Context
	state  *state
	stored []byte

	in      *dumpReader
	bulk    *bulk
	checked int64 // bytes that were read when the free space was looked at

	hash             Hash // of what stands at the revision
	forward, reverse int64
	schema           []byte   // the newest
	schemaAt         Revision // that wrote it
	last             []byte   // key
}

// database loads the dump into a new directory.
func (l *loader) database(r io.Reader) (*database, error) {
	var err error
	if l.in, err = newDumpReader(r); err != nil {
		return nil, err
	}
	if l.in.rev != l.state.head {
		return nil, &DumpError{fmt.Sprintf("is of revision %d, and the state beside it of %d", l.in.rev, l.state.head)}
	}
	o := origin{base: l.in.rev, floor: l.in.floor}
	path := ""
	if dir := l.store.dir; dir != nil {
		if o.name, err = dir.newName(); err != nil {
			return nil, err
		}
		path = dir.database(o)
		if err := os.Mkdir(path, 0o700); err != nil {
			return nil, describe(dir.path, err)
		}
	}
	d, err := l.fill(o, path)
	if err != nil && path != "" {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return d, err
}

func (l *loader) fill(o origin, path string) (*database, error) {
	var err error
	if l.bulk, err = newBulk(path, l.store.config.memTable); err != nil {
		return nil, &StorageError{Op: "writing", Err: err}
	}
	if err := l.versions(); err != nil {
		return nil, l.bulk.cancel(err)
	}
	b, err := l.bulk.finish()
	if err != nil {
		return nil, &StorageError{Op: "writing", Err: err}
	}
	l.store.reached("loaded")
	d := l.store.newDatabase(o, b)
	if err = b.view(l.state.head).checkChains(l.state.chains); err != nil {
		err = &DumpError{"does not fit: " + err.Error()}
	}
	if err == nil {
		d.schemas, err = loadSchemas(b, l.state.head)
	}
	if err == nil {
		err = d.start(l.state)
	}
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return d, nil
}

// versions writes the dump, and whatever else the store keeps.
func (l *loader) versions() error {
	for {
		v, err := l.in.next()
		if err != nil {
			return err
		}
		if v == nil {
			break
		}
		if err := l.version(v); err != nil {
			return err
		}
	}
	if err := l.compare(); err != nil || l.store.logged || l.state.head == 0 {
		return err
	}
	for _, e := range appendChunks(nil, tableStates, l.state.head, l.stored) { // the last table
		if err := l.bulk.add(&version{entry: e, rev: l.state.head}); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) version(v *version) error {
	if l.in.count%contextEvery == 0 {
		if err := l.ctx.Err(); err != nil {
			return err
		}
	}
	if l.in.read >= l.checked {
		l.checked = l.in.read + spaceEvery
		if err := l.store.checkSpace(l.store.config.MinFree / 4); err != nil {
			return err
		}
		l.store.reached("loading")
	}
	if len(v.key) == 0 || !strings.Contains(dumped, string(rune(v.key[0]))) {
		return &DumpError{fmt.Sprintf("holds a key that no table has: %.40q", v.key)}
	}
	if string(v.key) != string(l.last) {
		l.last = append(l.last[:0], v.key...)
		if err := l.see(v); err != nil {
			return err
		}
	}
	return l.bulk.add(v)
}

// see counts in what stands at the revision of the dump.
func (l *loader) see(v *version) error {
	if v.remove {
		return nil
	}
	switch v.key[0] {
	case tableForward:
		l.forward++
		l.hash.add(v.key, v.value, 0)
	case tableReverse:
		l.reverse++
	case tableDocuments:
		l.hash.add(v.key, v.value, v.mark)
	case tableSchemas:
		_, rev, _, err := splitChunk(v.key)
		if err != nil {
			return err
		}
		if rev != l.schemaAt {
			l.schema, l.schemaAt = nil, rev
		}
		l.schema = append(l.schema, v.value...)
	}
	return nil
}

// compare checks that the dump is of the state.
func (l *loader) compare() error {
	if l.schemaAt > 0 {
		l.hash.add([]byte{tableSchemas}, l.schema, 0)
	}
	switch n := l.state.relationships(); {
	case l.hash != l.state.hash:
		return &DumpError{fmt.Sprintf("has state hash %s, and the state beside it %s", l.hash, l.state.hash)}
	case l.forward != n || l.reverse != n:
		return &DumpError{fmt.Sprintf("has %d relationships, %d in its reverse index, and the state beside it %d", l.forward, l.reverse, n)}
	}
	return nil
}

// replace makes a database that was loaded the one that counts.
func (s *Store) replace(d *database, at *state) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.land() // what was in flight, or failed, is replaced
	if s.dir != nil {
		err := s.dir.switchTo(d.origin)
		s.reached("switched")
		if err == nil {
			err = s.dir.checkpoint(d.origin, at.head)
		}
		if err != nil { // either may count now; both stay until the store is opened again
			s.failed = err
			return errors.Join(&StorageError{Op: "writing", Err: err}, d.backend.close())
		}
		s.reached("noted")
	}
	old := s.db()
	s.state, s.saved, s.pruned, s.failed, s.sweeps = at, at.head, 0, nil, nil
	s.current.Store(d)
	s.retire(old)
	return nil
}

// reached tells a test how far a Load is.
func (s *Store) reached(step string) {
	if s.step != nil {
		s.step(step)
	}
}
