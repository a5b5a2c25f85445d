package replica

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"
)

// recoverFile says that a recovery was begun. What it applied may never have been
// in the log for good, so the directory is of no use until it is completed.
const recoverFile = "recovering"

// Recover makes the member of a directory, which must not be in use, the only
// one of its cluster and begins a new history: tokens of before are refused, and
// the other members must join again with empty directories. It is for a cluster
// that has lost most of its voters for good; what only they had acknowledged is
// lost. Of the configuration the directory, the network's address and the logger
// count.
//
// A plan that does not name the directory's cluster and node is refused with a
// *RecoverError that says what they are. The other errors are those of Inspect,
// of store.Open, of the file system, or ctx's. It may be repeated.
func Recover(ctx context.Context, c Config, confirm RecoverPlan) error {
	found, err := Inspect(c.Dir)
	if err != nil {
		return fmt.Errorf("recovering the node: %w", err)
	}
	plan := RecoverPlan{Cluster: found.Cluster, Node: found.Node}
	switch {
	case plan.Cluster == 0:
		return refuse(ClusterState, "the directory %s holds no member of a cluster", c.Dir)
	case plan != confirm:
		return &RecoverError{Plan: plan}
	}
	if c.Network == nil {
		for _, m := range found.Members {
			if m.ID == found.Node {
				c.RaftAddr = m.Address
			}
		}
	}
	if c, err = c.withDefaults(); err != nil {
		return fmt.Errorf("recovering the node: %w", err)
	}
	r := newReplica(c)
	defer r.cancel()
	if err := r.recover(ctx, found.LastTerm); err != nil {
		return fmt.Errorf("recovering the node: %w", err)
	}
	return nil
}

// recover applies the whole log, begins a new history, and makes that the
// snapshot from which the node starts, alone.
func (r *Replica) recover(ctx context.Context, term uint64) error {
	marker := filepath.Join(r.config.Dir, raftDir, recoverFile)
	f, err := r.boot(ctx)
	if err != nil {
		return err
	}
	if err = writeFile(marker, []byte("a recovery was begun\n")); err == nil {
		err = r.rewrite(ctx, f, term)
	}
	if err := errors.Join(err, f.close(), r.store.Close()); err != nil {
		return err
	}
	return os.Remove(marker)
}

func (r *Replica) rewrite(ctx context.Context, f *files, term uint64) error {
	last, err := f.logs.LastIndex()
	if err != nil {
		return err
	}
	for next := r.machine.index.Load() + 1; next <= last; next++ {
		entry := &raft.Log{}
		if err := f.logs.GetLog(next, entry); err != nil {
			return fmt.Errorf("reading entry %d of the log: %w", next, err)
		}
		r.machine.ApplyBatch([]*raft.Log{entry})
		if err := errors.Join(ctx.Err(), r.usable()); err != nil {
			return err
		}
	}
	// The new history begins with an entry that is in the snapshot and in no log.
	index := max(last, f.snapshots.newest.Load(), r.machine.index.Load()) + 1
	c := &command{kind: kindEpoch, epoch: r.machine.state.history.epoch + 1, time: r.config.Now().UnixMilli()}
	data, err := c.encode()
	if err != nil {
		return err
	}
	r.machine.ApplyBatch([]*raft.Log{{Index: index, Type: raft.LogCommand, Data: data}})
	if err := r.usable(); err != nil {
		return err
	}
	current, err := f.stable.GetUint64([]byte(raftTerm))
	if err != nil {
		return err
	}
	if err := r.begin(f, index, max(term, current)); err != nil || last == 0 {
		return err
	}
	first, err := f.logs.FirstIndex()
	if err != nil {
		return err
	}
	return f.logs.DeleteRange(first, last)
}

// begin makes a snapshot of the state with this node as the only member.
func (r *Replica) begin(f *files, index, term uint64) error {
	s, err := r.machine.Snapshot()
	if err != nil {
		return err
	}
	sink, err := f.snapshots.Create(raft.SnapshotVersionMax, index, term, only(r.id, r.config.Network.Address()), 1, r.config.Network.Transport())
	if err != nil {
		return err
	}
	if err := s.Persist(sink); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

// unrecovered returns why a directory is of no use: a recovery was begun and not
// completed.
func (c *Config) unrecovered() error {
	if c.InMemory {
		return nil
	}
	_, err := os.Stat(filepath.Join(c.Dir, raftDir, recoverFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = refuse(ClusterState, "a recovery of %s was begun and not completed; run it again", c.Dir)
	}
	return err
}
