package engine

import (
	"context"
	"fmt"
	"sync"

	"github.com/pemba-authz/pemba/schema"
)

// node is one set: a relation or permission of one object. The object's type is
// the relation's.
type node struct {
	relation *schema.Relation
	id       string
}

func (n node) object() Object { return Object{n.relation.Type.Name, n.id} }

func (n node) String() string { return n.object().String() + "#" + n.relation.Name }

// status is how far the walk is with a set.
type status uint8

const (
	open    status = iota + 1 // on the stack: being answered
	assumed                   // answered, resting on sets that are still open
	final                     // answered
)

// entry is what one walk remembers of a set.
type entry struct {
	value  value
	status status
	used   bool  // open: its assumed value was used in this round
	place  int32 // open: its place on the stack
	hops   int   // how deep the set lay when the value was found; matters for deep values
	round  int   // assumed: the round in which the value was found

	// Where the walk is kept: the part of the log that the value rests on, and the
	// hops to the furthest object that was looked into for it.
	from, to int32
	height   int

	question uint32 // that the value was found for
	unsure   bool   // the height depends on which sets were open when the value was found
}

// walk answers questions about one subject: depth first, one set after the
// other, stopping at the first grant.
//
// A set that can reach itself is answered by rounds. When the walk comes back
// to an open set it uses the value that the set had in the round before (no, in
// the first). The outermost set of such a cycle asks again until no assumption
// turned out too low; what it finds then is the least fixpoint, and final for
// all sets of the cycle. In between their values are kept as assumed: good
// within the round, never beyond. So a denial that was found only because a
// cycle was cut is not remembered as a denial.
type walk struct {
	engine   *Engine
	ctx      context.Context
	subject  Subject
	everyone Subject      // the wildcard of its type
	plain    *schema.Type // the subject's type if it has no relation, else nil
	limits   Limits

	memo  map[node]*entry
	spare []entry // entries to hand out, so that a walk allocates few times
	below []node  // the assumed sets, in the order they were answered

	depth   int32 // open sets
	round   int
	changed bool // an open set's assumed value was used and turned out too low
	rose    bool // an assumed set was answered again with another value
	reads   int
	recalls int
	deepest int // hops to the furthest set that was looked into

	keeper             Keeper // nil: the Reader is none
	keeps              bool   // answers are recalled and kept
	log                *basis // what they rest on; nil before the first walk that keeps
	mark, everyoneMark Mark   // of the subjects, if keeps
	furthest           int    // hops to the furthest object that the set being answered rests on

	alike    bool   // each question is answered as it would be alone
	question uint32 // counts the questions of the walk
	borrowed bool   // what was found for earlier questions may be used for this one
	narrow   bool   // the walk came to the depth limit
	unsure   bool   // the height of the set that is being answered depends on which sets are open

	record *recorder // nil unless the walk is to be explained
}

// walks holds finished walks: their maps are what a check would allocate most.
var walks = sync.Pool{New: func() any { return &walk{memo: make(map[node]*entry, 32)} }}

// mostKept bounds the memo of a walk that is used again, in sets.
const mostKept = 4096

func (e *Engine) walk(ctx context.Context, subject Subject) *walk {
	w := walks.Get().(*walk)
	w.engine, w.ctx, w.subject, w.limits = e, ctx, subject, e.Limits.withDefaults()
	if subject.Relation == "" {
		w.plain = e.Schema.Type(subject.Type)
	}
	w.everyone = Subject{Object: Object{Type: subject.Type, ID: Wildcard}}
	if keeping, ok := e.Reader.(Keeping); ok {
		w.keeper = keeping.Keeper()
	}
	return w
}

// keepingWalk is walk for one that recalls answers, and keeps those it finds.
func (e *Engine) keepingWalk(ctx context.Context, subject Subject) *walk {
	w := e.walk(ctx, subject)
	if w.keeper == nil {
		return w
	}
	w.keeps = true
	w.mark = w.keeper.Mark(&w.subject)
	if subject.Relation == "" {
		w.everyoneMark = w.keeper.Mark(&w.everyone)
	}
	if w.log == nil {
		w.log = &basis{}
	}
	return w
}

// release gives the walk back; nothing of it may be used afterwards.
func (w *walk) release() {
	if len(w.memo) > mostKept {
		return
	}
	w.forget()
	*w = walk{memo: w.memo, spare: w.spare, below: w.below, log: w.log}
	walks.Put(w)
}

// forget drops what was remembered, for the next subject.
func (w *walk) forget() {
	clear(w.memo)
	clear(w.spare)
	w.spare = w.spare[:0]
	w.below = w.below[:0]
	if w.log != nil {
		w.log.notes = w.log.notes[:0]
	}
}

