package replica

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// link is the transport of the log. Raft knows neither for whom a message is nor
// of which cluster: a member that took over the address of another, or that was
// left behind by a recovery, would be taken for one of its own, and logs of
// different histories would be merged. So each message says for whom it is and
// which history its sender knows, and one that does not fit is refused here. What
// raft would take in a way that splits logs is kept from it, too (heartbeat.go).
type link struct {
	raft.Transport
	self    raft.ServerID
	history func() history

	calls   chan raft.RPC             // what is for this member
	handed  atomic.Pointer[time.Time] // when it last told another to take over; nil: never
	raft    atomic.Pointer[raft.Raft] // whose transport this is; nil until it has begun
	loop    *loop                     // of it
	stop    chan struct{}
	running sync.WaitGroup
}

var _ raft.WithPreVote = (*link)(nil)

func newLink(t raft.Transport, self raft.ServerID, known func() history) *link {
	l := &link{Transport: t, self: self, history: known, calls: make(chan raft.RPC), loop: newLoop(), stop: make(chan struct{})}
	l.running.Go(l.receive)
	return l
}

// hangUp ends what raft waits for, which is stopping: it would wait until members
// that have fallen silent are given up.
func (l *link) hangUp() {
	if t, ok := l.Transport.(raft.WithClose); ok {
		_ = t.Close() // what is closed is of no use to anybody any more
	}
}

// close stops receiving. The transport is closed by the network.
func (l *link) close() {
	close(l.stop)
	l.running.Wait()
}

// receive hands on what is for this member.
func (l *link) receive() {
	for {
		select {
		case call := <-l.Transport.Consumer():
			if !l.admit(call) {
				continue
			}
			if call.Reader != nil {
				call.Reader = &waitedReader{call.Reader, l.loop}
			}
			select {
			case l.calls <- call:
			case <-l.stop:
				call.Respond(emptyAnswer(call.Command), raft.ErrRaftShutdown)
				return
			}
		case <-l.stop:
			return
		}
	}
}

// nudge lets raft hold an election at once: nobody else could win it. Raft that
// has ended takes nothing any more, so stop ends it, too.
func (l *link) nudge(stop <-chan struct{}) {
	call := raft.RPC{
		Command:  &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax}},
		RespChan: make(chan raft.RPCResponse, 1),
	}
	select {
	case l.calls <- call:
	case <-stop:
	}
}

// admit unwraps a message, or refuses it.
func (l *link) admit(call raft.RPC) bool {
	header := headerOf(call.Command)
	if header == nil {
		return true
	}
	sender, err := l.unwrap(header.ID)
	if err != nil {
		if call.Reader != nil {
			_, _ = io.Copy(io.Discard, call.Reader) // the sender would wait for it
		}
		call.Respond(emptyAnswer(call.Command), err)
		return false
	}
	header.ID = sender
	if a, ok := call.Command.(*raft.AppendEntriesRequest); ok {
		boundCommit(a)
	}
	return true
}

// boundCommit leaves out what the sender has for good and this message does not show
// to be the same here. Raft would bound that by the end of the log, which may be of
// entries that an earlier leader never got to others: they would be applied.
func boundCommit(a *raft.AppendEntriesRequest) {
	a.LeaderCommitIndex = min(a.LeaderCommitIndex, a.PrevLogEntry+uint64(len(a.Entries)))
}

// unwrap returns the id of the sender.
func (l *link) unwrap(envelope []byte) ([]byte, error) {
	sender, rest, ok := bytes.Cut(envelope, []byte{0})
	if !ok || len(rest) < 16 {
		return nil, errors.New("the message says not for whom it is")
	}
	if to := string(rest[16:]); to != string(l.self) {
		return nil, fmt.Errorf("the message is for member %s, and this is %s", to, l.self)
	}
	theirs := history{cluster: binary.BigEndian.Uint64(rest), epoch: binary.BigEndian.Uint64(rest[8:])}
	ours := l.history()
	if theirs.cluster != 0 && ours.cluster != 0 && theirs != ours {
		return nil, fmt.Errorf("the message is of cluster %016x, history %d, and member %s belongs to cluster %016x, history %d",
			theirs.cluster, theirs.epoch, l.self, ours.cluster, ours.epoch)
	}
	return sender, nil
}

