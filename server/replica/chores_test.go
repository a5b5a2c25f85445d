package replica

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/server/store"
)

// TestCompare has the leader find that a member lost an entry, again and again.
func TestCompare(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		var log bytes.Buffer
		g.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
		g.found(3)
		leader, other := g.leader(), g.follower()
		found := func() uint64 { return leader.Status().HashMismatches }
		propose(t, leader, Proposal{Tx: schemaOf(testSchema)})
		pause(t.Context(), 2*compareEvery)
		if n := found(); n != 0 {
			t.Fatalf("%d differences where there are none: %s", n, &log)
		}
		other.machine.index.Store(leader.node.raft.LastIndex() + 1) // as if it had that entry
		propose(t, leader, Proposal{Tx: touch(t, "document:a#viewer@user:anne")})
		last := propose(t, leader, Proposal{Tx: touch(t, "document:b#viewer@user:anne")})
		g.until("all have the last", func() bool { return other.Head() >= last.Revision })
		pause(t.Context(), 4*compareEvery)
		if n := found(); n < 3 || n > 5 {
			t.Errorf("%d comparisons found a difference, want about 4", n)
		}
		for _, want := range []string{"different states", fmt.Sprintf("revision=%d ", last.Revision), string(leader.id), string(other.id)} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, &log)
			}
		}
	})
}

// clock is a clock that the test moves.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(1_800_000_000_000)
	return c
}

func (c *clock) now() time.Time       { return time.UnixMilli(c.ms.Load()) }
func (c *clock) pass(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func TestFloorMoves(t *testing.T) {
	c := newClock()
	r := open(t, Config{InMemory: true, Now: c.now, Store: store.Config{Retention: 24 * time.Hour}})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	old := propose(t, r, Proposal{Tx: touch(t, "document:a#viewer@user:anne")})
	last := propose(t, r, Proposal{Tx: touch(t, "document:b#viewer@user:anne")})
	var done chores
	chore := func() store.Revision {
		t.Helper()
		if err := r.chore(t.Context(), &done); err != nil {
			t.Fatal(err)
		}
		return r.store.Floor()
	}
	if floor := chore(); floor != 0 {
		t.Errorf("floor %d, and all is young", floor)
	}
	c.pass(25 * time.Hour)
	propose(t, r, Proposal{Tx: touch(t, "document:c#viewer@user:anne")})
	if floor := chore(); floor != last.Revision {
		t.Errorf("floor %d, and revision %d was the last a day ago", floor, last.Revision)
	}
	var expired *store.ExpiredRevisionError
	if _, err := r.Snapshot(t.Context(), Consistency{AtExactSnapshot, old.Token}); !errors.As(err, &expired) {
		t.Errorf("a read below the floor: %v", err)
	}
	head := r.Head()
	if chore(); r.Head() != head {
		t.Error("moving the floor gave cause to move it again")
	}
}

func TestExpiredAreFound(t *testing.T) {
	c := newClock()
	r := open(t, Config{InMemory: true, Now: c.now})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	var tx store.Transaction
	for i := range expiryBatch + 10 {
		at := c.now().Add(time.Duration(i%2+1) * time.Minute).UTC().Format(time.RFC3339)
		name := fmt.Sprintf("document:d%d#viewer@user:anne[expiration:%s]", i, at)
		tx.Updates = append(tx.Updates, touch(t, name).Updates...)
	}
	tx.Updates = append(tx.Updates, touch(t, "document:stays#viewer@user:anne").Updates...)
	propose(t, r, Proposal{Tx: tx})
	var done chores
	for _, step := range []struct {
		pass time.Duration
		left int64
	}{{0, expiryBatch + 11}, {3 * time.Minute, expiryBatch + 11}, {8*time.Minute + 30*time.Second, (expiryBatch+10)/2 + 1}, {time.Minute, 1}} {
		c.pass(step.pass)
		if err := r.chore(t.Context(), &done); err != nil {
			t.Fatal(err)
		}
		if n := r.store.Stats().Relationships; n != step.left {
			t.Errorf("after %v, %d are left; want %d", step.pass, n, step.left)
		}
	}
}

func TestLongLogIsShortened(t *testing.T) {
	r := open(t, Config{Dir: t.TempDir(), Store: store.Config{MinFree: 1}})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	var done chores
	chore := func() uint64 {
		t.Helper()
		if err := r.chore(t.Context(), &done); err != nil {
			t.Fatal(err)
		}
		return r.node.files.snapshots.newest.Load()
	}
	if at := chore(); at != 0 {
		t.Errorf("a snapshot at %d of a short log", at)
	}
	r.machine.bytes.Store(snapshotBytes)
	at := chore()
	if at == 0 || r.machine.bytes.Load() != 0 {
		t.Errorf("no snapshot of a long log")
	}
	if again := chore(); again != at {
		t.Errorf("a snapshot at %d after that at %d", again, at)
	}
}

func TestAbandonedImport(t *testing.T) {
	c := newClock()
	r := open(t, Config{InMemory: true, Now: c.now, MaxImport: 3 * partUpdates})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	fill := func(i *Import, name string, n int) error {
		for at := range n {
			if err := i.Add(t.Context(), relationship(t, fmt.Sprintf("document:%s%d#viewer@user:anne", name, at))); err != nil {
				return err
			}
		}
		return nil
	}
	lost, kept := r.Import(), r.Import()
	if err := fill(lost, "lost", partUpdates+1); err != nil {
		t.Fatal(err)
	}
	var done chores
	c.pass(stageAge / 2)
	if err := fill(kept, "kept", 2*partUpdates+1); err != nil {
		t.Fatal(err)
	}
	c.pass(stageAge/2 + time.Second)
	if err := r.chore(t.Context(), &done); err != nil {
		t.Fatal(err)
	}
	var gone *ImportLostError
	if _, err := lost.Commit(t.Context(), Proposal{}); !errors.As(err, &gone) {
		t.Errorf("commit of a dropped import: %v", err)
	}
	result, err := kept.Commit(t.Context(), Proposal{Tx: store.Transaction{Actor: "anne"}})
	if err != nil || result.Created != 2*partUpdates+1 || !readable(t, r, "document:kept0#viewer@user:anne") {
		t.Errorf("%+v, %v", result, err)
	}
	var large *ImportTooLargeError
	if err := fill(r.Import(), "large", 3*partUpdates+1); !errors.As(err, &large) {
		t.Errorf("one too many: %v", err)
	}
	aborted := r.Import()
	if err := fill(aborted, "aborted", partUpdates); err != nil {
		t.Fatal(err)
	}
	if err := aborted.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := aborted.Commit(t.Context(), Proposal{}); !errors.As(err, &gone) {
		t.Errorf("commit of an aborted import: %v", err)
	}
}
