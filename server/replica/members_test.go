package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// TestGrow lets a single node grow to three and a read replica, and shrink again,
// while it is written to.
func TestGrow(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		first := g.open(g.config("n1", 0))
		if err := first.Serving(); err != nil {
			t.Fatalf("a node alone does not serve: %v", err)
		}
		propose(t, first, Proposal{Tx: schemaOf(testSchema)})
		second := g.open(g.config("n2", 0, "n1:1"))
		third := g.open(g.config("n3", 0, "nowhere:1", "n2:1"))
		reader := g.config("n4", 0, "n1:1")
		reader.NonVoter = true
		fourth := g.open(reader)
		g.until("three vote", func() bool { return first.node.voters() == 3 && len(fourth.node.servers()) == 4 })
		pause(t.Context(), time.Minute)
		if s, _ := first.node.server(fourth.id); s.Suffrage == 0 {
			t.Error("a read replica votes")
		}
		g.same()

		var refused *ClusterError
		if _, err := second.TransferLeader(t.Context(), string(fourth.id)); !errors.As(err, &refused) || refused.Fault != ClusterState {
			t.Errorf("leadership to a read replica: %v", err)
		}
		for _, asked := range []*Replica{first, third} { // the leader, and one that is asked for nothing new
			leads, err := asked.TransferLeader(t.Context(), string(second.id))
			if err != nil || leads != string(second.id) || g.leader() != second {
				t.Errorf("%q leads, %v; want %s", leads, err, second.id)
			}
		}
		for _, asked := range []*Replica{second, fourth} {
			old := g.leader()
			leads, err := asked.TransferLeader(t.Context(), "")
			if err != nil || leads == string(old.id) || leads != string(g.leader().id) {
				t.Errorf("%q leads after %s, %v; want %s", leads, old.id, err, g.leader().id)
			}
		}
		if _, err := third.TransferLeader(t.Context(), string(second.id)); err != nil {
			t.Error(err)
		}
		if err := fourth.Demote(t.Context(), string(second.id)); err != nil { // the leader itself
			t.Error(err)
		}
		pause(t.Context(), time.Minute)
		if s, _ := first.node.server(second.id); s.Suffrage == 0 || first.node.voters() != 2 {
			t.Error("the autopilot promoted a member that was demoted")
		}
		if err := fourth.Promote(t.Context(), string(second.id)); err != nil {
			t.Error(err)
		}
		if err := first.Remove(t.Context(), "nobody", false); !errors.As(err, &refused) || refused.Fault != ClusterNoMember {
			t.Errorf("removing nobody: %v", err)
		}
		for range 2 {
			if err := second.Remove(t.Context(), string(g.leader().id), false); err != nil {
				t.Error(err)
			}
		}
		g.until("two are left", func() bool { return len(fourth.node.servers()) == 2 })
		propose(t, fourth, Proposal{Tx: touch(t, "document:a#viewer@user:anne")})
		for name, r := range g.nodes {
			if r == fourth || r == g.leader() {
				continue
			}
			g.until(name+" knows that it was removed", func() bool {
				err := r.Lagging(time.Second)
				return err != nil && strings.Contains(err.Error(), "was removed")
			})
			g.shut(r)
		}
		g.same()
	})
}

// TestRemoveKeepsQuorum refuses to remove a healthy voter while another is gone.
func TestRemoveKeepsQuorum(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		g.found(3)
		gone, other := g.follower(), (*Replica)(nil)
		g.kill(gone)
		leader := g.leader()
		for _, r := range g.nodes {
			if r != leader {
				other = r
			}
		}
		var refused *ClusterError
		if err := leader.Remove(t.Context(), string(other.id), false); !errors.As(err, &refused) {
			t.Errorf("removing one of two that are left: %v", err)
		}
		if err := other.Remove(t.Context(), string(gone.id), false); err != nil {
			t.Errorf("removing the one that is gone: %v", err)
		}
		// What was removed does not come back by itself.
		gone = g.again(gone)
		g.until("it knows that it was removed", func() bool {
			err := gone.Serving()
			return err != nil && strings.Contains(err.Error(), "was removed")
		})
		g.shut(gone)
		if err := os.RemoveAll(gone.config.Dir); err != nil {
			t.Fatal(err)
		}
		gone = g.again(gone)
		g.until("it votes again", func() bool { return gone.node.voters() == 3 })
		g.same()
	})
}

