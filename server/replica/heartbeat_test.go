package replica

import (
	"io"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// aside is a transport that hands heartbeats over beside the loop, as that of the
// network does.
type aside struct {
	*raft.InmemTransport
	heartbeat func(raft.RPC)
	calls     chan raft.RPC
}

func (a *aside) SetHeartbeatHandler(handle func(raft.RPC)) { a.heartbeat = handle }
func (a *aside) Consumer() <-chan raft.RPC                 { return a.calls }

// heldLog is a log that takes as long as it is held.
type heldLog struct {
	raft.LogStore
	storing, release chan struct{}
}

func (l *heldLog) StoreLogs(entries []*raft.Log) error {
	l.storing <- struct{}{}
	<-l.release
	return l.LogStore.StoreLogs(entries)
}

// beaten is a member whose messages a test makes up.
type beaten struct {
	*raft.Raft
	net  *aside
	link *link
	logs raft.LogStore
}

type nothing struct{}

func (nothing) Apply(*raft.Log) any                 { return nil }
func (nothing) Snapshot() (raft.FSMSnapshot, error) { return nil, io.EOF }
func (nothing) Restore(r io.ReadCloser) error       { return r.Close() }

func newBeaten(t *testing.T, logs raft.LogStore, voters ...raft.Server) *beaten {
	t.Helper()
	_, inmem := raft.NewInmemTransport("self:1")
	b := &beaten{net: &aside{InmemTransport: inmem, calls: make(chan raft.RPC)}, logs: logs}
	b.link = newLink(b.net, "self", func() history { return history{} })
	config := raft.DefaultConfig()
	config.LocalID, config.LogOutput = "self", io.Discard
	config.ElectionTimeout, config.HeartbeatTimeout = 30*time.Second, 30*time.Second
	if len(voters) == 0 { // nobody to wait for
		config.ElectionTimeout, config.HeartbeatTimeout, config.LeaderLeaseTimeout = time.Second, time.Second, time.Second
		voters = []raft.Server{{ID: "self", Address: "self:1"}}
	}
	stable, snapshots := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
	if err := raft.BootstrapCluster(config, logs, stable, snapshots, b.link, raft.Configuration{Servers: voters}); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.Raft, err = raft.NewRaft(config, nothing{}, &waitedLog{logs, b.link.loop}, stable, snapshots, b.link); err != nil {
		t.Fatal(err)
	}
	b.link.raft.Store(b.Raft)
	t.Cleanup(func() {
		if err := b.Shutdown().Error(); err != nil {
			t.Error(err)
		}
		b.link.close()
	})
	return b
}

// message is one of another member, in a term.
func (b *beaten) message(term uint64, entries ...*raft.Log) (raft.RPC, <-chan raft.RPCResponse) {
	header := b.link.wrap(raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte("other"), Addr: []byte("other:1")}, "self")
	answers := make(chan raft.RPCResponse, 1)
	return raft.RPC{Command: &raft.AppendEntriesRequest{RPCHeader: header, Term: term, Entries: entries}, RespChan: answers}, answers
}

// TestHeartbeatOfAnotherLeader tells a leader of another one, whose term is newer, and
// proposes something to it at the same moment. It must not append that in the term of
// the other, in which another entry has its place.
func TestHeartbeatOfAnotherLeader(t *testing.T) {
	b := newBeaten(t, raft.NewInmemStore())
	<-b.LeaderCh()
	if err := b.Barrier(0).Error(); err != nil {
		t.Fatal(err)
	}
	term := b.CurrentTerm() + 1
	call, answers := b.message(term)
	b.net.heartbeat(call)
	if r := <-answers; r.Error != nil || !r.Response.(*raft.AppendEntriesResponse).Success {
		t.Fatalf("%+v", r)
	}
	proposed := b.Apply([]byte("x"), 0)
	if err := proposed.Error(); err == nil {
		t.Errorf("what was proposed is entry %d of the log", proposed.Index())
	}
	last, err := b.logs.LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	for i := uint64(1); i <= last; i++ {
		var entry raft.Log
		if err := b.logs.GetLog(i, &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Term == term {
			t.Errorf("entry %d, %s %q, is in the term of the other leader", i, entry.Type, entry.Data)
		}
	}
}

// TestHeartbeatWhileStoring tells a member that its leader is there, and then that there
// is another, while it waits for its disk: the first is heard at once, the second when
// the disk is done.
func TestHeartbeatWhileStoring(t *testing.T) {
	held := &heldLog{raft.NewInmemStore(), make(chan struct{}), make(chan struct{})}
	b := newBeaten(t, held, raft.Server{ID: "self", Address: "self:1"}, raft.Server{ID: "other", Address: "other:1"})
	beat := func(term uint64) <-chan raft.RPCResponse {
		call, answers := b.message(term)
		go b.net.heartbeat(call)
		return answers
	}
	heard := func(answers <-chan raft.RPCResponse) {
		t.Helper()
		if r := <-answers; r.Error != nil || !r.Response.(*raft.AppendEntriesResponse).Success {
			t.Fatalf("%+v", r)
		}
	}
	const term = 7
	heard(beat(term))
	entry := &raft.Log{Index: 2, Term: term, Type: raft.LogCommand}
	call, stored := b.message(term, entry)
	a := call.Command.(*raft.AppendEntriesRequest)
	a.PrevLogEntry, a.PrevLogTerm = 1, 1
	b.net.calls <- call
	<-held.storing
	heard(beat(term))
	later := beat(term + 1)
	heard(beat(term))
	select {
	case r := <-later:
		t.Errorf("a new leader was heard while the old one's entries were stored: %+v", r)
	default:
	}
	close(held.release)
	heard(stored)
	heard(later)
	if b.CurrentTerm() != term+1 {
		t.Errorf("the term is %d; want %d", b.CurrentTerm(), term+1)
	}
}
