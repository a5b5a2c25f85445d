//go:build linux

package chaos

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
)

var (
	benchLosses = flag.Int("losses", 30, "deaths and transfers of leaders that BenchmarkUnavailability measures")
	benchSize   = flag.Int("relationships", 1_000_000, "that BenchmarkInstall has stored")
)

const (
	benchWrites = 4_000
	benchChecks = 40_000
)

// benchCluster starts a cluster with a schema.
func benchCluster(b *testing.B, nodes, founded int, plain bool) *cluster {
	b.Helper()
	c := newCluster(b, setting{nodes: nodes, founded: founded, plain: plain})
	if _, err := c.clients[0].WriteSchema(b.Context(), &v1.WriteSchemaRequest{Schema: schemaOf("first", 0)}); err != nil {
		b.Fatal(err)
	}
	return c
}

// touch writes one relationship on a node.
func (c *cluster) touch(ctx context.Context, node, n int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err := c.clients[node].WriteRelationships(ctx, &v1.WriteRelationshipsRequest{Updates: []*v1.RelationshipUpdate{{
		Operation: v1.RelationshipUpdate_OPERATION_TOUCH, Relationship: relationship(fmt.Sprintf("flag:%d", n), "p"),
	}}})
	return err
}

// BenchmarkUnavailability measures for how long no write succeeds on any node when
// the leader is killed, and when it hands leadership over. Timers are the defaults.
func BenchmarkUnavailability(b *testing.B) {
	for _, way := range []string{"kill", "transfer"} {
		b.Run(way, func(b *testing.B) {
			for b.Loop() {
				c := benchCluster(b, 3, 3, true)
				var gaps []time.Duration
				for range *benchLosses {
					gaps = append(gaps, c.lose(b, way == "kill"))
				}
				slices.Sort(gaps)
				b.ReportMetric(float64(gaps[len(gaps)/2].Milliseconds()), "ms-p50")
				b.ReportMetric(float64(gaps[len(gaps)*99/100].Milliseconds()), "ms-p99")
			}
		})
	}
}

// lose takes leadership away from a node while a client of each other node writes
// without a pause, and returns the longest time between two writes that succeeded.
func (c *cluster) lose(b *testing.B, kill bool) time.Duration {
	b.Helper()
	ctx, stop := context.WithTimeout(b.Context(), readyTimeout)
	defer stop()
	leader, err := c.leader(ctx)
	if err != nil {
		b.Fatal(err)
	}
	var mu sync.Mutex
	var times []time.Time // at which writes succeeded
	var clients sync.WaitGroup
	writing, enough := context.WithCancel(ctx)
	for i := range c.nodes {
		if i == leader {
			continue
		}
		clients.Go(func() {
			for writing.Err() == nil {
				if err := c.touch(writing, i, i); err != nil {
					_ = wait(writing, time.Millisecond)
					continue
				}
				mu.Lock()
				times = append(times, time.Now())
				mu.Unlock()
			}
		})
	}
	more := func(n int) {
		mu.Lock()
		target := len(times) + n
		mu.Unlock()
		if err := until(ctx, readyTimeout, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(times) >= target
		}); err != nil {
			b.Fatal(err)
		}
	}
	more(50)
	began := time.Now()
	if kill {
		err = c.nodes[leader].kill()
	} else {
		err = c.transfer(ctx, leader)
	}
	if err != nil {
		b.Fatal(err)
	}
	more(50)
	enough()
	clients.Wait()
	if kill {
		if err := c.nodes[leader].start(); err != nil {
			b.Fatal(err)
		}
	}
	if err := c.ready(ctx); err != nil {
		b.Fatal(err)
	}
	longest, last := time.Duration(0), began
	for _, at := range times {
		if at.After(began) {
			longest, last = max(longest, at.Sub(last)), at
		}
	}
	return longest
}

// BenchmarkWrites measures writes of 32 clients on all nodes together.
func BenchmarkWrites(b *testing.B) {
	for _, nodes := range []int{1, 3} {
		b.Run(fmt.Sprintf("voters=%d", nodes), func(b *testing.B) {
			for b.Loop() {
				c := benchCluster(b, nodes, nodes, true)
				took := share(b, 32, benchWrites, func(ctx context.Context, client, n int) error { return c.touch(ctx, client%nodes, n) })
				b.ReportMetric(benchWrites/took.Seconds(), "writes/s")
			}
		})
	}
}

