package replica

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

// What the leader proposes by itself, and how often.
const (
	choresEvery = 10 * time.Second

	// The floor moves when it lets go of so many revisions, or after an hour:
	// each move is a revision itself.
	floorStep = 1000
	floorRest = time.Hour

	// Snapshots of the log are made after so many entries or so many bytes, as
	// Open has to apply again what follows the last one.
	snapshotBytes = 64 << 20

	expiryEvery = time.Minute
	expiryGrace = 10 * time.Minute // after which what has expired is removed
	expiryBatch = 1000

	// Members are asked for the hashes of their states when something was
	// written since all had the same.
	compareEvery = 3 * time.Minute
)

// chores remembers when they were last done.
type chores struct {
	floor, expiry, compared time.Time
	same                    store.Revision // at which all members had the same hash last
}

// doChores does them from time to time until the replica is closed.
func (r *Replica) doChores() {
	tick := time.NewTicker(choresEvery)
	defer tick.Stop()
	var done chores
	for {
		select {
		case <-tick.C:
		case <-r.stop:
			return
		}
		if !r.node.established.Load() {
			continue
		}
		err := r.chore(r.ctx, &done)
		if unavailable := (*UnavailableError)(nil); err != nil && !errors.As(err, &unavailable) && !errors.Is(err, ErrClosed) {
			r.config.Logger.Warn("a background task failed; it is tried again", "error", err)
		}
	}
}

// chore does what is due.
func (r *Replica) chore(ctx context.Context, done *chores) error {
	now := r.config.Now()
	return errors.Join(r.moveFloor(ctx, now, done), r.removeExpired(ctx, now, done), r.dropStages(ctx, now), r.shorten(), r.compare(ctx, now, done))
}

// compare asks the members for the hashes of their states. Each reads its own
// from the record of one revision. StateHash tells of members that differ.
func (r *Replica) compare(ctx context.Context, now time.Time, done *chores) error {
	if now.Sub(done.compared) < compareEvery || r.Head() == done.same || len(r.node.servers()) < 2 {
		return nil
	}
	done.compared = now
	hashes, err := r.StateHash(ctx, 0)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(hashes, func(h MemberHash) bool { return h.Err != nil || h.Hash != hashes[0].Hash }) {
		done.same = hashes[0].Revision
	}
	return nil
}

// shorten makes a snapshot of the log when it has become long.
func (r *Replica) shorten() error {
	if r.machine.bytes.Load() < snapshotBytes {
		return nil
	}
	return r.node.raft.Snapshot().Error()
}

// own proposes a transaction of the leader.
func (r *Replica) own(ctx context.Context, tx store.Transaction) error {
	a, err := r.propose(ctx, &command{kind: kindTransaction, tx: tx})
	if err != nil {
		return err
	}
	return a.refusal
}

// moveFloor lets go of revisions that retention does not ask for.
func (r *Replica) moveFloor(ctx context.Context, now time.Time, done *chores) error {
	target, err := r.store.RetentionFloor(now)
	if err != nil {
		return err
	}
	floor := r.store.Floor()
	if target <= floor || target-floor < floorStep && now.Sub(done.floor) < floorRest {
		return nil
	}
	done.floor = now
	return r.own(ctx, store.Transaction{Floor: target})
}

// removeExpired removes relationships that expired some time ago. Whether they
// have is decided when the entry is applied: they may have been written again.
func (r *Replica) removeExpired(ctx context.Context, now time.Time, done *chores) error {
	if now.Sub(done.expiry) < expiryEvery {
		return nil
	}
	done.expiry = now
	return r.sweep(ctx, now.Add(-expiryGrace))
}

// sweep removes what had expired at a moment.
func (r *Replica) sweep(ctx context.Context, at time.Time) error {
	sn, err := r.store.Snapshot(0)
	if err != nil {
		return err
	}
	defer sn.Close()
	var batch []engine.Relationship
	for rel, err := range sn.Expired(ctx, at) {
		if err == nil {
			batch = append(batch, rel)
			if len(batch) == expiryBatch {
				err = r.own(ctx, store.Transaction{Expired: batch})
				batch = nil
			}
		}
		if err == nil {
			err = r.usable()
		}
		if err != nil {
			return err
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return r.own(ctx, store.Transaction{Expired: batch})
}

// dropStages drops imports that nobody continues.
func (r *Replica) dropStages(ctx context.Context, now time.Time) error {
	ids := r.machine.abandoned(now.Add(-stageAge))
	if len(ids) == 0 {
		return nil
	}
	_, err := r.propose(ctx, &command{kind: kindDrop, drops: ids})
	return err
}
