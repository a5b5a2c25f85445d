package replica

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/server/store"
)

// chatty has tests of clusters print what the members log.
var chatty = flag.Bool("chatty", false, "print what the members of a cluster log")

// group is a cluster in one process and in fake time.
type group struct {
	t      *testing.T
	ether  *ether
	dir    string        // "": in memory
	every  uint64        // entries between snapshots; 0: the default
	keep   uint64        // entries kept after a snapshot; 0: the default
	commit time.Duration // after which followers hear what is in the log for good; 0: the default
	nodes  map[string]*Replica
	log    *slog.Logger
}

// grouped runs a test of a cluster in fake time, and closes what it leaves open.
func grouped(t *testing.T, test func(*testing.T, *group)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := &group{t: t, ether: newEther(), nodes: map[string]*Replica{}, dir: t.TempDir(), log: slog.New(slog.DiscardHandler)}
		if testing.Verbose() && *chatty {
			g.log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
		defer g.close()
		test(t, g)
	})
}

// config is that of a member at an address, which is told of others.
func (g *group) config(name string, expect int, join ...string) Config {
	return Config{
		Dir: filepath.Join(g.dir, name), Network: g.ether.join(name + ":1"), Name: name, Join: join, Expect: expect,
		Logger: g.log.With("node", name), SnapshotEvery: g.every, trailingLogs: g.keep, commitTimeout: g.commit, unsynced: true, snapshotInterval: time.Second,
		Store: store.Config{MinFree: 1, CacheBytes: 1 << 20},
	}
}

// open opens a member.
func (g *group) open(c Config) *Replica {
	g.t.Helper()
	r, err := Open(g.t.Context(), c)
	if err != nil {
		g.t.Fatal(err)
	}
	g.nodes[c.Name] = r
	return r
}

// found opens so many members that found a cluster, and waits until it serves.
func (g *group) found(n int) []*Replica {
	g.t.Helper()
	var names, join []string
	for i := range n {
		names = append(names, fmt.Sprintf("n%d", i+1))
		join = append(join, names[i]+":1")
	}
	var all []*Replica
	for _, name := range names {
		all = append(all, g.open(g.config(name, n, join...)))
	}
	g.until("the cluster serves", func() bool {
		return !slices.ContainsFunc(all, func(r *Replica) bool { return r.Serving() != nil || r.Lagging(5*time.Second) != nil })
	})
	return all
}

// until waits for something that takes at most a minute.
func (g *group) until(what string, done func() bool) {
	g.t.Helper()
	for range 6000 {
		if done() {
			return
		}
		pause(g.t.Context(), 10*time.Millisecond)
	}
	for name, r := range g.nodes {
		g.t.Logf("%s: %s, %v, head %d, %+v", name, r.id, r.Serving(), r.Head(), r.node.servers())
	}
	g.t.Fatalf("it took too long until %s", what)
}

// leader waits for a leader and returns it.
func (g *group) leader() (leader *Replica) {
	g.t.Helper()
	g.until("somebody leads", func() bool {
		for _, r := range g.nodes {
			if r.node.established.Load() && r.node.raft.VerifyLeader().Error() == nil {
				leader = r
				return true
			}
		}
		return false
	})
	return leader
}

// follower returns a member that does not lead.
func (g *group) follower() *Replica {
	g.t.Helper()
	leader := g.leader()
	for _, name := range g.names() {
		if g.nodes[name] != leader {
			return g.nodes[name]
		}
	}
	g.t.Fatal("there is no other")
	return nil
}