// TestSuccessor hands leadership to members that are to stay.
func TestSuccessor(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		g.found(3)
		drained := g.follower()
		if err := drained.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			leads, err := drained.TransferLeader(t.Context(), "")
			if err != nil || leads == string(drained.id) {
				t.Fatalf("%s leads, %v; it drains", leads, err)
			}
		}
		g.leader().draining.Store(true)
		stays := g.leader()
		if _, err := stays.TransferLeader(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		var refused *ClusterError
		if _, err := drained.TransferLeader(t.Context(), ""); !errors.As(err, &refused) || refused.Fault != ClusterState {
			t.Errorf("there is nobody to lead: %v", err)
		}
		if leads, err := drained.TransferLeader(t.Context(), string(stays.id)); err != nil || leads != string(stays.id) {
			t.Errorf("%s leads, %v; %s was named", leads, err, stays.id)
		}
		if err := stays.Drain(t.Context()); err != nil || g.leader() == stays { // to one that drains, as there is no other
			t.Errorf("the last that is to stay does not hand over: %v", err)
		}
	})
}

// TestRemovedServesNothing removes a member that runs: it shows nobody what it has,
// ends what waits for more, and says how the others are.
func TestRemovedServesNothing(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		g.found(3)
		propose(t, g.leader(), Proposal{Tx: schemaOf(testSchema)})
		gone := g.follower()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			_, err := gone.WaitFor(ctx, 1<<40)
			ended <- err
		}()
		if err := g.leader().Remove(t.Context(), string(gone.id), false); err != nil {
			t.Fatal(err)
		}
		wait := <-ended
		sn, read := gone.Snapshot(t.Context(), Consistency{})
		if read == nil {
			sn.Close()
		}
		_, write := gone.Propose(t.Context(), Proposal{Tx: touch(t, "document:a#viewer@user:anne")})
		for what, err := range map[string]error{"waiting": wait, "reading": read, "writing": write, "serving": gone.Serving()} {
			var unavailable *UnavailableError
			if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "was removed") {
				t.Errorf("%s at a member that was removed: %v", what, err)
			}
		}
		g.until("it hears of no leader any more", func() bool {
			leader, _ := gone.leader()
			return leader == ""
		})
		seen, err := gone.Cluster(t.Context())
		if err != nil || seen.Leader != string(g.leader().id) {
			t.Errorf("%v: %s leads, says a member that was removed", err, seen.Leader)
		}
		for _, m := range seen.Members {
			if !m.Self && !m.Healthy {
				t.Errorf("a member that was removed calls %s unhealthy: %s", m.ID, m.Reason)
			}
		}
		g.same()
	})
}

// TestReplaceDisk has a node come back at its address with nothing.
func TestReplaceDisk(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		all := g.found(3)
		propose(t, all[0], Proposal{Tx: schemaOf(testSchema)})
		lost := g.follower()
		g.kill(lost)
		if err := os.RemoveAll(lost.config.Dir); err != nil {
			t.Fatal(err)
		}
		lost = g.again(lost)
		g.until("it votes", func() bool {
			s, ok := lost.node.server(lost.id)
			return ok && s.Suffrage == 0
		})
		if n := len(g.leader().node.servers()); n != 3 {
			t.Errorf("there are %d members", n)
		}
		g.same()
	})
}

// TestDeadMembers has the autopilot remove what does not answer, as far as the
// quorum allows.
func TestDeadMembers(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		all := g.found(5)
		if err := all[3].SetAutopilot(t.Context(), Autopilot{CleanupDeadAfter: time.Minute, MinQuorum: 3}); err != nil {
			t.Fatal(err)
		}
		for range 3 { // of which two may go
			g.kill(g.follower())
			pause(t.Context(), 3*time.Minute)
		}
		if len(g.nodes) != 2 || g.leader().node.voters() != 3 {
			t.Errorf("%d live and %d vote", len(g.nodes), g.leader().node.voters())
		}
		if c, err := g.leader().Cluster(t.Context()); err != nil || c.Quorum != 2 || c.FailureTolerance != 0 {
			t.Errorf("%+v, %v", c, err)
		}
		propose(t, g.leader(), Proposal{Tx: schemaOf(testSchema)})
	})
}

// TestMove has members come back at other addresses.
func TestMove(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		all := g.found(3)
		propose(t, all[0], Proposal{Tx: schemaOf(testSchema)})
		for i, r := range all {
			g.shut(r)
			c := r.config
			c.Network = g.ether.join(fmt.Sprintf("moved%d:1", i))
			moved := g.open(c)
			g.until("it has its place again", func() bool {
				s, ok := g.leader().node.server(r.id)
				return ok && string(s.Address) == c.Network.Address() && moved.Lagging(5*time.Second) == nil
			})
		}
		g.same()
	})
}

