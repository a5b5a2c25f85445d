package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/pemba-authz/pemba/server/store"
)

// Config says where a replica lives and what it may use. A replica needs Dir or
// InMemory; every other zero value is a good default.
type Config struct {
	Dir      string // made when it does not exist
	InMemory bool   // keep nothing on disk; Dir must be empty

	Store    store.Config     // cache, retention, space; its Dir and InMemory are set here
	RaftAddr string           // how other members reach this one; "": 127.0.0.1:7000
	Logger   *slog.Logger     // nil: slog.Default()
	Now      func() time.Time // nil: time.Now

	MaxTokenWait  time.Duration // for a revision that is not here yet; 0: 5 s
	MaxImport     int           // relationships of one import; 0: 250,000
	SnapshotEvery uint64        // entries of the log; 0: 16,384

	Network         Network           // to the other members; nil: there are none. Close closes it
	Name            string            // of this node, for people
	Join            []string          // addresses of other members, or dns:///name:port; of a node that has no cluster yet
	Expect          int               // how many nodes found the cluster together; 0: 1 without Join, else this node only joins
	NonVoter        bool              // a read replica: it never votes
	ElectionTimeout time.Duration     // after which a silent leader is replaced; 0: 1 s
	BuildVersion    string            // of the program, shown to others
	Roster          map[string]string // where this node serves, shown to others: {"grpc": address, "http": address}

	snapshotInterval time.Duration // between two looks at SnapshotEvery; 0: 10 s
}

// withDefaults names every fault, and fills in the defaults.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	if c.MaxTokenWait < 0 {
		errs = append(errs, fmt.Errorf("the wait for a token is %v; it must not be negative", c.MaxTokenWait))
	}
	if c.MaxImport < 0 || c.MaxImport > maxStaged {
		errs = append(errs, fmt.Errorf("an import may have %d relationships; at most %d are possible", c.MaxImport, maxStaged))
	}
	c.Store.Dir, c.Store.InMemory = c.Dir, c.InMemory
	if c.RaftAddr == "" {
		c.RaftAddr = "127.0.0.1:7000"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MaxTokenWait == 0 {
		c.MaxTokenWait = 5 * time.Second
	}
	if c.MaxImport == 0 {
		c.MaxImport = 250_000
	}
	if c.SnapshotEvery == 0 {
		c.SnapshotEvery = 16_384
	}
	if c.snapshotInterval == 0 {
		c.snapshotInterval = 10 * time.Second
	}
	return c, errors.Join(errs...)
}

// Replica is one member of a cluster. It is safe for concurrent use.
type Replica struct {
	config   Config
	store    *store.Store
	machine  *machine
	node     *node
	headline *headline
	proposed *semaphore.Weighted // bytes of commands that are on their way
	history  atomic.Pointer[history]

	stop    chan struct{} // closed by Close
	closing sync.Once
	running sync.WaitGroup
	failure atomic.Pointer[error] // why the machine stopped
	failed  chan struct{}         // closed then
}

// Open opens the member that a directory holds, or founds a cluster of one in an
// empty one. It returns when everything that was ever acknowledged can be read.
// The caller must Close it.
//
// It returns an error that names every fault of the configuration, the errors of
// store.Open, one of the file system, or ctx's.
func Open(ctx context.Context, c Config) (*Replica, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("opening the node: %w", err)
	}
	r := &Replica{config: c, headline: newHeadline(), proposed: semaphore.NewWeighted(maxProposed), stop: make(chan struct{}), failed: make(chan struct{})}
	if err := r.open(ctx); err != nil {
		return nil, fmt.Errorf("opening the node: %w", err)
	}
	return r, nil
}

func (r *Replica) open(ctx context.Context) error {
	m, f, err := r.boot()
	if err != nil {
		return err
	}
	r.machine = m
	m.moved = func() {
		h := m.state.history
		r.history.Store(&h)
		r.headline.tell()
	}
	m.moved()
	if r.node, err = startNode(&r.config, f, m); err != nil {
		return errors.Join(err, f.close(), r.store.Close())
	}
	select {
	case <-r.node.first:
		if err = r.usable(); err == nil {
			r.running.Go(r.doChores)
			return nil
		}
	case <-r.failed:
		err = r.usable()
	case <-ctx.Done():
		err = fmt.Errorf("waiting for the log to be applied: %w", ctx.Err())
	}
	return errors.Join(err, r.Close())
}

// boot opens the directory at the state of the last snapshot of the log. What
// the log has after it is applied again when raft runs, whether the store has it
// already or not: that the newest revision is there does not mean that all
// before it are.
func (r *Replica) boot() (*machine, *files, error) {
	m := &machine{stopped: r.fail}
	var err error
	r.store, err = store.OpenAt(r.config.Store, func() (stored []byte, err error) {
		m.state, stored, err = readSnapshot(&r.config)
		return stored, err
	})
	if err != nil {
		return nil, nil, err
	}
	m.store = r.store
	f, err := openFiles(&r.config, r.store.Settle)
	if err != nil {
		return nil, nil, errors.Join(err, r.store.Close())
	}
	return m, f, nil
}

// fail notes that the machine stopped.
func (r *Replica) fail(err error) {
	r.failure.Store(&err)
	close(r.failed)
	r.config.Logger.Error("the node stopped", "error", err)
}

// Failed returns a channel that is closed when the node cannot go on: its
// storage failed, or the log holds what this version does not know. It serves
// nothing from then on and must be closed.
func (r *Replica) Failed() <-chan struct{} { return r.failed }

// usable returns why the node serves nothing.
func (r *Replica) usable() error {
	select {
	case <-r.stop:
		return ErrClosed
	default:
	}
	if err := r.failure.Load(); err != nil {
		return &UnavailableError{Msg: "the node stopped", Err: *err}
	}
	return nil
}

// Close stops the member. It waits for snapshots that are still open; new ones
// are refused. When much was written since the last snapshot of the log, it makes
// one, so that the next Open has little to apply.
func (r *Replica) Close() error {
	err := ErrClosed
	r.closing.Do(func() {
		close(r.stop)
		r.running.Wait()
		err = errors.Join(r.node.close(), r.store.Close())
	})
	return err
}

// Serving returns why the node serves nothing at the moment, nil when it does. It
// waits for nothing.
func (r *Replica) Serving() error {
	if err := r.usable(); err != nil {
		return err
	}
	_, err := r.node.lead()
	return err
}

// Status describes a replica at one moment.
type Status struct {
	Ready  bool  // it leads, or follows a leader, and serves
	Err    error // why it serves nothing; nil when it serves
	Leader bool

	Cluster uint64 // of its tokens
	Epoch   uint64

	Head, Floor store.Revision
	Applied     uint64 // the last entry of the log that was handed to the machine
	LastIndex   uint64 // of the log
	Store       store.Stats
	Raft        map[string]string // raft's own words
}

// Status returns what metrics tell. It may wait for a write that is being
// applied; Serving does not.
func (r *Replica) Status() Status {
	h := r.history.Load()
	s := Status{
		Err: r.usable(), Leader: r.node.established.Load(),
		Cluster: h.cluster, Epoch: h.epoch,
		Head: r.Head(), Floor: r.store.Floor(),
		Applied: r.node.raft.AppliedIndex(), LastIndex: r.node.raft.LastIndex(),
		Store: r.store.Stats(), Raft: r.node.raft.Stats(),
	}
	s.Ready = s.Err == nil && s.Leader
	return s
}