func (g *group) names() []string {
	var names []string
	for name := range g.nodes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// kill stops a member without any goodbye. It is cut off before, so that raft
// owes no answer to anybody.
func (g *group) kill(r *Replica) {
	g.t.Helper()
	g.ether.isolate(r.config.Network.Address(), true)
	g.until("it does not lead", func() bool { return r.node.raft.State() != raft.Leader || r.node.alone() })
	if err := r.shut((*node).shut); err != nil {
		g.t.Error(err)
	}
	g.ether.isolate(r.config.Network.Address(), false)
	delete(g.nodes, r.config.Name)
}

// shut closes a member.
func (g *group) shut(r *Replica) {
	g.t.Helper()
	if err := r.Close(); err != nil {
		g.t.Error(err)
	}
	delete(g.nodes, r.config.Name)
}

// again opens a member that was closed.
func (g *group) again(r *Replica) *Replica {
	g.t.Helper()
	c := r.config
	c.Network = g.ether.join(c.Network.Address())
	return g.open(c)
}

func (g *group) close() {
	for _, name := range g.names() {
		r := g.nodes[name]
		if !g.t.Failed() && r.usable() == nil {
			if err := r.Verify(context.Background(), nil); err != nil {
				g.t.Errorf("%s: %v", name, err)
			}
		}
		g.ether.isolate(r.config.Network.Address(), true)
		pause(context.Background(), 5*time.Second) // it steps down and owes no answer
		if err := r.shut((*node).shut); err != nil {
			g.t.Errorf("closing %s: %v", name, err)
		}
	}
}

// same waits until all members have the head of the leader, and compares their
// states.
func (g *group) same() {
	g.t.Helper()
	leader := g.leader()
	head := leader.Head()
	g.until("all have the same head", func() bool {
		for _, r := range g.nodes {
			if r.Head() < head {
				return false
			}
		}
		return true
	})
	hashes, err := leader.StateHash(g.t.Context(), 0)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, h := range hashes {
		if h.Err != nil || h.Hash != hashes[0].Hash {
			g.t.Errorf("at revision %d: %+v, but %+v", h.Revision, h, hashes[0])
		}
	}
}

func TestThreeFound(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		all := g.found(3)
		for _, r := range all {
			if r.history.Load().cluster != all[0].history.Load().cluster || r.version() != maxFormat {
				t.Errorf("%s has %+v, version %d", r.id, r.history.Load(), r.version())
			}
		}
		c, err := all[0].Cluster(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Members) != 3 || c.Quorum != 2 || c.FailureTolerance != 1 || c.Leader == "" {
			t.Errorf("%+v", c)
		}
		for i := range c.Members {
			m := &c.Members[i]
			at := slices.IndexFunc(all, func(r *Replica) bool { return string(r.id) == m.ID })
			if want := all[at].node.raft.CurrentTerm(); m.Term == 0 || m.Term != want {
				t.Errorf("%s is in term %d, and says %d", m.ID, want, m.Term)
			}
		}
		// Anybody takes writes and reads.
		for i, r := range all {
			if i == 0 {
				propose(t, r, Proposal{Tx: schemaOf(testSchema)})
			}
			text := fmt.Sprintf("document:%d#viewer@user:anne", i)
			wrote := propose(t, r, Proposal{Tx: touch(t, text)})
			for _, reader := range all {
				for _, c := range []Consistency{{Mode: FullyConsistent}, {AtLeastAsFresh, wrote.Token}, {AtExactSnapshot, wrote.Token}} {
					sn, err := reader.Snapshot(t.Context(), c)
					if err != nil {
						t.Fatal(err)
					}
					rel := relationship(t, text)
					if _, ok, err := sn.Find(rel.Resource, rel.Relation, rel.Subject); !ok || err != nil {
						t.Errorf("%+v: %v, %v", c, ok, err)
					}
					sn.Close()
				}
			}
			// The numbers of records come back to whoever proposed them.
			record := store.Transaction{Records: []store.ChainRecord{{Chain: "audit", Value: []byte("1")}}}
			if made := propose(t, r, Proposal{Tx: record}); !slices.Equal(made.Records, []uint64{uint64(i + 1)}) {
				t.Errorf("%s: record %d has the numbers %d", r.id, i+1, made.Records)
			}
			// A refusal comes back as what it is.
			var exists *store.AlreadyExistsError
			again := store.Transaction{Updates: []store.Update{{Op: store.Create, Relationship: relationship(t, text)}}}
			if _, err := r.Propose(t.Context(), Proposal{Tx: again}); !errors.As(err, &exists) {
				t.Errorf("a second time: %v", err)
			}
		}
		g.same()
	})
}

