package schema

import (
	"slices"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// arrowKey is what arrows have in common that lead to the same sets.
type arrowKey struct {
	left  *Relation
	right string
}

// exclusionAt is an exclusion with its place and the permission that holds it.
type exclusionAt struct {
	at    place
	owner *Relation
	x     *Exclusion
}

// checkPermissions resolves the expression of every permission.
func (c *compiler) checkPermissions() {
	for _, m := range c.members {
		n, ok := m.node.(*syntax.Permission)
		if !ok {
			continue
		}
		if n.Expr == nil {
			c.broken[m.rel] = true
		} else {
			m.rel.Expr = c.expr(m, n.Expr)
			c.warnMixed(m, n.Expr)
		}
		if m.u.typechecking {
			for _, t := range n.Types {
				m.rel.Annotated = append(m.rel.Annotated, t.Name)
			}
		}
	}
}

// expr resolves an expression. What is faulty becomes nil, and its permission
// is noted as broken.
func (c *compiler) expr(m *member, x syntax.Expr) Expr {
	switch x := x.(type) {
	case *syntax.Nil:
		return &Nil{}
	case *syntax.Self:
		return &Self{}
	case *syntax.Name:
		if r := c.memberOf(m.typ, m.place(x.Pos), x.Name); r != nil {
			return &Ref{r}
		}
	case *syntax.Arrow:
		return c.arrow(m, x)
	case *syntax.Paren:
		if x.X != nil {
			return c.expr(m, x.X)
		}
	case *syntax.Binary:
		return c.chain(m, x)
	}
	c.broken[m.rel] = true
	return &Nil{}
}

// chain resolves operands that are joined by one operator. Chains of + and of &
// become one node each, also where parentheses split them.
func (c *compiler) chain(m *member, x *syntax.Binary) Expr {
	spine := []*syntax.Binary{x}
	for {
		left, ok := spine[len(spine)-1].X.(*syntax.Binary)
		if !ok || left.Op != x.Op {
			break
		}
		spine = append(spine, left)
	}
	slices.Reverse(spine)
	of := []Expr{c.expr(m, spine[0].X)}
	for _, b := range spine {
		of = append(of, c.expr(m, b.Y))
	}
	switch x.Op {
	case '+':
		return &Union{flatten(of, unionOf)}
	case '&':
		return &Intersection{flatten(of, intersectionOf)}
	}
	base := of[0]
	for i, b := range spine {
		e := &Exclusion{Base: base, Minus: of[i+1]}
		c.exclusions = append(c.exclusions, exclusionAt{m.place(b.OpPos), m.rel, e})
		base = e
	}
	return base
}

// flatten replaces operands by their own operands where inner gives some.
func flatten(of []Expr, inner func(Expr) []Expr) []Expr {
	out := make([]Expr, 0, len(of))
	for _, x := range of {
		if in := inner(x); in != nil {
			out = append(out, in...)
		} else {
			out = append(out, x)
		}
	}
	return out
}

func (c *compiler) arrow(m *member, x *syntax.Arrow) Expr {
	left := c.memberOf(m.typ, m.place(x.Left.Pos), x.Left.Name)
	switch {
	case left == nil || x.Right.Name == "":
	case c.o.Lenient:
		return &ArrowExpr{Left: left, Right: x.Right.Name, All: x.Op == syntax.ArrowAll, Function: x.Op != syntax.ArrowPlain}
	case left.IsPermission():
		c.typeFault(m.place(x.Left.Pos), "%s is a permission: only a relation may stand on the left of an arrow", syntax.Quote(left.Name))
	case left.allowsWildcard():
		c.typeFault(m.place(x.Left.Pos), "relation %s allows a wildcard: it must not stand on the left of an arrow", syntax.Quote(left.Name))
	default:
		a := &ArrowExpr{Left: left, Right: x.Right.Name, All: x.Op == syntax.ArrowAll, Function: x.Op != syntax.ArrowPlain}
		a.Targets = c.arrowTargets(m.place(x.Right.Pos), left, x.Right.Name)
		return a
	}
	c.broken[m.rel] = true
	return &Nil{}
}

// arrowTargets finds the sets on the right of an arrow.
func (c *compiler) arrowTargets(at place, left *Relation, right string) []*Relation {
	over := c.targetSum > maxTargets
	if c.targetSum += len(left.Allowed); c.targetSum > maxTargets {
		if !over {
			c.typeFault(at, "the arrows of the schema lead over more than %d types together", maxTargets)
		}
		return nil
	}
	key := arrowKey{left, right}
	targets, known := c.targets[key]
	if !known {
		targets = make([]*Relation, len(left.Allowed))
		for i, a := range left.Allowed {
			targets[i] = a.Type.byName[right]
		}
		c.targets[key] = targets
	}
	c.warnTargets(at, left, right, targets)
	return targets
}