// TestHandOver closes the leader: writes go on without a gap that anybody notices.
func TestHandOver(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		all := g.found(3)
		propose(t, all[0], Proposal{Tx: schemaOf(testSchema)})
		leader := g.leader()
		other := g.follower()
		began := time.Now()
		g.shut(leader)
		propose(t, other, Proposal{Tx: touch(t, "document:a#viewer@user:anne")})
		if gap := time.Since(began); gap > 500*time.Millisecond { // by the clock of the test, which counts waiting only
			t.Errorf("a write waited for %v", gap)
		}
		g.again(leader)
		drained := g.leader()
		if err := drained.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if g.leader() == drained || drained.Lagging(time.Hour) == nil {
			t.Error("a node that drains leads or is ready")
		}
		propose(t, drained, Proposal{Tx: touch(t, "document:b#viewer@user:anne")})
	})
}

// TestFoundOnce has overlapping sets of nodes found a cluster while some cannot
// reach others: there is never more than one.
func TestFoundOnce(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		var all []*Replica
		join := []string{"n1:1", "n2:1", "n3:1", "n4:1", "n5:1"}
		for i := range join {
			c := g.config(fmt.Sprintf("n%d", i+1), 3, join...)
			for _, other := range join[:i] { // before it is open
				g.ether.cut(c.Network.Address(), other, (i*len(other)+len(g.nodes))%2 == 0)
			}
			all = append(all, g.open(c))
			pause(t.Context(), 3*time.Second)
		}
		for _, a := range join {
			for _, b := range join {
				g.ether.cut(a, b, false)
			}
		}
		g.until("all are in the cluster", func() bool {
			return !slices.ContainsFunc(all, func(r *Replica) bool { return r.Serving() != nil || len(r.node.servers()) != 5 })
		})
		for _, r := range all {
			if r.history.Load().cluster != all[0].history.Load().cluster {
				t.Error("there are two clusters")
			}
		}
	})
}

// TestPledge keeps a pledge over a restart.
func TestPledge(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		join := []string{"n1:1", "n2:1", "n3:1"}
		first, second := g.open(g.config("n1", 3, join...)), g.open(g.config("n2", 3, join...))
		third := g.open(g.config("n3", 3, join...))
		g.until("somebody pledged", func() bool { return first.pledged.Load() != nil || second.pledged.Load() != nil })
		g.until("all serve", func() bool { return first.Serving() == nil && second.Serving() == nil && third.Serving() == nil })
		founder := first.pledged.Load().GetFounder()
		g.shut(second)
		second = g.again(second)
		if got := second.pledged.Load().GetFounder(); got != founder {
			t.Errorf("the pledge is to %q after a restart, and was to %q", got, founder)
		}
	})
}

// TestRecover makes one of three the only one: a new history, in which what the
// others have is of no use.
func TestRecover(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		g.every, g.keep = 20, 10
		all := g.found(3)
		propose(t, all[0], Proposal{Tx: schemaOf(testSchema)})
		var wrote Result
		for i := range 50 {
			wrote = propose(t, all[i%3], Proposal{Tx: touch(t, fmt.Sprintf("document:%d#viewer@user:anne", i))})
		}
		g.same()
		cluster := all[0].history.Load().cluster
		c := all[0].config
		c.Network = nil
		var inUse *store.DirectoryInUseError
		if err := Recover(t.Context(), c, RecoverPlan{}); !errors.As(err, &inUse) {
			t.Errorf("a directory in use: %v", err)
		}
		for _, r := range all {
			g.kill(r)
		}
		var other *RecoverError
		if err := Recover(t.Context(), c, RecoverPlan{Cluster: 1, Node: string(all[0].id)}); !errors.As(err, &other) {
			t.Errorf("another cluster: %v", err)
		}
		c.Join, c.Expect = nil, 0
		for range 2 { // it may be repeated, and each is a history of its own
			if err := Recover(t.Context(), c, RecoverPlan{Cluster: cluster, Node: string(all[0].id)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := writeFile(filepath.Join(c.Dir, raftDir, recoverFile), nil); err != nil {
			t.Fatal(err)
		}
		if r, err := Open(t.Context(), c); err == nil {
			t.Error("it opens in the middle of a recovery")
			g.shut(r)
		}
		if err := os.Remove(filepath.Join(c.Dir, raftDir, recoverFile)); err != nil {
			t.Fatal(err)
		}
		first := g.again(all[0])
		if h := *first.history.Load(); h != (history{cluster, 3}) || first.Head() <= wrote.Revision || first.node.voters() != 1 {
			t.Errorf("history %+v, head %d, %d voters", h, first.Head(), first.node.voters())
		}
		var token *TokenError
		if _, err := first.ParseToken(wrote.Token); !errors.As(err, &token) || token.Fault != TokenOtherHistory {
			t.Errorf("a token of before: %v", err)
		}
		propose(t, first, Proposal{Tx: touch(t, "document:new#viewer@user:anne")})

		second := g.again(all[1])
		<-second.Failed()
		if err := second.Serving(); err == nil || !strings.Contains(err.Error(), "recovered without this node") {
			t.Errorf("a member of the old history: %v", err)
		}
		g.shut(second)
		if err := os.RemoveAll(second.config.Dir); err != nil {
			t.Fatal(err)
		}
		second = g.again(second)
		g.until("it votes", func() bool { return first.node.voters() == 2 && second.Serving() == nil })
		g.same()
	})
}

// TestOtherCluster has a member of another cluster at an address of this one.
func TestOtherCluster(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		all := g.found(3)
		propose(t, all[0], Proposal{Tx: schemaOf(testSchema)})
		gone := g.follower()
		g.kill(gone)
		c := g.config("stranger", 1)
		c.Network = g.ether.join(gone.config.Network.Address())
		stranger := g.open(c)
		wrote := propose(t, stranger, Proposal{Tx: schemaOf(testSchema)})
		pause(t.Context(), time.Minute)
		if stranger.Head() != wrote.Revision || stranger.node.voters() != 1 {
			t.Errorf("the stranger has head %d and %d voters", stranger.Head(), stranger.node.voters())
		}
		found, err := g.leader().Cluster(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		t.Log(found.Members)
		g.shut(stranger)
	})
}

