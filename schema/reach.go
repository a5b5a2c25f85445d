package schema

import "slices"

// reach is the set of subject types that can be in a relation or permission at
// all. Relations that share a reach share the value.
type reach struct {
	names map[string]*Type // of the schema
	types bits             // by Type.index
}

// Reaches reports whether a subject of that kind can be in r at all: a subject
// of the type without a relation when subjectRelation is "" or "...", which
// wildcards of the type and "self" count as, else the userset
// subjectType#subjectRelation. Every r reaches the userset of its own name. It
// never says no where a relationship could make it a yes; through exclusions
// it may say yes in vain. For types it takes constant time and allocates
// nothing; the first question for a userset walks the sets that may hold it.
// Unknown names are reached by nothing. It is safe for concurrent use.
func (r *Relation) Reaches(subjectType, subjectRelation string) bool {
	t := r.reach.names[subjectType]
	if t == nil {
		return false
	}
	if subjectRelation == "" || subjectRelation == "..." {
		return r.reach.types.has(t.index)
	}
	u := t.byName[subjectRelation]
	return u != nil && u.holders().has(r.Index)
}

// ReachesType is Reaches for subjects of the type without a relation, for a
// walk that asks about the same type many times. The type is of the same schema.
func (r *Relation) ReachesType(t *Type) bool { return r.reach.types.has(t.index) }

// setReach fills the reach of every relation.
func (s *Schema) setReach(g *graph) {
	interned := map[uint64][]*reach{}
next:
	for i, types := range g.subjectTypes(true) {
		h := types.hash()
		for _, known := range interned[h] {
			if known.types.equal(types) {
				s.relations[i].reach = known
				continue next
			}
		}
		s.relations[i].reach = &reach{s.types, types}
		interned[h] = append(interned[h], s.relations[i].reach)
	}
}

// maxRounds bounds the rounds of a fixpoint over one component. Rounds follow
// the order of need, so that even one of thousands settles in a few.
const maxRounds = 50

// subjectTypes gives, for each relation, the types of the subjects without a
// relation that can be in it, as a least fixpoint. Whether the type that "self"
// adds counts is self.
func (g *graph) subjectTypes(self bool) []bits {
	f := flow{make([]bits, len(g.relations)), self}
	for n, members := range g.components {
		if !g.relations[members[0]].Recursive {
			f.of[members[0]] = f.relation(g.relations[members[0]])
			continue
		}
		settled := false
		for round := 0; !settled && round < maxRounds && g.narrows(n); round++ {
			settled = true
			for _, i := range members {
				if now := f.relation(g.relations[i]); !now.equal(f.of[i]) {
					f.of[i] = now
					settled = false
				}
			}
		}
		if !settled {
			f.together(g.relations, members)
		}
	}
	return f.of
}

// narrows reports whether an intersection or exclusion stands in the component:
// if not, everything in it holds the same types.
func (g *graph) narrows(component int) bool {
	return slices.ContainsFunc(g.components[component], func(i int) bool {
		return g.relations[i].Expr != nil && narrowing(g.relations[i].Expr)
	})
}

func narrowing(x Expr) bool {
	switch x := x.(type) {
	case *Union:
		return slices.ContainsFunc(x.Of, narrowing)
	case *Intersection, *Exclusion:
		return true
	}
	return false
}

// flow is the state of subjectTypes.
type flow struct {
	of   []bits
	self bool
}

// together gives all members the types that any of them can hold, as if
// nothing narrowed them.
func (f flow) together(relations []*Relation, members []int) {
	var sum bits
	for _, i := range members {
		r := relations[i]
		if r.Expr == nil {
			sum = sum.union(f.relation(r))
			continue
		}
		leaves(r.Expr, func(x Expr) { sum = sum.union(f.expr(r.Type, x)) })
	}
	for _, i := range members {
		f.of[i] = sum
	}
}

func (f flow) relation(r *Relation) bits {
	if r.Expr != nil {
		return f.expr(r.Type, r.Expr)
	}
	var direct, out bits
	for _, a := range r.Allowed {
		if a.Relation == nil {
			direct.add(a.Type.index)
		} else {
			out = out.union(f.of[a.Relation.Index])
		}
	}
	return out.union(direct)
}

func (f flow) expr(t *Type, x Expr) (out bits) {
	switch x := x.(type) {
	case *Ref:
		return f.of[x.Relation.Index]
	case *ArrowExpr:
		for _, target := range x.Targets {
			if target != nil {
				out = out.union(f.of[target.Index])
			}
		}
	case *Union:
		for _, y := range x.Of {
			out = out.union(f.expr(t, y))
		}
	case *Intersection:
		out = f.expr(t, x.Of[0])
		for _, y := range x.Of[1:] {
			out = out.intersect(f.expr(t, y))
		}
	case *Exclusion:
		return f.expr(t, x.Base)
	case *Self:
		if f.self {
			out.add(t.index)
		}
	}
	return out
}

// holders gives the sets, by index, that the userset r can be in: itself and
// what Up leads to from there.
func (r *Relation) holders() bits {
	if known := r.above.Load(); known != nil {
		return *known
	}
	var seen bits
	seen.add(r.Index)
	for stack := []*Relation{r}; len(stack) > 0; {
		last := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, e := range last.Up {
			if !seen.has(e.To.Index) {
				seen.add(e.To.Index)
				stack = append(stack, e.To)
			}
		}
	}
	r.above.Store(&seen)
	return seen
}
