package schema

import (
	"cmp"
	"slices"
)

// Needs returns every relation and permission that the answer for r can depend
// on, however far away, without r itself: operands on either side, both sides
// of arrows, and the usersets that relations allow. Sorted by type and name.
func (s *Schema) Needs(r *Relation) []*Relation {
	return s.closure([]*Relation{r}, func(r *Relation, visit func(*Relation)) { needs(r, visit) })
}

// NeededBy returns every relation and permission of which the answer can
// depend on r, however far away, without r itself: the inverse of Needs.
func (s *Schema) NeededBy(r *Relation) []*Relation {
	return s.closure([]*Relation{r}, s.users())
}

// NeededByType returns every relation and permission of which the answer can
// depend on relationships with subjects of the type without a relation, its
// wildcard among them, or on objects of the type being in themselves by self.
func (s *Schema) NeededByType(t *Type) []*Relation {
	var direct []*Relation
	for _, e := range s.Entries(t.Name) {
		direct = append(direct, e.Relation)
	}
	all := append(s.closure(direct, s.users()), direct...)
	slices.SortFunc(all, byTypeAndName)
	return slices.Compact(all)
}

// needs visits what the answer for r depends on at once.
func needs(r *Relation, visit func(*Relation)) {
	for _, a := range r.Allowed {
		if a.Relation != nil {
			visit(a.Relation)
		}
	}
	if r.Expr == nil {
		return
	}
	leaves(r.Expr, func(x Expr) {
		switch x := x.(type) {
		case *Ref:
			visit(x.Relation)
		case *ArrowExpr:
			visit(x.Left)
			for _, t := range x.Targets {
				if t != nil {
					visit(t)
				}
			}
		}
	})
}

// users gives needs the other way round.
func (s *Schema) users() func(*Relation, func(*Relation)) {
	of := make([][]*Relation, len(s.relations))
	for _, r := range s.relations {
		needs(r, func(needed *Relation) { of[needed.Index] = append(of[needed.Index], r) })
	}
	return func(r *Relation, visit func(*Relation)) {
		for _, user := range of[r.Index] {
			visit(user)
		}
	}
}

// closure returns what can be reached by next, without from, sorted.
func (s *Schema) closure(from []*Relation, next func(*Relation, func(*Relation))) []*Relation {
	var seen bits
	for _, r := range from {
		seen.add(r.Index)
	}
	var out []*Relation
	for stack := slices.Clone(from); len(stack) > 0; {
		last := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		next(last, func(r *Relation) {
			if !seen.has(r.Index) {
				seen.add(r.Index)
				out = append(out, r)
				stack = append(stack, r)
			}
		})
	}
	slices.SortFunc(out, byTypeAndName)
	return out
}

func byTypeAndName(x, y *Relation) int {
	return cmp.Or(cmp.Compare(x.Type.Name, y.Type.Name), cmp.Compare(x.Name, y.Name))
}
