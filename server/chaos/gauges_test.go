//go:build linux

package chaos

import (
	"bufio"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// gauges look at the metrics of all nodes all the time, for what only they tell.
// They may miss something, and invent nothing.
type gauges struct {
	client  *http.Client
	running sync.WaitGroup

	mu       sync.Mutex
	leaders  map[leadership]bool
	received map[int]float64 // snapshots by the process
}

// leadership is one node in one term.
type leadership struct {
	node int
	term float64
}

func watchGauges(t testing.TB, c *cluster) *gauges {
	g := &gauges{client: &http.Client{Timeout: time.Second}, leaders: map[leadership]bool{}, received: map[int]float64{}}
	ctx, cancel := context.WithCancel(context.Background())
	for i := range c.nodes {
		g.running.Go(func() {
			for ctx.Err() == nil {
				g.look(ctx, c, i)
				_ = wait(ctx, 100*time.Millisecond)
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		g.running.Wait()
	})
	return g
}

func (g *gauges) look(ctx context.Context, c *cluster, i int) {
	pid := c.nodes[i].pid()
	if pid == 0 {
		return
	}
	values := g.scrape(ctx, c.nodes[i])
	g.mu.Lock()
	defer g.mu.Unlock()
	if values["pemba_raft_leader"] == 1 {
		g.leaders[leadership{i, values["pemba_raft_term"]}] = true
	}
	g.received[pid] = max(g.received[pid], values["pemba_raft_snapshot_installs_total"])
}

// scrape returns what a node exports without labels.
func (g *gauges) scrape(ctx context.Context, n *node) map[string]float64 {
	values := map[string]float64{}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.metrics()+"/metrics", nil)
	if err != nil {
		return values
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return values // it is down
	}
	defer func() { _ = resp.Body.Close() }()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			values[name] = v
		}
	}
	return values
}

// elections is how often a node began to lead; the first, which founds the
// cluster, does not count.
func (g *gauges) elections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(len(g.leaders)-1, 0)
}

// installs is how often a node took its state from another.
func (g *gauges) installs() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0.0
	for _, received := range g.received {
		n += received
	}
	return int(n)
}
