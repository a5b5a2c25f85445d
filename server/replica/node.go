package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/server/store"
)

// Where raft keeps its term and its vote.
const (
	raftTerm = "CurrentTerm"
	raftVote = "LastVoteTerm"
)

const (
	maxAppendEntries = 256
	closingEntries   = 32 // since the last snapshot that are worth one when closing: the next start applies them again

	// Entries that are kept after a snapshot: a member that is further behind
	// needs all data. Alone there is nobody to send them to.
	trailingAlone   = 1024
	trailingCluster = 100_000
)

// node is all that the package knows of raft.
type node struct {
	raft     *raft.Raft
	id       raft.ServerID
	link     *link
	files    *files
	lease    time.Duration
	head     func() store.Revision
	watchdog *watchdog

	// established says that this node is the leader and has applied all that
	// was in the log when it became that.
	established atomic.Bool
	term        atomic.Uint64 // of raft, in which it was
	first       chan struct{} // closed when it is established for the first time
	stop        chan struct{}
	running     sync.WaitGroup
}

// raftConfig returns raft's configuration. The timers are the same whether there
// are other members or not, as the lease cannot change while raft runs: a member
// that is alone does not wait for them, it is nudged.
func raftConfig(c *Config, id raft.ServerID, notify chan bool) *raft.Config {
	config := raft.DefaultConfig()
	config.LocalID = id
	config.LogOutput = &logWriter{log: c.Logger, now: time.Now}
	config.LogLevel = "WARN"
	config.NotifyCh = notify
	config.BatchApplyCh = true
	config.MaxAppendEntries = maxAppendEntries
	config.TrailingLogs = c.trailing(1)
	config.CommitTimeout = c.commitTimeout
	config.HeartbeatTimeout, config.ElectionTimeout, config.LeaderLeaseTimeout = c.ElectionTimeout, c.ElectionTimeout, c.ElectionTimeout/2
	config.NoSnapshotRestoreOnStart = true // boot did, and the store has the rest
	config.ShutdownOnRemove = false        // it goes on, to say so
	config.SnapshotThreshold = c.SnapshotEvery
	config.SnapshotInterval = c.snapshotInterval
	return config
}

// trailing returns how many entries are kept after a snapshot by one of so many
// members.
func (c *Config) trailing(members int) uint64 {
	switch {
	case c.trailingLogs > 0:
		return c.trailingLogs
	case members > 1:
		return trailingCluster
	}
	return trailingAlone
}

// startNode starts raft on the replica's behalf. A node that founds a cluster of one does it here.
func (r *Replica) startNode(f *files) error {
	c := &r.config
	notify := make(chan bool, 1)
	config := raftConfig(c, r.id, notify)
	l := newLink(c.Network.Transport(), r.id, func() history { return *r.history.Load() })
	f.snapshots.loop = l.loop
	began := time.Now()
	n := &node{
		id: r.id, link: l, files: f, lease: config.LeaderLeaseTimeout, head: r.store.Head,
		watchdog: newWatchdog(func() time.Duration { return time.Since(began) }),
		first:    make(chan struct{}), stop: make(chan struct{}),
	}
	err := f.clearTerm()
	if err == nil && f.fresh && c.Expect == 1 && len(c.Join) == 0 && r.pledged.Load() == nil {
		err = raft.BootstrapCluster(config, f.logs, f.stable, f.snapshots, l, only(r.id, c.Network.Address()))
	}
	if err == nil {
		machine := &waitedMachine{&measuredMachine{r.machine, r.meters}, l.loop}
		n.raft, err = raft.NewRaft(config, machine, &waitedLog{&measuredLog{f.logs, r.meters}, l.loop}, f.stable, f.snapshots, l)
		l.raft.Store(n.raft)
	}
	if err != nil {
		l.close()
		return fmt.Errorf("starting the log: %w", err)
	}
	r.node = n
	n.running.Go(func() { n.watchdog.run(n.stop) })
	n.running.Go(func() { n.follow(notify, r.establish) })
	n.running.Go(n.nudge)
	return nil
}

// only is the membership of a cluster of one.
func only(id raft.ServerID, address string) raft.Configuration {
	return raft.Configuration{Servers: []raft.Server{{ID: id, Address: raft.ServerAddress(address)}}}
}

// clearTerm clears the term of a log without entries. Raft writes the term before
// the first entry, and a crash between the two would leave a log that it neither
// starts nor founds. A node that has voted keeps its word.
func (f *files) clearTerm() error {
	if !f.fresh {
		return nil
	}
	vote, err := f.stable.GetUint64([]byte(raftVote))
	if err != nil && err.Error() != "not found" {
		return err
	}
	if vote > 0 {
		return nil
	}
	return f.stable.SetUint64([]byte(raftTerm), 0)
}

// follow establishes this node each time it becomes the leader.
func (n *node) follow(notify <-chan bool, establish func() error) {
	for {
		select {
		case leads := <-notify:
			n.established.Store(false)
			if leads && establish() == nil {
				n.established.Store(true)
				select {
				case <-n.first:
				default:
					close(n.first)
				}
			}
		case <-n.stop:
			return
		}
	}
}

