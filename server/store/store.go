package store

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Config says where a store lives and what it may use. A store needs Dir or
// InMemory; every other zero value is a good default.
type Config struct {
	Dir      string // made when it does not exist
	InMemory bool   // keep nothing on disk; Dir must be empty

	CacheBytes int64 // for the cache; 0: 64 MiB; negative: no cache

	// Sync makes every Apply durable before it returns. Without it a crash of
	// the machine (not of the process) may take the newest revisions, as a whole.
	Sync bool

	// MinFree is how many bytes must stay free on the disk; 0: 256 MiB. Below
	// it transactions that only delete are still taken, down to a quarter of it.
	// Badger writes tables of up to 32 MiB, also while it is closed, and is ended
	// by a signal when there is no room for one: less than the default is for
	// tests. Nothing that was acknowledged is lost by that.
	MinFree uint64
	// Disk returns how many bytes this user may still write to the disk of a
	// directory, and its size; nil: what the machine says.
	Disk func(dir string) (free, total uint64, err error)

	Retention          time.Duration // revisions younger than this are kept; 0: 24 h
	RetentionRevisions uint64        // and of those the newest so many; 0: 5,000,000

	memTable int64 // bytes of the tables in memory; 0: memTableSize; less in tests
}

// DefaultMinFree is what Config.MinFree is when nothing is said.
const DefaultMinFree = 256 << 20

const (
	defaultCacheBytes         = 64 << 20
	defaultRetention          = 24 * time.Hour
	defaultRetentionRevisions = 5_000_000

	// Open reads at most so many records to catch up.
	stateEvery = 4096
)

// validate names every fault, and fills in the defaults.
func (c *Config) validate() error {
	var errs []error
	if c.Dir == "" && !c.InMemory {
		errs = append(errs, errors.New("no data directory is named; name one, or ask for a store in memory"))
	}
	if c.Dir != "" && c.InMemory {
		errs = append(errs, fmt.Errorf("a store in memory has no data directory; %s was named", c.Dir))
	}
	if c.Retention < 0 {
		errs = append(errs, fmt.Errorf("retention is %v; it must not be negative", c.Retention))
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = defaultCacheBytes
	}
	if c.Disk == nil {
		c.Disk = diskOf
	}
	if c.MinFree == 0 {
		c.MinFree = DefaultMinFree
	}
	if c.memTable == 0 {
		c.memTable = memTableSize
	}
	if c.Retention == 0 {
		c.Retention = defaultRetention
	}
	if c.RetentionRevisions == 0 {
		c.RetentionRevisions = defaultRetentionRevisions
	}
	return errors.Join(errs...)
}

// Store keeps relationships, schemas and documents by revision. It is safe for
// concurrent use: transactions are applied one after the other, readers do not
// wait for them.
type Store struct {
	config  Config
	logged  bool                   // opened by OpenAt
	base    func() ([]byte, error) // what it was given
	dir     *directory             // nil in memory
	current atomic.Pointer[database]
	opened  atomic.Int64 // snapshots that are open

	step     func(string)   // told of the steps of Load, in tests; else nil
	loading  sync.Mutex     // held by Load
	retiring sync.WaitGroup // databases that were replaced and still have readers

	mu      sync.Mutex // held while a transaction is applied; guards what follows
	sweeps  sweeps     // of deletes that had a limit
	state   *state     // as the newest transaction leaves it, in flight or not
	flight  *flight    // nil unless an import writes
	saved   Revision   // of the newest stored copy of state
	pruned  Revision   // there are no records below it
	failed  error      // of the backend while writing; nothing is applied after it
	retired error      // of databases that were replaced, while they were closed
	stopped bool
}

// Open opens the store of a directory, or makes one. The caller must Close it.
//
// It returns an error that names every fault of the configuration, or a
// *DirectoryInUseError, *FormatError, *CorruptError, or one of the file system.
func Open(config Config) (*Store, error) {
	return openStore(&Store{config: config})
}

