package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
)

// backend is all that the rest of the package knows of Badger: apply at a
// revision, view at a revision, set the floor, make durable. Another engine
// that keeps versions could take its place.
type backend struct {
	db  *badger.DB
	dir string // empty in memory
}

// entry is one key to write.
type entry struct {
	key, value []byte
	mark       byte // a byte beside the value
	remove     bool
}

// Badger counts for each entry its key, value, two bytes, and ten for the
// version; a transaction also holds the marker that ends it.
const (
	entryOverhead   = 12
	commitOverhead  = 128
	commitEntries   = 2
	memTableSize    = 32 << 20 // 15 % of it bounds a transaction: 4.8 MiB, 52,000 keys
	valueLogSize    = 16 << 20 // no value is large enough to go there
	valueThreshold  = 64 << 10
	badgerManifest  = "MANIFEST"
	walPattern      = "*.mem"
	valueLogPattern = "*.vlog"
)

// openBackend opens the database of a directory, or one in memory for "", with
// memory tables of so many bytes.
func openBackend(dir string, memTable int64) (*backend, error) {
	return openWith(backendOptions(dir, memTable))
}

func openWith(o badger.Options) (*backend, error) {
	db, err := badger.OpenManaged(o)
	if err != nil {
		return nil, err
	}
	return &backend{db: db, dir: o.Dir}, nil
}

func backendOptions(dir string, memTable int64) badger.Options {
	return badger.DefaultOptions(dir).
		WithInMemory(dir == "").
		WithLogger(nil).
		WithMetricsEnabled(false).
		WithDetectConflicts(false). // else committed transactions pile up, and replaying ends the process
		WithNumVersionsToKeep(1).   // below the discard timestamp; above it all are kept
		WithMemTableSize(memTable).
		WithNumMemtables(2).
		WithNumCompactors(2).
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithIndexCacheSize(0).
		WithChecksumVerificationMode(options.OnTableRead). // else a damaged table gives wrong answers, or panics
		WithValueLogFileSize(valueLogSize).
		WithValueThreshold(valueThreshold)
}

// listedTables returns the names of the tables that the database of a directory
// is made of, none if their list cannot be read.
func listedTables(dir string) []string {
	f, err := os.Open(filepath.Join(dir, badgerManifest))
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // it was only read
	m, _, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(dir))
	if err != nil {
		return nil
	}
	var names []string
	for id := range m.Tables {
		names = append(names, table.IDToFilename(id))
	}
	return names
}

func (b *backend) close() error { return b.db.Close() }

// fits returns a *TransactionTooBigError when the entries exceed what one
// atomic write can hold.
func (b *backend) fits(entries []entry) error {
	size := int64(commitOverhead)
	for i := range entries {
		size += int64(len(entries[i].key) + len(entries[i].value) + entryOverhead)
	}
	maxEntries, maxSize := int(b.db.MaxBatchCount())-commitEntries, b.db.MaxBatchSize()
	if len(entries) >= maxEntries || size >= maxSize {
		return &TransactionTooBigError{Entries: len(entries), EntryLimit: maxEntries, Bytes: size, ByteLimit: maxSize}
	}
	return nil
}

// mostChanges returns how many relationships, of two keys each, one atomic write
// can hold at most.
func (b *backend) mostChanges() int { return int(b.db.MaxBatchCount()) / 2 }

// apply writes the entries at a revision, all or none. Readers at that revision
// may see some of them before it returns.
func (b *backend) apply(rev Revision, entries []entry) error {
	return <-b.start(rev, entries)
}

// start begins what apply does, and sends how it ended. The entries must not
// change until then.
func (b *backend) start(rev Revision, entries []entry) <-chan error {
	ended := make(chan error, 1)
	txn := b.db.NewTransactionAt(uint64(rev), true)
	defer txn.Discard()
	all := make([]badger.Entry, len(entries))
	for i := range entries {
		e := &entries[i]
		var err error
		if e.remove {
			err = txn.Delete(e.key)
		} else {
			all[i].Key, all[i].Value = e.key, e.value
			err = txn.SetEntry(all[i].WithMeta(e.mark))
		}
		if err != nil {
			ended <- err
			return ended
		}
	}
	if err := txn.CommitAt(uint64(rev), func(err error) { ended <- err }); err != nil {
		ended <- err
	}
	return ended
}

// startParts does what start does with entries that may be too many for one
// atomic write: a crash may leave the first of them written.
func (b *backend) startParts(rev Revision, entries []entry) <-chan error {
	maxEntries, maxSize := int(b.db.MaxBatchCount())-commitEntries, b.db.MaxBatchSize()
	size, from := int64(commitOverhead), 0
	for i := range entries {
		n := int64(len(entries[i].key) + len(entries[i].value) + entryOverhead)
		if size += n; i-from+1 >= maxEntries || size >= maxSize {
			if err := b.apply(rev, entries[from:i]); err != nil {
				ended := make(chan error, 1)
				ended <- err
				return ended
			}
			size, from = commitOverhead+n, i
		}
	}
	return b.start(rev, entries[from:])
}

