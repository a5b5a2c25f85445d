package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
)

const (
	joinTimeout   = 10 * time.Second
	changeTimeout = 5 * time.Second // for an entry that changes the membership
)

func refuse(fault ClusterFault, format string, args ...any) error {
	return &ClusterError{Fault: fault, Msg: fmt.Sprintf(format, args...)}
}

// Remove takes a member out of the cluster. It refuses what would leave no
// healthy majority, unless it is forced. A node that was removed does not come
// back before its data directory is emptied.
//
// Remove, like the other changes, may be asked of any member and may be repeated.
// It returns a *ClusterError, an *UnavailableError or ctx's error.
func (r *Replica) Remove(ctx context.Context, id string, force bool) error {
	return r.request(ctx, &peerv1.ChangeRequest{What: &peerv1.ChangeRequest_Remove{Remove: &peerv1.Remove{Id: id, Force: force}}})
}

// Promote gives a member a vote.
func (r *Replica) Promote(ctx context.Context, id string) error {
	return r.request(ctx, &peerv1.ChangeRequest{What: &peerv1.ChangeRequest_Promote{Promote: id}})
}

// Demote takes a member's vote; it goes on as a read replica, until it is
// promoted.
func (r *Replica) Demote(ctx context.Context, id string) error {
	return r.request(ctx, &peerv1.ChangeRequest{What: &peerv1.ChangeRequest_Demote{Demote: id}})
}

// TransferLeader hands leadership to a voter; "": to whoever is most up to date.
// It returns who leads then, "" when that is not known in time.
func (r *Replica) TransferLeader(ctx context.Context, to string) (leader string, err error) {
	term := r.node.raft.CurrentTerm()
	if err := r.request(ctx, &peerv1.ChangeRequest{What: &peerv1.ChangeRequest_Transfer{Transfer: to}}); err != nil {
		return "", err
	}
	return r.successor(ctx, term, to), nil
}

// A leader that hands over, and members that follow it, hear of the next one with
// the first entries that it sends.
const (
	successorWait  = 5 * time.Second
	successorEvery = 10 * time.Millisecond
)

// successor waits for a leader that is to lead, or that leads in a later term.
func (r *Replica) successor(ctx context.Context, term uint64, to string) string {
	ctx, cancel := context.WithTimeout(ctx, successorWait)
	defer cancel()
	tick := time.NewTicker(successorEvery)
	defer tick.Stop()
	for {
		if id, _ := r.leader(); id != "" && (id == to || r.node.raft.CurrentTerm() > term) {
			return id
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ""
		case <-r.stop:
			return ""
		}
	}
}

// SetAutopilot replaces the settings of the autopilot.
func (r *Replica) SetAutopilot(ctx context.Context, a Autopilot) error {
	if a.CleanupDeadAfter < 0 || a.MinQuorum < 0 || a.Stabilization < 0 || a.MaxLastContact < 0 {
		return refuse(ClusterInvalid, "the settings %+v are negative; they must not be", a)
	}
	return r.request(ctx, &peerv1.ChangeRequest{What: &peerv1.ChangeRequest_Autopilot{Autopilot: &peerv1.Autopilot{
		CleanupDeadAfter: int64(a.CleanupDeadAfter), MinQuorum: int64(a.MinQuorum), Stabilization: int64(a.Stabilization),
		MaxTrailing: a.MaxTrailing, MaxLastContact: int64(a.MaxLastContact),
	}}})
}

// Join has this node, which has no cluster yet, join one of which a member can
// be reached by one of the addresses. It returns when this node was added.
func (r *Replica) Join(ctx context.Context, addresses []string) error {
	if len(r.node.servers()) > 0 {
		return refuse(ClusterState, "the node has a cluster already; a node with an empty data directory can join another")
	}
	if errs := checkAddresses(addresses); errs != nil {
		return refuse(ClusterInvalid, "%v", errs)
	}
	r.join.Store(&addresses)
	for {
		known, _ := r.addresses(ctx)
		others, _ := r.ask(ctx, known)
		for _, o := range others {
			if o.GetCluster() == 0 {
				continue
			}
			if err := r.promise(&peerv1.Founding{Cluster: o.GetCluster()}); err != nil {
				return refuse(ClusterState, "%v", err)
			}
			return r.askToJoin(ctx, o.GetAddress(), r.joinRequest())
		}
		select {
		case <-time.After(findEvery):
		case <-ctx.Done():
			return fmt.Errorf("none of %v has a cluster or answers: %w", addresses, ctx.Err())
		case <-r.stop:
			return ErrClosed
		}
	}
}

func (r *Replica) joinRequest() *peerv1.JoinRequest {
	h := r.history.Load()
	return &peerv1.JoinRequest{Server: r.me(), MinFormat: minFormat, MaxFormat: maxFormat, Cluster: h.cluster, Epoch: h.epoch}
}

