package store

import (
	"bytes"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/ristretto/v2/z"
)

// version is one version of one key.
type version struct {
	entry
	rev Revision
}

// versions visits every version of every key that readers from floor to the
// view's revision can see: keys in order, the newest version of each first. What
// visit is given is valid until it returns.
func (v view) versions(floor func() Revision, visit func(*version) error) error {
	s := v.scanVersions(nil)
	defer s.close()
	// What the walk passes is settled now: what is let go of later does not matter.
	oldest := floor()
	var last version // visited, or passed over because nobody sees it
	for s.seek(nil); s.valid(); s.next() {
		rev := s.version()
		if bytes.Equal(s.key(), last.key) && (last.rev <= oldest || last.rev == rev) {
			continue
		}
		value, err := s.value()
		if err != nil {
			return err
		}
		last.key, last.rev = append(last.key[:0], s.key()...), rev
		last.value, last.mark, last.remove = value, s.mark(), s.removed()
		if last.remove && rev <= oldest {
			continue
		}
		if err := visit(&last); err != nil {
			return err
		}
	}
	return nil
}

// Tables of the last level are 32 times as large as this, and up to 16 of them
// are in memory while they are written.
const bulkTableSize = 512 << 10

// bulk fills a new database with versions that come in the order of versions.
type bulk struct {
	backend  *backend
	memTable int64
	stream   *badger.StreamWriter
	buffer   *z.Buffer
	kv       pb.KV
}

const bulkBuffer = 1 << 20

// badgerDeleted is what Badger marks the version with that removes a key.
const badgerDeleted = 1

// newBulk makes a database as openBackend opens it then.
func newBulk(dir string, memTable int64) (*bulk, error) {
	b, err := openWith(backendOptions(dir, memTable).WithBaseTableSize(bulkTableSize))
	if err != nil {
		return nil, err
	}
	w := &bulk{backend: b, memTable: memTable, stream: b.db.NewStreamWriter(), buffer: z.NewBuffer(bulkBuffer, "bulk")}
	if err := w.stream.Prepare(); err != nil {
		return nil, w.cancel(err)
	}
	return w, nil
}

// add takes the next version. They must come in order: Badger ends the process
// otherwise.
func (w *bulk) add(v *version) error {
	w.kv.Key, w.kv.Value, w.kv.Version = v.key, v.value, uint64(v.rev)
	w.kv.Meta, w.kv.UserMeta = nil, nil
	if v.remove {
		w.kv.Meta = []byte{badgerDeleted}
	}
	if v.mark != 0 {
		w.kv.UserMeta = []byte{v.mark}
	}
	badger.KVToBuffer(&w.kv, w.buffer)
	if w.buffer.LenNoPadding() < bulkBuffer {
		return nil
	}
	return w.send()
}

func (w *bulk) send() error {
	err := w.stream.Write(w.buffer)
	w.buffer.Reset()
	return err
}

// finish returns the database, which holds everything durably.
func (w *bulk) finish() (*backend, error) {
	err := w.send()
	if err == nil {
		err = w.stream.Flush()
	}
	if err != nil {
		return nil, w.cancel(err)
	}
	if err := w.buffer.Release(); err != nil {
		return nil, err
	}
	b := w.backend
	if b.dir == "" {
		return b, nil
	}
	if err := b.close(); err != nil {
		return nil, err
	}
	if b, err = openBackend(b.dir, w.memTable); err != nil {
		return nil, err
	}
	return b, b.barrier()
}

// cancel closes the database after an error.
func (w *bulk) cancel(err error) error {
	w.stream.Cancel()
	if releaseErr := w.buffer.Release(); err == nil {
		err = releaseErr
	}
	_ = w.backend.close() // what it holds is of no use
	return err
}
