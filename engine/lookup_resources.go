package engine

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/schema"
)

// Resource is one result of LookupResources.
type Resource struct {
	ID      string
	State   State    // Yes or Conditional
	Missing []string // Conditional only: the caveat parameters still needed, sorted
}

// LookupResources returns the resources of a type whose relation holds the
// subject, in ascending order of their ids, each once, beginning after the id
// after ("" from the first). Errors are those of Check; an error ends it.
//
// All candidates are collected before the first result; those that are not
// certain are checked one by one as the results are taken.
func (e *Engine) LookupResources(ctx context.Context, resourceType, relation string, subject Subject, after string) iter.Seq2[Resource, error] {
	return func(yield func(Resource, error) bool) {
		c, err := e.ResourceCandidates(ctx, resourceType, relation, subject)
		if err != nil {
			yield(Resource{}, err)
			return
		}
		for r, err := range c.Results(ctx, e, after) {
			if !yield(r, err) {
				return
			}
		}
	}
}

// ResourceCandidates are the resources that may hold a subject, found for one
// question at one revision. They may be kept to resume a lookup. Immutable.
type ResourceCandidates struct {
	relation *schema.Relation
	subject  Subject
	sorted   []resourceCandidate
	bytes    int64
}

type resourceCandidate struct {
	id   string
	sure bool
}

// Len returns the number of candidates.
func (c *ResourceCandidates) Len() int { return len(c.sorted) }

// Bytes returns how much memory the candidates hold, roughly.
func (c *ResourceCandidates) Bytes() int64 { return c.bytes + int64(len(c.sorted))*candidateSize }

