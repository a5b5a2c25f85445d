package replica

import (
	"fmt"
	"time"

	"github.com/pemba-authz/pemba/server/store"
)

// A member whose disk is full would be ended by a signal when Badger touches a
// file that it has mapped, and again at every start until there is room. So what
// needs room is refused while any voter has little, which is for all to know:
// each tells it with its state. A member that nevertheless runs out of room, for
// others may write to the disk too, stops before.
const (
	deletingNeeds = 4 // the share of minFree that must be free for deletes
	runningNeeds  = 8 // the share without which a node stops

	spaceEvery = 250 * time.Millisecond // how often a node looks at its disk
	censusAge  = 5 * time.Second        // what the leader knows of others is at most so old
)

// space is that of the disk of a data directory, in bytes; zero: there is none.
type space struct{ free, total uint64 }

// below reports whether less is free than must be.
func (s space) below(need uint64) bool { return s.total > 0 && s.free < need }

// space returns how much this node has, as far as it can be known.
func (r *Replica) space() space {
	free, total, err := r.store.Space()
	if err != nil {
		return space{}
	}
	return space{free: free, total: total}
}

// watchSpace looks at the disk until the replica is closed.
func (r *Replica) watchSpace() {
	if r.config.InMemory {
		return
	}
	tick := time.NewTicker(spaceEvery)
	defer tick.Stop()
	full := false
	for {
		select {
		case <-tick.C:
			full = r.guardSpace(r.space(), full)
		case <-r.stop:
			return
		}
	}
}

// guardSpace stops the node when there is no room to run, and says when there is
// too little for writes, and when there is enough again. It returns whether there
// is too little.
func (r *Replica) guardSpace(s space, full bool) bool {
	need := r.config.minFree()
	log := r.config.Logger.With("dir", r.config.Dir, "free_bytes", s.free, "min_free_bytes", need)
	switch {
	case s.below(need / runningNeeds):
		r.machine.halt(fmt.Errorf("the disk of %s has %d MiB free, and %d MiB must stay free for the node to run: make room and start it again", r.config.Dir, s.free>>20, need/runningNeeds>>20))
		return true
	case s.below(need) && !full:
		log.Warn("the disk is nearly full: the cluster takes nothing but deletes until there is room, or this node votes no more")
		return true
	case full && !s.below(need+need/runningNeeds):
		log.Info("the disk has room again")
		return false
	}
	return full
}

// checkSpace refuses what needs room while this node, or a voter that the leader
// knows of, has little.
func (r *Replica) checkSpace(c *command) error {
	switch c.kind {
	case kindTransaction, kindStage, kindImport:
	default:
		return nil
	}
	tx := &c.tx
	if c.kind != kindTransaction {
		tx = growing()
	}
	if tx.Floor > 0 || len(tx.Expired) > 0 {
		return nil
	}
	if err := r.store.CheckSpace(tx); err != nil {
		return err
	}
	seen := r.census.Load()
	if seen == nil || time.Since(seen.at) > censusAge {
		return nil
	}
	return r.othersSpace(seen.cluster, tx)
}

// othersSpace returns the error of a transaction for which another voter has too
// little space. One that has stopped applies nothing.
func (r *Replica) othersSpace(c *Cluster, tx *store.Transaction) error {
	for _, m := range c.Members {
		if m.Voter && !m.Self && !m.Stopped && (m.veryFull || m.NearlyFull && !tx.OnlyDeletes()) {
			return r.memberFull(&m)
		}
	}
	return nil
}

// growing stands for a transaction that needs room.
func growing() *store.Transaction { return &store.Transaction{Updates: make([]store.Update, 1)} }

// memberFull is the error of a write while another member has little space.
func (r *Replica) memberFull(m *Member) error {
	need := r.config.minFree()
	if m.veryFull {
		need /= deletingNeeds
	}
	return &store.DiskFullError{Dir: "member " + m.ID + " at " + m.Address, Free: m.FreeBytes, Need: need}
}