// setFloor lets go of versions that no reader at rev or later can see.
func (b *backend) setFloor(rev Revision) { b.db.SetDiscardTs(uint64(rev)) }

// barrier makes everything durable that was applied. Badger itself would sync
// the newest write-ahead log alone, and one that was rotated away but not yet
// written out as a table would be lost with the power.
func (b *backend) barrier() error {
	if b.dir == "" {
		return nil
	}
	for _, pattern := range []string{walPattern, valueLogPattern} {
		names, err := filepath.Glob(filepath.Join(b.dir, pattern))
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := syncFile(name); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return syncFile(b.dir)
}

// syncFile makes a file or directory durable, with what was written to it
// through a memory map.
func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// verify checks the checksums of all tables.
func (b *backend) verify() error { return b.db.VerifyChecksum() }

// size returns the bytes of the tables; what was written last is not yet in one.
func (b *backend) size() int64 {
	var n int64
	for _, level := range b.db.Levels() {
		n += level.Size
	}
	return n
}

// view reads at one revision. It is safe for concurrent use, and need not be
// closed.
type view struct{ txn *badger.Txn }

func (b *backend) view(rev Revision) view {
	return view{b.db.NewTransactionAt(uint64(rev), false)}
}

// revision returns the revision that the view is at.
func (v view) revision() Revision { return Revision(v.txn.ReadTs()) }

// stored is a value with what stands beside it.
type stored struct {
	value   []byte
	mark    byte
	version Revision // that wrote it
}

// get returns a copy of the value of a key.
func (v view) get(key []byte) (stored, bool, error) {
	item, err := v.txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return stored{}, false, nil
	}
	if err != nil {
		return stored{}, false, &StorageError{Op: "reading", Err: err}
	}
	value, err := item.ValueCopy(nil)
	if err != nil {
		return stored{}, false, &StorageError{Op: "reading", Err: err}
	}
	return stored{value: value, mark: item.UserMeta(), version: Revision(item.Version())}, true, nil
}

// scan walks the keys with one prefix in order. It belongs to one goroutine.
type scan struct {
	it     *badger.Iterator
	prefix []byte
}

// scan starts a walk; it stands nowhere until seek is called.
func (v view) scan(prefix []byte) *scan {
	return v.newScan(prefix, false)
}

// scanBack starts a walk in descending order.
func (v view) scanBack(prefix []byte) *scan {
	return v.newScan(prefix, true)
}

func (v view) newScan(prefix []byte, reverse bool) *scan {
	o := scanOptions(prefix)
	o.Reverse = reverse
	return &scan{it: v.txn.NewIterator(o), prefix: prefix}
}

// scanVersions starts a walk over all versions up to the view's: the newest of
// each key first, removed ones too.
func (v view) scanVersions(prefix []byte) *scan {
	o := scanOptions(prefix)
	o.AllVersions = true
	return &scan{it: v.txn.NewIterator(o), prefix: prefix}
}

func scanOptions(prefix []byte) badger.IteratorOptions {
	o := badger.DefaultIteratorOptions
	o.PrefetchValues = false // values lie beside their keys
	o.Prefix = prefix
	return o
}

// present goes to a key of a walk over versions and returns the first that is
// stored at a revision at or after it, nil for none. After so many versions of
// keys that are not it returns the key that it has come to.
func (s *scan) present(from []byte, rev Revision, most int) []byte {
	s.seek(from)
	var removed []byte
	for ; s.valid() && most > 0; s.next() {
		if s.version() <= rev && !bytes.Equal(s.key(), removed) {
			if !s.removed() {
				break
			}
			removed = append(removed[:0], s.key()...)
		}
		most--
	}
	if !s.valid() {
		return nil
	}
	return bytes.Clone(s.key())
}

// seek goes to the first key at or after key; nil: to the first of the prefix.
func (s *scan) seek(key []byte) {
	if key == nil {
		key = s.prefix
	}
	s.it.Seek(key)
}

func (s *scan) valid() bool { return s.it.ValidForPrefix(s.prefix) }
func (s *scan) next()       { s.it.Next() }
func (s *scan) close()      { s.it.Close() }

// key returns the key the walk stands on. It is valid until the walk moves.
func (s *scan) key() []byte { return s.it.Item().Key() }

// version returns the revision that wrote what the walk stands on.
func (s *scan) version() Revision { return Revision(s.it.Item().Version()) }

// removed reports whether a walk over versions stands on one that removes a key.
func (s *scan) removed() bool { return s.it.Item().IsDeletedOrExpired() }

// mark returns the byte beside the value.
func (s *scan) mark() byte { return s.it.Item().UserMeta() }

// value returns the value the walk stands on. It is valid until the walk moves.
func (s *scan) value() ([]byte, error) {
	item := s.it.Item()
	if item.ValueSize() == 0 {
		return nil, nil
	}
	var value []byte
	err := item.Value(func(v []byte) error {
		value = v
		return nil
	})
	if err != nil {
		return nil, &StorageError{Op: "reading", Err: err}
	}
	return value, nil
}
