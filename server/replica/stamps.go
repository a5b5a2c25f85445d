package replica

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

// stampedLog is a log that notes how far this member has come. Raft forgets at
// its end which entries are in the log for good, and learns it again only from a
// leader. So the newest entry of those that are stored together says which entry
// had been applied; all up to that can be applied again before raft begins.
type stampedLog struct {
	raft.LogStore
	applied func() uint64
}

// StoreLog implements raft.LogStore.
func (l *stampedLog) StoreLog(entry *raft.Log) error { return l.StoreLogs([]*raft.Log{entry}) }

// StoreLogs implements raft.LogStore.
func (l *stampedLog) StoreLogs(entries []*raft.Log) error {
	if len(entries) == 0 {
		return nil
	}
	stamped := append([]*raft.Log(nil), entries...)
	last := *entries[len(entries)-1] // which raft goes on using
	last.Extensions = binary.BigEndian.AppendUint64(nil, l.applied())
	stamped[len(stamped)-1] = &last
	return l.LogStore.StoreLogs(stamped)
}

// GetLog implements raft.LogStore. The stamp is nobody else's.
func (l *stampedLog) GetLog(index uint64, entry *raft.Log) error {
	err := l.LogStore.GetLog(index, entry)
	entry.Extensions = nil
	return err
}

// stamp returns the newest stamp; 0: there is none.
func (l *stampedLog) stamp() (uint64, error) {
	last, err := l.LastIndex()
	if err != nil || last == 0 {
		return 0, err
	}
	entry := &raft.Log{}
	if err := l.LogStore.GetLog(last, entry); err != nil {
		return 0, err
	}
	if len(entry.Extensions) != 8 {
		return 0, nil
	}
	return min(last, binary.BigEndian.Uint64(entry.Extensions)), nil
}

// replayed is how many entries are applied at once before raft begins.
const replayed = 256

// replay applies what was applied before and is after the snapshot. The store
// may know of more than the stamps: what it has a record of was applied, so it is
// in the log for good, and readers may have seen it.
func (l *stampedLog) replay(m *machine) error {
	end, err := l.stamp()
	first, fault := l.FirstIndex()
	last, lastFault := l.LastIndex()
	written, writtenFault := m.store.Written()
	if err := errors.Join(err, fault, lastFault, writtenFault); err != nil {
		return fmt.Errorf("reading the log: %w", err)
	}
	end = max(end, min(last, uint64(written)))
	next := m.index.Load() + 1
	if next < first {
		return nil // which raft will judge
	}
	for next <= end {
		var batch []*raft.Log
		for ; next <= end && len(batch) < replayed; next++ {
			entry := &raft.Log{}
			if err := l.GetLog(next, entry); err != nil {
				return fmt.Errorf("reading entry %d of the log: %w", next, err)
			}
			batch = append(batch, entry)
		}
		m.ApplyBatch(batch)
	}
	return nil
}
