package server

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// clusterService is pemba.v1.ClusterService.
type clusterService struct {
	pembav1.UnimplementedClusterServiceServer
	*Server
}

// Status implements pemba.v1.
func (s *clusterService) Status(ctx context.Context, _ *pembav1.StatusRequest) (*pembav1.StatusResponse, error) {
	c, err := s.replica.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	resp := &pembav1.StatusResponse{
		Node: s.replica.Status().ID, Cluster: clusterName(c.ID), Epoch: c.Epoch, Version: uint32(c.Version), Leader: c.Leader,
		Quorum: uint32(c.Quorum), FailureTolerance: uint32(c.FailureTolerance), Autopilot: autopilotMessage(c.Autopilot),
	}
	for i := range c.Members {
		resp.Members = append(resp.Members, memberMessage(&c.Members[i]))
	}
	if err := s.replica.Serving(); err != nil {
		resp.NotServing = err.Error()
	}
	return resp, nil
}

// clusterName is what people call a cluster, "" for none.
func clusterName(id uint64) string {
	if id == 0 {
		return ""
	}
	return fmt.Sprintf("%016x", id)
}

func memberMessage(m *replica.Member) *pembav1.Member {
	to := &pembav1.Member{
		Id: m.ID, Name: m.Name, Address: m.Address, Serves: m.Roster,
		Voter: m.Voter, Leader: m.Leader, Reachable: m.Reachable, Healthy: m.Healthy, Reason: m.Reason,
		Draining: m.Draining, Stopped: m.Stopped, NearlyFull: m.NearlyFull,
		Head: uint64(m.Head), Floor: uint64(m.Floor), Applied: m.Applied, LastIndex: m.LastIndex, Lag: m.Lag, Snapshot: m.Snapshot, Term: m.Term,
		FreeBytes: m.FreeBytes, TotalBytes: m.TotalBytes,
		Build: m.Build, MinVersion: uint32(m.MinFormat), MaxVersion: uint32(m.MaxFormat),
	}
	if !m.Reachable {
		return to
	}
	if m.LastContact >= 0 {
		to.LastContact = durationpb.New(m.LastContact)
	}
	to.ClockSkew, to.RoundTrip = durationpb.New(m.ClockSkew), durationpb.New(m.RoundTrip)
	if m.LogWrite > 0 {
		to.LogWrite = durationpb.New(m.LogWrite)
	}
	if !m.Since.IsZero() {
		to.Since = timestamppb.New(m.Since)
	}
	return to
}

// memberID refuses what cannot be the id of a member.
func memberID(id string) error {
	switch {
	case id == "":
		return invalid("the request names no member: give its id, as Status shows it")
	case len(id) > maxMemberID:
		return invalid("the id of a member has at most %d characters, and this one has %d", maxMemberID, len(id))
	}
	return nil
}

const maxMemberID = 64

// changed logs a change of the cluster that is done. It is rare, and people look
// for it later.
func (s *Server) changed(ctx context.Context, what, member string) {
	s.log.LogAttrs(ctx, slog.LevelInfo, "the cluster was changed", slog.String("change", what), slog.String("member", member),
		slog.String("caller", caller(ctx)), slog.String("request_id", requestID(ctx)))
}

// Remove implements pemba.v1.
func (s *clusterService) Remove(ctx context.Context, req *pembav1.RemoveRequest) (*pembav1.RemoveResponse, error) {
	if err := s.change(ctx, "remove", req.GetId(), func() error { return s.replica.Remove(ctx, req.GetId(), req.GetForce()) }); err != nil {
		return nil, err
	}
	return &pembav1.RemoveResponse{}, nil
}

// Promote implements pemba.v1.
func (s *clusterService) Promote(ctx context.Context, req *pembav1.PromoteRequest) (*pembav1.PromoteResponse, error) {
	if err := s.change(ctx, "promote", req.GetId(), func() error { return s.replica.Promote(ctx, req.GetId()) }); err != nil {
		return nil, err
	}
	return &pembav1.PromoteResponse{}, nil
}

