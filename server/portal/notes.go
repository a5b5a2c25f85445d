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
	notesMinute  = 10     // of one actor and reason; more are counted
	notesPending = 1_000  // that wait to be written; more are counted as lost in the log
	notesBatch   = 100    // in one transaction
	notesKeys    = 10_000 // that are counted apart; what comes beside them is counted together
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

func newNotes(p *Portal) *notes {
	return &notes{portal: p, seen: map[noteKey]*noteCount{}, minute: p.now()}
}

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
	key := noteKey{company, c.id(), c.Address, a.name, r.Rule + "#" + r.Permission}
	if n.counted(key) {
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
	n.put(key, e)
}

// counted counts a note of which there were enough this minute, without the entry.
func (n *notes) counted(key noteKey) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.seen[key]
	if s == nil || s.count < notesMinute {
		return false
	}
	s.count++
	s.repeated++
	return true
}

// add notes an entry for the audit log of a company.
func (n *notes) add(company string, e *entryDoc) {
	n.put(noteKey{company, e.Actor, e.Address, e.Action, e.Reason}, e)
}

// put notes an entry. Entries of one key are alike: the reason in it is a rule, a
// permission or a text that is always the same, and names nothing that the caller
// chose, or he could have as many recorded as he liked.
func (n *notes) put(key noteKey, e *entryDoc) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen[key] == nil && len(n.seen) >= notesKeys {
		key = noteKey{company: key.company, action: key.action}
	}
	s := n.seen[key]
	if s == nil {
		s = &noteCount{company: key.company}
		n.seen[key] = s
	}
	s.count++
	s.last = e
	switch {
	case s.count > notesMinute:
		s.repeated++
	case len(n.pending) >= notesPending:
		n.lost++
	default:
		n.pending = append(n.pending, pendingNote{key.company, e})
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
	rest, size := n.take(), notesBatch
	for len(rest) > 0 {
		part := rest[:min(len(rest), size)]
		err := n.write(ctx, part)
		switch {
		case err == nil:
			rest, size = rest[len(part):], notesBatch
		case unwritable(err) && len(part) == 1:
			n.portal.log.Error("an entry of the audit log is refused, and lost", "error", err)
			rest = rest[1:]
		case unwritable(err): // one of them, or all together; by themselves they show which
			size = 1
		default:
			n.mu.Lock()
			n.pending = append(rest, n.pending...)
			n.mu.Unlock()
			if ctx.Err() == nil {
				n.portal.log.Warn("the audit log cannot be written at the moment", "error", err)
			}
			return
		}
	}
}

// write appends entries to the logs of their companies.
func (n *notes) write(ctx context.Context, part []pendingNote) error {
	tx := store.Transaction{Actor: "portal"}
	for _, note := range part {
		r, err := note.entry.chained(note.company)
		if err != nil {
			return err
		}
		tx.Records = append(tx.Records, r)
	}
	_, err := n.portal.replica.Propose(ctx, replica.Proposal{Tx: tx})
	return err
}

// unwritable reports whether entries are what no log takes, now or later.
func unwritable(err error) bool {
	return fits[*store.ChainError](err) || fits[*replica.TooLargeError](err)
}