// request has the leader make a change, whoever that is.
func (r *Replica) request(ctx context.Context, req *peerv1.ChangeRequest) error {
	began := time.Now()
	for {
		err := r.changeOnce(ctx, req)
		var gone *UnavailableError
		if err == nil || !errors.As(err, &gone) || time.Since(began) >= r.patience() || r.usable() != nil {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return err
		case <-r.stop:
			return ErrClosed
		}
	}
}

func (r *Replica) changeOnce(ctx context.Context, req *peerv1.ChangeRequest) error {
	if err := r.usable(); err != nil {
		return err
	}
	if r.node.established.Load() {
		return r.change(ctx, req)
	}
	peer, err := r.toLeader()
	if err != nil {
		return err
	}
	answer, err := peer.Change(ctx, req)
	if err != nil {
		return unreachable(ctx, err, false)
	}
	return faultError(answer.GetFault())
}

// beginChange waits until no other change is made.
func (r *Replica) beginChange(ctx context.Context) error {
	select {
	case r.changing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.stop:
		return ErrClosed
	}
}

func (r *Replica) endChange() { <-r.changing }

// change makes a change on the leader, one after the other.
func (r *Replica) change(ctx context.Context, req *peerv1.ChangeRequest) error {
	if err := r.beginChange(ctx); err != nil {
		return err
	}
	defer r.endChange()
	if !r.node.established.Load() {
		return refusedByLog(raft.ErrNotLeader)
	}
	switch what := req.GetWhat().(type) {
	case *peerv1.ChangeRequest_Remove:
		return r.remove(ctx, raft.ServerID(what.Remove.GetId()), what.Remove.GetForce())
	case *peerv1.ChangeRequest_Promote:
		return r.promote(ctx, raft.ServerID(what.Promote))
	case *peerv1.ChangeRequest_Demote:
		return r.demote(ctx, raft.ServerID(what.Demote))
	case *peerv1.ChangeRequest_Transfer:
		return r.transfer(ctx, raft.ServerID(what.Transfer))
	case *peerv1.ChangeRequest_Autopilot:
		a := what.Autopilot
		return r.set(ctx, func(s settings) settings {
			s.autopilot = Autopilot{
				CleanupDeadAfter: time.Duration(a.GetCleanupDeadAfter()), MinQuorum: int(a.GetMinQuorum()),
				Stabilization: time.Duration(a.GetStabilization()), MaxTrailing: a.GetMaxTrailing(), MaxLastContact: time.Duration(a.GetMaxLastContact()),
			}
			return s
		})
	}
	return refuse(ClusterInvalid, "the leader does not know this change; run the same version on all members")
}

// set replaces the settings. It is called on the leader, under changing.
func (r *Replica) set(ctx context.Context, change func(settings) settings) error {
	if r.version() < 2 {
		return refuse(ClusterState, "the cluster has version %d and keeps no settings; upgrade all members first", r.version())
	}
	a, err := r.propose(ctx, &command{kind: kindSettings, settings: change(r.machine.settings())})
	if err != nil {
		return err
	}
	return a.refusal
}

func (r *Replica) noMember(id raft.ServerID) error {
	return refuse(ClusterNoMember, "the cluster has no member %q; `pemba cluster members` lists them", id)
}

// remove takes a member out. A leader that is to go lets another lead first.
func (r *Replica) remove(ctx context.Context, id raft.ServerID, force bool) error {
	server, ok := r.node.server(id)
	switch {
	case !ok && slices.Contains(r.machine.settings().removed, string(id)):
		return nil
	case !ok:
		return r.noMember(id)
	}
	if err := r.unseat(ctx, server, force); err != nil {
		return err
	}
	if r.version() >= 2 {
		if err := r.set(ctx, func(s settings) settings { return s.remove(string(id)) }); err != nil {
			return err
		}
	}
	return r.drop(id)
}

// unseat refuses to take a vote that the others cannot do without. When it is
// that of this node it has another lead first, and the one that asked asks there.
func (r *Replica) unseat(ctx context.Context, server raft.Server, force bool) error {
	if server.Suffrage == raft.Voter {
		if r.node.voters() == 1 {
			return refuse(ClusterState, "%s is the only member that votes, and the cluster cannot go on without a vote: promote another first", server.ID)
		}
		if !force {
			if err := r.spare(ctx, server.ID); err != nil {
				return err
			}
		}
	}
	if server.ID != r.id {
		return nil
	}
	if err := r.abdicate(ctx); err != nil {
		return err
	}
	return refusedByLog(raft.ErrNotLeader)
}