// Demote implements pemba.v1.
func (s *clusterService) Demote(ctx context.Context, req *pembav1.DemoteRequest) (*pembav1.DemoteResponse, error) {
	if err := s.change(ctx, "demote", req.GetId(), func() error { return s.replica.Demote(ctx, req.GetId()) }); err != nil {
		return nil, err
	}
	return &pembav1.DemoteResponse{}, nil
}

// change does something to a member that must be named.
func (s *clusterService) change(ctx context.Context, what, id string, do func() error) error {
	if err := memberID(id); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	s.changed(ctx, what, id)
	return nil
}

// TransferLeader implements pemba.v1.
func (s *clusterService) TransferLeader(ctx context.Context, req *pembav1.TransferLeaderRequest) (*pembav1.TransferLeaderResponse, error) {
	to := req.GetOptionalId()
	if to != "" {
		if err := memberID(to); err != nil {
			return nil, err
		}
	}
	leader, err := s.replica.TransferLeader(ctx, to)
	if err != nil {
		return nil, err
	}
	s.changed(ctx, "transfer-leader", leader)
	return &pembav1.TransferLeaderResponse{Leader: leader}, nil
}

// Drain implements pemba.v1.
func (s *clusterService) Drain(ctx context.Context, req *pembav1.DrainRequest) (*pembav1.DrainResponse, error) {
	self := s.replica.Status().ID
	if want := req.GetOptionalId(); want != "" && want != self {
		return nil, &replica.ClusterError{Fault: replica.ClusterState,
			Msg: fmt.Sprintf("this is node %s, and node %s should drain: ask that one, at its own address", self, want)}
	}
	s.drained.Store(true)
	s.Server.Drain()
	if err := s.replica.Drain(ctx); err != nil {
		return nil, err
	}
	s.changed(ctx, "drain", self)
	return &pembav1.DrainResponse{Id: self}, nil
}

// Bounds of Join.
const (
	maxJoinAddresses = 64
	maxJoinAddress   = 300 // bytes
)

// Join implements pemba.v1.
func (s *clusterService) Join(ctx context.Context, req *pembav1.JoinRequest) (*pembav1.JoinResponse, error) {
	addresses := req.GetAddresses()
	if n := len(addresses); n == 0 || n > maxJoinAddresses {
		return nil, invalid("the request has %d addresses: give between 1 and %d of members of the cluster", n, maxJoinAddresses)
	}
	for _, a := range addresses {
		if err := CheckJoin(a); err != nil {
			return nil, invalid("address %.300q: %w", a, err)
		}
	}
	if err := s.replica.Join(ctx, addresses); err != nil {
		return nil, err
	}
	cluster := s.joined(ctx)
	s.changed(ctx, "join", cluster)
	return &pembav1.JoinResponse{Cluster: cluster}, nil
}

// Which cluster it is, a node that was added learns with the first entries of the
// log.
const (
	joinedWait  = 5 * time.Second
	joinedEvery = 20 * time.Millisecond
)

// joined returns the name of the cluster that this node was added to, "" when it
// does not learn it in time.
func (s *clusterService) joined(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, joinedWait)
	defer cancel()
	tick := time.NewTicker(joinedEvery)
	defer tick.Stop()
	for {
		if id := s.replica.Status().Cluster; id != 0 {
			return clusterName(id)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ""
		}
	}
}

// CheckJoin refuses what is no address of members to join: HOST:PORT, or
// dns:///NAME:PORT.
func CheckJoin(address string) error {
	plain := strings.TrimPrefix(address, "dns:///")
	host, port, err := net.SplitHostPort(plain)
	if err != nil || host == "" || strings.Contains(host, "/") || len(address) > maxJoinAddress {
		return fmt.Errorf("it is HOST:PORT, such as node-2.example.com:7000, or dns:///NAME:PORT for all addresses of a name")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("the port is a number from 1 to 65535")
	}
	return nil
}

// GetAutopilot implements pemba.v1.
func (s *clusterService) GetAutopilot(ctx context.Context, _ *pembav1.GetAutopilotRequest) (*pembav1.GetAutopilotResponse, error) {
	c, err := s.replica.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	return &pembav1.GetAutopilotResponse{Autopilot: autopilotMessage(c.Autopilot)}, nil
}

