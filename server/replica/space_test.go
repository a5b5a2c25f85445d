package replica

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/server/store"
)

// disk is a small disk with files of others on it: a real one where the machine
// lets the test mount one, else one that the stores are told of.
type disk struct {
	dir  string
	real bool
	free atomic.Uint64 // when it is not real
}

const diskSize = 192 << 20

func newDisk(t *testing.T) *disk {
	d := &disk{dir: t.TempDir()}
	d.real = mountDisk(t, d.dir, diskSize)
	t.Logf("the disk is real: %t", d.real)
	d.free.Store(diskSize)
	return d
}

// config has a member on the disk.
func (d *disk) config(c Config) Config {
	c.Dir = filepath.Join(d.dir, c.Name)
	if !d.real {
		c.Store.Disk = func(string) (free, total uint64, err error) { return d.free.Load(), diskSize, nil }
	}
	return c
}

// leave has others take so much that this is left.
func (d *disk) leave(t *testing.T, r *Replica, want uint64) {
	t.Helper()
	if !d.real {
		d.free.Store(want)
		return
	}
	file := filepath.Join(d.dir, "others")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	free, _, err := r.store.Space()
	if err != nil || free < want {
		t.Fatalf("%d bytes are free, %v; not even %d", free, err, want)
	}
	if err := os.WriteFile(file, make([]byte, free-want), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDiskFills fills the disk of a member, while all go on reading: first writes
// are refused everywhere, then deletes, then the member stops and the others go
// on without it. With room it comes back.
func TestDiskFills(t *testing.T) {
	small := newDisk(t)
	grouped(t, func(t *testing.T, g *group) {
		const minFree = 32 << 20
		join := []string{"n1:1", "n2:1", "n3:1"}
		var all []*Replica
		for _, name := range []string{"n1", "n2", "n3"} {
			c := g.config(name, 3, join...)
			c.Store.MinFree = minFree
			if name == "n3" {
				c = small.config(c)
			}
			all = append(all, g.open(c))
		}
		g.until("the cluster serves", func() bool {
			return all[0].Serving() == nil && all[1].Serving() == nil && all[2].Serving() == nil && g.leader() != nil
		})
		full := all[2]
		propose(t, all[0], Proposal{Tx: schemaOf(testSchema)})
		propose(t, all[0], Proposal{Tx: touch(t, "document:a#viewer@user:anne", "document:b#viewer@user:anne")})

		refused := func(r *Replica, tx store.Transaction) bool {
			_, err := r.Propose(t.Context(), Proposal{Tx: tx})
			var what *store.DiskFullError
			if err != nil && !errors.As(err, &what) {
				t.Fatal(err)
			}
			return err != nil
		}
		remove := func(text string) store.Transaction {
			return store.Transaction{Updates: []store.Update{{Op: store.Delete, Relationship: relationship(t, text)}}}
		}
		small.leave(t, full, minFree*3/4)
		for _, r := range all {
			g.until("writes are refused", func() bool { return refused(r, touch(t, "document:a#viewer@user:anne")) })
			if refused(r, remove("document:a#viewer@user:anne")) {
				t.Error("a delete is refused")
			}
		}
		c, err := all[0].Cluster(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.Members {
			if m.NearlyFull != (m.ID == string(full.id)) || m.TotalBytes == 0 {
				t.Errorf("%+v", m)
			}
		}

		small.leave(t, full, minFree*3/16)
		for _, r := range all {
			g.until("deletes are refused", func() bool { return refused(r, remove("document:b#viewer@user:anne")) })
			sn, err := r.Snapshot(t.Context(), Consistency{Mode: FullyConsistent})
			if err != nil {
				t.Fatal(err)
			}
			sn.Close()
		}
		leader := g.leader()
		if err := leader.own(t.Context(), store.Transaction{Floor: leader.Head()}); err != nil {
			t.Errorf("moving the floor: %v", err)
		}

		small.leave(t, full, minFree/16)
		<-full.Failed()
		if err := full.Serving(); err == nil || !strings.Contains(err.Error(), "make room") {
			t.Errorf("it stopped, and says %v", err)
		}
		g.kill(full)
		others := all[:2]
		for _, r := range others {
			g.until("writes are taken", func() bool {
				_, err := r.Propose(t.Context(), Proposal{Tx: touch(t, "document:c#viewer@user:anne")})
				return err == nil
			})
		}
		if _, err := Open(t.Context(), full.config); err == nil {
			t.Error("it starts again without room")
		}
		small.leave(t, full, 2*minFree)
		full = g.again(full)
		g.until("it is back", func() bool {
			return full.Head() >= g.leader().Head() && !refused(full, touch(t, "document:d#viewer@user:anne"))
		})
		g.same()
	})
}

// TestGuardSpace: the log tells once that there is little room, and once that
// there is room again, and not each time that it wavers.
func TestGuardSpace(t *testing.T) {
	var log bytes.Buffer
	var stopped error
	r := &Replica{
		config:  Config{Logger: slog.New(slog.NewTextHandler(&log, nil)), Store: store.Config{MinFree: 800}},
		machine: &machine{stopped: func(err error) { stopped = err }, moved: func() {}},
	}
	full := false
	for _, step := range []struct {
		free uint64
		full bool
		says string
	}{
		{1000, false, ""}, {800, false, ""}, {799, true, "nearly full"}, {500, true, ""}, {850, true, ""}, {799, true, ""},
		{900, false, "has room again"}, {850, false, ""}, {100, true, "nearly full"},
	} {
		log.Reset()
		full = r.guardSpace(space{free: step.free, total: 10_000}, full)
		if got := log.String(); full != step.full || !strings.Contains(got, step.says) || (step.says == "") != (got == "") {
			t.Errorf("%d free: full %t, %q; want %t, %q", step.free, full, got, step.full, step.says)
		}
	}
	if r.guardSpace(space{}, false) {
		t.Error("a disk that is not known is full")
	}
	if stopped != nil {
		t.Fatal(stopped)
	}
	r.guardSpace(space{free: 99, total: 10_000}, full)
	if a, ok := r.machine.Apply(&raft.Log{Index: 1}).(*applied); stopped == nil || !ok || a.broken != stopped {
		t.Errorf("with less than an eighth it applies, %v", stopped)
	}
}

// TestNearlyFullDoesNotVote: a member that would stop all writes gets no vote
// until it has room.
func TestNearlyFullDoesNotVote(t *testing.T) {
	now := time.Unix(1000, 0)
	seen := map[string]*watched{"new": {healthy: now.Add(-time.Minute)}}
	for _, full := range []bool{true, false} {
		c := &Cluster{Members: []Member{{ID: "new", Healthy: true, NearlyFull: full}}, Autopilot: Autopilot{}.withDefaults()}
		if id := due(c, seen, nil, now); (id == "") != full {
			t.Errorf("nearly full %t: %q is due", full, id)
		}
	}
}
