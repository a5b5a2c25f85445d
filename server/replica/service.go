package replica

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/grpc/status"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// service answers the other members.
type service struct {
	peerv1.UnimplementedPeerServiceServer
	r *Replica
}

// ours refuses what comes from another history: the node that asks takes this one
// for another, that had the address before.
func (s service) ours(cluster, epoch uint64) error {
	if theirs, ours := (history{cluster, epoch}), *s.r.history.Load(); theirs != ours && theirs.cluster != 0 {
		return refusedByLog(raft.ErrNotLeader)
	}
	return s.r.usable()
}

func otherHistory(theirs, ours history) error {
	return &ClusterError{Fault: ClusterState, Msg: fmt.Sprintf("the node that asks belongs to cluster %016x, history %d, and this is cluster %016x, history %d: empty its data directory to let it join",
		theirs.cluster, theirs.epoch, ours.cluster, ours.epoch)}
}

// Propose implements peerv1.PeerServiceServer.
func (s service) Propose(ctx context.Context, req *peerv1.ProposeRequest) (*peerv1.ProposeResponse, error) {
	a, err := s.propose(ctx, req)
	if err != nil {
		return &peerv1.ProposeResponse{Fault: s.r.faultOf(err)}, nil
	}
	data, err := encodeApplied(a)
	if err != nil {
		err = &UnavailableError{Msg: "the answer has no form: " + err.Error(), MayApply: true}
	}
	return &peerv1.ProposeResponse{Applied: data, Fault: s.r.faultOf(err)}, nil
}

// propose takes a command of another member: it must be one that every member
// can apply, as one that none can would stop them all.
func (s service) propose(ctx context.Context, req *peerv1.ProposeRequest) (*applied, error) {
	if err := s.ours(req.GetCluster(), req.GetEpoch()); err != nil {
		return nil, err
	}
	if !s.r.node.established.Load() {
		return nil, refusedByLog(raft.ErrNotLeader)
	}
	data := req.GetCommand()
	if len(data) > maxCommand {
		return nil, &TooLargeError{Size: len(data), Limit: maxCommand}
	}
	c, err := decodeCommand(data)
	if err != nil {
		return nil, &ClusterError{Fault: ClusterInvalid, Msg: err.Error()}
	}
	if format := int(data[0]); format > s.r.version() {
		return nil, &ClusterError{Fault: ClusterState, Msg: fmt.Sprintf("the command has format %d, and the cluster has version %d", format, s.r.version())}
	}
	if err := s.r.checkSpace(c); err != nil {
		return nil, err
	}
	s.r.config.Logger.DebugContext(ctx, "a write that another member hands on", "request_id", req.GetRequestId())
	stamp(data, s.r.config.Now())
	return s.r.append(ctx, data)
}

// ReadIndex implements peerv1.PeerServiceServer.
func (s service) ReadIndex(ctx context.Context, req *peerv1.ReadIndexRequest) (*peerv1.ReadIndexResponse, error) {
	err := s.ours(req.GetCluster(), req.GetEpoch())
	if err == nil && !s.r.node.established.Load() {
		err = refusedByLog(raft.ErrNotLeader)
	}
	var rev store.Revision
	if err == nil {
		rev, err = s.r.rounds.ask(ctx)
	}
	return &peerv1.ReadIndexResponse{Revision: uint64(rev), Fault: s.r.faultOf(err)}, nil
}

// State implements peerv1.PeerServiceServer.
func (s service) State(_ context.Context, req *peerv1.StateRequest) (*peerv1.StateResponse, error) {
	s.r.hear(req.GetBeat())
	return s.r.self(), nil
}

// Pledge implements peerv1.PeerServiceServer.
func (s service) Pledge(_ context.Context, req *peerv1.PledgeRequest) (*peerv1.PledgeResponse, error) {
	return s.r.pledge(req.GetTo(), req.GetFounding()), nil
}

// Join implements peerv1.PeerServiceServer.
func (s service) Join(ctx context.Context, req *peerv1.JoinRequest) (*peerv1.ChangeResponse, error) {
	return &peerv1.ChangeResponse{Fault: s.r.faultOf(s.r.admit(ctx, req))}, nil
}

// Change implements peerv1.PeerServiceServer.
func (s service) Change(ctx context.Context, req *peerv1.ChangeRequest) (*peerv1.ChangeResponse, error) {
	return &peerv1.ChangeResponse{Fault: s.r.faultOf(s.r.change(ctx, req))}, nil
}

// StateHash implements peerv1.PeerServiceServer.
func (s service) StateHash(ctx context.Context, req *peerv1.StateHashRequest) (*peerv1.StateHashResponse, error) {
	if ctx.Err() != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	h, err := s.r.hash(ctx, store.Revision(req.GetRevision()))
	answer := &peerv1.StateHashResponse{Revision: req.GetRevision(), Fault: s.r.faultOf(err)}
	answer.Hash = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, h[0]), h[1])
	return answer, nil
}

// self says what this node knows of itself.
func (r *Replica) self() *peerv1.StateResponse {
	c := &r.config
	h := r.history.Load()
	leader, leaderAddress := r.leader()
	s := &peerv1.StateResponse{
		Id: string(r.id), Name: c.Name, Address: c.Network.Address(), Roster: c.Roster, Build: c.BuildVersion,
		MinFormat: minFormat, MaxFormat: maxFormat, SinceUnixMs: r.since.UnixMilli(), NowUnixMs: c.Now().UnixMilli(),
		Cluster: h.cluster, Epoch: h.epoch, Version: uint32(r.version()),
		Leader: leader, LeaderAddress: leaderAddress, Term: r.node.raft.CurrentTerm(),
		Head: uint64(r.Head()), Floor: uint64(r.store.Floor()),
		Applied: r.node.raft.AppliedIndex(), LastIndex: r.node.raft.LastIndex(), Snapshot: r.node.files.snapshots.newest.Load(),
		LastContactMs: r.lastContact().Milliseconds(),
		Draining:      r.draining.Load(),
		LogWriteUs:    time.Duration(r.meters.logRecent.Load()).Microseconds(),
		Pledge:        r.pledged.Load(), Expect: uint32(c.Expect), NonVoter: c.NonVoter,
	}
	space := r.space()
	s.FreeBytes, s.TotalBytes = space.free, space.total
	s.NearlyFull, s.VeryFull = space.below(c.minFree()), space.below(c.minFree()/deletingNeeds)
	if err := r.failure.Load(); err != nil {
		s.Stopped = (*err).Error()
	}
	for _, server := range r.node.servers() {
		s.Servers = append(s.Servers, &peerv1.Server{Id: string(server.ID), Address: string(server.Address), Voter: server.Suffrage == raft.Voter})
	}
	return s
}

// lastContact returns how long ago this node heard of a leader; -1 ms: never.
func (r *Replica) lastContact() time.Duration {
	if r.node.raft.State() == raft.Leader {
		return 0
	}
	last := r.node.raft.LastContact()
	if last.IsZero() {
		return -time.Millisecond
	}
	return max(0, time.Since(last))
}
