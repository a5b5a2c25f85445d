//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/pemba-authz/pemba/server/replica/peer/faulty"
)

// fault is one way to break a cluster. do breaks it, holds for a while and heals
// it; victim is a node that no other fault has in its hands.
type fault struct {
	kind   string
	needs  int  // nodes of the cluster
	lonely bool // no other fault of this sort at the same time: links, membership, what lasts until writes were made
	disk   bool // the nodes need disks of their own
	do     func(ctx context.Context, n *nemesis, victim int) error
}

// faults are all ways that there are. Nobody changes the list.
var faults = []fault{
	{kind: "kill", needs: 1, do: killed},
	{kind: "pause", needs: 1, do: paused},
	{kind: "restart", needs: 1, do: restarted},
	{kind: "isolate leader", needs: 3, lonely: true, do: isolated},
	{kind: "one-way partition", needs: 3, lonely: true, do: oneWay},
	{kind: "majority ring", needs: 3, lonely: true, do: ring},
	{kind: "slow links", needs: 2, lonely: true, do: slow},
	{kind: "lossy links", needs: 2, lonely: true, do: lossy},
	{kind: "leadership transfer", needs: 2, do: transferred},
	{kind: "away until the log is cut", needs: 3, lonely: true, do: away},
	{kind: "replace a member", needs: 3, lonely: true, do: replaced},
	{kind: "demote and promote", needs: 3, lonely: true, do: demoted},
	{kind: "full disk", needs: 1, lonely: true, disk: true, do: filled},
}

// killed ends a process in the middle of what it does.
func killed(ctx context.Context, n *nemesis, victim int) error {
	node := n.cluster.nodes[victim]
	if err := node.kill(); err != nil {
		return err
	}
	if err := wait(ctx, n.upTo(2*time.Second)); err != nil {
		return err
	}
	return n.startAgain(ctx, victim)
}

// restarted ends a process as an operator does.
func restarted(ctx context.Context, n *nemesis, victim int) error {
	bounded, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := n.cluster.nodes[victim].stop(bounded); err != nil {
		return err
	}
	return n.startAgain(ctx, victim)
}

func (n *nemesis) startAgain(ctx context.Context, victim int) error {
	node := n.cluster.nodes[victim]
	if err := node.start(); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return node.ready(bounded)
}

// paused stops a process for a while, as a machine does that swaps or migrates.
func paused(ctx context.Context, n *nemesis, victim int) error {
	node := n.cluster.nodes[victim]
	if err := node.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	err := wait(ctx, 200*time.Millisecond+n.upTo(4800*time.Millisecond))
	return errors.Join(err, node.signal(syscall.SIGCONT))
}

var (
	cut  = faulty.Rules{Cut: true}
	hole = faulty.Rules{To: faulty.Way{Hole: true}, From: faulty.Way{Hole: true}}
)

// isolated cuts the leader off from all others, until they have another one.
func isolated(ctx context.Context, n *nemesis, _ int) error {
	leader, err := n.cluster.leader(ctx)
	if err != nil {
		return err
	}
	rules := []faulty.Rules{cut, hole}[n.intn(2)]
	return n.during(ctx, n.hold(), func(from, to int) (faulty.Rules, bool) {
		return rules, from == leader || to == leader
	})
}

// oneWay swallows what one node sends, or what it is sent, on the connections
// that either side made.
func oneWay(ctx context.Context, n *nemesis, victim int) error {
	out := n.intn(2) == 0
	return n.during(ctx, n.hold(), func(from, to int) (r faulty.Rules, ok bool) {
		switch {
		case from == victim && out, to == victim && !out:
			r.To.Hole = true
		case to == victim, from == victim:
			r.From.Hole = true
		default:
			return r, false
		}
		return r, true
	})
}

// ring leaves every node a majority, but not the same one: each lost a link to
// one other. With three nodes, two have lost each other.
func ring(ctx context.Context, n *nemesis, victim int) error {
	count := len(n.cluster.nodes)
	return n.during(ctx, n.hold(), func(from, to int) (faulty.Rules, bool) {
		if count == 3 {
			return cut, from != victim && to != victim
		}
		apart := (from - to + count) % count
		return cut, apart != 1 && apart != count-1
	})
}

func slow(ctx context.Context, n *nemesis, _ int) error {
	way := faulty.Way{Delay: 10*time.Millisecond + n.upTo(100*time.Millisecond), Jitter: 50 * time.Millisecond, Rate: 256 << 10}
	return n.during(ctx, n.hold(), func(_, _ int) (faulty.Rules, bool) { return faulty.Rules{To: way, From: way}, true })
}

func lossy(ctx context.Context, n *nemesis, _ int) error {
	way := faulty.Way{Loss: 0.2}
	return n.during(ctx, n.hold(), func(_, _ int) (faulty.Rules, bool) { return faulty.Rules{To: way, From: way}, true })
}

// transferred asks any node to hand leadership over.
func transferred(ctx context.Context, n *nemesis, victim int) error {
	bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := n.cluster.transfer(bounded, victim); err != nil {
		n.recorder.fault("leadership stays where it was: %v", err) // as may be, under other faults
	}
	return nil
}

// during has rules for links for a while, and takes them back.
func (n *nemesis) during(ctx context.Context, hold time.Duration, rules func(from, to int) (faulty.Rules, bool)) error {
	nodes := len(n.cluster.nodes)
	each := func(f func(from, to int) error) error {
		var faults []error
		for from := range nodes {
			for to := range nodes {
				if from != to {
					faults = append(faults, f(from, to))
				}
			}
		}
		return errors.Join(faults...)
	}
	err := each(func(from, to int) error {
		if r, ok := rules(from, to); ok {
			return n.cluster.links.set(from, to, r)
		}
		return nil
	})
	if err == nil {
		err = wait(ctx, hold)
	}
	heal := each(func(from, to int) error { return n.cluster.links.set(from, to, faulty.Rules{}) })
	if err := errors.Join(err, heal); err != nil {
		return fmt.Errorf("links: %w", err)
	}
	return nil
}

// hold is for how long a partition stays: from less than an election takes to
// several elections.
func (n *nemesis) hold() time.Duration { return 500*time.Millisecond + n.upTo(4500*time.Millisecond) }
