package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// Health, where the settings say nothing else.
const (
	defaultMaxTrailing    = 250
	defaultMaxLastContact = 2 * time.Second
	defaultStabilization  = 10 * time.Second
	defaultMinQuorum      = 3
)

// withDefaults fills in the defaults.
func (a Autopilot) withDefaults() Autopilot {
	a.MinQuorum = cmp.Or(a.MinQuorum, defaultMinQuorum)
	a.Stabilization = cmp.Or(a.Stabilization, defaultStabilization)
	a.MaxTrailing = cmp.Or(a.MaxTrailing, defaultMaxTrailing)
	a.MaxLastContact = cmp.Or(a.MaxLastContact, defaultMaxLastContact)
	return a
}

// Cluster asks every member and says what it learned; members that do not
// answer in time are in it as unreachable. It returns ErrClosed or ctx's error.
func (r *Replica) Cluster(ctx context.Context) (*Cluster, error) {
	select {
	case <-r.stop:
		return nil, ErrClosed
	default:
	}
	return r.survey(ctx, nil), ctx.Err()
}

// survey asks every member.
func (r *Replica) survey(ctx context.Context, beat *peerv1.Beat) *Cluster {
	h := r.history.Load()
	leader, _ := r.leader()
	c := &Cluster{ID: h.cluster, Epoch: h.epoch, Version: r.version(), Leader: leader, Autopilot: r.machine.settings().autopilot.withDefaults()}
	servers := r.node.servers()
	if len(servers) == 0 { // it has no cluster yet
		servers = []raft.Server{{ID: r.id, Address: raft.ServerAddress(r.config.Network.Address()), Suffrage: raft.Nonvoter}}
	}
	c.Members = make([]Member, len(servers))
	faults := make([]string, len(servers))
	var asked sync.WaitGroup
	for i, s := range servers {
		asked.Go(func() { c.Members[i], faults[i] = r.look(ctx, s, beat) })
	}
	asked.Wait()
	r.nameMembers(c.Members)
	if c.Leader == "" {
		c.Leader = told(c.Members)
	}
	var last uint64
	for i := range c.Members {
		m := &c.Members[i]
		m.Leader = m.ID == c.Leader
		if m.Leader {
			last = m.LastIndex
		}
	}
	voters, healthy := 0, 0
	for i := range c.Members {
		m := &c.Members[i]
		m.Lag = max(last, m.LastIndex) - m.LastIndex
		m.Reason = cmp.Or(faults[i], m.ailment(c))
		m.Healthy = m.Reason == ""
		if m.Voter {
			voters++
			if m.Healthy {
				healthy++
			}
		}
	}
	if voters > 0 {
		c.Quorum = voters/2 + 1
		c.FailureTolerance = max(0, healthy-c.Quorum)
	}
	slices.SortFunc(c.Members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	return c
}

// told returns who leads as the others have it, in the newest term of which one is
// known. A node that was removed, or that the leader does not reach, hears of it by
// asking only.
func told(members []Member) string {
	leader, term := "", uint64(0)
	for i := range members {
		if m := &members[i]; !m.Self && m.hears != "" && m.Term >= term {
			leader, term = m.hears, m.Term
		}
	}
	return leader
}

// look asks one member, and says why it has no answer that counts.
func (r *Replica) look(ctx context.Context, s raft.Server, beat *peerv1.Beat) (m Member, fault string) {
	m = Member{ID: string(s.ID), Address: string(s.Address), Voter: s.Suffrage == raft.Voter, Self: s.ID == r.id, LastContact: -1}
	began := time.Now()
	asked := r.config.Now()
	answer := (*peerv1.StateResponse)(nil)
	var err error
	if m.Self {
		answer = r.self()
	} else {
		answer, err = r.askOne(ctx, m.Address, beat)
	}
	m.RoundTrip = time.Since(began)
	ours := r.history.Load()
	switch {
	case err != nil:
		return m, err.Error()
	case answer.GetId() != m.ID:
		return m, fmt.Sprintf("at its address is %s", answer.GetId())
	case answer.GetCluster() != 0 && (history{answer.GetCluster(), answer.GetEpoch()}) != *ours:
		return m, fmt.Sprintf("it belongs to cluster %016x, history %d", answer.GetCluster(), answer.GetEpoch())
	}
	m.tell(answer)
	if !m.Self {
		m.ClockSkew = time.UnixMilli(answer.GetNowUnixMs()).Sub(asked.Add(m.RoundTrip / 2))
	}
	return m, ""
}

// nameMembers remembers the names of members that answer, for when they do not.
func (r *Replica) nameMembers(members []Member) {
	r.naming.Lock()
	defer r.naming.Unlock()
	old := r.names
	r.names = make(map[string]string, len(members))
	for i := range members {
		m := &members[i]
		if !m.Reachable {
			m.Name = old[m.ID]
		}
		r.names[m.ID] = m.Name
	}
}

// tell takes over what a member says of itself.
func (m *Member) tell(s *peerv1.StateResponse) {
	m.Reachable = true
	m.Name, m.Roster, m.Build = s.GetName(), s.GetRoster(), s.GetBuild()
	m.MinFormat, m.MaxFormat = int(s.GetMinFormat()), int(s.GetMaxFormat())
	m.Since = time.UnixMilli(s.GetSinceUnixMs())
	m.Head, m.Floor = store.Revision(s.GetHead()), store.Revision(s.GetFloor())
	m.Applied, m.LastIndex, m.Snapshot = s.GetApplied(), s.GetLastIndex(), s.GetSnapshot()
	m.LastContact = time.Duration(s.GetLastContactMs()) * time.Millisecond
	m.LogWrite = time.Duration(s.GetLogWriteUs()) * time.Microsecond
	m.FreeBytes, m.TotalBytes = s.GetFreeBytes(), s.GetTotalBytes()
	m.NearlyFull, m.veryFull = s.GetNearlyFull(), s.GetVeryFull()
	m.Draining, m.nonVoter = s.GetDraining(), s.GetNonVoter()
	m.Stopped, m.stoppedBy = s.GetStopped() != "", s.GetStopped()
	m.hears, m.Term = s.GetLeader(), s.GetTerm()
}

// ailment returns why a member that answers is not healthy.
func (m *Member) ailment(c *Cluster) string {
	switch {
	case m.Stopped:
		return "it stopped: " + m.stoppedBy
	case c.Leader == "" && c.ID != 0:
		return "the cluster has no leader"
	case !m.Leader && (m.LastContact < 0 || m.LastContact > c.Autopilot.MaxLastContact):
		return "it does not hear of the leader"
	case m.Lag > c.Autopilot.MaxTrailing:
		return fmt.Sprintf("it is %d entries behind the leader", m.Lag)
	}
	return ""
}

// hear notes how far the leader was, in its own words.
func (r *Replica) hear(b *peerv1.Beat) {
	if b == nil || (history{b.GetCluster(), b.GetEpoch()}) != *r.history.Load() {
		return
	}
	if leader, _ := r.leader(); leader != b.GetLeader() || r.node.raft.CurrentTerm() != b.GetTerm() {
		return
	}
	r.fresh.promise(b.GetCommit(), time.Now())
}

// freshness knows at which moment this node last had all that there was.
type freshness struct {
	mu    sync.Mutex
	goals []goal    // ascending
	as    time.Time // the newest goal that was reached
}

// goal is an entry that is to be applied to be as fresh as a moment.
type goal struct {
	index uint64
	at    time.Time
}

// maxGoals bounds the goals that are waited for; a node that is so far behind is
// not fresh.
const maxGoals = 60

// promise adds a goal.
func (f *freshness) promise(index uint64, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.goals) < maxGoals {
		f.goals = append(f.goals, goal{index, at})
	}
}

