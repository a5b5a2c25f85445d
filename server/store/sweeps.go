package store

import (
	"bytes"
	"slices"

	"github.com/pemba-authz/pemba/engine"
)

// What a delete removes stays in its way until it is compacted: a delete of a
// million relationships in pages of a thousand would walk over half a million on
// average to find the next page. So the store remembers how far the pages of a
// delete have come: nothing that its filter selects is before that place and has
// not expired. Whatever is written there sets it back. What a transaction
// decides is the same with and without.
type sweeps []sweep // the last used first

// sweep is how far a delete has come.
type sweep struct {
	filter Filter
	plan   filterPlan
	next   []byte // key of the plan
}

// maxSweeps is how many deletes are remembered.
const maxSweeps = 16

// newSweep returns that a delete has come to a relationship, and left it.
func newSweep(f Filter, to *engine.Relationship) sweep {
	if f.Subject != nil { // the transaction's
		subject := *f.Subject
		f.Subject = &subject
	}
	plan := planFilter(&f)
	return sweep{f, plan, plan.key(nil, to)}
}

// from returns where a walk for a filter may begin, nil for its start.
func (s sweeps) from(f *Filter) []byte {
	if i := s.index(f); i >= 0 {
		return s[i].next
	}
	return nil
}

func (s sweeps) index(f *Filter) int {
	return slices.IndexFunc(s, func(w sweep) bool { return sameFilter(&w.filter, f) })
}

// follow makes the sweeps those after a transaction.
func (s *sweeps) follow(j *judge) {
	for i := range j.tx.Deletes {
		if at := s.index(&j.tx.Deletes[i].Filter); at >= 0 {
			*s = slices.Delete(*s, at, at+1)
		}
	}
	*s = append(slices.Clone(j.swept), *s...)
	*s = (*s)[:min(len(*s), maxSweeps)]
	if len(*s) == 0 {
		return
	}
	for _, c := range j.byKey {
		if c.has {
			s.written(&c.Relationship)
		}
	}
}

// written sets back what a relationship is now in the way of.
func (s sweeps) written(r *engine.Relationship) {
	for i := range s {
		w := &s[i]
		if !w.filter.Matches(r) {
			continue
		}
		if key := w.plan.key(nil, r); bytes.Compare(key, w.next) < 0 {
			w.next = key
		}
	}
}

func sameFilter(a, b *Filter) bool {
	x, y := *a, *b
	x.Subject, y.Subject = nil, nil
	if x != y || (a.Subject == nil) != (b.Subject == nil) {
		return false
	}
	if a.Subject == nil {
		return true
	}
	p, q := *a.Subject, *b.Subject
	if (p.Relation == nil) != (q.Relation == nil) || p.Relation != nil && *p.Relation != *q.Relation {
		return false
	}
	return p.Type == q.Type && p.ID == q.ID
}