// drop removes a member, which may come back.
func (r *Replica) drop(id raft.ServerID) error {
	return r.changed(r.node.raft.RemoveServer(id, 0, changeTimeout))
}

// changed waits for a change of the membership.
func (r *Replica) changed(f raft.IndexFuture) error {
	err := r.node.answer(f)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipLost), errors.Is(err, raft.ErrLeadershipTransferInProgress),
		errors.Is(err, raft.ErrEnqueueTimeout), errors.Is(err, raft.ErrRaftShutdown):
		return refusedByLog(err)
	}
	return refuse(ClusterState, "the membership stays as it is: %v", err)
}

// spare returns why the cluster cannot do without the vote of a member.
func (r *Replica) spare(ctx context.Context, id raft.ServerID) error {
	seen, err := r.Cluster(ctx)
	if err != nil {
		return err
	}
	voters, healthy := 0, 0
	for _, m := range seen.Members {
		if m.Voter && m.ID != string(id) {
			voters++
			if m.Healthy {
				healthy++
			}
		}
	}
	if quorum := voters/2 + 1; healthy < quorum {
		return refuse(ClusterState, "without %s %d members vote, %d must agree, and %d are healthy: bring the others back first, or force it", id, voters, quorum, healthy)
	}
	return nil
}

// promote gives a vote, and takes back that the member stays without.
func (r *Replica) promote(ctx context.Context, id raft.ServerID) error {
	server, ok := r.node.server(id)
	if !ok {
		return r.noMember(id)
	}
	if slices.Contains(r.machine.settings().held, string(id)) {
		if err := r.set(ctx, func(s settings) settings { return s.hold(string(id), false) }); err != nil {
			return err
		}
	}
	if server.Suffrage == raft.Voter {
		return nil
	}
	return r.changed(r.node.raft.AddVoter(id, server.Address, 0, changeTimeout))
}

// demote takes a vote, and has the autopilot leave it so.
func (r *Replica) demote(ctx context.Context, id raft.ServerID) error {
	server, ok := r.node.server(id)
	if !ok {
		return r.noMember(id)
	}
	if err := r.unseat(ctx, server, false); err != nil {
		return err
	}
	if err := r.set(ctx, func(s settings) settings { return s.hold(string(id), true) }); err != nil {
		return err
	}
	if server.Suffrage != raft.Voter {
		return nil
	}
	return r.changed(r.node.raft.DemoteVoter(id, 0, changeTimeout))
}

// transfer hands leadership over, when nobody is named to a member that is to stay.
func (r *Replica) transfer(ctx context.Context, to raft.ServerID) error {
	if to == r.id {
		return nil
	}
	if to == "" {
		if r.node.voters() == 1 {
			return refuse(ClusterState, "no other member votes, so none can lead")
		}
		heir, err := r.heir(ctx)
		if err != nil {
			return err
		}
		if heir.ID == "" {
			return refuse(ClusterState, "every other member that votes drains or does not answer: name the one that is to lead all the same")
		}
		return r.transferred(r.node.raft.LeadershipTransferToServer(heir.ID, heir.Address))
	}
	server, ok := r.node.server(to)
	switch {
	case !ok:
		return r.noMember(to)
	case server.Suffrage != raft.Voter:
		return refuse(ClusterState, "%s does not vote, so it cannot lead; promote it first", to)
	}
	return r.transferred(r.node.raft.LeadershipTransferToServer(to, server.Address))
}

// heir returns the voter beside this one that is best to lead, of those that answer
// and do not drain: one that is healthy, and most up to date. There may be none.
func (r *Replica) heir(ctx context.Context) (raft.Server, error) {
	seen, err := r.Cluster(ctx)
	if err != nil {
		return raft.Server{}, err
	}
	var best *Member
	for i := range seen.Members {
		m := &seen.Members[i]
		if m.Self || !m.Voter || !m.Reachable || m.Stopped || m.Draining {
			continue
		}
		if best == nil || m.Healthy && !best.Healthy || m.Healthy == best.Healthy && m.LastIndex > best.LastIndex {
			best = m
		}
	}
	if best == nil {
		return raft.Server{}, nil
	}
	return raft.Server{ID: raft.ServerID(best.ID), Address: raft.ServerAddress(best.Address)}, nil
}

// abdicate hands leadership over because this node is to go: to a member that is to
// stay, or else to whoever is most up to date.
func (r *Replica) abdicate(ctx context.Context) error {
	var err error
	if heir, fault := r.heir(ctx); fault == nil && heir.ID != "" {
		err = r.transferred(r.node.raft.LeadershipTransferToServer(heir.ID, heir.Address))
	} else {
		err = r.transferred(r.node.raft.LeadershipTransfer())
	}
	if errors.Is(err, raft.ErrNotLeader) { // another leads already
		return nil
	}
	return err
}