// since returns the moment as which a node is fresh that has applied an entry;
// zero: it never was.
func (f *freshness) since(applied uint64) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.goals) > 0 && f.goals[0].index <= applied {
		f.as = f.goals[0].at
		f.goals = f.goals[1:]
	}
	return f.as
}

// Lagging returns why this node cannot serve reads that are at most so old, nil
// when it can. It waits for nothing.
func (r *Replica) Lagging(maxStale time.Duration) error {
	if err := r.usable(); err != nil {
		return err
	}
	if r.draining.Load() {
		return &UnavailableError{Msg: "the node is drained or about to stop"}
	}
	if _, err := r.node.lead(); err == nil {
		return nil
	}
	if err := r.astray(); err != nil {
		return err
	}
	as := r.fresh.since(r.machine.index.Load())
	switch age := time.Since(as); {
	case as.IsZero():
		return &UnavailableError{Msg: "the node has not come as far as the leader since it began", RetryAfter: time.Second}
	case age > maxStale:
		return &UnavailableError{Msg: fmt.Sprintf("what the node has is %v old, and %v are allowed", age.Round(time.Millisecond), maxStale), RetryAfter: time.Second}
	}
	return nil
}

// Drain hands leadership over and lets the node stop being ready; it goes on
// serving until Close. It returns an error when nobody else could take over.
func (r *Replica) Drain(ctx context.Context) error {
	r.draining.Store(true)
	if r.node.raft.State() != raft.Leader || r.node.voters() < 2 {
		return nil
	}
	return r.abdicate(ctx)
}

