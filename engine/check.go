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
	engine  *Engine
	ctx     context.Context
	subject Subject
	plain   *schema.Type // the subject's type if it has no relation, else nil
	limits  Limits

	memo  map[node]*entry
	spare []entry // entries to hand out, so that a walk allocates few times
	below []node  // the assumed sets, in the order they were answered

	depth   int32 // open sets
	round   int
	changed bool // an open set's assumed value was used and turned out too low
	rose    bool // an assumed set was answered again with another value
	reads   int
	deepest int // hops to the furthest set that was looked into

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
	return w
}

// release gives the walk back; nothing of it may be used afterwards.
func (w *walk) release() {
	if len(w.memo) > mostKept {
		return
	}
	w.forget()
	*w = walk{memo: w.memo, spare: w.spare[:0], below: w.below[:0]}
	walks.Put(w)
}

// forget drops what was remembered, for the next subject.
func (w *walk) forget() {
	clear(w.memo)
	clear(w.spare)
	w.spare = w.spare[:0]
	w.below = w.below[:0]
}

// ask answers the question that the walk was made for.
func (w *walk) ask(r *schema.Relation, id string) (value, error) {
	if r.Unstratified {
		record := w.record
		w.record = nil // what this reads is no step of the answer
		err := w.stratified(node{r, id})
		w.record = record
		if err != nil {
			return value{}, err
		}
	}
	return w.set(r, id, 0)
}

// set answers one set; hops is how many objects lie before it.
func (w *walk) set(r *schema.Relation, id string, hops int) (value, error) {
	if w.record != nil {
		w.record.enter(node{r, id})
		v, err := w.setValue(r, id, hops)
		w.record.answer(node{r, id}, v)
		return v, err
	}
	return w.setValue(r, id, hops)
}