func (r *Replica) transferred(f raft.Future) error {
	err := r.node.answer(f)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader): // it has gone, which this node has not noticed yet
		return refusedByLog(err)
	}
	return refuse(ClusterState, "leadership stays here: %v", err)
}

// admit adds a node that asks for it, or changes the address of a member.
func (r *Replica) admit(ctx context.Context, req *peerv1.JoinRequest) error {
	if err := r.usable(); err != nil {
		return err
	}
	if !r.node.established.Load() {
		peer, err := r.toLeader()
		if err != nil || req.GetPassedOn() {
			return errNoLeader(err)
		}
		req.PassedOn = true
		answer, err := peer.Join(ctx, req)
		if err != nil {
			return unreachable(ctx, err, false)
		}
		return faultError(answer.GetFault())
	}
	if err := r.beginChange(ctx); err != nil {
		return err
	}
	defer r.endChange()
	return r.add(ctx, req)
}

func (r *Replica) add(ctx context.Context, req *peerv1.JoinRequest) error {
	id, address := raft.ServerID(req.GetServer().GetId()), raft.ServerAddress(req.GetServer().GetAddress())
	ours, theirs := *r.history.Load(), history{req.GetCluster(), req.GetEpoch()}
	version := r.version()
	switch {
	case id == "" || address == "":
		return refuse(ClusterInvalid, "a node that joins has an id and an address")
	case theirs.cluster != 0 && theirs != ours:
		return otherHistory(theirs, ours)
	case int(req.GetMaxFormat()) < version || int(req.GetMinFormat()) > version:
		return refuse(ClusterState, "the cluster has version %d, and the node knows %d to %d: run a version of pemba that fits", version, req.GetMinFormat(), req.GetMaxFormat())
	case slices.Contains(r.machine.settings().removed, string(id)):
		return refuse(ClusterRemoved, "the node was removed from the cluster; empty its data directory to let it join again")
	}
	known, ok := r.node.server(id)
	if ok && known.Address == address {
		return nil
	}
	there, err := r.askOne(ctx, string(address), nil)
	if err != nil || there.GetId() != string(id) {
		return refuse(ClusterInvalid, "at %s, which the node says is its address, it cannot be reached from the leader; give it one that the others reach", address)
	}
	for _, s := range r.node.servers() { // a node with a new disk in the place of another
		if s.Address == address && s.ID != id {
			if err := r.drop(s.ID); err != nil {
				return err
			}
		}
	}
	r.config.Logger.Info("a member is added or has a new address", "member", id, "address", address)
	if ok && known.Suffrage == raft.Voter {
		return r.changed(r.node.raft.AddVoter(id, address, 0, changeTimeout))
	}
	return r.changed(r.node.raft.AddNonvoter(id, address, 0, changeTimeout))
}

// rejoin has a node that has a cluster look whether it still belongs to it, when
// it hears of no leader, and tell its address when that changed.
func (r *Replica) rejoin(ctx context.Context) string {
	mine, member := r.node.server(r.id)
	ours := *r.history.Load()
	leader, _ := r.leader()
	if ours.cluster == 0 || member && leader != "" && string(mine.Address) == r.config.Network.Address() {
		return ""
	}
	addresses, _ := r.addresses(ctx)
	for _, s := range r.node.servers() {
		if s.ID != r.id {
			addresses = append(addresses, string(s.Address))
		}
	}
	slices.Sort(addresses)
	others, _ := r.ask(ctx, slices.Compact(addresses))
	for _, o := range others {
		theirs := history{o.GetCluster(), o.GetEpoch()}
		if theirs.cluster != ours.cluster || theirs.epoch < ours.epoch {
			continue
		}
		if theirs.epoch > ours.epoch {
			err := fmt.Errorf("the cluster was recovered without this node, which has history %d, and the cluster has %d now: empty the data directory to let it join again", ours.epoch, theirs.epoch)
			r.fail(err)
			return err.Error()
		}
		if o.GetLeader() == "" || o.GetLeader() == string(r.id) || fits(o, r.me()) {
			continue
		}
		if err := r.askToJoin(ctx, o.GetAddress(), r.joinRequest()); err != nil {
			var refused *ClusterError
			if errors.As(err, &refused) && refused.Fault == ClusterRemoved {
				r.expel(refused.Msg)
			}
			return fmt.Sprintf("the cluster does not know this node at its address: %v", err)
		}
	}
	return ""
}

// fits reports whether a member knows a node at its address.
func fits(o *peerv1.StateResponse, me *peerv1.Server) bool {
	return slices.ContainsFunc(o.GetServers(), func(s *peerv1.Server) bool {
		return s.GetId() == me.GetId() && s.GetAddress() == me.GetAddress()
	})
}
