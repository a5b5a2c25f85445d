//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// TestUpgrade replaces the program of three nodes by the newer one, a node at a time
// while clients work, as RUNBOOK.md says. The cluster gets the newer version when the
// last node has it and not before; a node that goes back to the older program then
// stops, says why, and serves again with the newer one.
func TestUpgrade(t *testing.T) {
	play(t, round{
		setting: setting{nodes: 3, former: true}, seed: seedOf(t),
		writers: 4, readers: 4, operations: 500, limit: 5 * time.Minute,
		course: func(ctx context.Context, n *nemesis) error { return upgrade(ctx, t, n) },
	})
}

func upgrade(ctx context.Context, t *testing.T, n *nemesis) error {
	c := n.cluster
	older, newer := c.setting, c.setting
	newer.former = false
	before := uint32(0)
	for i, node := range c.nodes {
		resp, err := c.status(ctx)
		if err != nil {
			return err
		}
		if before = max(before, resp.Version); resp.Version != before || before == 0 {
			return fmt.Errorf("the cluster has version %d with %d of its nodes upgraded, and had %d", resp.Version, i, before)
		}
		if err := errors.Join(n.operations(ctx, 500), c.restart(ctx, node, build(t, newer))); err != nil {
			return err
		}
	}
	if err := c.versioned(ctx, before+1); err != nil {
		return err
	}
	if err := n.operations(ctx, 500); err != nil {
		return err
	}
	last := c.nodes[len(c.nodes)-1]
	if err := c.restart(ctx, last, build(t, older)); err == nil {
		return errors.New("a node serves with a program that is older than the version of the cluster")
	}
	log, err := os.ReadFile(last.logPath)
	if err != nil {
		return err
	}
	if !strings.Contains(string(log), "run the newer version") {
		return fmt.Errorf("a node with the older program stopped without saying why: see %s", last.logPath)
	}
	if err := last.kill(); err != nil {
		return err
	}
	last.program = build(t, newer)
	return errors.Join(last.start(), last.ready(ctx))
}

// restart ends a node and starts it with a program.
func (c *cluster) restart(ctx context.Context, n *node, program string) error {
	if err := n.stop(ctx); err != nil {
		return err
	}
	n.program = program
	if err := n.start(); err != nil {
		return err
	}
	return n.ready(ctx)
}

// versioned waits until all members know that the cluster has a version.
func (c *cluster) versioned(ctx context.Context, version uint32) error {
	for _, client := range c.clients {
		for {
			resp, err := client.Status(ctx, &pembav1.StatusRequest{})
			if err == nil && resp.Version == version {
				break
			}
			if wait(ctx, 50*time.Millisecond) != nil {
				return fmt.Errorf("the cluster does not get version %d: %v, %w", version, resp.GetVersion(), err)
			}
		}
	}
	return nil
}
