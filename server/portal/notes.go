package portal

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// What is not an action of its own transaction is noted and recorded in batches:
// refusals, sign-ins, openings of the log.
const (
	notesEvery   = time.Second
	notesMinute  = 10    // of one actor and reason; more are counted
	notesPending = 1_000 // that wait to be written; more are counted as lost in the log
	notesBatch   = 100   // in one transaction
)

// notes collects entries for audit logs.
type notes struct {
	portal *Portal

	mu      sync.Mutex
	pending []pendingNote
	seen    map[noteKey]*noteCount
	minute  time.Time
	lost    int
}

type pendingNote struct {
	company string
	entry   *entryDoc
}

type noteKey struct{ company, actor, address, action, reason string }

type noteCount struct {
	company  string
	last     *entryDoc
	count    int
	repeated int
}

func newNotes(p *Portal) *notes { return &notes{portal: p, seen: map[noteKey]*noteCount{}} }

// refused notes that an action was refused to the caller of ctx.
func (n *notes) refused(ctx context.Context, a *action, err error) {
	r, ok := errors.AsType[*Refusal](err)
	if !ok || r.Fault != NotAllowed && r.Fault != Rule {
		return
	}
	c := CallerOf(ctx)
	company := a.company
	if company == "" {
		company = c.Company
	}
	if company == "" {
		return
	}
	v, readErr := n.portal.read(ctx)
	if readErr != nil {
		return
	}
	defer v.close()
	target := a.target
	if target.Type == "" {
		target = a.on
	}
	e := v.entry(a.name, "", a.called)
	if target.Type != "" {
		e.Target = target.String()
		if e.TargetName == "" {
			e.TargetName = v.called(target)
		}
	}
	e.Service, e.Result, e.Reason, e.Sentence = a.service, resultRefused, r.Msg, a.sentence
	if r.Permission != "" {
		e.Permission = r.Resource.String() + "#" + r.Permission
	}
	n.add(company, e)
}

// add notes an entry for the audit log of a company.
func (n *notes) add(company string, e *entryDoc) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := noteKey{company, e.Actor, e.Address, e.Action, e.Reason}
	s := n.seen[key]
	if s == nil {
		s = &noteCount{company: company}
		n.seen[key] = s
	}
	s.count++
	s.last = e
	switch {
	case s.count > notesMinute:
		s.repeated++
	case len(n.pending) == notesPending:
		n.lost++
	default:
		n.pending = append(n.pending, pendingNote{company, e})
	}
}

// run writes what was noted, each second, until the portal is closed.
func (n *notes) run() {
	tick := time.NewTicker(notesEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			n.flush(n.portal.ctx)
		case <-n.portal.ctx.Done():
			ctx, end := context.WithTimeout(context.Background(), notesEvery)
			defer end()
			n.mu.Lock()
			n.closeMinute()
			n.mu.Unlock()
			n.flush(ctx)
			return
		}
	}
}

// take returns what is to be written now. Each minute what was only counted
// becomes one entry.
func (n *notes) take() []pendingNote {
	now := n.portal.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.minute) >= time.Minute {
		n.closeMinute()
		n.minute = now
	}
	out := n.pending
	n.pending = nil
	if n.lost > 0 {
		n.portal.log.Warn("entries of the audit log were dropped: too many at once", "count", n.lost)
		n.lost = 0
	}
	return out
}

// closeMinute makes one entry of what was only counted, and begins to count again.
// The caller holds the lock.
func (n *notes) closeMinute() {
	for _, s := range n.seen {
		if s.repeated > 0 {
			e := *s.last
			e.Repeated = s.repeated
			n.pending = append(n.pending, pendingNote{s.company, &e})
		}
	}
	clear(n.seen)
}

// flush writes what was noted. What cannot be written now stays noted.
func (n *notes) flush(ctx context.Context) {
	rest := n.take()
	for len(rest) > 0 {
		part := rest[:min(len(rest), notesBatch)]
		tx := store.Transaction{Actor: "portal"}
		for _, note := range part {
			r, err := note.entry.chained(note.company)
			if err != nil {
				n.portal.log.Error("an entry of the audit log cannot be written", "error", err)
				continue
			}
			tx.Records = append(tx.Records, r)
		}
		if _, err := n.portal.replica.Propose(ctx, replica.Proposal{Tx: tx}); err != nil {
			n.mu.Lock()
			n.pending = append(rest, n.pending...)
			n.mu.Unlock()
			if ctx.Err() == nil {
				n.portal.log.Warn("the audit log cannot be written at the moment", "error", err)
			}
			return
		}
		rest = rest[len(part):]
	}
}
