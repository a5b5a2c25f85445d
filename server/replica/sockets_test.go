package replica_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/replica/peer"
	"github.com/pemba-authz/pemba/server/replica/peer/faulty"
	"github.com/pemba-authz/pemba/server/store"
)

// TestSockets founds a cluster over real connections, writes on every member, has
// the network swallow all that the leader says and hears, and writes on. The old
// leader closes without anybody's answer, and comes back.
func TestSockets(t *testing.T) {
	const members = 3
	var proxies []*faulty.Proxy
	var configs []replica.Config
	var join []string
	for i := range members {
		p, err := faulty.Listen("127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		proxies, join = append(proxies, p), append(join, p.Addr())
		configs = append(configs, replica.Config{
			Dir: t.TempDir(), Name: fmt.Sprint(i), Expect: members, Logger: slog.New(slog.DiscardHandler),
			Store: store.Config{MinFree: 1, CacheBytes: 1 << 20}, Roster: map[string]string{},
		})
	}
	// A member of this test dials from 127.0.0.1, 127.0.0.2 and so on.
	open := func(i int) *replica.Replica {
		t.Helper()
		host := fmt.Sprintf("127.0.0.%d", i+1)
		n, err := peer.Listen(t.Context(), peer.Config{Listen: host + ":0", Advertise: proxies[i].Addr(), Logger: configs[i].Logger})
		if err != nil {
			t.Fatal(err)
		}
		proxies[i].SetTarget(n.Listening())
		c := configs[i]
		c.Network, c.Join = n, join
		r, err := replica.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := r.Close(); err != nil && err != replica.ErrClosed {
				t.Error(err)
			}
		})
		return r
	}
	var all []*replica.Replica
	for i := range members {
		all = append(all, open(i))
	}
	until := func(what string, done func() bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for !done() {
			select {
			case <-tick.C:
			case <-ctx.Done():
				t.Fatalf("it took too long until %s", what)
			}
		}
	}
	written := 0
	write := func(r *replica.Replica) replica.Result {
		t.Helper()
		written++
		rel, err := engine.ParseRelationship(fmt.Sprintf("document:%d#viewer@user:anne", written))
		if err != nil {
			t.Fatal(err)
		}
		var result replica.Result
		until("it is written", func() bool {
			result, err = r.Propose(t.Context(), replica.Proposal{Tx: store.Transaction{Updates: []store.Update{{Op: store.Touch, Relationship: rel}}}})
			return err == nil
		})
		return result
	}
	text := "definition user {}\ndefinition document { relation viewer: user }"
	until("there is a cluster", func() bool {
		_, err := all[0].Propose(t.Context(), replica.Proposal{Tx: store.Transaction{Schema: &text}})
		return err == nil
	})
	for _, r := range all {
		write(r)
	}

	lost := -1
	until("there is a leader", func() bool {
		for i, r := range all {
			if r.Status().Leader {
				lost = i
			}
		}
		return lost >= 0
	})
	hole := faulty.Rules{To: faulty.Way{Hole: true}, From: faulty.Way{Hole: true}}
	for i, p := range proxies {
		if i == lost {
			p.Set(hole)
		} else {
			p.SetFrom(fmt.Sprintf("127.0.0.%d", lost+1), hole)
		}
	}
	result := write(all[(lost+1)%members])
	write(all[(lost+2)%members])
	if head := all[lost].Head(); head >= result.Revision {
		t.Fatalf("the leader that was cut off has revision %d", head)
	}
	if err := all[lost].Close(); err != nil {
		t.Error(err)
	}
	for _, p := range proxies {
		p.Set(faulty.Rules{})
	}
	all[lost] = open(lost)
	until("it has what was written without it", func() bool { return all[lost].Head() >= result.Revision })
	result = write(all[lost])
	hashes, err := all[lost].StateHash(t.Context(), 0)
	if err != nil || len(hashes) != members {
		t.Fatalf("%d hashes, %v", len(hashes), err)
	}
	for _, h := range hashes {
		if h.Err != nil || h.Hash != hashes[0].Hash {
			t.Errorf("%+v, but %+v", h, hashes[0])
		}
	}
}
