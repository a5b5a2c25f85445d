//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

const (
	diskSize = 512 << 20 // of the disk that a node has for itself
	diskFull = 24 << 20  // what is left of it when it is full
	diskMin  = 64 << 20  // below which the node takes no writes
)

// replaced takes a node out of the cluster, and has it join again with nothing.
func replaced(ctx context.Context, n *nemesis, victim int) error {
	node := n.cluster.nodes[victim]
	resp, err := n.cluster.status(ctx)
	if err != nil {
		return err
	}
	member := id(resp, node)
	if err := node.kill(); err != nil {
		return err
	}
	removed := n.cluster.change(ctx, func(ctx context.Context, c *client) error {
		_, err := c.Remove(ctx, &pembav1.RemoveRequest{Id: member})
		return err
	})
	if removed == nil {
		removed = node.wipe()
	}
	return errors.Join(removed, n.startAgain(ctx, victim), n.voter(ctx, victim))
}

// demoted takes a node's vote for a while.
func demoted(ctx context.Context, n *nemesis, victim int) error {
	resp, err := n.cluster.status(ctx)
	if err != nil {
		return err
	}
	member := id(resp, n.cluster.nodes[victim])
	err = n.cluster.change(ctx, func(ctx context.Context, c *client) error {
		_, err := c.Demote(ctx, &pembav1.DemoteRequest{Id: member})
		return err
	})
	if err == nil {
		err = wait(ctx, n.upTo(time.Second))
	}
	return errors.Join(err, n.cluster.change(ctx, func(ctx context.Context, c *client) error {
		_, err := c.Promote(ctx, &pembav1.PromoteRequest{Id: member})
		return err
	}), n.voter(ctx, victim))
}

// voter waits until a node has its vote again.
func (n *nemesis) voter(ctx context.Context, victim int) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		if resp, err := n.cluster.status(ctx); err == nil {
			for _, m := range resp.Members {
				if m.Name == n.cluster.nodes[victim].name() && m.Voter {
					return nil
				}
			}
		}
		if err := wait(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("node %d has no vote: %w", victim+1, err)
		}
	}
}

// away ends a process until the others have cut off what it knows of the log.
func away(ctx context.Context, n *nemesis, victim int) error {
	if err := n.cluster.nodes[victim].kill(); err != nil {
		return err
	}
	return errors.Join(n.writes(ctx, 3*logKept), n.startAgain(ctx, victim))
}

// filled lets a node's disk become full, until writes are refused for it.
func filled(ctx context.Context, n *nemesis, victim int) error {
	node := n.cluster.nodes[victim]
	ballast := filepath.Join(node.dir, "ballast")
	var free syscall.Statfs_t
	if err := syscall.Statfs(node.dir, &free); err != nil {
		return err
	}
	size := int64(free.Bavail)*free.Bsize - diskFull
	if err := os.WriteFile(ballast, make([]byte, max(size, 0)), 0o600); err != nil {
		return errors.Join(err, os.Remove(ballast))
	}
	before := n.recorder.code(codes.ResourceExhausted)
	err := until(ctx, readyTimeout, func() bool { return n.recorder.code(codes.ResourceExhausted) > before+10 })
	if err != nil {
		err = fmt.Errorf("a disk with %d bytes left refuses no writes: %w", diskFull, err)
	}
	if err := errors.Join(err, os.Remove(ballast)); err != nil {
		return err
	}
	return n.writes(ctx, 10)
}

// ownDisk gives a node a small disk, where the machine allows it.
func (n *node) ownDisk() error {
	return syscall.Mount("pemba-chaos", n.dir, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize))
}

// change has the cluster changed by whichever node does it. The cluster may be
// between two leaders, or not healthy enough yet.
func (c *cluster) change(ctx context.Context, do func(context.Context, *client) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		var faults []error
		for _, client := range c.clients {
			bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
			err := do(bounded, client)
			cancel()
			if err == nil {
				return nil
			}
			faults = append(faults, err)
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return errors.Join(append(faults, err)...)
		}
	}
}

// until waits for something, no longer than it may.
func until(ctx context.Context, limit time.Duration, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !ok() {
		if err := wait(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
