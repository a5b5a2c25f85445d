package replica

import (
	"slices"
	"time"

	"github.com/hashicorp/raft"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
)

// surveyEvery is how often the leader asks all members how they are.
const surveyEvery = time.Second

// namesEvery is how often another member asks all, to know the name of one that
// is lost later.
const namesEvery = 10 * time.Second

// watched is what the leader knows of a member over time.
type watched struct {
	healthy  time.Time // since when it is; zero: it is not
	answered time.Time // when it last did
}

// oversee has the leader look after the members until the replica is closed.
func (r *Replica) oversee() {
	r.running.Go(r.watchSpace)
	tick := time.NewTicker(surveyEvery)
	defer tick.Stop()
	seen := map[string]*watched{}
	var named time.Time
	for {
		select {
		case <-tick.C:
		case <-r.stop:
			return
		}
		if !r.node.established.Load() {
			clear(seen)
			r.census.Store(nil)
			if time.Since(named) >= namesEvery {
				r.survey(r.ctx, nil)
				named = time.Now()
			}
			continue
		}
		c := r.survey(r.ctx, r.beat())
		r.census.Store(&census{at: time.Now(), cluster: c})
		watch(seen, c, time.Now())
		if err := r.pilot(c, seen); err != nil {
			r.complain("the membership could not be changed; it is tried again", "error", err)
		}
	}
}

// census is what the leader last learned of all members.
type census struct {
	at      time.Time
	cluster *Cluster
}

// beat says how far this leader is.
func (r *Replica) beat() *peerv1.Beat {
	h := r.history.Load()
	return &peerv1.Beat{Leader: string(r.id), Cluster: h.cluster, Epoch: h.epoch, Term: r.node.raft.CurrentTerm(), Commit: uint64(r.Head())}
}

// watch adds what was learned to what is known.
func watch(seen map[string]*watched, c *Cluster, now time.Time) {
	for _, m := range c.Members {
		w := seen[m.ID]
		if w == nil {
			w = &watched{answered: now}
			seen[m.ID] = w
		}
		switch {
		case !m.Healthy:
			w.healthy = time.Time{}
		case w.healthy.IsZero():
			w.healthy = now
		}
		if m.Reachable {
			w.answered = now
		}
	}
	for id := range seen {
		if !slices.ContainsFunc(c.Members, func(m Member) bool { return m.ID == id }) {
			delete(seen, id)
		}
	}
}

// pilot makes at most one change that is due.
func (r *Replica) pilot(c *Cluster, seen map[string]*watched) error {
	if err := r.beginChange(r.ctx); err != nil {
		return nil // it is closed
	}
	defer r.endChange()
	if !r.current(c) {
		return nil // another change was made meanwhile
	}
	if err := r.node.raft.ReloadConfig(r.reloaded(len(c.Members))); err != nil {
		return err
	}
	now := time.Now()
	if v := commonFormat(c); v > c.Version {
		_, err := r.propose(r.ctx, &command{kind: kindVersion, version: v})
		return err
	}
	_, none := r.config.Network.(*noNetwork)
	if self, ok := r.node.server(r.id); ok && !none && string(self.Address) != r.config.Network.Address() {
		return r.changed(r.node.raft.AddVoter(r.id, raft.ServerAddress(r.config.Network.Address()), 0, changeTimeout))
	}
	if id := due(c, seen, r.machine.settings().held, now); id != "" {
		r.config.Logger.Info("a member that is stable votes from now on", "member", id)
		server, _ := r.node.server(raft.ServerID(id))
		return r.changed(r.node.raft.AddVoter(server.ID, server.Address, 0, changeTimeout))
	}
	if id := dead(c, seen, now); id != "" {
		r.config.Logger.Warn("a member that does not answer is removed", "member", id)
		return r.drop(raft.ServerID(id))
	}
	return nil
}

// current reports whether the members are those that were asked.
func (r *Replica) current(c *Cluster) bool {
	for i := range c.Members {
		m := &c.Members[i]
		s, ok := r.node.server(raft.ServerID(m.ID))
		if !ok || string(s.Address) != m.Address || (s.Suffrage == raft.Voter) != m.Voter {
			return false
		}
	}
	return len(c.Members) == len(r.node.servers())
}

// reloaded is what raft does another way in a cluster of so many members.
func (r *Replica) reloaded(members int) raft.ReloadableConfig {
	c := r.node.raft.ReloadableConfig()
	c.TrailingLogs = r.config.trailing(members)
	return c
}

// commonFormat returns the newest format that every member knows; 0 unless all
// of them answer.
func commonFormat(c *Cluster) int {
	newest := maxFormat
	for _, m := range c.Members {
		if !m.Reachable {
			return 0
		}
		newest = min(newest, m.MaxFormat)
	}
	return newest
}

// due returns a member that may vote from now on. One whose disk is nearly full
// would stop all writes by that.
func due(c *Cluster, seen map[string]*watched, held []string, now time.Time) string {
	for _, m := range c.Members {
		w := seen[m.ID]
		if m.Voter || m.nonVoter || !m.Healthy || m.NearlyFull || w == nil || slices.Contains(held, m.ID) {
			continue
		}
		if now.Sub(w.healthy) >= c.Autopilot.Stabilization {
			return m.ID
		}
	}
	return ""
}

// dead returns a member that may be removed: for too long it did not answer, and
// the others do without it.
func dead(c *Cluster, seen map[string]*watched, now time.Time) string {
	if c.Autopilot.CleanupDeadAfter <= 0 {
		return ""
	}
	voters, healthy := 0, 0
	for _, m := range c.Members {
		if m.Voter {
			voters++
			if m.Healthy {
				healthy++
			}
		}
	}
	for _, m := range c.Members {
		w := seen[m.ID]
		if m.Self || m.Reachable || w == nil || now.Sub(w.answered) < c.Autopilot.CleanupDeadAfter {
			continue
		}
		if m.Voter && (voters-1 < c.Autopilot.MinQuorum || healthy < voters/2+1) {
			continue
		}
		return m.ID
	}
	return ""
}

// complain logs what is tried again, at most now and then.
func (r *Replica) complain(msg string, args ...any) {
	now := time.Now().UnixNano()
	last := r.complained.Load()
	if now-last < int64(complainEvery) || !r.complained.CompareAndSwap(last, now) {
		return
	}
	r.config.Logger.Warn(msg, args...)
}

const complainEvery = 10 * time.Second

// astray returns why this node is in no cluster, or not any more; nil when it is.
func (r *Replica) astray() error {
	reason := ""
	if text := r.seeking.Load(); text != nil {
		reason = *text
	}
	if reason == "" && (r.history.Load().cluster == 0 || len(r.node.servers()) == 0) {
		reason = "the node looks for its cluster"
	}
	if reason == "" {
		return nil
	}
	return &UnavailableError{Msg: reason, RetryAfter: time.Second}
}