// StateHash returns every member's hash at one revision; 0: the newest that all
// have. That they differ is logged and counted. It returns a *ClusterError for one
// that no member has yet.
func (r *Replica) StateHash(ctx context.Context, rev store.Revision) ([]MemberHash, error) {
	c, err := r.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	oldest, newest := r.Head(), r.Head()
	for _, m := range c.Members {
		if m.Reachable && !m.Stopped {
			oldest, newest = min(oldest, m.Head), max(newest, m.Head)
		}
	}
	if rev > newest {
		return nil, refuse(ClusterInvalid, "revision %d has not been written yet; the newest is %d", rev, newest)
	}
	rev = cmp.Or(rev, oldest)
	all := make([]MemberHash, len(c.Members))
	var asked sync.WaitGroup
	for i, m := range c.Members {
		asked.Go(func() {
			all[i] = MemberHash{ID: m.ID, Revision: rev}
			all[i].Hash, all[i].Err = r.hashOf(ctx, &m, rev)
		})
	}
	asked.Wait()
	r.compareHashes(c.Members, all)
	return all, nil
}

// compareHashes logs and counts that members hold different states. Those that
// gave no hash say nothing.
func (r *Replica) compareHashes(members []Member, hashes []MemberHash) {
	var told []string
	seen := map[store.Hash]bool{}
	for i, h := range hashes {
		if h.Err == nil {
			seen[h.Hash] = true
			told = append(told, fmt.Sprintf("%s (%s): %s", h.ID, members[i].Name, h.Hash))
		}
	}
	if len(seen) > 1 {
		r.config.Logger.Error("members hold different states at the same revision", "revision", hashes[0].Revision, "hashes", told)
		r.mismatches.Add(1)
	}
}

// hashTimeout bounds how long a member may take to come to a revision and to tell
// its hash.
const hashTimeout = 10 * time.Second

// hashOf asks a member for its hash.
func (r *Replica) hashOf(ctx context.Context, m *Member, rev store.Revision) (h store.Hash, err error) {
	if m.Self {
		return r.hash(ctx, rev)
	}
	if !m.Reachable {
		return h, errors.New(m.Reason)
	}
	ctx, cancel := context.WithTimeout(ctx, hashTimeout)
	defer cancel()
	peer, err := r.config.Network.Peer(m.Address)
	if err != nil {
		return h, err
	}
	answer, err := peer.StateHash(ctx, &peerv1.StateHashRequest{Revision: uint64(rev)})
	if err != nil {
		return h, plainly(err, m.Address, hashTimeout)
	}
	if err := faultError(answer.GetFault()); err != nil {
		return h, err
	}
	d := &decoder{rest: answer.GetHash()}
	h = store.Hash{d.uint64(), d.uint64()}
	return h, d.err
}

// hash returns the hash of this node's state at a revision.
func (r *Replica) hash(ctx context.Context, rev store.Revision) (h store.Hash, err error) {
	if err := r.usable(); err != nil {
		return h, err
	}
	if err := r.await(ctx, rev); err != nil {
		return h, err
	}
	sn, err := r.SnapshotAt(rev)
	if err != nil {
		return h, err
	}
	defer sn.Close()
	record, ok, err := sn.Record()
	if err != nil {
		return h, err
	}
	if !ok {
		return h, refuse(ClusterInvalid, "revision %d changed nothing; name one that a write returned", rev)
	}
	return record.Hash, nil
}