// wrap returns the header of a message with its envelope.
func (l *link) wrap(h raft.RPCHeader, to raft.ServerID) raft.RPCHeader {
	ours := l.history()
	envelope := append(bytes.Clone(h.ID), 0)
	envelope = binary.BigEndian.AppendUint64(envelope, ours.cluster)
	envelope = binary.BigEndian.AppendUint64(envelope, ours.epoch)
	h.ID = append(envelope, to...)
	return h
}

func headerOf(command any) *raft.RPCHeader {
	switch c := command.(type) {
	case *raft.AppendEntriesRequest:
		return &c.RPCHeader
	case *raft.RequestVoteRequest:
		return &c.RPCHeader
	case *raft.RequestPreVoteRequest:
		return &c.RPCHeader
	case *raft.InstallSnapshotRequest:
		return &c.RPCHeader
	case *raft.TimeoutNowRequest:
		return &c.RPCHeader
	}
	return nil
}

func emptyAnswer(command any) any {
	switch command.(type) {
	case *raft.AppendEntriesRequest:
		return &raft.AppendEntriesResponse{}
	case *raft.RequestVoteRequest:
		return &raft.RequestVoteResponse{}
	case *raft.RequestPreVoteRequest:
		return &raft.RequestPreVoteResponse{}
	case *raft.InstallSnapshotRequest:
		return &raft.InstallSnapshotResponse{}
	case *raft.TimeoutNowRequest:
		return &raft.TimeoutNowResponse{}
	}
	return nil
}

// Consumer implements raft.Transport.
func (l *link) Consumer() <-chan raft.RPC { return l.calls }

// SetHeartbeatHandler implements raft.Transport.
func (l *link) SetHeartbeatHandler(handle func(raft.RPC)) {
	l.Transport.SetHeartbeatHandler(func(call raft.RPC) {
		if l.admit(call) {
			l.heartbeat(call, handle)
		}
	})
}

// The requests are copied: raft uses some of them again.

// AppendEntries implements raft.Transport.
func (l *link) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	a := *args
	a.RPCHeader = l.wrap(a.RPCHeader, id)
	return l.Transport.AppendEntries(id, target, &a, resp)
}

// RequestVote implements raft.Transport.
func (l *link) RequestVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	a := *args
	a.RPCHeader = l.wrap(a.RPCHeader, id)
	return l.Transport.RequestVote(id, target, &a, resp)
}

// RequestPreVote implements raft.WithPreVote.
func (l *link) RequestPreVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	t, ok := l.Transport.(raft.WithPreVote)
	if !ok {
		return errors.New("the transport knows no pre-votes")
	}
	a := *args
	a.RPCHeader = l.wrap(a.RPCHeader, id)
	return t.RequestPreVote(id, target, &a, resp)
}

// InstallSnapshot implements raft.Transport.
func (l *link) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	a := *args
	a.RPCHeader = l.wrap(a.RPCHeader, id)
	return l.Transport.InstallSnapshot(id, target, &a, resp, data)
}

// handedFor is for how long another that was told to take over may still do it,
// though that seemed to fail: what tells it may have been late.
const handedFor = 2 * time.Minute

// handedOver reports whether another may be elected at any moment because this
// member told it to take over.
func (l *link) handedOver() bool {
	at := l.handed.Load()
	return at != nil && time.Since(*at) < handedFor
}

// TimeoutNow implements raft.Transport.
func (l *link) TimeoutNow(id raft.ServerID, target raft.ServerAddress, args *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	now := time.Now()
	l.handed.Store(&now)
	a := *args
	a.RPCHeader = l.wrap(a.RPCHeader, id)
	return l.Transport.TimeoutNow(id, target, &a, resp)
}

// AppendEntriesPipeline implements raft.Transport.
func (l *link) AppendEntriesPipeline(id raft.ServerID, target raft.ServerAddress) (raft.AppendPipeline, error) {
	p, err := l.Transport.AppendEntriesPipeline(id, target)
	if err != nil {
		return nil, err
	}
	return newPipeline(p, l, id), nil
}
