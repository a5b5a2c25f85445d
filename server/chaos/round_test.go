//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// round is one run of a workload while faults happen, with its demands.
type round struct {
	setting
	seed             uint64
	writers, readers int
	operations       int64 // that have an answer
	faults, kinds    int
	elections        int
	installs         int
	streams          int64                                 // that watches begin, in a round without faults
	course           func(context.Context, *nemesis) error // what happens before the faults, if anything
	lasting          time.Duration                         // at least
	limit            time.Duration                         // at most; reaching it fails
}

// TestSingle breaks a cluster of one node.
func TestSingle(t *testing.T) {
	play(t, round{
		setting: setting{nodes: 1, args: []string{"--retention-revisions", "20000"}}, seed: seedOf(t),
		writers: 6, readers: 6, operations: 5_000, faults: 6, kinds: 3, limit: 5 * time.Minute,
	})
}

// TestRound is the round of make test: three nodes, and everything that can be
// done to them.
func TestRound(t *testing.T) {
	play(t, round{
		setting: bad(3), seed: seedOf(t),
		writers: 8, readers: 8, operations: 20_000, faults: 15, kinds: 6, elections: 3, installs: 1, limit: 10 * time.Minute,
	})
}

// TestLong is what make chaos runs: rounds of three and of five nodes in turn,
// each with a seed of its own, for PEMBA_CHAOS, a duration. Without that it is one
// short round of five nodes.
func TestLong(t *testing.T) {
	var lasting time.Duration
	if text := os.Getenv("PEMBA_CHAOS"); text != "" {
		var err error
		if lasting, err = time.ParseDuration(text); err != nil {
			t.Fatalf("PEMBA_CHAOS: %v", err)
		}
	}
	seed, began := seedOf(t), time.Now()
	for i := 0; i == 0 || time.Since(began) < lasting && !t.Failed(); i++ {
		nodes := []int{5, 3}[i%2]
		t.Run(fmt.Sprintf("%d/nodes=%d", i, nodes), func(t *testing.T) {
			play(t, round{
				setting: bad(nodes), seed: seed + uint64(i), writers: 8, readers: 8,
				operations: 4_000, faults: 6, kinds: 4, lasting: min(lasting, 2*time.Minute), limit: lasting + 10*time.Minute,
			})
		})
	}
}

// bad is the setting in which everything can happen.
func bad(nodes int) setting {
	return setting{
		nodes: nodes, args: []string{"--retention-revisions", "5000", "--min-free-disk", strconv.Itoa(diskMin)}, skewed: true, disks: true,
	}
}

// seedOf is PEMBA_CHAOS_SEED, or a new one.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	given := os.Getenv("PEMBA_CHAOS_SEED")
	if given == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(given, 10, 64)
	if err != nil {
		t.Fatalf("PEMBA_CHAOS_SEED: %v", err)
	}
	return seed
}

// play plays a round and fails the test with what the checkers object to, and
// when less happened than was demanded.
func play(t *testing.T, r round) {
	t.Helper()
	t.Logf("again: PEMBA_CHAOS_SEED=%d go test -count=1 -v -run '^%s$' ./server/chaos", r.seed, strings.Split(t.Name(), "/")[0])
	c := newCluster(t, r.setting)
	h, covered := r.play(t, c)
	t.Log(covered)
	if !t.Failed() { // what was cut off has gaps of its own
		began := time.Now()
		objections := h.check()
		t.Logf("checked within %.1fs", time.Since(began).Seconds())
		if len(objections) > 0 {
			t.Errorf("the checkers object:\n%v", objections)
		}
	}
	if t.Failed() {
		if err := h.save(c.dir); err != nil {
			t.Error(err)
		}
	}
}