func openStore(s *Store) (*Store, error) {
	if err := s.config.validate(); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	if err := s.open(); err != nil {
		if d := s.db(); d != nil {
			err = errors.Join(err, d.backend.close())
		}
		if s.dir != nil {
			err = errors.Join(err, s.dir.close())
		}
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	return s, nil
}

func (s *Store) open() error {
	var from origin
	var durable Revision
	if !s.config.InMemory {
		var err error
		if s.dir, err = openDirectory(s.config.Dir, s.format()); err != nil {
			return err
		}
		if err := s.checkSpace(s.config.MinFree / 4); err != nil {
			return err
		}
		from = s.dir.origin
		if durable, err = s.dir.durable(); err != nil {
			return err
		}
		if err := s.dir.checkTables(); err != nil {
			return err
		}
		if err := s.dir.setAside(); err != nil {
			return err
		}
	}
	d, err := s.openDatabase(from)
	if err != nil {
		return s.corrupt("the database does not open", err)
	}
	s.current.Store(d)
	load, newest := s.load, func() (Revision, error) { return s.state.head, nil }
	if s.logged {
		load, newest = s.loadBase, s.Written
	}
	if err := load(); err != nil {
		return err
	}
	switch found, err := newest(); {
	case err != nil:
		return s.corrupt("the records of changes cannot be read", err)
	case found < durable:
		return s.corrupt(fmt.Sprintf("revision %d was written, and the newest found is %d; the tables as they were found are in %s", durable, found, asideDir), nil)
	}
	if err := d.start(s.state); err != nil || s.dir == nil {
		return err
	}
	if err := s.dir.dropAside(); err != nil {
		return err
	}
	return s.dir.dropOthers()
}

// load finds the newest stored copy of the small state and catches up from the
// records after it. Records name the one before them, so a gap is noticed.
func (s *Store) load() error {
	v := s.db().backend.view(^Revision(0))
	newest, err := v.newest(tableStates)
	if err != nil {
		return s.corrupt("the small state has a malformed key", err)
	}
	s.state = newState()
	if newest > 0 {
		value, _, err := v.chunks(tableStates, newest)
		if err != nil {
			return s.corrupt("the small state cannot be read", err)
		}
		if s.state, err = decodeState(value); err != nil {
			return s.corrupt("the small state cannot be read", err)
		}
	}
	s.saved = s.state.head
	var fault error
	touched := map[string]bool{} // chains
	err = v.revisions(tableChanges, s.state.head, ^Revision(0), func(rev Revision) bool {
		var r *Record
		if r, fault = v.record(rev); fault == nil && r.Previous != s.state.head {
			fault = fmt.Errorf("the record of revision %d follows revision %d, but the one before it is %d", rev, r.Previous, s.state.head)
		}
		if fault == nil {
			s.state.advance(r)
			for _, d := range r.Documents {
				if d.Chained {
					touched[chainOf(d.Key)] = true
				}
			}
		}
		return fault == nil
	})
	if err := errors.Join(err, fault); err != nil {
		return s.corrupt("the records of changes do not fit together", err)
	}
	for name := range touched {
		c, _, err := v.chain(name, s.state.chains[name].First)
		if err != nil {
			return s.corrupt("the records of chains do not fit together", err)
		}
		s.state.chains[name] = c
	}
	if s.db().schemas, err = loadSchemas(s.db().backend, ^Revision(0)); err != nil {
		return s.corrupt("the schemas cannot be read", err)
	}
	return nil
}

func (s *Store) corrupt(msg string, err error) error {
	return &CorruptError{Dir: s.config.Dir, Msg: msg, Err: err}
}

// Close stores the small state and closes the store. It waits for a Load and for
// snapshots that are still open; new ones are refused.
func (s *Store) Close() error {
	s.loading.Lock()
	defer s.loading.Unlock()
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return ErrClosed
	}
	s.stopped = true
	errs := []error{s.land()}
	if s.failed == nil && !s.logged {
		errs = append(errs, s.saveState())
	}
	s.mu.Unlock()

	d := s.db()
	d.readers.drain()
	errs = append(errs, d.sync(), d.backend.close())
	s.retiring.Wait()
	errs = append(errs, s.retired)
	if s.dir != nil {
		errs = append(errs, s.dir.close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	return nil
}

// saveState stores the small state under its revision and removes the copy
// before it. It is called under mu.
func (s *Store) saveState() error {
	if s.saved == s.state.head {
		return nil
	}
	head := s.state.head
	entries := appendChunks(nil, tableStates, head, s.state.encode())
	old := s.db().backend.view(head).scan([]byte{tableStates})
	for old.seek(nil); old.valid(); old.next() {
		entries = append(entries, entry{key: append([]byte(nil), old.key()...), remove: true})
	}
	old.close()
	if err := s.db().backend.apply(head, entries); err != nil {
		return err
	}
	s.saved = head
	return nil
}

// Head returns the newest revision. Everything it wrote can be read.
func (s *Store) Head() Revision { return s.db().newest() }

// Floor returns the oldest revision that can be read.
func (s *Store) Floor() Revision { return s.db().readers.oldest() }

// Sync makes everything durable that was applied.
func (s *Store) Sync() error {
	sn, err := s.Snapshot(0) // so that the database stays
	if err != nil {
		return err
	}
	defer sn.Close()
	if err := sn.db.sync(); err != nil {
		return fmt.Errorf("syncing the store: %w", err)
	}
	return nil
}

// Stats describes a store at one moment.
type Stats struct {
	Head, Floor   Revision
	Time          time.Time // of the newest transaction
	Hash          Hash      // of the state at the head
	Relationships int64
	Counts        map[Kind]int64
	Bytes         int64 // of the tables of the database
	Snapshots     int   // that are open
	Cache         CacheStats
	Internals     Internals
}

// Stats returns counts at the newest revision. It waits for a transaction that
// is being applied.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{
		Head: s.state.head, Floor: s.state.floor, Time: fromMillis(s.state.time), Hash: s.state.hash,
		Relationships: s.state.relationships(), Counts: maps.Clone(s.state.counts),
		Snapshots: int(s.opened.Load()), Cache: s.db().cache.stats(),
	}
	if !s.stopped {
		st.Bytes = s.db().backend.size()
		st.Internals = s.db().backend.internals()
	}
	return st
}