// BenchmarkChecks measures checks of 16 clients on all nodes together, and what
// one costs of the processors, on whichever node.
func BenchmarkChecks(b *testing.B) {
	for _, nodes := range []int{1, 3, 5} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			for b.Loop() {
				c := benchCluster(b, nodes, nodes, true)
				for i := range nodes {
					if err := c.touch(b.Context(), i, i); err != nil {
						b.Fatal(err)
					}
				}
				before := c.processorTime(b)
				took := share(b, 16, benchChecks, func(ctx context.Context, client, n int) error {
					o := &operation{Act: actCheck, Key: fmt.Sprintf("flag:%d", n%nodes), New: "p", Mode: modeLatency}
					return c.clients[client%nodes].check(ctx, o)
				})
				b.ReportMetric(benchChecks/took.Seconds(), "checks/s")
				b.ReportMetric(float64((c.processorTime(b)-before).Microseconds())/benchChecks, "cpu-µs/check")
			}
		})
	}
}

// share has some clients do so many things together, and returns how long it took.
func share(b *testing.B, clients, count int, do func(ctx context.Context, client, n int) error) time.Duration {
	b.Helper()
	began := time.Now()
	var all sync.WaitGroup
	errs := make([]error, clients)
	for client := range clients {
		all.Go(func() {
			for n := client; n < count && errs[client] == nil; n += clients {
				errs[client] = do(b.Context(), client, n)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began)
}

// processorTime is what all nodes have used so far.
func (c *cluster) processorTime(b *testing.B) time.Duration {
	b.Helper()
	ticks := int64(0)
	for _, pid := range c.pids() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			b.Fatal(err)
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		for _, f := range fields[11:13] { // in user and in kernel mode
			n, err := strconv.ParseInt(f, 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / 100 // USER_HZ is 100 wherever Go runs on Linux
}

// BenchmarkInstall measures how long a node with many relationships takes to
// serve again after a clean end, and how long a new node takes to have them all.
func BenchmarkInstall(b *testing.B) {
	for b.Loop() {
		c := benchCluster(b, 2, 1, false) // with a log that is cut: a new node gets the state
		last := c.fill(b, *benchSize)
		ctx, cancel := context.WithTimeout(b.Context(), 30*time.Minute)
		if err := c.nodes[0].stop(ctx); err != nil {
			b.Fatal(err)
		}
		timed := func(node int) time.Duration {
			began := time.Now()
			if err := c.nodes[node].start(); err != nil {
				b.Fatal(err)
			}
			if err := until(ctx, 30*time.Minute, func() bool {
				o := &operation{Act: actRead, Key: "flag:0", Mode: modeLeast, Token: last}
				return c.clients[node].read(ctx, o) == nil
			}); err != nil {
				b.Fatal(err)
			}
			return time.Since(began)
		}
		b.ReportMetric(timed(0).Seconds(), "s/restart")
		b.ReportMetric(timed(1).Seconds(), "s/install")
		c.gauges.look(ctx, c, 1)
		if c.gauges.installs() == 0 {
			b.Error("the new node took the state from the log, not from a snapshot: -relationships is too small")
		}
		cancel()
	}
}

// fill imports so many relationships and returns the token of the last.
func (c *cluster) fill(b *testing.B, count int) string {
	b.Helper()
	const one, message = 200_000, 250 // relationships of an import, and of a message
	for from := 0; from < count; from += one {
		stream, err := c.clients[0].ImportBulkRelationships(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for n := from; n < min(from+one, count); n += message {
			r := &v1.ImportBulkRelationshipsRequest{}
			for k := n; k < min(n+message, count); k++ {
				r.Relationships = append(r.Relationships, relationship(fmt.Sprintf("flag:%d", k/10), strconv.Itoa(k%10)))
			}
			if err := stream.Send(r); err != nil {
				break // CloseAndRecv says why
			}
		}
		if _, err := stream.CloseAndRecv(); err != nil {
			b.Fatal(err)
		}
	}
	resp, err := c.clients[0].WriteRelationships(b.Context(), &v1.WriteRelationshipsRequest{Updates: []*v1.RelationshipUpdate{{
		Operation: v1.RelationshipUpdate_OPERATION_TOUCH, Relationship: relationship("flag:0", "last"),
	}}})
	if err != nil {
		b.Fatal(err)
	}
	return resp.WrittenAt.Token
}
