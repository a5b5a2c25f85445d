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
	"golang.org/x/sync/semaphore"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// Replica is one member of a cluster. It is safe for concurrent use.
type Replica struct {
	config   Config
	id       raft.ServerID
	since    time.Time // when it was opened
	store    *store.Store
	machine  *machine
	node     *node
	rounds   rounds
	headline *headline
	proposed *semaphore.Weighted // bytes of commands that are on their way
	origins  *origins
	meters   *meters
	history  atomic.Pointer[history]
	known    atomic.Int64 // version of the cluster
	fresh    freshness
	census   atomic.Pointer[census] // of the leader
	naming   sync.Mutex             // guards names
	names    map[string]string      // of members by id, as they last said

	join      atomic.Pointer[[]string] // addresses of other members
	promising sync.Mutex               // held while a pledge is made
	pledged   atomic.Pointer[peerv1.Founding]
	seeking   atomic.Pointer[string] // what a node without a cluster waits for
	changing  chan struct{}          // has room while nobody changes the membership or the settings; of the leader
	draining  atomic.Bool

	complained atomic.Int64 // when something was logged that is tried again
	counts

	ctx     context.Context // done when the replica is closed
	stop    <-chan struct{} // the same
	cancel  context.CancelFunc
	closing sync.Once
	running sync.WaitGroup
	failing sync.Once
	failure atomic.Pointer[error] // why the machine stopped
	failed  chan struct{}         // closed then

	expelled atomic.Pointer[UnavailableError] // the node was removed from its cluster
	over     <-chan struct{}                  // closed then, and when the replica is closed
	end      context.CancelFunc               // closes it
}

// counts are of what happened since the replica was opened.
type counts struct {
	leaderChanges, forwarded atomic.Uint64
	installs, dumps          atomic.Uint64
	mismatches               atomic.Uint64 // comparisons that found members to differ
	dumped                   atomic.Int64  // nanoseconds that the last dump took
}

// Open opens the member that a directory holds, or a new one in an empty
// directory. One that is alone has everything readable that was ever
// acknowledged when Open returns; one of several looks for the others after it,
// and Serving tells what it waits for. The caller must Close it.
//
// It returns an error that names every fault of the configuration, the errors of
// store.Open, one of the file system, a *MemberError, or ctx's. The network is
// closed then.
func Open(ctx context.Context, c Config) (*Replica, error) {
	c, err := c.withDefaults()
	if err != nil {
		if c.Network != nil {
			err = errors.Join(err, c.Network.Close())
		}
		return nil, fmt.Errorf("opening the node: %w", err)
	}
	if err := c.unrecovered(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the node: %w", err), c.Network.Close())
	}
	r := newReplica(c)
	if err := r.open(ctx); err != nil {
		return nil, fmt.Errorf("opening the node: %w", err)
	}
	return r, nil
}

