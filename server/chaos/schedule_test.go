//go:build linux

package chaos

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// readyTimeout is how long a node may take to serve again, on a machine that has
// other things to do. It only ends what would hang.
const readyTimeout = 2 * time.Minute

// nemesis breaks a cluster by a schedule that follows from a seed.
type nemesis struct {
	cluster  *cluster
	recorder *recorder

	mu     sync.Mutex
	random *rand.Rand
	queue  []fault // what comes next: each kind once before any comes again
	counts map[string]int
}

func newNemesis(c *cluster, r *recorder, seed uint64) *nemesis {
	return &nemesis{cluster: c, recorder: r, random: rand.New(rand.NewPCG(seed, 7)), counts: map[string]int{}}
}

func (n *nemesis) intn(k int) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.random.IntN(k)
}

func (n *nemesis) upTo(d time.Duration) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Duration(n.random.Int64N(int64(d)))
}

// run breaks and heals, until enough says so or ctx ends. Between two faults, so
// many operations succeed.
func (n *nemesis) run(ctx context.Context, between int64, enough func() bool) error {
	for !enough() {
		if err := n.operations(ctx, between); err != nil {
			return err
		}
		together := 1
		if n.intn(3) == 0 && len(n.cluster.nodes) > 1 {
			together = 2
		}
		if err := n.strike(ctx, together); err != nil {
			return err
		}
		if err := n.cluster.crashed(); err != nil {
			return err
		}
	}
	return nil
}

// operations waits until so many operations more were done.
func (n *nemesis) operations(ctx context.Context, count int64) error {
	return n.more(ctx, &n.recorder.ended, count)
}

// writes waits until so many writes more have made an entry in the log.
func (n *nemesis) writes(ctx context.Context, count int64) error {
	return n.more(ctx, &n.recorder.writes, count)
}

func (n *nemesis) more(ctx context.Context, counter *atomic.Int64, count int64) error {
	for target := counter.Load() + count; counter.Load() < target; {
		if err := n.cluster.crashed(); err != nil {
			return err
		}
		if err := wait(ctx, 5*time.Millisecond); err != nil {
			return fmt.Errorf("waiting for operations: %w", err)
		}
	}
	return nil
}

// strike does some faults at the same time, each to another node.
func (n *nemesis) strike(ctx context.Context, together int) error {
	victims := n.victims(ctx)
	var running sync.WaitGroup
	errs := make([]error, together)
	lonely := false
	for i := range together {
		f := n.next(lonely)
		lonely = lonely || f.lonely
		n.mu.Lock()
		n.counts[f.kind]++
		n.mu.Unlock()
		running.Go(func() {
			n.recorder.fault("%s begins (node %d)", f.kind, victims[i]+1)
			if err := f.do(ctx, n, victims[i]); err != nil {
				errs[i] = fmt.Errorf("%s (node %d): %w", f.kind, victims[i]+1, err)
			}
			n.recorder.fault("%s ended (node %d)", f.kind, victims[i]+1)
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// victims are all nodes in the order in which faults take them: at random, but
// the leader first every other time, as that is where it hurts.
func (n *nemesis) victims(ctx context.Context) []int {
	n.mu.Lock()
	nodes, hurt := n.random.Perm(len(n.cluster.nodes)), n.random.IntN(2) == 0
	n.mu.Unlock()
	if leader, err := n.cluster.leader(ctx); err == nil && hurt {
		i := slices.Index(nodes, leader)
		nodes[0], nodes[i] = nodes[i], nodes[0]
	}
	return nodes
}

// next is the next fault that this cluster can have.
func (n *nemesis) next(lonely bool) fault {
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		if len(n.queue) == 0 {
			for _, f := range faults {
				if f.needs <= len(n.cluster.nodes) && (!f.disk || n.cluster.disks) {
					n.queue = append(n.queue, f)
				}
			}
			n.random.Shuffle(len(n.queue), func(i, j int) { n.queue[i], n.queue[j] = n.queue[j], n.queue[i] })
		}
		i := slices.IndexFunc(n.queue, func(f fault) bool { return !lonely || !f.lonely })
		if i < 0 {
			n.queue = nil
			continue
		}
		f := n.queue[i]
		n.queue = slices.Delete(n.queue, i, i+1)
		return f
	}
}

// count is how many faults of how many kinds there were.
func (n *nemesis) count() (faults, kinds int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.counts {
		faults += c
	}
	return faults, len(n.counts)
}

// String names them.
func (n *nemesis) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(n.counts)) {
		parts = append(parts, fmt.Sprintf("%d × %s", n.counts[kind], kind))
	}
	return strings.Join(parts, ", ")
}