// SetAutopilot implements pemba.v1.
func (s *clusterService) SetAutopilot(ctx context.Context, req *pembav1.SetAutopilotRequest) (*pembav1.SetAutopilotResponse, error) {
	if req.GetAutopilot() == nil {
		return nil, invalid("the request has no autopilot: give all its settings, as GetAutopilot shows them")
	}
	a, err := autopilotOf(req.GetAutopilot())
	if err != nil {
		return nil, err
	}
	if err := s.replica.SetAutopilot(ctx, a); err != nil {
		return nil, err
	}
	s.changed(ctx, "autopilot", "")
	return &pembav1.SetAutopilotResponse{Autopilot: autopilotMessage(a.WithDefaults())}, nil
}

func autopilotMessage(a replica.Autopilot) *pembav1.Autopilot {
	return &pembav1.Autopilot{
		CleanupDeadAfter: durationpb.New(a.CleanupDeadAfter), MinQuorum: uint32(a.MinQuorum),
		Stabilization: durationpb.New(a.Stabilization), MaxTrailing: a.MaxTrailing, MaxLastContact: durationpb.New(a.MaxLastContact),
	}
}

// leastCleanup is for how long a member at least must not answer before it is
// removed: one that is stopped and started again is away for so long at times, to
// finish what runs, to have its volume moved, and to read its log.
const leastCleanup = 5 * time.Minute

// autopilotOf refuses settings that nobody can mean.
func autopilotOf(m *pembav1.Autopilot) (replica.Autopilot, error) {
	a := replica.Autopilot{MaxTrailing: m.GetMaxTrailing()}
	for _, d := range []struct {
		name string
		from *durationpb.Duration
		to   *time.Duration
	}{
		{"cleanup_dead_after", m.GetCleanupDeadAfter(), &a.CleanupDeadAfter},
		{"stabilization", m.GetStabilization(), &a.Stabilization},
		{"max_last_contact", m.GetMaxLastContact(), &a.MaxLastContact},
	} {
		if d.from == nil {
			continue
		}
		if *d.to = d.from.AsDuration(); d.from.CheckValid() != nil || *d.to < 0 || *d.to == math.MaxInt64 {
			return a, invalid("%s is no duration from 0 on", d.name)
		}
	}
	if after := a.CleanupDeadAfter; after > 0 && after < leastCleanup {
		return a, invalid("cleanup_dead_after is %v; it must be 0, for never, or at least %v: a member that is only started again may not answer for minutes, and would be removed", after, leastCleanup)
	}
	const most = 1 << 10
	if m.GetMinQuorum() > most {
		return a, invalid("min_quorum is %d; at most %d is possible", m.GetMinQuorum(), most)
	}
	a.MinQuorum = int(m.GetMinQuorum())
	return a, nil
}

// StateHash implements pemba.v1.
func (s *clusterService) StateHash(ctx context.Context, req *pembav1.StateHashRequest) (*pembav1.StateHashResponse, error) {
	hashes, err := s.replica.StateHash(ctx, store.Revision(req.GetOptionalRevision()))
	if err != nil {
		return nil, err
	}
	return compareHashes(hashes), nil
}

// compareHashes says whether members have different hashes at the same revision.
func compareHashes(hashes []replica.MemberHash) *pembav1.StateHashResponse {
	resp := &pembav1.StateHashResponse{}
	at := map[uint64]string{} // the first hash of each revision
	for _, h := range hashes {
		m := &pembav1.MemberHash{Id: h.ID, Revision: uint64(h.Revision)}
		resp.Hashes = append(resp.Hashes, m)
		if h.Err != nil {
			m.Reason = h.Err.Error()
			continue
		}
		m.Hash = h.Hash.String()
		if first, ok := at[m.Revision]; !ok {
			at[m.Revision] = m.Hash
		} else if first != m.Hash {
			resp.Differ = true
		}
	}
	return resp
}