func newReplica(c Config) *Replica {
	r := &Replica{
		config: c, since: c.Now(), headline: newHeadline(), proposed: semaphore.NewWeighted(maxProposed),
		origins: newOrigins(), changing: make(chan struct{}, 1), meters: newMeters(), failed: make(chan struct{}),
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.stop = r.ctx.Done()
	member, end := context.WithCancel(r.ctx)
	r.over, r.end = member.Done(), end
	r.join.Store(&c.Join)
	r.rounds.question = r.confirm
	return r
}

func (r *Replica) open(ctx context.Context) error {
	f, err := r.boot(ctx)
	if err != nil {
		r.cancel()
		return errors.Join(err, r.config.Network.Close())
	}
	if err = r.startNode(f); err != nil {
		r.cancel()
		return errors.Join(err, f.close(), r.store.Close(), r.config.Network.Close())
	}
	if _, none := r.config.Network.(*noNetwork); none && !r.node.alone() {
		return errors.Join(&MemberError{Dir: r.config.Dir, Members: len(r.node.servers())}, r.Close())
	}
	r.config.Network.Serve(service{r: r})
	r.running.Go(r.doChores)
	r.running.Go(r.oversee)
	r.running.Go(r.find)
	if !r.node.alone() {
		return nil
	}
	select {
	case <-r.node.first:
		if err = r.usable(); err == nil {
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
// the log has after it is applied again, whether the store has it already or
// not: that the newest revision is there does not mean that all before it are.
func (r *Replica) boot(ctx context.Context) (*files, error) {
	m := &machine{stopped: r.fail, moved: func() {}}
	m.install = func(from io.Reader) error {
		r.installs.Add(1)
		return m.restore(r.ctx, from)
	}
	if err := r.openStore(ctx, m); err != nil {
		return nil, err
	}
	f, err := r.openFiles()
	if err != nil {
		return nil, errors.Join(err, r.store.Close())
	}
	if err := errors.Join(r.identify(f), r.loadPledge()); err != nil {
		return nil, errors.Join(err, f.close(), r.store.Close())
	}
	m.moved = func() {
		r.remember(f)
		r.headline.tell()
	}
	m.moved()
	return f, nil
}

// openStore opens the store at the newest snapshot of the log. It finishes what a
// crash has left undone between a snapshot of another member and the store.
func (r *Replica) openStore(ctx context.Context, m *machine) error {
	var at *base
	s, err := store.OpenAt(r.config.Store, func() (stored []byte, err error) {
		if at, err = openBase(&r.config); err != nil || at.rest != nil {
			return nil, err
		}
		return at.stored, nil
	})
	if err == nil && at.rest != nil {
		if err = s.Load(ctx, at.stored, at.rest); err != nil {
			err = errors.Join(err, s.Close())
		}
	}
	if at != nil {
		err = errors.Join(err, at.close())
	}
	if err != nil {
		return err
	}
	m.state, m.store = at.state, s
	m.index.Store(at.index)
	r.store, r.machine = s, m
	return nil
}

// remember takes over what the machine knows of the cluster. The history is kept
// beside the log: a member that begins again has to know it before it applies
// any entry.
func (r *Replica) remember(f *files) {
	r.known.Store(int64(r.machine.state.version))
	h := r.machine.state.history
	if old := r.history.Load(); h.cluster == 0 || h == *old {
		return
	}
	if err := f.keepHistory(h); err != nil {
		r.fail(fmt.Errorf("keeping the name of the cluster: %w", err))
		return
	}
	r.history.Store(&h)
}

// version returns that of the cluster.
func (r *Replica) version() int { return int(r.known.Load()) }

// fail notes that the node cannot go on.
func (r *Replica) fail(err error) {
	r.failing.Do(func() {
		r.failure.Store(&err)
		close(r.failed)
		r.config.Logger.Error("the node stopped", "error", err)
	})
}

// Failed returns a channel that is closed when the node cannot go on: its
// storage failed, or the log holds what this version does not know. It serves
// nothing from then on and must be closed.
func (r *Replica) Failed() <-chan struct{} { return r.failed }

// expel notes that the node was removed from its cluster. It goes on to say so, and
// nothing else: what it has gets no newer, so that it must not be read, and what
// waits for more would wait for ever.
func (r *Replica) expel(reason string) {
	r.expelled.Store(&UnavailableError{Msg: reason, RetryAfter: time.Second})
	r.end()
}

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
	if err := r.expelled.Load(); err != nil {
		return err
	}
	return nil
}

// Close stops the member, which hands leadership over first. It waits for
// snapshots that are still open; new ones are refused. When much was written
// since the last snapshot of the log, it makes one, so that the next Open has
// little to apply. It closes the network.
func (r *Replica) Close() error { return r.shut((*node).close) }

// shut stops everything, raft in a given way.
func (r *Replica) shut(node func(*node) error) error {
	err := ErrClosed
	r.closing.Do(func() {
		r.draining.Store(true)
		if r.usable() == nil {
			r.node.handOver() // while what waits for answers goes on
		}
		r.cancel()
		r.running.Wait()
		err = node(r.node)
		r.rounds.wait()
		err = errors.Join(err, r.config.Network.Close(), r.store.Close())
	})
	return err
}

// Serving returns why the node serves nothing at the moment, nil when it does. It
// waits for nothing.
func (r *Replica) Serving() error {
	if err := r.usable(); err != nil {
		return err
	}
	if _, err := r.node.lead(); err == nil {
		return nil
	}
	if err := r.astray(); err != nil {
		return err
	}
	if id, _ := r.leader(); id != "" && id != string(r.id) {
		return nil
	}
	return errNoLeader(nil)
}
