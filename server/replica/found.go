package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
)

// How a node without a cluster comes to one.
//
// It asks the addresses that it was given what they know. When one has a cluster,
// it asks to be added to that. Else, once as many nodes as are expected know each
// other, the one with the lowest id proposes them as founders. Each makes a
// pledge, which is durable, to at most one set of founders, and the founder
// begins the log with exactly the set when all of it have pledged. Two sets that
// share a node can therefore never both found a cluster, and a node that hears of
// a pledge founds no other.

const (
	findEvery   = time.Second
	findTimeout = 2 * time.Second // for one answer

	strangersEvery = 10 // steps of find
	dnsPrefix      = "dns:///"
	pledgeFile     = "pledge"
)

// find looks for a cluster until this node is in one, and later from time to
// time whether it still belongs there.
func (r *Replica) find() {
	tick := time.NewTicker(findEvery)
	defer tick.Stop()
	var told, strange waits
	for step := 0; ; step++ {
		reason := r.seek(r.ctx)
		r.seeking.Store(&reason)
		if told.news(reason, time.Now()) {
			r.config.Logger.Warn("the node is in no cluster", "reason", reason)
		}
		if step%strangersEvery == 0 {
			if found := r.strangers(r.ctx); strange.news(found, time.Now()) {
				r.config.Logger.Warn("a node that --join names is of another cluster: one of the two runs with a directory that is not its own", "found", found)
			}
		}
		select {
		case <-tick.C:
		case <-r.stop:
			return
		}
	}
}

// strangers returns which of the nodes that this one was told of has another
// cluster, "" for none. Each serves its own: what is written to one is not in the
// other.
func (r *Replica) strangers(ctx context.Context) string {
	ours := r.history.Load().cluster
	if ours == 0 || len(*r.join.Load()) == 0 {
		return ""
	}
	addresses, _ := r.addresses(ctx)
	others, _ := r.ask(ctx, addresses)
	for _, o := range others {
		if theirs := o.GetCluster(); theirs != 0 && theirs != ours {
			return fmt.Sprintf("%s is of cluster %016x, and this node of %016x", o.GetAddress(), theirs, ours)
		}
	}
	return ""
}

// waits is what was logged of a node that is in no cluster, or of strangers.
type waits struct {
	reason string
	at     time.Time
}

// news reports whether a reason is to be logged: the first one, and then another
// one when the last was logged some time ago.
func (w *waits) news(reason string, now time.Time) bool {
	if reason == "" || reason == w.reason || !w.at.IsZero() && now.Sub(w.at) < complainEvery {
		return false
	}
	w.reason, w.at = reason, now
	return true
}

// seek takes one step towards a cluster, and returns why this node is in none,
// "" when it is.
func (r *Replica) seek(ctx context.Context) string {
	if r.node.established.Load() {
		return ""
	}
	if len(r.node.servers()) > 0 {
		return r.rejoin(ctx)
	}
	addresses, unknown := r.addresses(ctx)
	others, silent := r.ask(ctx, addresses)
	if o := entrance(others); o != nil {
		return r.enter(ctx, o)
	}
	reason := fmt.Sprintf("the node waits for a cluster to join; none of %s has one yet", strings.Join(*r.join.Load(), ", "))
	if r.config.Expect > 0 {
		reason = r.gather(ctx, others)
	}
	if missing := append(unknown, silent...); reason != "" && len(missing) > 0 {
		reason += " (" + strings.Join(missing, "; ") + ")"
	}
	return reason
}

// entrance returns whom to ask to be let into the cluster, nil when there is none:
// one that knows who leads before one that is cut off, or was removed and runs on.
func entrance(others []*peerv1.StateResponse) *peerv1.StateResponse {
	var first *peerv1.StateResponse
	for _, o := range others {
		switch {
		case o.GetCluster() == 0:
		case o.GetLeader() != "":
			return o
		case first == nil:
			first = o
		}
	}
	return first
}

// addresses returns those that this node was told to ask, names resolved, and
// what is wrong with names that do not.
func (r *Replica) addresses(ctx context.Context) (all, unknown []string) {
	for _, address := range *r.join.Load() {
		name, ok := strings.CutPrefix(address, dnsPrefix)
		if !ok {
			all = append(all, address)
			continue
		}
		host, port, err := net.SplitHostPort(name)
		if err != nil {
			continue // the configuration was checked
		}
		found, err := net.DefaultResolver.LookupHost(ctx, host)
		if err != nil {
			unknown = append(unknown, fmt.Sprintf("the name %s does not resolve", host))
			r.config.Logger.Debug("a name of other members does not resolve", "name", host, "error", err)
		}
		for _, ip := range found {
			all = append(all, net.JoinHostPort(ip, port))
		}
	}
	slices.Sort(all)
	return slices.Compact(all), unknown
}