// sharedLog is what several members have logged.
type sharedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *sharedLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *sharedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestRequestIDReachesLeader follows a write from the node that takes it to the
// log of the one that leads.
func TestRequestIDReachesLeader(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		var log sharedLog
		g.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		g.found(3)
		propose(t, g.follower(), Proposal{Tx: schemaOf(testSchema), RequestID: "the-id-of-a-request"})
		want := "request_id=the-id-of-a-request"
		if n := strings.Count(log.String(), want); n != 1 || !strings.Contains(log.String(), "node="+g.leader().config.Name) {
			t.Errorf("%d lines of the log have %s", n, want)
		}
	})
}

func TestLeaderLost(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		all := g.found(3)
		propose(t, all[0], Proposal{Tx: schemaOf(testSchema)})
		old := g.leader()
		g.kill(old)
		began := time.Now()
		wrote := propose(t, g.nodes[g.names()[0]], Proposal{Tx: touch(t, "document:a#viewer@user:anne")})
		t.Logf("written %v after the leader was lost", time.Since(began))
		old = g.again(old)
		sn, err := old.Snapshot(t.Context(), Consistency{AtLeastAsFresh, wrote.Token})
		if err != nil {
			t.Fatal(err)
		}
		sn.Close()
		g.same()
	})
}

// chainAt returns the state of a chain at the head of a member.
func chainAt(t *testing.T, r *Replica) store.ChainState {
	t.Helper()
	sn, err := r.Snapshot(t.Context(), Consistency{Mode: MinimizeLatency})
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Close()
	c, _, err := sn.Chain("audit")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestInstall adds members to a cluster whose log is gone, so that they need all
// that is stored, and restarts them.
func TestInstall(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		g.every, g.keep = 20, 10
		first := g.open(g.config("n1", 0))
		propose(t, first, Proposal{Tx: schemaOf(testSchema)})
		var wrote Result
		write := func(document int, user string) {
			tx := touch(t, fmt.Sprintf("document:%d#viewer@user:%s", document, user))
			tx.Records = []store.ChainRecord{{Chain: "audit", Value: []byte("1")}}
			wrote = propose(t, first, Proposal{Tx: tx})
		}
		for i := range 100 {
			write(i, "anne")
		}
		g.until("a snapshot is made", func() bool { return first.node.files.snapshots.newest.Load() > 50 })
		second := g.open(g.config("n2", 0, "n1:1"))
		third := g.open(g.config("n3", 0, "n2:1"))
		for _, r := range []*Replica{second, third} {
			g.until("it has all", func() bool { return r.Head() >= wrote.Revision })
			if r.Status().SnapshotInstalls == 0 {
				t.Error("no snapshot was installed")
			}
			old, err := r.Snapshot(t.Context(), Consistency{AtExactSnapshot, first.Token(wrote.Revision - 1)})
			if err != nil {
				t.Fatal(err)
			}
			old.Close()
		}
		g.until("all vote", func() bool { return first.node.voters() == 3 })
		g.kill(second)
		for i := range 50 {
			write(i, "bob")
		}
		second = g.again(second)
		g.until("it has all again", func() bool { return second.Head() >= wrote.Revision })
		g.shut(second)
		second = g.again(second)
		if second.Head() < wrote.Revision {
			t.Errorf("after a restart the head is %d, and it was %d", second.Head(), wrote.Revision)
		}
		if got, want := chainAt(t, second), chainAt(t, first); got != want || got.Next != 151 {
			t.Errorf("the chain is %+v, and of the first member %+v", got, want)
		}
		g.same()
	})
}