// Results checks the candidates after an id and returns those that hold the
// subject. The engine must be one that reads the same revision with the same
// time and context as the one that found them.
func (c *ResourceCandidates) Results(ctx context.Context, e *Engine, after string) iter.Seq2[Resource, error] {
	return func(yield func(Resource, error) bool) {
		w := e.walk(ctx, c.subject)
		defer w.release()
		start, found := slices.BinarySearchFunc(c.sorted, after, func(c resourceCandidate, id string) int {
			return strings.Compare(c.id, id)
		})
		if found {
			start++
		}
		for i, candidate := range c.sorted[start:] {
			r := Resource{ID: candidate.id, State: Yes}
			if i%ctxEvery == 0 && ctx.Err() != nil {
				yield(Resource{}, ctx.Err())
				return
			}
			if !candidate.sure {
				a, err := w.next(c.relation, candidate.id)
				e.Cost.checked(candidate.id, w.reads)
				if err != nil {
					yield(Resource{}, err)
					return
				}
				if r.State, r.Missing = a.State, a.Missing; r.State == No {
					continue
				}
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// next answers one of many questions about the same subject: what was found for
// the earlier ones is kept as long as it is small. Reads are counted anew.
func (w *walk) next(r *schema.Relation, id string) (Answer, error) {
	if len(w.memo) > mostKept || w.keeps && w.log.full() {
		w.forget()
	}
	w.reads, w.recalls, w.deepest = 0, 0, 0
	v, err := w.ask(r, id)
	if err != nil {
		return Answer{}, err
	}
	return w.answer(v)
}

// ResourceCandidates collects the candidates of LookupResources: it goes up
// from the subject along everything that may contain it.
func (e *Engine) ResourceCandidates(ctx context.Context, resourceType, relation string, subject Subject) (*ResourceCandidates, error) {
	r, err := e.question(ctx, Object{Type: resourceType}, relation, subject)
	if err != nil {
		return nil, err
	}
	if subject.IsWildcard() {
		return nil, ErrWildcardSubject
	}
	w := e.walk(ctx, subject)
	defer w.release()
	c := &climb{walk: w, target: r, sure: map[node]bool{}, budget: w.limits.CandidateBytes}
	if r.Reaches(subject.Type, subject.Relation) {
		if err = c.enter(); err == nil {
			err = c.up()
		}
	}
	reads := c.asked + w.reads
	if err != nil {
		e.Cost.collected(len(c.sure), reads)
		return nil, err
	}
	found := &ResourceCandidates{relation: r, subject: subject}
	for n, sure := range c.sure {
		if n.relation == r {
			// Where data may close a cycle without an answer, each is asked.
			found.sorted = append(found.sorted, resourceCandidate{n.id, sure && !r.Unstratified})
			found.bytes += int64(len(n.id))
		}
	}
	e.Cost.collected(len(found.sorted), reads)
	slices.SortFunc(found.sorted, func(a, b resourceCandidate) int { return strings.Compare(a.id, b.id) })
	return found, nil
}

// climb collects the sets that may contain a subject, upward.
type climb struct {
	walk   *walk
	target *schema.Relation
	sure   map[node]bool // the sets that were reached, and whether the subject is certainly in them
	queue  []node        // reached, and still to be left
	budget int64         // bytes of ids that may still be kept
	asked  int           // reads before the last check on the way, which counts anew
}

// enter begins with the sets in which the subject stands itself.
func (c *climb) enter() error {
	s := c.walk.subject
	if s.Relation != "" {
		return c.reach(node{c.walk.engine.Schema.Relation(s.Type, s.Relation), s.ID}, true, false)
	}
	for _, entry := range c.walk.engine.Schema.Entries(s.Type) {
		if !c.leads(entry.Relation) {
			continue
		}
		if entry.Self {
			if err := c.reach(node{entry.Relation, s.ID}, true, entry.Check); err != nil {
				return err
			}
		}
		if entry.Plain {
			if err := c.cross(s, entry.Relation, entry.Relation, true, false); err != nil {
				return err
			}
		}
		if entry.Wildcard {
			wildcard := Subject{Object: Object{s.Type, Wildcard}}
			if err := c.cross(wildcard, entry.Relation, entry.Relation, true, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// leads reports whether being in r can make somebody part of the target.
func (c *climb) leads(r *schema.Relation) bool {
	return c.target.Reaches(r.Type.Name, r.Name)
}

// up follows the edges from every set that was reached.
func (c *climb) up() error {
	for len(c.queue) > 0 {
		n := c.queue[len(c.queue)-1]
		c.queue = c.queue[:len(c.queue)-1]
		for _, edge := range n.relation.Up {
			if !c.leads(edge.To) {
				continue
			}
			if err := c.follow(n, edge, c.sure[n]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *climb) follow(n node, edge schema.Edge, sure bool) error {
	switch edge.Kind {
	case schema.Computed:
		return c.reach(node{edge.To, n.id}, sure, edge.Check)
	case schema.Userset:
		return c.cross(Subject{n.object(), n.relation.Name}, edge.To, edge.To, sure, edge.Check)
	case schema.Arrow:
		for i, a := range edge.Via.Allowed {
			if a.Type != n.relation.Type || a.Wildcard || !firstOfKind(edge.Via.Allowed, i) {
				continue
			}
			subject := Subject{Object: n.object()}
			if a.Relation != nil {
				subject.Relation = a.Relation.Name
			}
			if err := c.cross(subject, edge.Via, edge.To, sure, edge.Check); err != nil {
				return err
			}
		}
	}
	return nil
}

// cross reaches the set to of every resource whose relation via holds subject.
func (c *climb) cross(subject Subject, via, to *schema.Relation, sure, check bool) error {
	after := ""
	for more := true; more; {
		if err := c.walk.count(); err != nil {
			return err
		}
		var page []Entry
		var err error
		page, more, err = c.walk.engine.Reader.Resources(subject, via.Type.Name, via.Name, after)
		if err != nil {
			return err
		}
		for _, e := range page {
			after = e.ID
			held, err := c.walk.held(e.Trait, &source{relation: via, id: e.ID}, &subject)
			if err != nil {
				return err
			}
			if held.truth == no {
				continue
			}
			if err := c.reach(node{to, e.ID}, sure && held.truth == yes, check); err != nil {
				return err
			}
		}
	}
	return nil
}

// reach notes a set. If the way to it was not enough to be in it, the set is
// asked at once: what does not hold the subject leads nowhere. A target that
// leads to no other target is asked only when its result is taken.
func (c *climb) reach(n node, sure, check bool) error {
	was, known := c.sure[n]
	if known && (was || !sure || check) {
		return nil
	}
	if check {
		sure = false
		if !n.relation.Unstratified && (n.relation != c.target || n.relation.Recursive) {
			a, err := c.ask(n)
			if err != nil || a.State == No {
				return err
			}
			sure = a.State == Yes
		}
	}
	if !known {
		if len(c.sure) >= c.walk.limits.Candidates {
			return &LimitError{What: "candidates of a lookup", Limit: int64(c.walk.limits.Candidates)}
		}
		if c.budget -= int64(len(n.id)); c.budget < 0 {
			return &LimitError{What: "bytes of candidates of a lookup", Limit: c.walk.limits.CandidateBytes}
		}
	}
	c.sure[n] = sure
	if n.relation != c.target || n.relation.Recursive {
		c.queue = append(c.queue, n)
	}
	return nil
}

// ask checks a set on the way. Where the depth limit leaves it open, it stays a
// candidate: the limit counts from the resource that was asked for.
func (c *climb) ask(n node) (Answer, error) {
	c.asked += c.walk.reads
	a, err := c.walk.next(n.relation, n.id)
	var tooDeep *DepthError
	if errors.As(err, &tooDeep) {
		return Answer{State: Conditional}, nil
	}
	return a, err
}