// ask asks addresses for what their nodes know of themselves, but for this node.
// It says why others do not answer.
func (r *Replica) ask(ctx context.Context, addresses []string) (all []*peerv1.StateResponse, silent []string) {
	answers := make([]*peerv1.StateResponse, len(addresses))
	errs := make([]error, len(addresses))
	var asked sync.WaitGroup
	for i, address := range addresses {
		asked.Go(func() { answers[i], errs[i] = r.askOne(ctx, address, nil) })
	}
	asked.Wait()
	byID := map[string]*peerv1.StateResponse{}
	for i, s := range answers {
		switch {
		case errs[i] != nil:
			silent = append(silent, errs[i].Error())
		case s.GetId() != string(r.id):
			byID[s.GetId()] = s
		}
	}
	for _, s := range byID {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *peerv1.StateResponse) int { return cmp.Compare(a.GetId(), b.GetId()) })
	return all, silent
}

// askOne asks one address.
func (r *Replica) askOne(ctx context.Context, address string, beat *peerv1.Beat) (*peerv1.StateResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	peer, err := r.config.Network.Peer(address)
	if err != nil {
		return nil, err
	}
	answer, err := peer.State(ctx, &peerv1.StateRequest{Beat: beat})
	return answer, plainly(err, address, findTimeout)
}

// me is this node as a member.
func (r *Replica) me() *peerv1.Server {
	return &peerv1.Server{Id: string(r.id), Address: r.config.Network.Address(), Voter: !r.config.NonVoter}
}

// enter asks a member to have this node added.
func (r *Replica) enter(ctx context.Context, member *peerv1.StateResponse) string {
	// From here on this node founds no other.
	if err := r.promise(&peerv1.Founding{Cluster: member.GetCluster()}); err != nil {
		return err.Error()
	}
	err := r.askToJoin(ctx, member.GetAddress(), r.joinRequest())
	if err != nil {
		return fmt.Sprintf("the node waits to be added to the cluster of %s: %v", member.GetAddress(), err)
	}
	return "the node was added to its cluster and waits for the first entry of the log"
}

func (r *Replica) askToJoin(ctx context.Context, address string, req *peerv1.JoinRequest) error {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	peer, err := r.config.Network.Peer(address)
	if err != nil {
		return err
	}
	answer, err := peer.Join(ctx, req)
	if err != nil {
		return plainly(err, address, joinTimeout)
	}
	return faultError(answer.GetFault())
}

// gather founds a cluster with the others when it is this node's turn.
func (r *Replica) gather(ctx context.Context, others []*peerv1.StateResponse) string {
	if own := r.pledged.Load(); own != nil {
		if own.GetFounder() == string(r.id) {
			return r.found(ctx, own)
		}
		return r.pledgeText(own)
	}
	if r.config.NonVoter {
		return "the node wants no vote, so it founds no cluster; it waits for one to join"
	}
	founders := []*peerv1.Server{r.me()}
	for _, o := range others {
		if o.GetPledge() != nil || len(o.GetServers()) > 0 { // a cluster beside that would be another
			return fmt.Sprintf("the node waits for the cluster in which %s is to be", o.GetAddress())
		}
		if o.GetExpect() == uint32(r.config.Expect) && !o.GetNonVoter() {
			founders = append(founders, &peerv1.Server{Id: o.GetId(), Address: o.GetAddress(), Voter: true})
		}
	}
	if missing := r.config.Expect - len(founders); missing > 0 {
		return fmt.Sprintf("the node waits for %d more of the %d nodes that found the cluster", missing, r.config.Expect)
	}
	slices.SortFunc(founders, func(a, b *peerv1.Server) int { return cmp.Compare(a.GetId(), b.GetId()) })
	founders = founders[:r.config.Expect]
	if founders[0].GetId() != string(r.id) {
		return fmt.Sprintf("the node waits for %s to found the cluster", founders[0].GetAddress())
	}
	set := &peerv1.Founding{Founder: string(r.id), Servers: founders}
	if err := r.promise(set); err != nil {
		return err.Error()
	}
	return r.found(ctx, set)
}

