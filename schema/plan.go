package schema

import (
	"cmp"
	"slices"
)

// The static costs by which a plan orders operands. They stand for the reads
// that an operand needs at worst; only their order matters.
const (
	costFree     = 0       // self, nil
	costPlain    = 10      // a relation that holds plain subjects only
	costWildcard = 20      // a relation that holds wildcards too
	costUsersets = 30      // a relation that holds usersets too
	costComputed = 40      // a permission of the same object, or what it costs and one more
	costArrow    = 50      // an arrow, or what its dearest target costs and ten more
	costDeep     = 1 << 20 // what can lead back to itself
)

// plan fills Plan of every permission.
func (c *compiler) plan(g *graph) {
	cost := make([]int, len(g.relations))
	p := planner{cost}
	for _, members := range g.components {
		for _, i := range members {
			r := g.relations[i]
			if r.Expr != nil {
				r.Plan = p.order(simplify(r.Expr))
			}
			cost[i] = p.relation(r)
		}
	}
}

// simplify removes what is empty. It grants exactly what x grants and shares
// no *Union, *Intersection or *Exclusion with x.
func simplify(x Expr) Expr {
	switch x := x.(type) {
	case *ArrowExpr:
		if !slices.ContainsFunc(x.Targets, func(t *Relation) bool { return t != nil }) {
			return &Nil{}
		}
	case *Union:
		var of []Expr
		for _, y := range x.Of {
			if y = simplify(y); !isNil(y) {
				of = append(of, y)
			}
		}
		of = flatten(of, unionOf)
		switch len(of) {
		case 0:
			return &Nil{}
		case 1:
			return of[0]
		}
		return &Union{of}
	case *Intersection:
		of := make([]Expr, len(x.Of))
		for i, y := range x.Of {
			if of[i] = simplify(y); isNil(of[i]) {
				return &Nil{}
			}
		}
		return &Intersection{flatten(of, intersectionOf)}
	case *Exclusion:
		base, minus := simplify(x.Base), simplify(x.Minus)
		if isNil(base) || isNil(minus) {
			return base
		}
		return &Exclusion{base, minus}
	}
	return x
}

func isNil(x Expr) bool {
	_, ok := x.(*Nil)
	return ok
}

// unionOf gives the operands of a union, nil for anything else.
func unionOf(x Expr) []Expr {
	if u, ok := x.(*Union); ok {
		return u.Of
	}
	return nil
}

// intersectionOf gives the operands of an intersection, nil for anything else.
func intersectionOf(x Expr) []Expr {
	if i, ok := x.(*Intersection); ok {
		return i.Of
	}
	return nil
}

// planner orders operands by the known costs of relations.
type planner struct{ cost []int }

// order sorts the operands of unions and intersections in x, cheapest first,
// equal ones in source order. It changes x.
func (p planner) order(x Expr) Expr {
	switch x := x.(type) {
	case *Union:
		p.sort(x.Of)
	case *Intersection:
		p.sort(x.Of)
	case *Exclusion:
		p.order(x.Base)
		p.order(x.Minus)
	}
	return x
}

func (p planner) sort(of []Expr) {
	type priced struct {
		x    Expr
		cost int
	}
	list := make([]priced, len(of))
	for i, x := range of {
		list[i] = priced{p.order(x), p.expr(x)}
	}
	slices.SortStableFunc(list, func(a, b priced) int { return cmp.Compare(a.cost, b.cost) })
	for i := range list {
		of[i] = list[i].x
	}
}

// expr is the cost of an expression; of several operands the dearest counts,
// and each further one.
func (p planner) expr(x Expr) int {
	switch x := x.(type) {
	case *Ref:
		return p.of(x.Relation)
	case *ArrowExpr:
		most := costArrow
		for _, t := range x.Targets {
			if t != nil {
				most = max(most, p.of(t)+10)
			}
		}
		return min(most, costDeep)
	case *Union:
		return p.dearest(x.Of)
	case *Intersection:
		return p.dearest(x.Of)
	case *Exclusion:
		return max(p.expr(x.Base), p.expr(x.Minus)) + 1
	}
	return costFree
}

func (p planner) dearest(of []Expr) int {
	most := 0
	for _, x := range of {
		most = max(most, p.expr(x))
	}
	return most + len(of) - 1
}

// of is the cost of a relation that may not have been priced yet: then it
// is recursive.
func (p planner) of(r *Relation) int {
	if r.Recursive {
		return costDeep
	}
	return p.cost[r.Index]
}

// relation is the cost of a relation or permission as an operand.
func (p planner) relation(r *Relation) int {
	switch {
	case r.Recursive:
		return costDeep
	case r.IsPermission():
		return min(max(costComputed, p.expr(r.Plan)+1), costDeep)
	case slices.ContainsFunc(r.Allowed, func(a *Allowed) bool { return a.Relation != nil }):
		return costUsersets
	case r.allowsWildcard():
		return costWildcard
	}
	return costPlain
}
