package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/server/store"
)

const (
	nodeID   = "node"        // raft's name for the member; there is one
	raftTerm = "CurrentTerm" // where raft keeps its term
)

const (
	maxAppendEntries = 256
	trailingLogs     = 1024                  // kept after a snapshot; there is nobody to send them to
	aloneTimeout     = 20 * time.Millisecond // of elections that nobody else takes part in
	commitTimeout    = 5 * time.Millisecond
	closingEntries   = 32 // since the last snapshot that are worth one when closing: the next start applies them again
)

// node is all that the package knows of raft.
type node struct {
	raft     *raft.Raft
	files    *files
	lease    time.Duration
	head     func() store.Revision
	watchdog *watchdog
	rounds   rounds

	// established says that this node is the leader and has applied all that
	// was in the log when it became that.
	established atomic.Bool
	first       chan struct{} // closed when it is so for the first time
	stop        chan struct{}
	running     sync.WaitGroup
}

func raftConfig(c *Config, output io.Writer, notify chan bool) *raft.Config {
	config := raft.DefaultConfig()
	config.LocalID = nodeID
	config.LogOutput = output
	config.LogLevel = "WARN"
	config.NotifyCh = notify
	config.BatchApplyCh = true
	config.MaxAppendEntries = maxAppendEntries
	config.TrailingLogs = trailingLogs
	config.CommitTimeout = commitTimeout
	config.HeartbeatTimeout, config.ElectionTimeout, config.LeaderLeaseTimeout = aloneTimeout, aloneTimeout, aloneTimeout
	config.NoSnapshotRestoreOnStart = true // boot did, and the store has the rest
	config.SnapshotThreshold = c.SnapshotEvery
	config.SnapshotInterval = c.snapshotInterval
	return config
}

// startNode starts raft, as a cluster of one when there is none yet.
func startNode(c *Config, f *files, m *machine) (*node, error) {
	output := &logWriter{log: c.Logger}
	notify := make(chan bool, 1)
	config := raftConfig(c, output, notify)
	address, transport := raft.NewInmemTransport(raft.ServerAddress(c.RaftAddr))
	if err := bootstrap(config, f, address, transport); err != nil {
		return nil, fmt.Errorf("starting the log: %w", err)
	}
	began := time.Now()
	n := &node{
		files: f, lease: config.LeaderLeaseTimeout, head: m.store.Head,
		watchdog: newWatchdog(func() time.Duration { return time.Since(began) }),
		first:    make(chan struct{}), stop: make(chan struct{}),
	}
	n.rounds.question = n.verify
	var err error
	if n.raft, err = raft.NewRaft(config, m, f.logs, f.stable, f.snapshots, transport); err != nil {
		return nil, fmt.Errorf("starting the log: %w", err)
	}
	n.running.Go(func() { n.watchdog.run(n.stop) })
	n.running.Go(func() { n.follow(notify, c.Now) })
	return n, nil
}

// bootstrap makes a cluster of one of an empty log.
func bootstrap(config *raft.Config, f *files, address raft.ServerAddress, transport raft.Transport) error {
	last, err := f.logs.LastIndex()
	if err != nil || last > 0 {
		return err
	}
	all, err := f.snapshots.List()
	if err != nil || len(all) > 0 {
		return err
	}
	// Raft writes the term before the first entry, and a crash between the two
	// would leave a log that it neither starts nor bootstraps.
	if err := f.stable.SetUint64([]byte(raftTerm), 0); err != nil {
		return err
	}
	return raft.BootstrapCluster(config, f.logs, f.stable, f.snapshots, transport,
		raft.Configuration{Servers: []raft.Server{{ID: nodeID, Address: address}}})
}

// follow establishes this node each time it becomes the leader.
func (n *node) follow(notify <-chan bool, now func() time.Time) {
	for {
		select {
		case leads := <-notify:
			n.established.Store(false)
			if leads && n.establish(now()) == nil {
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

// establish waits until everything before this term is applied, and names the
// cluster if nobody has.
func (n *node) establish(now time.Time) error {
	if err := n.answer(n.raft.Barrier(0)); err != nil {
		return err
	}
	if n.head() > 0 {
		return nil
	}
	c := &command{kind: kindFound, cluster: randomID(), time: now.UnixMilli()}
	data, err := c.encode()
	if err != nil {
		return err
	}
	return n.answer(n.raft.Apply(data, 0))
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

// close stops raft and closes its files.
func (n *node) close() error {
	var err error
	if n.files.durable && n.established.Load() && n.raft.AppliedIndex()-n.files.snapshots.newest.Load() > closingEntries {
		err = n.raft.Snapshot().Error()
	}
	err = errors.Join(err, n.raft.Shutdown().Error())
	close(n.stop)
	n.running.Wait()
	n.rounds.wait()
	return errors.Join(err, n.files.close())
}

// readIndex returns a revision that includes everything any member has
// acknowledged so far.
func (n *node) readIndex(ctx context.Context) (store.Revision, error) {
	if n.alone() {
		// Nobody else could have been elected, so there is nobody to ask.
		return n.lead()
	}
	return n.rounds.ask(ctx)
}

// alone reports whether this member is the only one that can vote. The newest
// configuration counts, committed or not: any later one passes through this log.
func (n *node) alone() bool {
	servers := n.raft.GetConfiguration().Configuration().Servers
	return len(servers) == 1 && servers[0].ID == nodeID
}

// lead returns the head when this node leads.
func (n *node) lead() (store.Revision, error) {
	head := n.head()
	if !n.established.Load() || n.raft.State() != raft.Leader {
		return 0, &UnavailableError{Msg: "the cluster has no leader at the moment", RetryAfter: 100 * time.Millisecond}
	}
	return head, nil
}

// verify returns the head once a majority has confirmed that this node leads.
func (n *node) verify() (store.Revision, error) {
	head, err := n.lead()
	if err != nil {
		return 0, err
	}
	for {
		if err := n.raft.VerifyLeader().Error(); err != nil {
			return 0, &UnavailableError{Msg: "the cluster has no leader at the moment", RetryAfter: 100 * time.Millisecond, Err: err}
		}
		if !n.watchdog.paused(n.lease) {
			return head, nil
		}
		select {
		case <-time.After(n.lease):
		case <-n.stop:
			return 0, ErrClosed
		}
	}
}