// found asks the founders for their pledges and begins the log when it has all.
func (r *Replica) found(ctx context.Context, set *peerv1.Founding) string {
	for _, s := range set.GetServers() {
		if s.GetId() == string(r.id) {
			continue
		}
		if err := r.askPledge(ctx, s, set); err != nil {
			return fmt.Sprintf("the node waits for %s to agree to found the cluster: %v", s.GetAddress(), err)
		}
	}
	var servers []raft.Server
	for _, s := range set.GetServers() {
		servers = append(servers, raft.Server{ID: raft.ServerID(s.GetId()), Address: raft.ServerAddress(s.GetAddress())})
	}
	err := r.node.raft.BootstrapCluster(raft.Configuration{Servers: servers}).Error()
	if err != nil && !errors.Is(err, raft.ErrCantBootstrap) {
		return fmt.Sprintf("the log could not be begun: %v", err)
	}
	r.config.Logger.Info("the cluster was founded", "founders", len(servers))
	return ""
}

func (r *Replica) askPledge(ctx context.Context, s *peerv1.Server, set *peerv1.Founding) error {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	peer, err := r.config.Network.Peer(s.GetAddress())
	if err != nil {
		return err
	}
	answer, err := peer.Pledge(ctx, &peerv1.PledgeRequest{Founding: set, To: s.GetId()})
	if err != nil {
		return plainly(err, s.GetAddress(), findTimeout)
	}
	if !answer.GetAgreed() {
		return errors.New(answer.GetReason())
	}
	return nil
}

// pledge answers a founder.
func (r *Replica) pledge(to string, set *peerv1.Founding) *peerv1.PledgeResponse {
	no := func(format string, args ...any) *peerv1.PledgeResponse {
		return &peerv1.PledgeResponse{Reason: fmt.Sprintf(format, args...), Other: r.pledged.Load()}
	}
	switch {
	case to != string(r.id) || !slices.ContainsFunc(set.GetServers(), func(s *peerv1.Server) bool { return proto.Equal(s, r.me()) }):
		return no("this node is %s at %s, and not one of the founders", r.id, r.config.Network.Address())
	case len(r.node.servers()) > 0 || r.history.Load().cluster != 0:
		return no("this node has a cluster already")
	case len(set.GetServers()) != r.config.Expect:
		return no("this node expects %d founders, not %d", r.config.Expect, len(set.GetServers()))
	}
	if err := r.promise(set); err != nil {
		return no("%v", err)
	}
	return &peerv1.PledgeResponse{Agreed: true}
}

// promise makes a pledge durable. It refuses a second one.
func (r *Replica) promise(set *peerv1.Founding) error {
	r.promising.Lock()
	defer r.promising.Unlock()
	if old := r.pledged.Load(); old != nil {
		if proto.Equal(old, set) {
			return nil
		}
		return errors.New(r.pledgeText(old))
	}
	if !r.config.InMemory {
		text, err := protojson.Marshal(set)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(r.config.Dir, raftDir, pledgeFile), text); err != nil {
			return fmt.Errorf("the pledge could not be written: %w", err)
		}
	}
	r.pledged.Store(set)
	return nil
}

// loadPledge reads the pledge of before.
func (r *Replica) loadPledge() error {
	if r.config.InMemory {
		return nil
	}
	name := filepath.Join(r.config.Dir, raftDir, pledgeFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	set := &peerv1.Founding{}
	if err == nil {
		err = protojson.Unmarshal(text, set)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	r.pledged.Store(set)
	return nil
}

// pledgeText says what a pledge binds this node to.
func (r *Replica) pledgeText(p *peerv1.Founding) string {
	if p.GetCluster() != 0 {
		return fmt.Sprintf("the node has asked to join cluster %016x and waits for it; should that be gone for good, empty the data directory", p.GetCluster())
	}
	at := slices.IndexFunc(p.GetServers(), func(s *peerv1.Server) bool { return s.GetId() == p.GetFounder() })
	where := p.GetFounder()
	if at >= 0 {
		where = p.GetServers()[at].GetAddress()
	}
	return fmt.Sprintf("the node has agreed that %s founds the cluster, and waits for it; should that be gone for good, empty the data directory", where)
}

// writeFile writes a small file so that it is there whole or not at all.
func writeFile(name string, text []byte) error {
	tmp := name + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
