package replica

import (
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// Raft has its transport hand it heartbeats beside its main loop, so that a loop that
// waits for the disk is not taken for one that is dead. But a heartbeat of a new
// leader changes the term and the state, and the loop of a leader that does not know
// yet that it has lost the lead goes on meanwhile: what it is asked to append next, it
// appends in the term of the new one. Its log has other entries then than that of the
// new leader, under the same index and term, which is how raft tells that two entries
// are the same: it keeps them, and applies them. A member that was paused while it led
// came to another history that way.
//
// So a heartbeat goes through the loop, as all else does. Only while the loop is known
// to wait, and changes nothing, a heartbeat is handled beside it, if it is of the
// leader that this member follows already.

// loop says when raft's main loop waits for something that may take long.
type loop struct {
	mu     sync.Mutex // held while a heartbeat is handled beside the loop
	waits  bool
	begins chan struct{} // closed when it next begins to wait
}

func newLoop() *loop { return &loop{begins: make(chan struct{})} }

// waiting does what the loop waits for.
func (l *loop) waiting(f func()) {
	l.mu.Lock()
	l.waits = true
	close(l.begins)
	l.begins = make(chan struct{})
	l.mu.Unlock()
	f()
	l.mu.Lock()
	l.waits = false
	l.mu.Unlock()
}

// beside calls f if the loop waits, which it goes on to do until f returns. Unless f
// was called and returned true, it returns a channel that is closed when the loop next
// begins to wait.
func (l *loop) beside(f func() bool) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waits && f() {
		return nil
	}
	return l.begins
}

// heartbeat has a heartbeat handled, beside the loop by handle where that is safe.
func (l *link) heartbeat(call raft.RPC, handle func(raft.RPC)) {
	for {
		begins := l.loop.beside(func() bool {
			if !l.follows(call) {
				return false
			}
			handle(call)
			return true
		})
		if begins == nil {
			return
		}
		select {
		case l.calls <- call:
			return
		case <-begins:
		case <-l.stop:
			call.Respond(emptyAnswer(call.Command), raft.ErrRaftShutdown)
			return
		}
	}
}

// follows reports whether a message is of the leader that this member follows in its
// term, so that it changes neither.
func (l *link) follows(call raft.RPC) bool {
	r := l.raft.Load()
	a, ok := call.Command.(*raft.AppendEntriesRequest)
	return ok && r != nil && r.State() == raft.Follower && r.CurrentTerm() == a.Term
}

// waitedLog is a log that the loop waits for.
type waitedLog struct {
	raft.LogStore
	loop *loop
}

// StoreLog implements raft.LogStore.
func (l *waitedLog) StoreLog(entry *raft.Log) error { return l.StoreLogs([]*raft.Log{entry}) }

// StoreLogs implements raft.LogStore.
func (l *waitedLog) StoreLogs(entries []*raft.Log) (err error) {
	l.loop.waiting(func() { err = l.LogStore.StoreLogs(entries) })
	return err
}

// waitedMachine is a machine that takes over the state of another member while the loop
// waits.
type waitedMachine struct {
	*measuredMachine
	loop *loop
}

// Restore implements raft.FSM.
func (m *waitedMachine) Restore(rc io.ReadCloser) (err error) {
	m.loop.waiting(func() { err = m.measuredMachine.Restore(rc) })
	return err
}

// waitedReader is what the loop reads of another member.
type waitedReader struct {
	io.Reader
	loop *loop
}

// Read implements io.Reader.
func (r *waitedReader) Read(p []byte) (n int, err error) {
	r.loop.waiting(func() { n, err = r.Reader.Read(p) })
	return n, err
}
