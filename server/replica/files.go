package replica

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"

	"github.com/pemba-authz/pemba/server/store"
)

// What stands in the data directory beside the store's files.
const (
	raftDir = "raft"
	logFile = "log.db"
)

// files are raft's log, votes and snapshots.
type files struct {
	logs      raft.LogStore
	stable    raft.StableStore
	snapshots *snapshots
	durable   bool // they outlive the process
	fresh     bool // there was nothing when they were opened
	close     func() error
}

// openFiles opens them, or makes them. settle is told the index of every
// snapshot that has become durable.
func openFiles(c *Config, settle func(store.Revision) error) (*files, error) {
	if c.InMemory {
		s := raft.NewInmemStore()
		snapshots := &snapshots{SnapshotStore: raft.NewInmemSnapshotStore(), settle: settle}
		return &files{logs: s, stable: s, snapshots: snapshots, fresh: true, close: func() error { return nil }}, nil
	}
	snapshots, err := openSnapshots(c)
	if err != nil {
		return nil, err
	}
	snapshots.settle = settle
	all, err := snapshots.List()
	if err != nil {
		return nil, fmt.Errorf("listing the snapshots of the log: %w", err)
	}
	if len(all) > 0 {
		snapshots.newest.Store(all[0].Index)
	}
	dir := filepath.Join(c.Dir, raftDir)
	b, err := raftboltdb.New(raftboltdb.Options{
		Path:                    filepath.Join(dir, logFile),
		BoltOptions:             &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, Timeout: time.Second},
		MsgpackUseNewTimeFormat: true,
	})
	if err != nil {
		return nil, fmt.Errorf("opening the log %s: %w", filepath.Join(dir, logFile), err)
	}
	last, err := b.LastIndex()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the log: %w", err), b.Close())
	}
	return &files{logs: b, stable: b, snapshots: snapshots, durable: true, fresh: last == 0 && len(all) == 0, close: b.Close}, nil
}

// snapshots are those of raft, which hold what the machine keeps in memory. One
// is kept: the store has let go of what an older one would need.
type snapshots struct {
	raft.SnapshotStore
	settle func(store.Revision) error
	newest atomic.Uint64 // index of the last one; 0: none
}

func openSnapshots(c *Config) (*snapshots, error) {
	dir := filepath.Join(c.Dir, raftDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	unfinished, err := filepath.Glob(filepath.Join(dir, "snapshots", "*.tmp"))
	if err != nil {
		return nil, err
	}
	for _, name := range unfinished { // raft would keep them for ever
		if err := os.RemoveAll(name); err != nil {
			return nil, err
		}
	}
	s, err := raft.NewFileSnapshotStore(dir, 1, &logWriter{log: c.Logger})
	if err != nil {
		return nil, fmt.Errorf("opening the snapshots of the log: %w", err)
	}
	return &snapshots{SnapshotStore: s}, nil
}

// Create implements raft.SnapshotStore.
func (s *snapshots) Create(v raft.SnapshotVersion, index, term uint64, servers raft.Configuration, serversIndex uint64, t raft.Transport) (raft.SnapshotSink, error) {
	k, err := s.SnapshotStore.Create(v, index, term, servers, serversIndex, t)
	if err != nil {
		return nil, err
	}
	return &sink{SnapshotSink: k, snapshots: s, index: index}, nil
}

// sink is a snapshot that is being written.
type sink struct {
	raft.SnapshotSink
	snapshots *snapshots
	index     uint64
}

// Close implements raft.SnapshotSink. The snapshot is durable then.
func (k *sink) Close() error {
	if err := k.SnapshotSink.Close(); err != nil {
		return err
	}
	k.snapshots.newest.Store(k.index)
	return k.snapshots.settle(store.Revision(k.index))
}

// readSnapshot returns the state of the newest snapshot and the store's part of
// it, or the empty state.
func readSnapshot(c *Config) (*state, []byte, error) {
	if c.InMemory {
		return newState(), nil, nil
	}
	s, err := openSnapshots(c)
	if err != nil {
		return nil, nil, err
	}
	all, err := s.List()
	if err != nil {
		return nil, nil, fmt.Errorf("listing the snapshots of the log: %w", err)
	}
	if len(all) == 0 {
		return newState(), nil, nil
	}
	_, r, err := s.Open(all[0].ID)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the snapshot %s of the log: %w", all[0].ID, err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, nil, fmt.Errorf("reading the snapshot %s of the log: %w", all[0].ID, err)
	}
	return decodeState(data)
}