// nudge has a member that is alone lead at once, and again should it have lost
// the lead: it lets nobody else try.
func (n *node) nudge() {
	tick := time.NewTicker(nudgeEvery)
	defer tick.Stop()
	for {
		if n.alone() && n.raft.State() == raft.Follower {
			n.link.nudge(n.stop)
		}
		select {
		case <-tick.C:
		case <-n.stop:
			return
		}
	}
}

// nudgeEvery is how often a member looks whether it is alone and does not lead.
const nudgeEvery = time.Second

// establish waits until everything before this term is applied, and names the
// cluster if nobody has.
func (r *Replica) establish() error {
	n := r.node
	r.leaderChanges.Add(1)
	term := n.raft.CurrentTerm()
	if err := n.answer(n.raft.Barrier(0)); err != nil {
		return err
	}
	n.term.Store(term)
	if r.store.Head() > 0 {
		return nil
	}
	for _, c := range r.config.founding() {
		data, err := c.encode()
		if err != nil {
			return err
		}
		if err := n.answer(n.raft.Apply(data, 0)); err != nil {
			return err
		}
	}
	return nil
}

// answer waits for what raft says of an entry. An entry that raft takes while it
// stops may never be answered, so its end is an answer too; the goroutine that
// still waits then is lost with it.
func (n *node) answer(f raft.Future) error {
	answered := make(chan error, 1)
	go func() { answered <- f.Error() }()
	select {
	case err := <-answered:
		return err
	case <-n.stop:
		select {
		case err := <-answered:
			return err
		default:
			return raft.ErrRaftShutdown
		}
	}
}

// close hands leadership over, stops raft and closes its files. Without the
// snapshot, which may not be possible at the moment, the next start takes longer.
func (n *node) close() error {
	n.handOver()
	if n.files.durable && n.raft.AppliedIndex() > n.files.snapshots.newest.Load()+closingEntries {
		_ = n.raft.Snapshot().Error()
	}
	return n.shut()
}

// handOver has another voter lead when this one does and there is one. That it
// fails is no fault: the others will notice.
func (n *node) handOver() {
	if n.raft.State() == raft.Leader && n.voters() > 1 {
		_ = n.raft.LeadershipTransfer().Error()
	}
}

// shut stops raft as it is.
func (n *node) shut() error {
	down := n.raft.Shutdown()
	n.link.hangUp()
	err := down.Error()
	close(n.stop)
	n.running.Wait()
	n.link.close()
	return errors.Join(err, n.files.close())
}

// servers returns the newest membership, committed or not: any later one passes
// through this log.
func (n *node) servers() []raft.Server {
	return n.raft.GetConfiguration().Configuration().Servers
}

func (n *node) voters() int {
	voters := 0
	for _, s := range n.servers() {
		if s.Suffrage == raft.Voter {
			voters++
		}
	}
	return voters
}

// server returns a member by its id.
func (n *node) server(id raft.ServerID) (raft.Server, bool) {
	all := n.servers()
	at := slices.IndexFunc(all, func(s raft.Server) bool { return s.ID == id })
	if at < 0 {
		return raft.Server{}, false
	}
	return all[at], true
}

// alone reports whether this member is the only one that votes, so that nobody
// else can lead.
func (n *node) alone() bool {
	mine, ok := n.server(n.id)
	return ok && mine.Suffrage == raft.Voter && n.voters() == 1
}

// errNoLeader is told to readers and writers while nobody leads.
func errNoLeader(err error) *UnavailableError {
	return &UnavailableError{Msg: "the cluster has no leader at the moment", RetryAfter: 100 * time.Millisecond, Err: err}
}

// lead returns the head when this node leads. One that has lost the lead and has
// it again may not have noticed yet that it has to be established anew.
func (n *node) lead() (store.Revision, error) {
	head := n.head()
	if !n.established.Load() || n.raft.State() != raft.Leader || n.raft.CurrentTerm() != n.term.Load() {
		return 0, errNoLeader(nil)
	}
	return head, nil
}

// ballot asks the others whether this node still leads. Late answers to earlier
// questions count, which is harmless while nobody else is elected within a lease.
// A member that was told to take over does not wait for that: an entry that is in
// the log for good is the proof then.
func (n *node) ballot() raft.Future {
	if n.link.handedOver() {
		return n.raft.Barrier(0)
	}
	return n.raft.VerifyLeader()
}

// verify returns the head once a majority has confirmed that this node leads.
func (n *node) verify(ctx context.Context) (store.Revision, error) {
	head, err := n.lead()
	if err != nil {
		return 0, err
	}
	for {
		if err := n.answer(n.ballot()); err != nil {
			return 0, errNoLeader(err)
		}
		if _, err := n.lead(); err != nil { // it led in a later term
			return 0, err
		}
		if !n.watchdog.paused(n.lease) {
			return head, nil
		}
		select {
		case <-time.After(n.lease):
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-n.stop:
			return 0, ErrClosed
		}
	}
}
