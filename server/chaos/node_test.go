//go:build linux

package chaos

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// node is one process of the cluster, and what is needed to start it again.
type node struct {
	number  int // from 1
	program string
	dir     string   // its data
	host    string   // its own loopback address
	door    string   // where the others reach its raft port
	bug     string   // that is planted in it
	args    []string // of serve, besides the addresses and the directory
	logPath string
	ahead   time.Duration // of its wall clock
	lives   atomic.Int64  // how often it was started with no data

	mu      sync.Mutex
	process *process
	ending  bool // the process is being ended by the tests
}

// process is a node that runs.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
	err   error         // set before
}

func (n *node) name() string    { return fmt.Sprintf("node%d", n.number) }
func (n *node) grpc() string    { return n.host + ":50051" }
func (n *node) http() string    { return n.host + ":8080" }
func (n *node) metrics() string { return n.host + ":9090" }
func (n *node) raft() string    { return n.host + ":7000" }

// start starts the process and does not wait until it serves.
func (n *node) start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil {
		return fmt.Errorf("node %d runs already", n.number)
	}
	log, err := os.OpenFile(n.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	args := append([]string{"serve", "--data-dir", n.dir, "--grpc-addr", n.grpc(), "--http-addr", n.http(),
		"--metrics-addr", n.metrics(), "--raft-addr", n.raft(), "--log-format", "json"}, n.args...)
	cmd := exec.Command(n.program, args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%v", clockEnv, n.ahead), "PEMBA_PLANTED_BUG="+n.bug, "GOMAXPROCS=2")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // with the tests
	if _, err := fmt.Fprintf(log, "=== %s start\n", time.Now().Format(time.StampMilli)); err != nil {
		return err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting node %d: %w", n.number, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	n.process = p
	n.lives.CompareAndSwap(0, 1)
	return nil
}

// pid returns the process that runs, 0 for none.
func (n *node) pid() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil {
		return 0
	}
	return n.process.cmd.Process.Pid
}

// signal sends a signal to the process, if there is one.
func (n *node) signal(s syscall.Signal) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil {
		return nil
	}
	return n.process.cmd.Process.Signal(s)
}

// kill ends the process without a warning.
func (n *node) kill() error { return n.end(context.Background(), syscall.SIGKILL) }

// stop asks the process to end, and waits for it.
func (n *node) stop(ctx context.Context) error { return n.end(ctx, syscall.SIGTERM) }

func (n *node) end(ctx context.Context, s syscall.Signal) error {
	n.mu.Lock()
	p := n.process
	n.ending = true
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		n.ending = false
		n.mu.Unlock()
	}()
	if p == nil {
		return nil
	}
	select {
	case <-p.ended:
		if s == syscall.SIGTERM {
			return fmt.Errorf("node %d ended before it was asked to: %w", n.number, p.err)
		}
	default:
		if err := p.cmd.Process.Signal(s); err != nil {
			return err
		}
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
		return fmt.Errorf("node %d did not end: %w", n.number, ctx.Err())
	}
	n.mu.Lock()
	n.process = nil
	n.mu.Unlock()
	if s == syscall.SIGTERM && p.err != nil {
		return fmt.Errorf("node %d was asked to end: %w", n.number, p.err)
	}
	return nil
}

// crashed returns why the process ended though nobody ended it.
func (n *node) crashed() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil || n.ending {
		return nil
	}
	select {
	case <-n.process.ended:
		return fmt.Errorf("node %d ended by itself: %w; see %s", n.number, n.process.err, filepath.Base(n.logPath))
	default:
		return nil
	}
}

// wipe removes the data of a node that does not run.
func (n *node) wipe() error {
	n.lives.Add(1)
	entries, err := os.ReadDir(n.dir)
	if err != nil {
		return err
	}
	for _, e := range entries { // the directory itself may be a mount
		if err := os.RemoveAll(filepath.Join(n.dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// ready waits until the node says that it serves.
func (n *node) ready(ctx context.Context) error {
	for {
		if err := n.crashed(); err != nil {
			return err
		}
		if n.serves(ctx) {
			return nil
		}
		if err := wait(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("node %d is not ready: %w", n.number, err)
		}
	}
}

func (n *node) serves(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.http()+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// wait returns after a while, or with ctx's error.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
