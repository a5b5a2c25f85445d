package schema

import (
	"slices"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// lint warns of what is allowed but probably not meant, as far as it needs the
// whole schema; the other warnings come with the checks.
func (c *compiler) lint(g *graph) {
	c.warnMinus(g)
	c.warnEmpty()
	c.warnUnusedCaveats()
}

// warnMixed warns of different operators side by side without parentheses, once
// a permission.
func (c *compiler) warnMixed(m *member, x syntax.Expr) {
	if b := mixed(x); b != nil {
		c.warn(m.place(b.OpPos), "mixed-operators", "permission %s mixes operators without parentheses: + binds tighter than &, and & tighter than -", syntax.Quote(m.rel.Name))
	}
}

// mixed finds an operator with another one as its operand, without parentheses.
func mixed(x syntax.Expr) *syntax.Binary {
	for {
		switch y := x.(type) {
		case *syntax.Paren:
			x = y.X
		case *syntax.Binary:
			for _, side := range []syntax.Expr{y.X, y.Y} {
				if in, ok := side.(*syntax.Binary); ok && in.Op != y.Op {
					return y
				}
			}
			if b := mixed(y.Y); b != nil {
				return b
			}
			x = y.X
		default:
			return nil
		}
	}
}

// warnTargets warns of an arrow whose right side some of its types lack.
func (c *compiler) warnTargets(at place, left *Relation, right string, targets []*Relation) {
	var without []string
	for i, t := range targets {
		if t != nil || len(without) > maxListed {
			continue
		}
		if name := syntax.Quote(left.Allowed[i].Type.Name); !slices.Contains(without, name) {
			without = append(without, name)
		}
	}
	switch {
	case len(without) == 0:
	case slices.ContainsFunc(targets, func(t *Relation) bool { return t != nil }):
		c.warn(at, "partial-arrow", "%s of relation %s has no %s: it adds nothing to this arrow, and to all(…) it denies",
			and(without), syntax.Quote(left.Name), syntax.Quote(right))
	default:
		c.warn(at, "empty-arrow", "no type of relation %s has %s: this arrow never holds anything", syntax.Quote(left.Name), syntax.Quote(right))
	}
}

// warnMinus warns of recursion through the right side of an exclusion.
func (c *compiler) warnMinus(g *graph) {
	warned := map[*Relation]bool{}
	for _, e := range slices.Backward(c.exclusions) { // outer ones before those inside
		own := g.of[e.owner.Index]
		if !warned[e.owner] && slices.ContainsFunc(appendArcs(nil, e.x.Minus, true), func(a arc) bool { return g.of[a.to] == own }) {
			c.warn(e.at, "exclusion-cycle", "permission %s can exclude what depends on itself: where relationships close such a circle, a request has no answer and fails",
				syntax.Quote(e.owner.Name))
			warned[e.owner] = true
		}
	}
}

// warnEmpty warns of relations and permissions in which no subject can be,
// other than by an explicit nil or an arrow that was warned of.
func (c *compiler) warnEmpty() {
	for _, m := range c.members {
		if m.rel == nil || !m.rel.reach.types.empty() {
			continue
		}
		known := false
		if m.rel.IsPermission() {
			leaves(m.rel.Expr, func(x Expr) {
				switch x := x.(type) {
				case *Nil:
					known = true
				case *Ref:
					known = known || x.Relation.reach.types.empty()
				case *ArrowExpr:
					known = known || slices.ContainsFunc(x.Targets, func(t *Relation) bool { return t == nil || t.reach.types.empty() })
				}
			})
		}
		if !known {
			c.warn(m.place(m.rel.Pos), "empty-set", "no subject can ever be in %s", syntax.Quote(m.rel.Name))
		}
	}
}

func (c *compiler) warnUnusedCaveats() {
	used := map[*Caveat]bool{}
	for _, r := range c.s.relations {
		for _, a := range r.Allowed {
			used[a.Caveat] = true
		}
	}
	for _, u := range c.units {
		for _, d := range u.file.Decls {
			if d, ok := d.(*syntax.Caveat); ok && !used[c.s.caveats[d.Name.Name]] {
				c.warn(place{u, d.Name.Pos}, "unused-caveat", "no relation uses caveat %s", syntax.Quote(d.Name.Name))
			}
		}
	}
}
