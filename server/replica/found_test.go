package replica

import (
	"fmt"
	"strings"
	"testing"
	"time"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
)

// TestEntrance asks to be let in where somebody leads, whoever else answers.
func TestEntrance(t *testing.T) {
	alone := &peerv1.StateResponse{Id: "a"}
	removed := &peerv1.StateResponse{Id: "b", Cluster: 7}
	follows := &peerv1.StateResponse{Id: "c", Cluster: 7, Leader: "d"}
	for _, test := range []struct {
		want   *peerv1.StateResponse
		others []*peerv1.StateResponse
	}{
		{nil, nil},
		{nil, []*peerv1.StateResponse{alone}},
		{removed, []*peerv1.StateResponse{alone, removed}},
		{follows, []*peerv1.StateResponse{alone, removed, follows}},
		{follows, []*peerv1.StateResponse{follows, removed}},
	} {
		if got := entrance(test.others); got != test.want {
			t.Errorf("of %v it asks %v, not %v", test.others, got, test.want)
		}
	}
}

// TestStrangers starts a node with the directory of a cluster and has it join
// another: it says so, and members of one cluster are no strangers.
func TestStrangers(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		first := g.open(g.config("n1", 0))
		member := g.open(g.config("n2", 0, "n1:1"))
		g.until("it is a member", func() bool { return member.Serving() == nil })
		g.shut(g.open(g.config("n3", 0)))
		foreign := g.open(g.config("n3", 0, "n1:1", "n2:1"))
		for _, r := range []*Replica{first, member} {
			if found := r.strangers(t.Context()); found != "" {
				t.Errorf("a stranger: %s", found)
			}
		}
		want := fmt.Sprintf("is of cluster %016x, and this node of %016x", first.history.Load().cluster, foreign.history.Load().cluster)
		if found := foreign.strangers(t.Context()); !strings.HasSuffix(found, want) {
			t.Errorf("it says %q, not %q", found, want)
		}
		g.shut(foreign)
	})
}

// TestWaitsNews logs a reason at once, and another one when some time has passed.
func TestWaitsNews(t *testing.T) {
	var w waits
	now := time.Unix(1_800_000_000, 0)
	for i, step := range []struct {
		pass   time.Duration
		reason string
		news   bool
	}{
		{0, "", false},
		{time.Second, "one", true},
		{time.Second, "one", false},
		{time.Second, "two", false},
		{complainEvery - 3*time.Second, "two", false},
		{time.Second, "two", true},
		{time.Hour, "two", false},
		{0, "", false},
		{0, "one", true},
	} {
		now = now.Add(step.pass)
		if got := w.news(step.reason, now); got != step.news {
			t.Errorf("step %d, %q: news is %v", i, step.reason, got)
		}
	}
}

// TestMoreThanExpected starts more nodes than found the cluster, while it is being
// founded: they join it and do not found one of their own.
func TestMoreThanExpected(t *testing.T) {
	for _, expect := range []int{1, 3} {
		t.Run(fmt.Sprint(expect), func(t *testing.T) {
			grouped(t, func(t *testing.T, g *group) {
				var names, join []string
				for i := range 2 * expect {
					names = append(names, fmt.Sprintf("n%d", i+1))
					join = append(join, names[i]+":1")
				}
				var all []*Replica
				for _, name := range names[:expect] {
					all = append(all, g.open(g.config(name, expect, join[:max(expect, 2)]...)))
				}
				g.until("they have agreed", func() bool {
					for _, r := range all {
						if r.pledged.Load() == nil {
							return false
						}
					}
					return true
				})
				if all[0].history.Load().cluster != 0 {
					t.Fatal("the cluster has a name already")
				}
				late := append([]string{join[0]}, join[expect:]...)
				for _, name := range names[expect:] {
					all = append(all, g.open(g.config(name, expect, late...)))
				}
				g.until("all are in a cluster", func() bool {
					for _, r := range all {
						if r.Serving() != nil || r.history.Load().cluster == 0 {
							return false
						}
					}
					return true
				})
				for _, r := range all[1:] {
					if *r.history.Load() != *all[0].history.Load() {
						t.Errorf("%s is of cluster %x, and %s of %x", r.config.Name, r.history.Load().cluster, all[0].config.Name, all[0].history.Load().cluster)
					}
				}
			})
		})
	}
}
