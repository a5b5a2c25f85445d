package schema

import (
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// checkCycles refuses permissions of one object that refer only to each other,
// and warns of those that hold other members too.
func (c *compiler) checkCycles() {
	relations := c.s.relations
	at := make([]place, len(relations))
	for _, m := range c.members {
		if m.rel != nil {
			at[m.rel.Index] = m.place(m.rel.Pos)
		}
	}
	cycles := components(len(relations), func(i int, visit func(int)) {
		if relations[i].Expr == nil {
			return
		}
		leaves(relations[i].Expr, func(x Expr) {
			if ref, ok := x.(*Ref); ok {
				visit(ref.Relation.Index)
			}
		})
	})
	for _, members := range cycles {
		closed, other := c.cycleKind(members)
		if !closed {
			continue
		}
		slices.Sort(members)
		names := make([]string, len(members))
		for n, i := range members {
			names[n] = syntax.Quote(relations[i].Name)
		}
		first := relations[members[0]]
		switch {
		case !other && len(members) == 1:
			c.typeFault(at[first.Index], "permission %s refers only to itself: it can never hold anything", names[0])
		case !other:
			c.typeFault(at[first.Index], "permissions %s refer only to each other: they can never hold anything", and(names))
		case len(members) == 1:
			c.warn(at[first.Index], "self-reference", "permission %s refers to itself on the same object: that adds nothing", names[0])
		default:
			c.warn(at[first.Index], "permission-cycle", "permissions %s refer to each other in a cycle on the same object", and(names))
		}
	}
}

// cycleKind says whether the members form a cycle, and whether anything but
// each other stands in them. A broken permission counts as holding more.
func (c *compiler) cycleKind(members []int) (closed, other bool) {
	inside := make(map[*Relation]bool, len(members))
	for _, i := range members {
		inside[c.s.relations[i]] = true
	}
	closed = len(members) > 1
	for _, i := range members {
		r := c.s.relations[i]
		if r.Expr == nil {
			return false, true
		}
		other = other || c.broken[r]
		leaves(r.Expr, func(x Expr) {
			switch x := x.(type) {
			case *Ref:
				closed = closed || inside[x.Relation]
				other = other || !inside[x.Relation]
			case *ArrowExpr, *Self:
				other = true
			}
		})
	}
	return closed, other
}

// leaves visits what an expression is made of: *Ref, *ArrowExpr, *Self, *Nil.
func leaves(x Expr, visit func(Expr)) {
	switch x := x.(type) {
	case *Union:
		for _, y := range x.Of {
			leaves(y, visit)
		}
	case *Intersection:
		for _, y := range x.Of {
			leaves(y, visit)
		}
	case *Exclusion:
		leaves(x.Base, visit)
		leaves(x.Minus, visit)
	default:
		visit(x)
	}
}

// maxListed bounds the names that one message lists.
const maxListed = 8

// and joins names for a message: a, b and c.
func and(names []string) string {
	if len(names) > maxListed {
		names = append(slices.Clone(names[:maxListed]), "others")
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