func (w *walk) setValue(r *schema.Relation, id string, hops int) (value, error) {
	s := &w.subject
	if s.Relation == r.Name && s.ID == id && s.Type == r.Type.Name {
		return valueYes, nil // a subject is a member of the userset of its own name
	}
	if !w.reachable(r) {
		return valueNo, nil
	}
	w.deepest = max(w.deepest, hops)
	if hops > w.limits.Depth {
		return value{truth: deep, low: closed, until: never}, nil
	}
	if !r.IsPermission() && !cutsCycles(r) {
		return w.direct(r, id, hops)
	}
	n := node{r, id}
	known := w.memo[n]
	if known != nil {
		if v, ok := w.recall(known, hops); ok {
			w.record.again()
			return v, nil
		}
	} else {
		known = w.newEntry()
		w.memo[n] = known
	}
	if !r.Recursive {
		v, err := w.members(r, id, hops)
		known.value, known.status, known.hops = v, final, hops
		return v, err
	}
	return w.fixpoint(n, known, hops)
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
	acc, err := w.named(r, id)
	if err != nil || acc.truth == yes {
		return acc, err
	}
	for i, a := range r.Allowed {
		if a.Relation == nil || !firstOfKind(r.Allowed, i) || !w.reachable(a.Relation) {
			continue
		}
		err = w.each(r, id, a, func(held value, subjectID string) (bool, error) {
			if held.truth != no {
				v, err := w.set(a.Relation, subjectID, hops+1)
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

// named answers whether the subject, or the wildcard of its type, stands in the
// relation itself.
func (w *walk) named(r *schema.Relation, id string) (value, error) {
	s := &w.subject
	acc := valueNo
	for i, a := range r.Allowed {
		if a.Type.Name != s.Type || !firstOfKind(r.Allowed, i) {
			continue
		}
		asked := *s
		switch {
		case a.Wildcard:
			if s.Relation != "" {
				continue
			}
			asked.ID = Wildcard
		case s.ID == Wildcard:
			continue
		case a.Relation == nil && s.Relation != "", a.Relation != nil && a.Relation.Name != s.Relation:
			continue
		}
		v, err := w.find(r, id, asked)
		if err != nil || v.truth == yes {
			return v, err
		}
		acc = or(acc, v)
	}
	return acc, nil
}

// find answers one relationship.
func (w *walk) find(r *schema.Relation, id string, subject Subject) (value, error) {
	if err := w.count(); err != nil {
		return value{}, err
	}
	resource := Object{r.Type.Name, id}
	trait, ok, err := w.engine.Reader.Find(resource, r.Name, subject)
	if err != nil {
		return value{}, err
	}
	v := valueNo
	if ok {
		v, err = w.held(trait, r, id, subject)
	}
	w.record.look(r, id, subject, trait, ok, v)
	if v.truth == no {
		return valueNo, err // that it expires makes no difference
	}
	return v, err
}

// each calls f for every subject of one kind in a relation that exists now,
// with what its own relationship says, until f stops it.
func (w *walk) each(r *schema.Relation, id string, a *schema.Allowed, f func(held value, subjectID string) (stop bool, err error)) error {
	resource := Object{r.Type.Name, id}
	subject := Subject{Object: Object{Type: a.Type.Name}}
	if a.Relation != nil {
		subject.Relation = a.Relation.Name
	}
	for more := true; more; {
		if err := w.count(); err != nil {
			return err
		}
		var page []Entry
		var err error
		page, more, err = w.engine.Reader.Subjects(resource, r.Name, subject.Type, subject.Relation, subject.ID)
		if err != nil {
			return err
		}
		for i := range page {
			subject.ID = page[i].ID
			if page[i].Trait.expired(w.engine.Now) {
				continue
			}
			held, err := w.held(page[i].Trait, r, id, subject)
			if err != nil {
				return err
			}
			w.record.follow(r, id, subject, page[i].Trait, held)
			stop, err := f(held, page[i].ID)
			w.record.end()
			if stop || err != nil {
				return err
			}
		}
	}
	return nil
}

// arrow answers left->right and left.any(right).
func (w *walk) arrow(x *schema.ArrowExpr, id string, hops int) (value, error) {
	acc := valueNo
	for i, a := range x.Left.Allowed {
		target := x.Targets[i]
		if target == nil || !firstOfKind(x.Left.Allowed, i) || !w.reachable(target) {
			continue
		}
		err := w.each(x.Left, id, a, func(held value, subjectID string) (bool, error) {
			if held.truth != no {
				v, err := w.set(target, subjectID, hops+1)
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
	acc, some := valueYes, false
	for i, a := range x.Left.Allowed {
		if !firstOfKind(x.Left.Allowed, i) {
			continue
		}
		target := x.Targets[i]
		err := w.each(x.Left, id, a, func(held value, subjectID string) (bool, error) {
			some = true
			until := held.until
			if target == nil {
				held = valueNo
			}
			if held.truth != no {
				v, err := w.set(target, subjectID, hops+1)
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

// held answers whether a relationship that is stored holds for this request.
func (w *walk) held(t *Trait, r *schema.Relation, id string, subject Subject) (value, error) {
	if t == nil {
		return valueYes, nil
	}
	v := valueYes
	if !t.Expires.IsZero() {
		if t.expired(w.engine.Now) {
			return valueNo, nil
		}
		v.until = t.Expires.UnixMicro()
	}
	if t.Caveat == "" {
		return v, nil
	}
	c := w.engine.Schema.Caveat(t.Caveat)
	if c == nil {
		return value{}, fmt.Errorf("%s#%s@%s has the caveat %q, which the schema does not define", node{r, id}.object(), r.Name, subject, t.Caveat)
	}
	verdict, missing, err := c.Program.Evaluate(t.Context, w.engine.Context)
	if err != nil {
		return value{}, fmt.Errorf("%s#%s@%s: %w", node{r, id}.object(), r.Name, subject, err)
	}
	switch verdict {
	case schema.False:
		v.truth = no
	case schema.Unknown:
		v.truth, v.missing = conditional, missing
	case schema.True:
	}
	return v, nil
}

// ctxEvery is how many reads pass between two looks at the context.
const ctxEvery = 128

// count counts one question to the Reader.
func (w *walk) count() error {
	w.reads++
	if w.reads > w.limits.Reads {
		return &LimitError{What: "relationship reads", Limit: int64(w.limits.Reads)}
	}
	if w.reads%ctxEvery == 0 {
		return w.ctx.Err()
	}
	return nil
}
