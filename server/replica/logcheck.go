package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// DamagedLogError says that the file of the log is not as it was written. What
// follows the damage cannot be known, so the node does not start on it.
type DamagedLogError struct {
	File string
	Msg  string
}

func (e *DamagedLogError) Error() string {
	return fmt.Sprintf("the log %s is damaged: %s; restore the node from a backup, or remove its directory and let it join the cluster again", e.File, e.Msg)
}

// checkedLog is a log whose entries have checksums. A disk that gives back other
// bytes than it took would otherwise change what was written, on one member only.
// The checksum stands behind what else is in the extensions; entries of versions
// that had none are read as they are.
type checkedLog struct {
	raft.LogStore
	file string
}

// checksumSize is that of the checksum; stampSize that of all there may be
// before it.
const (
	checksumSize = 4
	stampSize    = 8
)

func checksum(e *raft.Log, extensions []byte) uint32 {
	var head [17]byte
	binary.BigEndian.PutUint64(head[:], e.Index)
	binary.BigEndian.PutUint64(head[8:], e.Term)
	head[16] = byte(e.Type)
	sum := crc32.Update(0, checksums, head[:])
	return crc32.Update(crc32.Update(sum, checksums, e.Data), checksums, extensions)
}

// StoreLog implements raft.LogStore.
func (l *checkedLog) StoreLog(entry *raft.Log) error { return l.StoreLogs([]*raft.Log{entry}) }

// StoreLogs implements raft.LogStore.
func (l *checkedLog) StoreLogs(entries []*raft.Log) error {
	copies := make([]raft.Log, len(entries)) // raft goes on using its own
	checked := make([]*raft.Log, len(entries))
	for i, e := range entries {
		copies[i] = *e
		extensions := make([]byte, len(e.Extensions), stampSize+checksumSize)
		copy(extensions, e.Extensions)
		copies[i].Extensions = binary.BigEndian.AppendUint32(extensions, checksum(e, e.Extensions))
		checked[i] = &copies[i]
	}
	return l.LogStore.StoreLogs(checked)
}

// GetLog implements raft.LogStore. An entry that is not as it was stored is a
// *DamagedLogError.
func (l *checkedLog) GetLog(index uint64, entry *raft.Log) error {
	*entry = raft.Log{}
	err := l.LogStore.GetLog(index, entry)
	if errors.Is(err, raft.ErrLogNotFound) {
		return err
	}
	if err != nil {
		return l.damaged(index, err.Error())
	}
	if entry.Index != index {
		return l.damaged(index, fmt.Sprintf("entry %d stands in its place", entry.Index))
	}
	n := len(entry.Extensions) - checksumSize
	if n != 0 && n != stampSize {
		return nil // of a version without checksums
	}
	extensions, sum := entry.Extensions[:n:n], binary.BigEndian.Uint32(entry.Extensions[n:])
	if sum != checksum(entry, extensions) {
		return l.damaged(index, "its checksum is wrong")
	}
	entry.Extensions = extensions
	return nil
}

func (l *checkedLog) damaged(index uint64, msg string) error {
	return &DamagedLogError{l.file, fmt.Sprintf("entry %d: %s", index, msg)}
}

// openLog opens the file of a log, after a look at whether it is whole: the
// library would end the process where it is not.
func openLog(options raftboltdb.Options) (b *raftboltdb.BoltStore, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &DamagedLogError{options.Path, fmt.Sprint(p)}
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // the file is mapped into memory
	if err := walkLog(options.Path); err != nil {
		return nil, err
	}
	return raftboltdb.New(options)
}

// checkPages looks at how the pages of the file of a log hang together.
func checkPages(file string, size int) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	if err = (&logPages{file: f, size: size}).check(); err != nil {
		err = &DamagedLogError{file, err.Error()}
	}
	return errors.Join(err, f.Close())
}

// walkLog reads every page of the file of a log, if there is one.
func walkLog(file string) error {
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return &DamagedLogError{file, fmt.Sprintf("it has %d bytes and should have %d", info.Size(), tx.Size())}
		}
		if err := checkPages(file, tx.DB().Info().PageSize); err != nil {
			return err
		}
		found := map[string]bool{}
		err := tx.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
			found[string(name)] = true
			return bucket.ForEach(func(_, _ []byte) error { return nil })
		})
		if err == nil && len(found) > 0 && !(found["logs"] && found["conf"]) { // it would make new ones
			err = &DamagedLogError{file, "it lacks a table"}
		}
		return err
	})
	return errors.Join(err, db.Close())
}

// checkEnd looks whether a log goes as far as what was applied from it. An entry is
// in the log before the store has it; a log may end before the store only where a
// snapshot came in the place of the rest, or where a recovery was begun, which
// adds an entry to none.
func (r *Replica) checkEnd(logs raft.LogStore) error {
	last, err := logs.LastIndex()
	if err != nil {
		return fmt.Errorf("reading the log: %w", err)
	}
	written, err := r.store.Written()
	if err != nil {
		return err
	}
	if uint64(written) <= max(last, r.machine.index.Load()) || r.config.unrecovered() != nil {
		return nil
	}
	return &DamagedLogError{filepath.Join(r.config.Dir, raftDir, logFile), fmt.Sprintf("it ends with entry %d, and entry %d was applied from it", last, written)}
}
