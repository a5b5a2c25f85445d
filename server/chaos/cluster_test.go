//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// cluster is some nodes, the links between them, and a client of each.
type cluster struct {
	dir     string // of the nodes, and of what is left after a failure
	nodes   []*node
	clients []*client // of the nodes, in the same order
	links   *links
	gauges  *gauges
	disks   bool // the nodes have disks of their own
	setting setting
}

// setting is what a cluster is made of.
type setting struct {
	nodes   int
	bug     string   // that is planted; empty: none
	plain   bool     // the program without patches
	former  bool     // the program of before the newest format of commands
	args    []string // of serve
	skewed  bool     // the clocks of all nodes but the first are wrong
	disks   bool     // each node has a disk of its own, where the machine allows it
	founded int      // how many of the nodes found the cluster; 0: all
}

// client talks to one node.
type client struct {
	conn *grpc.ClientConn
	v1.PermissionsServiceClient
	v1.SchemaServiceClient
	v1.WatchServiceClient
	v1.ExperimentalServiceClient
	pembav1.RevisionServiceClient
	pembav1.ClusterServiceClient
}

// newCluster makes the nodes, and starts those that found the cluster. They are
// ended with the test; when it failed, the directory with the logs is kept.
func newCluster(t testing.TB, s setting) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "pemba-chaos-run-")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{dir: dir, setting: s}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs and data are kept in %s", dir)
		} else if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	c.links = newLinks(t, c.pids)
	program, subnet := build(t, s), freeSubnet(t)
	for i := range s.nodes {
		c.add(t, program, fmt.Sprintf("%s.%d", subnet, i+1))
	}
	t.Cleanup(c.end)
	if s.founded == 0 {
		s.founded = s.nodes
	}
	for i, n := range c.nodes {
		n.args = append(n.args, c.joining(i, s.founded)...)
	}
	c.gauges = watchGauges(t, c)
	for _, n := range c.nodes[:s.founded] {
		if err := n.start(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, n := range c.nodes[:s.founded] {
		if err := n.ready(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if s.founded > 1 && !s.plain {
		c.soon(ctx, t)
	}
	return c
}

// soon has members vote a second after they joined.
func (c *cluster) soon(ctx context.Context, t testing.TB) {
	t.Helper()
	if err := c.change(ctx, func(ctx context.Context, client *client) error {
		_, err := client.SetAutopilot(ctx, &pembav1.SetAutopilotRequest{Autopilot: &pembav1.Autopilot{Stabilization: durationpb.New(time.Second)}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// add makes a node and its client. Nothing is started.
func (c *cluster) add(t testing.TB, program, host string) {
	t.Helper()
	i := len(c.nodes)
	n := &node{number: i + 1, program: program, host: host, dir: filepath.Join(c.dir, fmt.Sprintf("node%d", i+1)), bug: c.setting.bug, args: slices.Clone(c.setting.args)}
	n.logPath = n.dir + ".log"
	var err error
	if n.door, err = c.links.add(i, n.raft()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(n.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if c.setting.disks && os.Getuid() == 0 && n.ownDisk() == nil {
		c.disks = true
		t.Cleanup(func() {
			if err := syscall.Unmount(n.dir, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
	}
	if c.setting.skewed && i > 0 {
		n.ahead = []time.Duration{3 * time.Minute, -3 * time.Minute}[i%2]
	}
	conn, err := dial(n.grpc())
	if err != nil {
		t.Fatal(err)
	}
	c.nodes = append(c.nodes, n)
	c.clients = append(c.clients, newClient(conn))
}

// joining are the flags by which a node finds the others, and they find it. The
// first nodes found the cluster; one that founds it alone looks for nobody.
func (c *cluster) joining(node, founded int) []string {
	args := []string{"--node-name", c.nodes[node].name(), "--raft-advertise", c.nodes[node].door}
	if node < founded && founded == 1 {
		return args
	}
	for i, n := range c.nodes {
		if i != node {
			args = append(args, "--join", n.door)
		}
	}
	if node < founded {
		args = append(args, "--bootstrap-expect", strconv.Itoa(founded))
	}
	return args
}

func newClient(conn *grpc.ClientConn) *client {
	return &client{
		conn, v1.NewPermissionsServiceClient(conn), v1.NewSchemaServiceClient(conn), v1.NewWatchServiceClient(conn),
		v1.NewExperimentalServiceClient(conn), pembav1.NewRevisionServiceClient(conn), pembav1.NewClusterServiceClient(conn),
	}
}

// dial makes a connection that tries again soon after a node was away.
func dial(addr string) (*grpc.ClientConn, error) {
	return grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithConnectParams(grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.5, Jitter: 0.2, MaxDelay: 300 * time.Millisecond},
		MinConnectTimeout: time.Second,
	}))
}

// end ends everything that runs.
func (c *cluster) end() {
	for _, client := range c.clients {
		_ = client.conn.Close()
	}
	for _, n := range c.nodes {
		_ = n.kill()
	}
}

func (c *cluster) pids() map[int]int {
	pids := map[int]int{}
	for i, n := range c.nodes {
		if pid := n.pid(); pid != 0 {
			pids[i] = pid
		}
	}
	return pids
}

// ready waits until all nodes that run serve.
func (c *cluster) ready(ctx context.Context) error {
	var faults []error
	for _, n := range c.nodes {
		if n.pid() != 0 {
			faults = append(faults, n.ready(ctx))
		}
	}
	return errors.Join(faults...)
}

// crashed returns why nodes ended by themselves.
func (c *cluster) crashed() error {
	var faults []error
	for _, n := range c.nodes {
		faults = append(faults, n.crashed())
	}
	return errors.Join(faults...)
}

// freeSubnet finds addresses for the nodes in 127.0.0.0/8. On those, unlike on
// 127.0.0.1, no connection of another program takes a port while a node is down.
func freeSubnet(t testing.TB) string {
	t.Helper()
	for range 100 {
		subnet := fmt.Sprintf("127.%d.%d", 16+rand.IntN(200), rand.IntN(256))
		l, err := net.Listen("tcp", subnet+".1:50051")
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return subnet
	}
	t.Fatal("no address in 127.0.0.0/8 can be listened on")
	return ""
}