// ask answers the question that the walk was made for, or the next one.
//
// What was found for earlier questions is used for this one, if all that it
// rests on lies within the depth limit from here. That cannot change an answer
// but where the walk comes to the limit all the same: alone it would have come
// to some sets first, or by other ways. Then, where questions are to be answered
// alike, this one is asked again by itself.
func (w *walk) ask(r *schema.Relation, id string) (value, error) {
	w.question++
	w.borrowed, w.narrow = len(w.memo) > 0, false
	v, err := w.askOnce(r, id)
	if err != nil || !w.alike || !w.narrow || !w.borrowed {
		return v, err
	}
	keeps := w.keeps
	w.keeps = false
	w.forget()
	w.reads, w.recalls, w.deepest = 0, 0, 0
	v, err = w.askOnce(r, id)
	w.keeps = keeps
	w.forget() // what was not written down cannot be referred to
	return v, err
}

func (w *walk) askOnce(r *schema.Relation, id string) (value, error) {
	if r.Unstratified {
		record := w.record
		w.record = nil // what this reads is no step of the answer
		err := w.stratified(node{r, id})
		w.record = record
		if err != nil {
			return value{}, err
		}
	}
	return w.arrive(r, id, 0)
}

// arrive answers a set of an object that the walk comes to: the one that was
// asked for, or one that a relationship names. Their answers are kept; those of
// the sets they are made of on the same object are parts of them.
func (w *walk) arrive(r *schema.Relation, id string, hops int) (value, error) {
	return w.recorded(r, id, hops, w.keeps)
}

// set answers one set; hops is how many objects lie before it.
func (w *walk) set(r *schema.Relation, id string, hops int) (value, error) {
	return w.recorded(r, id, hops, false)
}

func (w *walk) recorded(r *schema.Relation, id string, hops int, keep bool) (value, error) {
	if w.record != nil {
		w.record.enter(node{r, id})
		v, err := w.setValue(r, id, hops, keep)
		w.record.answer(node{r, id}, v)
		return v, err
	}
	return w.setValue(r, id, hops, keep)
}

func (w *walk) setValue(r *schema.Relation, id string, hops int, keep bool) (value, error) {
	s := &w.subject
	if s.Relation == r.Name && s.ID == id && s.Type == r.Type.Name {
		return valueYes, nil // a subject is a member of the userset of its own name
	}
	if !w.reachable(r) {
		return valueNo, nil
	}
	w.deepest, w.furthest = max(w.deepest, hops), max(w.furthest, hops)
	if hops > w.limits.Depth {
		w.narrow = true
		return value{truth: deep, low: closed, until: never}, nil
	}
	if !r.IsPermission() && !cutsCycles(r) {
		return w.direct(r, id, hops)
	}
	n := node{r, id}
	known := w.memo[n]
	if known != nil {
		if v, ok := w.remembered(known, hops); ok {
			w.record.again()
			return v, nil
		}
	} else {
		if keep {
			if v, ok := w.recall(r, id, hops); ok {
				return v, nil
			}
		}
		known = w.newEntry()
		w.memo[n] = known
	}
	outer, depth, unsure := w.furthest, w.depth, w.unsure
	w.furthest, w.unsure, known.from = hops, false, w.log.length()
	known.question = w.question
	v, err := w.answerSet(n, known, hops)
	known.to, known.height = w.log.length(), w.furthest-hops
	known.unsure = w.unsure
	w.furthest, w.unsure = max(w.furthest, outer), w.unsure || unsure
	if keep && err == nil {
		w.keep(n, known, hops, depth)
	}
	return v, err
}

func (w *walk) answerSet(n node, known *entry, hops int) (value, error) {
	if n.relation.Recursive {
		return w.fixpoint(n, known, hops)
	}
	v, err := w.members(n.relation, n.id, hops)
	known.value, known.status, known.hops = v, final, hops
	return v, err
}

// lower notes that the sets from mark on rest on what the set above them rests
// on: its place on the stack will be another set's.
func (w *walk) lower(mark int, low int32) {
	for _, b := range w.below[mark:] {
		e := w.memo[b]
		e.value.low = min(e.value.low, low)
	}
}

// members answers a set from what it is made of.
func (w *walk) members(r *schema.Relation, id string, hops int) (value, error) {
	if r.IsPermission() {
		return w.expr(r.Plan, r, id, hops)
	}
	return w.direct(r, id, hops)
}

// expr answers one step of permission r on the object with this id.
func (w *walk) expr(x schema.Expr, r *schema.Relation, id string, hops int) (value, error) {
	if _, plain := x.(*schema.Ref); plain || w.record == nil {
		return w.exprValue(x, r, id, hops)
	}
	w.record.begin(x, Object{r.Type.Name, id})
	v, err := w.exprValue(x, r, id, hops)
	w.record.leave(v)
	return v, err
}

func (w *walk) exprValue(x schema.Expr, r *schema.Relation, id string, hops int) (value, error) {
	switch x := x.(type) {
	case *schema.Ref:
		return w.set(x.Relation, id, hops)
	case *schema.ArrowExpr:
		if x.All {
			return w.arrowAll(x, id, hops)
		}
		return w.arrow(x, id, hops)
	case *schema.Union:
		return w.union(x, r, id, hops)
	case *schema.Intersection:
		return w.intersection(x, r, id, hops)
	case *schema.Exclusion:
		return w.exclusion(x, r, id, hops)
	case *schema.Self:
		if s := &w.subject; s.Relation == "" && s.ID == id && s.Type == r.Type.Name {
			return valueYes, nil
		}
		return valueNo, nil
	case *schema.Nil:
		return valueNo, nil
	}
	panic(fmt.Sprintf("engine: no such expression: %T", x))
}

