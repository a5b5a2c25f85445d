package replica

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/pemba-authz/pemba/server/store"
)

// Server is a member as the log has it.
type Server struct {
	ID, Address string
	Voter       bool
}

// Inspection is what the directory of a stopped node says of itself.
type Inspection struct {
	Node           string // id; "": it has none yet
	Cluster, Epoch uint64 // 0: it has no cluster yet
	Members        []Server
	First, Last    uint64 // entries of its log; 0: none
	LastTerm       uint64
	LastTime       time.Time // when the last entry was appended here
	Snapshot       uint64    // index of its newest snapshot of the log; 0: none
}

// Inspect reads the directory of a node and changes nothing. One that has no log
// gives the zero Inspection.
//
// It returns a *store.DirectoryInUseError, or one of the file system.
func Inspect(dir string) (*Inspection, error) {
	b, err := openStopped(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return &Inspection{}, nil
	}
	if err != nil {
		return nil, err
	}
	i := &Inspection{}
	err = errors.Join(i.read(dir, b), b.Close())
	if err != nil {
		return nil, fmt.Errorf("reading the log in %s: %w", dir, err)
	}
	return i, nil
}

// stopTimeout is how long a node that is just about to end is waited for.
const stopTimeout = time.Second

// openStopped opens the log of a node that does not run, for reading.
func openStopped(dir string) (*raftboltdb.BoltStore, error) {
	name := filepath.Join(dir, raftDir, logFile)
	if _, err := os.Stat(name); err != nil {
		return nil, err
	}
	b, err := openLog(raftboltdb.Options{Path: name, BoltOptions: &bbolt.Options{ReadOnly: true, Timeout: stopTimeout}})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, &store.DirectoryInUseError{Dir: dir}
	}
	if err != nil {
		return nil, fmt.Errorf("opening the log %s: %w", name, err)
	}
	return b, nil
}

func (i *Inspection) read(dir string, b *raftboltdb.BoltStore) error {
	text, err := os.ReadFile(filepath.Join(dir, raftDir, idFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	i.Node = strings.TrimSpace(string(text))
	h, err := (&files{stable: b}).history()
	if err != nil {
		return err
	}
	if err := i.readSnapshot(dir, &h); err != nil {
		return err
	}
	for e, err := range entries(&checkedLog{b, filepath.Join(dir, raftDir, logFile)}, 0) {
		if err != nil {
			return err
		}
		if i.First == 0 {
			i.First = e.Index
		}
		i.Last, i.LastTerm, i.LastTime = e.Index, e.Term, e.AppendedAt
		switch e.Type {
		case raft.LogConfiguration:
			i.Members = servers(raft.DecodeConfiguration(e.Data))
		case raft.LogCommand:
			if h.cluster != 0 {
				continue
			}
			if c, err := decodeCommand(e.Data); err == nil && c.kind == kindFound { // from before the history was kept
				h = history{c.cluster, 1}
			}
		}
	}
	i.Cluster, i.Epoch = h.cluster, h.epoch
	if i.Node == "" && (i.Last > 0 || i.Snapshot > 0) {
		i.Node = firstID
	}
	return nil
}

// readSnapshot takes what the newest snapshot of the log says.
func (i *Inspection) readSnapshot(dir string, h *history) error {
	if _, err := os.Stat(filepath.Join(dir, raftDir, "snapshots")); err != nil {
		return nil // there is none
	}
	s, err := raft.NewFileSnapshotStore(filepath.Join(dir, raftDir), 1, io.Discard)
	if err != nil {
		return err
	}
	all, err := s.List()
	if err != nil || len(all) == 0 {
		return err
	}
	i.Snapshot, i.Last, i.LastTerm = all[0].Index, all[0].Index, all[0].Term
	i.Members = servers(all[0].Configuration)
	if h.cluster == 0 {
		st, _, err := readSnapshot(&Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		*h = st.history
	}
	return nil
}

func servers(c raft.Configuration) []Server {
	var all []Server
	for _, s := range c.Servers {
		all = append(all, Server{ID: string(s.ID), Address: string(s.Address), Voter: s.Suffrage == raft.Voter})
	}
	return all
}

// entries gives the entries of a log from an index on.
func entries(b raft.LogStore, from uint64) iter.Seq2[*raft.Log, error] {
	return func(yield func(*raft.Log, error) bool) {
		first, err := b.FirstIndex()
		if err != nil {
			yield(nil, err)
			return
		}
		last, err := b.LastIndex()
		if err != nil {
			yield(nil, err)
			return
		}
		for at := max(first, from, 1); at <= last; at++ {
			e := &raft.Log{}
			if err := b.GetLog(at, e); err != nil {
				yield(nil, err)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}
