//go:build linux

package chaos

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pemba-authz/pemba/server/replica/peer/faulty"
)

// links stand between the raft ports of nodes. Each node is known to the others
// by the address of a door; behind it, what a connection meets depends on which
// node it comes from: there is one faulty proxy for each directed pair.
type links struct {
	processes func() map[int]int // pids that run, by node

	mu    sync.Mutex
	doors map[int]*door
	pairs map[pair]*faulty.Proxy
}

// pair is the way from one node to another.
type pair struct{ from, to int }

// door is where a node is reached by the others.
type door struct {
	links    *links
	node     int
	target   string
	listener net.Listener
	running  sync.WaitGroup
}

func newLinks(t testing.TB, processes func() map[int]int) *links {
	l := &links{processes: processes, doors: map[int]*door{}, pairs: map[pair]*faulty.Proxy{}}
	t.Cleanup(l.close)
	return l
}

// add puts a door before a node's raft port, and returns its address.
func (l *links) add(node int, target string) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	d := &door{links: l, node: node, target: target, listener: listener}
	l.mu.Lock()
	l.doors[node] = d
	l.mu.Unlock()
	d.running.Go(d.accept)
	return listener.Addr().String(), nil
}

// set changes what a directed pair of nodes meets.
func (l *links) set(from, to int, r faulty.Rules) error {
	p, err := l.between(from, to)
	if err != nil {
		return err
	}
	p.Set(r)
	return nil
}

func (l *links) between(from, to int) (*faulty.Proxy, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p, ok := l.pairs[pair{from, to}]; ok {
		return p, nil
	}
	d, ok := l.doors[to]
	if !ok {
		return nil, fmt.Errorf("node %d has no door", to)
	}
	p, err := faulty.Listen(d.target)
	if err == nil {
		l.pairs[pair{from, to}] = p
	}
	return p, err
}

// close ends all connections.
func (l *links) close() {
	l.mu.Lock()
	doors, pairs := l.doors, l.pairs
	l.doors, l.pairs = map[int]*door{}, map[pair]*faulty.Proxy{}
	l.mu.Unlock()
	for _, d := range doors {
		_ = d.listener.Close()
	}
	for _, p := range pairs {
		_ = p.Close()
	}
	for _, d := range doors {
		d.running.Wait()
	}
}

func (d *door) accept() {
	for {
		conn, err := d.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			d.running.Go(func() { d.pass(conn.(*net.TCPConn)) })
		}
	}
}

// pass hands a connection to the proxy of the node that it comes from. One whose
// process has just ended is of no use to anybody.
func (d *door) pass(conn *net.TCPConn) {
	defer func() { _ = conn.Close() }()
	from, ok := d.links.source(conn)
	if !ok {
		return
	}
	proxy, err := d.links.between(from, d.node)
	if err != nil {
		return
	}
	inner, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		return
	}
	defer func() { _ = inner.Close() }()
	var ways sync.WaitGroup
	ways.Go(func() { splice(inner.(*net.TCPConn), conn) })
	ways.Go(func() { splice(conn, inner.(*net.TCPConn)) })
	ways.Wait()
}

// splice copies one way; an end is passed on as an end, a reset as a reset.
func splice(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		_ = to.SetLinger(0)
		_ = to.Close()
		_ = from.SetLinger(0)
		_ = from.Close()
		return
	}
	_ = to.CloseWrite()
}

// source returns the node whose process has the other end of a connection.
func (l *links) source(conn *net.TCPConn) (node int, ok bool) {
	inode, err := inodeOf(conn.RemoteAddr().(*net.TCPAddr), conn.LocalAddr().(*net.TCPAddr))
	if err != nil {
		return 0, false
	}
	want := "socket:[" + inode + "]"
	for node, pid := range l.processes() {
		dir := fmt.Sprintf("/proc/%d/fd", pid)
		files, err := os.ReadDir(dir)
		if err != nil {
			continue // it ended
		}
		for _, f := range files {
			if link, err := os.Readlink(filepath.Join(dir, f.Name())); err == nil && link == want {
				return node, true
			}
		}
	}
	return 0, false
}

// inodeOf finds the socket of a connection by its addresses.
func inodeOf(local, remote *net.TCPAddr) (string, error) {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > 9 && f[1] == procAddr(local) && f[2] == procAddr(remote) {
			return f[9], nil
		}
	}
	return "", fmt.Errorf("no socket from %v to %v", local, remote)
}

// procAddr is an address as /proc/net/tcp has it: the four bytes of the address
// as a number of this machine, in hex.
func procAddr(a *net.TCPAddr) string {
	ip := a.IP.To4()
	return strings.ToUpper(fmt.Sprintf("%02x%02x%02x%02x:%04s", ip[3], ip[2], ip[1], ip[0], strconv.FormatInt(int64(a.Port), 16)))
}
