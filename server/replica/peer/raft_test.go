package peer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/server/replica/peer/faulty"
)

// ledger is a state machine: it keeps what it was told. Its snapshot is large.
type ledger struct {
	mu       sync.Mutex
	entries  []string
	ballast  []byte
	restored int
}

func (l *ledger) Apply(e *raft.Log) any {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, string(e.Data))
	return nil
}

func (l *ledger) list() (entries []string, restored int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.entries...), l.restored
}

func (l *ledger) Snapshot() (raft.FSMSnapshot, error) {
	entries, _ := l.list()
	var text bytes.Buffer
	for _, e := range entries {
		fmt.Fprintln(&text, e)
	}
	return &page{fmt.Appendf(nil, "%d\n%s%s", text.Len(), text.Bytes(), l.ballast)}, nil
}

func (l *ledger) Restore(r io.ReadCloser) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	var size int
	if _, err := fmt.Sscanln(string(data[:20]), &size); err != nil {
		return err
	}
	_, data, _ = bytes.Cut(data, []byte("\n"))
	if !bytes.Equal(data[size:], l.ballast) {
		return errors.New("the snapshot is not what was sent")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.restored = nil, l.restored+1
	for line := range bytes.Lines(data[:size]) {
		l.entries = append(l.entries, string(bytes.TrimSpace(line)))
	}
	return r.Close()
}

type page struct{ data []byte }

func (p *page) Persist(s raft.SnapshotSink) error {
	_, err := s.Write(p.data)
	return errors.Join(err, s.Close())
}

func (p *page) Release() {}

// voter is a node that runs raft over a network.
type voter struct {
	network *Network
	raft    *raft.Raft
	ledger  *ledger
}

func (v *voter) server() raft.Server {
	return raft.Server{ID: raft.ServerID(v.network.Address()), Address: raft.ServerAddress(v.network.Address())}
}

// vote starts raft on a node that knows of nobody.
func vote(t *testing.T, c Config, ballast []byte) *voter {
	t.Helper()
	v := &voter{network: start(t, c, nil), ledger: &ledger{ballast: ballast}}
	config := raft.DefaultConfig()
	config.LocalID = v.server().ID
	config.LogOutput = &logWriter{log: slog.New(slog.DiscardHandler), closing: t.Context()}
	config.TrailingLogs = 1
	config.SnapshotInterval = time.Hour // on demand only
	store := raft.NewInmemStore()
	snapshots := raft.NewInmemSnapshotStore()
	var err error
	if v.raft, err = raft.NewRaft(config, v.ledger, store, store, snapshots, v.network.Transport()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.stop(t) })
	return v
}

// stop ends raft before the network, and does not wait for anybody's answer.
func (v *voter) stop(t *testing.T) {
	t.Helper()
	down := v.raft.Shutdown()
	if err := v.network.Transport().(raft.WithClose).Close(); err != nil {
		t.Error(err)
	}
	if err := down.Error(); err != nil {
		t.Error(err)
	}
}

// leader returns the one that leads, when there is one.
func leader(t *testing.T, voters []*voter) *voter {
	t.Helper()
	var found *voter
	until(t, "there is a leader", func() bool {
		for _, v := range voters {
			if v.raft.VerifyLeader().Error() == nil {
				found = v
				return true
			}
		}
		return false
	})
	return found
}

// TestRaft: three nodes elect a leader over the network, go on when its
// connections are cut, and bring a fourth, which gets a large snapshot, up to date.
func TestRaft(t *testing.T) {
	t.Parallel() // it waits for elections
	secured(t, func(t *testing.T, config func() Config) {
		ballast := make([]byte, 8<<20)
		_, _ = rand.NewChaCha8([32]byte{}).Read(ballast) // never fails
		var voters []*voter
		var servers []raft.Server
		var proxies []*faulty.Proxy
		for range 4 {
			p := proxy(t, "127.0.0.1:1")
			c := config()
			c.Advertise = p.Addr()
			v := vote(t, c, ballast)
			p.SetTarget(v.network.Listening())
			voters, servers, proxies = append(voters, v), append(servers, v.server()), append(proxies, p)
		}
		voters, late := voters[:3], voters[3]
		if err := voters[0].raft.BootstrapCluster(raft.Configuration{Servers: servers[:3]}).Error(); err != nil {
			t.Fatal(err)
		}
		var want []string
		apply := func(text string) {
			t.Helper()
			until(t, text+" is applied", func() bool { return leader(t, voters).raft.Apply([]byte(text), patience).Error() == nil })
			want = append(want, text)
		}
		apply("first")
		for _, p := range proxies {
			p.Reset()
		}
		apply("second")
		for _, v := range voters { // whoever leads later has one
			until(t, "there is a snapshot", func() bool {
				entries, _ := v.ledger.list()
				return len(entries) == len(want) && v.raft.Snapshot().Error() == nil
			})
		}
		apply("third")
		until(t, "the fourth is added", func() bool {
			return leader(t, voters).raft.AddVoter(servers[3].ID, servers[3].Address, 0, patience).Error() == nil
		})
		for _, v := range append(voters, late) {
			until(t, "all have all", func() bool {
				entries, _ := v.ledger.list()
				return fmt.Sprint(entries) == fmt.Sprint(want)
			})
		}
		if _, restored := late.ledger.list(); restored != 1 {
			t.Errorf("the fourth restored %d snapshots, want 1", restored)
		}
		if read := late.network.Stats().Log.Read; read < uint64(len(ballast)) {
			t.Errorf("it read %d bytes, fewer than the snapshot has", read)
		}
	})
}

// TestShutdownInSilence: a leader whose followers have fallen silent stops
// without waiting for their answers.
func TestShutdownInSilence(t *testing.T) {
	var voters []*voter
	var servers []raft.Server
	var proxies []*faulty.Proxy
	for range 3 {
		p := proxy(t, "127.0.0.1:1")
		v := vote(t, Config{Advertise: p.Addr()}, nil)
		p.SetTarget(v.network.Listening())
		voters, servers, proxies = append(voters, v), append(servers, v.server()), append(proxies, p)
	}
	if err := voters[0].raft.BootstrapCluster(raft.Configuration{Servers: servers}).Error(); err != nil {
		t.Fatal(err)
	}
	l := leader(t, voters)
	for _, p := range proxies {
		p.Set(faulty.Rules{To: faulty.Way{Hole: true}})
	}
	_ = l.raft.Apply([]byte("never"), 0)
	until(t, "the leader notices", func() bool { return l.raft.State() != raft.Leader })
	for _, v := range voters {
		v.stop(t)
		if err := v.network.Close(); err != nil {
			t.Error(err)
		}
	}
	noLeaks(t)
}
