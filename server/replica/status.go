package replica

import (
	"time"

	"github.com/pemba-authz/pemba/server/store"
)

// Status describes a replica at one moment.
type Status struct {
	Ready  bool  // it leads, or follows a leader, and serves
	Err    error // why it serves nothing; nil when it serves
	Leader bool

	LeaderID  string        // who leads, as far as this node knows; "": nobody
	LogRecent time.Duration // how long entries lately took to be durable in the log of this member; 0: there were none

	ID      string    // of the node
	Name    string    // of it, for people
	Since   time.Time // when it was opened
	Cluster uint64    // of its tokens
	Epoch   uint64
	Version int // of the cluster

	Head, Floor store.Revision
	Applied     uint64 // the last entry of the log that was handed to the machine
	LastIndex   uint64 // of the log
	Store       store.Stats
	Raft        map[string]string // raft's own words

	Members, Voters       int // of the cluster
	Draining              bool
	LeaderChanges         uint64        // how often this node became the leader
	Forwarded             uint64        // proposals that it handed to the leader
	SnapshotInstalls      uint64        // how often it took over all data from another member
	HashMismatches        uint64        // comparisons that found members to hold different states
	SnapshotDumps         uint64        // how often it wrote all data for another member
	SnapshotDump          time.Duration // how long that took the last time
	Snapshot              uint64        // index of the newest snapshot of the log
	LastContact           time.Duration // since it heard of the leader; negative: never
	CensusAge             time.Duration // since this leader asked all members; negative: it did not
	FreeBytes, TotalBytes uint64        // of its disk

	Measures Measures
}

// StoreStats returns counts at the newest revision. It waits for a write that is
// being applied.
func (r *Replica) StoreStats() store.Stats { return r.store.Stats() }

// Status returns what metrics tell. It may wait for a write that is being
// applied; Serving does not.
func (r *Replica) Status() Status {
	h, free := r.history.Load(), r.space()
	s := Status{
		Err: r.Serving(), Leader: r.node.established.Load(), LogRecent: time.Duration(r.meters.logRecent.Load()),
		ID: string(r.id), Name: r.config.Name, Since: r.since, Cluster: h.cluster, Epoch: h.epoch, Version: r.version(),
		Members: len(r.node.servers()), Voters: r.node.voters(), Draining: r.draining.Load(),
		LeaderChanges: r.leaderChanges.Load(), Forwarded: r.forwarded.Load(),
		HashMismatches: r.mismatches.Load(), SnapshotInstalls: r.installs.Load(), SnapshotDumps: r.dumps.Load(), SnapshotDump: time.Duration(r.dumped.Load()),
		Snapshot: r.node.files.snapshots.newest.Load(), LastContact: r.lastContact(), CensusAge: -1,
		FreeBytes: free.free, TotalBytes: free.total,
		Head: r.Head(), Floor: r.store.Floor(),
		Applied: r.node.raft.AppliedIndex(), LastIndex: r.node.raft.LastIndex(),
		Store: r.store.Stats(), Raft: r.node.raft.Stats(), Measures: r.meters.measures(),
	}
	s.Ready = s.Err == nil
	s.LeaderID, _ = r.leader()
	if seen := r.census.Load(); seen != nil {
		s.CensusAge = time.Since(seen.at)
	}
	return s
}