// play has clients work and faults happen until the demands are met, and lets
// everything come to rest.
func (r round) play(t *testing.T, c *cluster) (*history, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), r.limit)
	defer cancel()
	rec := newRecorder(r.seed, t.Logf)
	load, follow, faults := newWorkload(c, rec, r.seed), newWatches(c, rec), newNemesis(c, rec, r.seed)
	began, err := load.prepare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	follow.run(ctx, r.seed, began)
	load.run(working, r.writers, r.readers)
	var hashing sync.WaitGroup
	hashing.Go(func() { c.hash(working, rec) })
	start := time.Now()
	if r.course != nil {
		err = r.course(ctx, faults)
	}
	if r.faults == 0 {
		err = errors.Join(err, faults.operations(ctx, r.operations), faults.more(ctx, &follow.streams, r.streams))
	}
	err = errors.Join(err, faults.run(ctx, r.operations/int64(2*max(r.faults, 1)), func() bool {
		happened, _ := faults.count()
		return time.Since(start) >= r.lasting && (r.missing(c, rec, faults) == "" || happened > 3*r.faults)
	}))
	if missing := r.missing(c, rec, faults); err == nil && missing != "" {
		t.Errorf("too little happened: %s", missing)
	}
	if err != nil {
		t.Errorf("after %v: %v", faults, err)
	}
	stop()
	load.wait()
	hashing.Wait()
	if !t.Failed() {
		r.settle(ctx, t, c, load, follow)
	}
	cancel()
	follow.running.Wait()
	h := rec.finish()
	t.Logf("%8.3fs: all is at rest", time.Since(rec.began).Seconds())
	for name, err := range follow.lost {
		t.Errorf("%s fell so far behind that it lost its place: %v", name, err)
	}
	if err := h.resolve(t.Context(), c); err != nil {
		t.Error(err)
	}
	gap := h.longestGap()
	n, kinds := faults.count()
	t.Logf("%8.3fs: all tokens are resolved", time.Since(rec.began).Seconds())
	return h, fmt.Sprintf("%d operations with an answer, %d faults of %d kinds (%v), %d elections, %d snapshot installs; the longest time without a write: %.2fs (from %.2fs on); %.0fs",
		rec.ended.Load(), n, kinds, faults, c.gauges.elections(), c.gauges.installs(), (gap.to - gap.from).Seconds(), gap.from.Seconds(), time.Since(start).Seconds())
}

// hash compares the states of all members every now and then.
func (c *cluster) hash(ctx context.Context, rec *recorder) {
	for ctx.Err() == nil {
		c.hashOnce(ctx, rec)
		_ = wait(ctx, time.Second)
	}
}

// hashOnce records the hashes, if there are any: faults may be in the way.
func (c *cluster) hashOnce(ctx context.Context, rec *recorder) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, client := range c.clients {
		if resp, err := client.StateHash(ctx, &pembav1.StateHashRequest{}); err == nil {
			rec.hashed(resp)
			return
		}
	}
}

// missing says what of the demands is not met yet.
func (r round) missing(c *cluster, rec *recorder, n *nemesis) string {
	happened, kinds := n.count()
	var missing []string
	for _, d := range []struct {
		what      string
		got, want int
	}{
		{"operations", int(rec.ended.Load()), int(r.operations)},
		{"faults", happened, r.faults},
		{"kinds of faults", kinds, r.kinds},
		{"elections", c.gauges.elections(), r.elections},
		{"snapshot installs", c.gauges.installs(), r.installs},
	} {
		if d.got < d.want {
			missing = append(missing, fmt.Sprintf("%d of %d %s", d.got, d.want, d.what))
		}
	}
	return strings.Join(missing, ", ")
}

// settle waits until all nodes serve and all watches have the last change.
func (r round) settle(ctx context.Context, t *testing.T, c *cluster, load *workload, follow *watches) {
	t.Helper()
	if err := c.ready(ctx); err != nil {
		t.Error(err)
		return
	}
	k := load.worker(0)
	last := load.recorder.begin(0, actSwap, "register:last")
	last.New = "end"
	k.persist(ctx, last)
	if last.Result != done {
		t.Errorf("the last write: %v", last)
		return
	}
	follow.finish(last)
	c.hashOnce(ctx, load.recorder)
	// What is there in the end, by every node.
	for node := range c.clients {
		for _, key := range load.keys() {
			o := load.recorder.begin(0, actRead, key)
			o.Mode, o.Token = modeLeast, last.At
			k.ask(ctx, o, node)
		}
	}
}