func (w *walk) union(x *schema.Union, r *schema.Relation, id string, hops int) (value, error) {
	acc := valueNo
	for _, operand := range x.Of {
		v, err := w.expr(operand, r, id, hops)
		if err != nil || v.truth == yes {
			return v, err
		}
		acc = or(acc, v)
	}
	return acc, nil
}

func (w *walk) intersection(x *schema.Intersection, r *schema.Relation, id string, hops int) (value, error) {
	acc := valueYes
	for _, operand := range x.Of {
		v, err := w.expr(operand, r, id, hops)
		if err != nil || v.truth == no {
			return v, err
		}
		acc = and(acc, v)
	}
	return acc, nil
}

func (w *walk) exclusion(x *schema.Exclusion, r *schema.Relation, id string, hops int) (value, error) {
	base, err := w.expr(x.Base, r, id, hops)
	if err != nil || base.truth == no || bugLostExclusion {
		return base, err
	}
	minus, err := w.expr(x.Minus, r, id, hops)
	if err != nil {
		return value{}, err
	}
	return and(base, not(minus)), nil
}

// direct answers a relation: the subject itself, its wildcard, then usersets.
func (w *walk) direct(r *schema.Relation, id string, hops int) (value, error) {
	s, err := w.source(r, id)
	if err != nil {
		return value{}, err
	}
	acc, err := w.named(&s)
	if err != nil || acc.truth == yes {
		return acc, err
	}
	for i, a := range r.Allowed {
		if a.Relation == nil || !firstOfKind(r.Allowed, i) || !w.reachable(a.Relation) {
			continue
		}
		err = w.eachOf(&s, a, func(held value, subjectID string) (bool, error) {
			if held.truth != no {
				v, err := w.arrive(a.Relation, subjectID, hops+1)
				if err != nil {
					return true, err
				}
				acc = or(acc, and(held, v))
			}
			return acc.truth == yes, nil
		})
		if err != nil || acc.truth == yes {
			return acc, err
		}
	}
	return acc, nil
}

// reachable reports whether the subject can be in r: by type, or by name.
func (w *walk) reachable(r *schema.Relation) bool {
	if w.plain != nil {
		return r.ReachesType(w.plain)
	}
	return r.Reaches(w.subject.Type, w.subject.Relation)
}

// firstOfKind reports whether no earlier entry allows the same kind of subject
// (with another trait): a kind is read once.
func firstOfKind(allowed []*schema.Allowed, i int) bool {
	for _, a := range allowed[:i] {
		if a.Type == allowed[i].Type && a.Relation == allowed[i].Relation && a.Wildcard == allowed[i].Wildcard {
			return false
		}
	}
	return true
}

// arrow answers left->right and left.any(right).
func (w *walk) arrow(x *schema.ArrowExpr, id string, hops int) (value, error) {
	s, err := w.source(x.Left, id)
	if err != nil {
		return value{}, err
	}
	acc := valueNo
	for i, a := range x.Left.Allowed {
		target := x.Targets[i]
		if target == nil || !firstOfKind(x.Left.Allowed, i) || !w.reachable(target) {
			continue
		}
		err := w.eachOf(&s, a, func(held value, subjectID string) (bool, error) {
			if held.truth != no {
				v, err := w.arrive(target, subjectID, hops+1)
				if err != nil {
					return true, err
				}
				acc = or(acc, and(held, v))
			}
			return acc.truth == yes, nil
		})
		if err != nil || acc.truth == yes {
			return acc, err
		}
	}
	return acc, nil
}

// arrowAll answers left.all(right): every object that left holds has to grant,
// and there has to be one. A relationship whose caveat is false denies.
func (w *walk) arrowAll(x *schema.ArrowExpr, id string, hops int) (value, error) {
	s, err := w.source(x.Left, id)
	if err != nil {
		return value{}, err
	}
	acc, some := valueYes, false
	for i, a := range x.Left.Allowed {
		if !firstOfKind(x.Left.Allowed, i) {
			continue
		}
		target := x.Targets[i]
		err := w.eachOf(&s, a, func(held value, subjectID string) (bool, error) {
			some = true
			until := held.until
			if target == nil {
				held = valueNo
			}
			if held.truth != no {
				v, err := w.arrive(target, subjectID, hops+1)
				if err != nil {
					return true, err
				}
				held = and(held, v)
			}
			held.until = min(held.until, until) // it demands nothing any more then
			acc = and(acc, held)
			return acc.truth == no, nil
		})
		if err != nil || acc.truth == no {
			return acc, err
		}
	}
	if !some {
		return valueNo, nil
	}
	return acc, nil
}
