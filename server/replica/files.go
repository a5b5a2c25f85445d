package replica

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
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

// cachedEntries is how many entries are kept in memory for members that follow
// closely.
const cachedEntries = 512

// openFiles opens them, or makes them.
func (r *Replica) openFiles() (*files, error) {
	f, err := openFiles(&r.config)
	if err != nil {
		return nil, err
	}
	s := f.snapshots
	s.settle, s.dump, s.whole, s.first = r.store.Settle, r.dump, r.newScratch, r.store.Head()
	stamped := &stampedLog{LogStore: f.logs, applied: r.machine.index.Load}
	err = r.checkEnd(f.logs)
	if err == nil {
		err = stamped.replay(r.machine)
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	f.logs, err = raft.NewLogCache(cachedEntries, stamped)
	return f, err
}

func openFiles(c *Config) (*files, error) {
	if c.InMemory {
		s := raft.NewInmemStore()
		snapshots := &snapshots{SnapshotStore: raft.NewInmemSnapshotStore()}
		return &files{logs: s, stable: s, snapshots: snapshots, fresh: true, close: func() error { return nil }}, nil
	}
	snapshots, err := openSnapshots(c)
	if err != nil {
		return nil, err
	}
	all, err := snapshots.List()
	if err != nil {
		return nil, fmt.Errorf("listing the snapshots of the log: %w", err)
	}
	if len(all) > 0 {
		snapshots.newest.Store(all[0].Index)
	}
	dir := filepath.Join(c.Dir, raftDir)
	file := filepath.Join(dir, logFile)
	b, err := openLog(raftboltdb.Options{
		Path:                    file,
		BoltOptions:             &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, Timeout: time.Second},
		MsgpackUseNewTimeFormat: true,
		NoSync:                  c.unsynced,
	})
	if err != nil {
		return nil, fmt.Errorf("opening the log %s: %w", file, err)
	}
	last, err := b.LastIndex()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the log: %w", err), b.Close())
	}
	return &files{logs: &checkedLog{b, file}, stable: b, snapshots: snapshots, durable: true, fresh: last == 0 && len(all) == 0, close: b.Close}, nil
}
