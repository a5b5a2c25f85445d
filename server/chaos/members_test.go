//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// status asks the nodes in turn until one answers.
func (c *cluster) status(ctx context.Context) (*pembav1.StatusResponse, error) {
	var faults []error
	for i := range c.clients {
		bounded, cancel := context.WithTimeout(ctx, 3*time.Second)
		resp, err := c.clients[i].Status(bounded, &pembav1.StatusRequest{})
		cancel()
		if err == nil && resp.Leader != "" {
			return resp, nil
		}
		faults = append(faults, err)
	}
	return nil, fmt.Errorf("no node knows a leader: %w", errors.Join(faults...))
}

// leader waits for a leader and returns its node.
func (c *cluster) leader(ctx context.Context) (int, error) {
	if len(c.nodes) == 1 {
		return 0, nil
	}
	bounded, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		resp, err := c.status(bounded)
		if err == nil {
			if node, ok := c.nodeOf(resp); ok {
				return node, nil
			}
		}
		if wait(bounded, 20*time.Millisecond) != nil {
			return 0, fmt.Errorf("there is no leader: %w", err)
		}
	}
}

// nodeOf is the node that leads. A leader that does not answer has no name.
func (c *cluster) nodeOf(resp *pembav1.StatusResponse) (int, bool) {
	for _, m := range resp.Members {
		if m.Id == resp.Leader && m.Reachable {
			i := slices.IndexFunc(c.nodes, func(n *node) bool { return n.name() == m.Name })
			return i, i >= 0
		}
	}
	return 0, false
}

// id is the member's id of a node; "" when it is no member.
func id(resp *pembav1.StatusResponse, n *node) string {
	for _, m := range resp.Members {
		if m.Name == n.name() {
			return m.Id
		}
	}
	return ""
}

// transfer asks a node to hand leadership to whoever is most up to date.
func (c *cluster) transfer(ctx context.Context, asked int) error {
	_, err := c.clients[asked].TransferLeader(ctx, &pembav1.TransferLeaderRequest{})
	return err
}
