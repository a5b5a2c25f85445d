package store

import (
	"errors"
	"os"
	"sync/atomic"
)

// database is all that snapshots read from. Load puts another in its place;
// snapshots stay with the one they were opened on.
type database struct {
	store   *Store
	origin  origin
	backend *backend
	schemas *schemas
	cache   *cache // nil without one
	readers readers

	// head is what readers see: it is set after everything of its revision was
	// written and the cache has let go of what the revision changed.
	head atomic.Uint64
}

// origin says where a database lives and what it began with.
type origin struct {
	name  string   // of its directory in the data directory; empty in memory
	base  Revision // whose dump it began with; 0: it began empty
	floor Revision // that the dump did not reach below
}

// openDatabase opens the database of an origin.
func (s *Store) openDatabase(o origin) (*database, error) {
	path := ""
	if s.dir != nil {
		path = s.dir.database(o)
	}
	b, err := openBackend(path, s.config.memTable)
	if err != nil {
		return nil, err
	}
	return s.newDatabase(o, b), nil
}

func (s *Store) newDatabase(o origin, b *backend) *database {
	d := &database{store: s, origin: o, backend: b}
	d.readers.open, d.readers.idle.L = map[Revision]int{}, &d.readers.mu
	return d
}

// start makes what is stored readable up to a state.
func (d *database) start(at *state) error {
	d.head.Store(uint64(at.head))
	d.readers.floor = max(at.floor, d.origin.floor)
	d.readers.kept = ^Revision(0)
	if d.store.logged {
		d.readers.kept = at.floor
	}
	d.readers.forget(d.backend)
	if d.store.config.CacheBytes <= 0 {
		return nil
	}
	var err error
	d.cache, err = newCache(d.store.config.CacheBytes, at.head)
	return err
}

// newest returns the revision that readers see.
func (d *database) newest() Revision { return Revision(d.head.Load()) }

// db returns the database that is read from and written to now.
func (s *Store) db() *database { return s.current.Load() }

// sync makes everything durable that was applied to the database.
func (d *database) sync() error {
	head := d.newest()
	if err := d.backend.barrier(); err != nil {
		return err
	}
	if d.store.dir == nil {
		return nil
	}
	return d.store.dir.checkpoint(d.origin, head)
}

// retire closes a database when its last reader has left, and removes its files.
func (s *Store) retire(d *database) {
	s.retiring.Go(func() {
		d.readers.drain()
		err := d.backend.close()
		if d.origin.name != "" {
			err = errors.Join(err, os.RemoveAll(s.dir.database(d.origin)))
			s.reached("removed")
		}
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.retired = errors.Join(s.retired, err)
		}
	})
}