// TestInstallCutShort kills a member that has received all that is stored and not
// taken it over: it does that when it starts again.
func TestInstallCutShort(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		g.every, g.keep = 20, 10
		first := g.open(g.config("n1", 0))
		propose(t, first, Proposal{Tx: schemaOf(testSchema)})
		var wrote Result
		for i := range 100 {
			wrote = propose(t, first, Proposal{Tx: touch(t, fmt.Sprintf("document:%d#viewer@user:anne", i))})
		}
		g.until("a snapshot is made", func() bool { return first.node.files.snapshots.newest.Load() > 50 })
		c := g.config("n2", 0, "n1:1")
		c.Join = []string{"nowhere:1"}
		second := g.open(c)
		received := make(chan struct{}, 100)
		second.machine.install = func(io.Reader) error {
			received <- struct{}{}
			return errors.New("killed")
		}
		if err := second.Join(t.Context(), []string{"n1:1"}); err != nil {
			t.Fatal(err)
		}
		<-received
		if second.Head() != 0 {
			t.Errorf("it has head %d", second.Head())
		}
		g.kill(second)
		g.ether.isolate("n2:1", true)
		second = g.again(second)
		if second.Head() < first.store.Floor() || second.Head() < wrote.Revision-40 {
			t.Errorf("after its start it has head %d; %d was written", second.Head(), wrote.Revision)
		}
		g.ether.isolate("n2:1", false)
		g.until("it has all", func() bool { return second.Head() >= wrote.Revision })
		g.same()
	})
}

// TestVersionTooOld refuses a node that cannot apply what is in the log, and one
// that cannot be reached.
func TestVersionTooOld(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		r := g.open(g.config("n1", 0))
		node := &peerv1.Server{Id: "0123456789abcdef", Address: "n2:1"}
		for want, req := range map[string]*peerv1.JoinRequest{
			"run a version of pemba that fits":  {Server: node, MinFormat: 1, MaxFormat: 1},
			"cannot be reached from the leader": {Server: node, MinFormat: 1, MaxFormat: maxFormat},
			"empty its data directory":          {Server: node, MinFormat: 1, MaxFormat: maxFormat, Cluster: 1, Epoch: 1},
			"has an id and an address":          {MinFormat: 1, MaxFormat: maxFormat},
		} {
			var refused *ClusterError
			if err := r.admit(t.Context(), req); !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v", req, err)
			}
		}
		// Commands that no member may see.
		h := r.history.Load()
		for _, data := range [][]byte{nil, {maxFormat + 1}, make([]byte, commandHeader), make([]byte, maxCommand+1)} {
			answer, err := service{r: r}.Propose(t.Context(), &peerv1.ProposeRequest{Cluster: h.cluster, Epoch: h.epoch, Command: data})
			if err != nil || answer.GetFault() == nil {
				t.Errorf("%d bytes are taken", len(data))
			}
		}
		if err := r.usable(); err != nil {
			t.Error(err)
		}
	})
}
