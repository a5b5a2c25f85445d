package enginetest

import (
	"slices"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// permission makes the expression of a permission.
func (g *generator) permission(typeName, name string) syntax.Expr {
	g.within = member{typeName, name}
	x := g.expr(typeName, g.levels[name], 3)
	if g.grounded(x, typeName, name) {
		return x
	}
	// Permissions that name only each other are refused: give this one a
	// relation, so that whatever cycle it is in has one.
	relations := slices.DeleteFunc(slices.Clone(g.members[typeName]), func(n string) bool {
		return g.relation[member{typeName, n}] == nil || g.levelled && g.levels[n] > g.levels[name]
	})
	if len(relations) == 0 {
		return &syntax.Nil{}
	}
	op := byte('+')
	if g.chance(30) {
		op = '&'
	}
	return &syntax.Binary{X: x, Op: op, Y: &syntax.Name{Ident: ident(pick(g, relations))}}
}

// grounded reports whether an expression names a relation or an arrow, or else
// only permissions of its type that stand before its own.
func (g *generator) grounded(x syntax.Expr, typeName, name string) bool {
	before, ground := true, false
	var visit func(x syntax.Expr)
	visit = func(x syntax.Expr) {
		switch x := x.(type) {
		case *syntax.Arrow:
			ground = true
		case *syntax.Binary:
			visit(x.X)
			visit(x.Y)
		case *syntax.Name:
			ground = ground || g.relation[member{typeName, x.Name}] != nil
			at := slices.Index(g.members[typeName], name)
			before = before && slices.Index(g.members[typeName], x.Name) < at
		}
	}
	visit(x)
	return before || ground
}

// expr makes an expression of sets up to a level. Depth bounds its nesting.
func (g *generator) expr(typeName string, level, depth int) syntax.Expr {
	if depth == 0 || g.chance(30) {
		return g.operand(typeName, level)
	}
	x := &syntax.Binary{X: g.expr(typeName, level, depth-1)}
	switch n := g.IntN(100); {
	case n < 64 || g.levelled && level == 0 && n >= 82:
		x.Op = '+'
	case n < 82:
		x.Op = '&'
	default:
		x.Op = '-'
		x.Y = g.expr(typeName, level-1, depth-1)
		return x
	}
	x.Y = g.expr(typeName, level, depth-1)
	return x
}

func (g *generator) operand(typeName string, level int) syntax.Expr {
	switch n := g.IntN(100); {
	case n < 2:
		return &syntax.Nil{}
	case n < 10 && g.self:
		return &syntax.Self{}
	case n < 40:
		if x := g.arrow(typeName, level); x != nil {
			return x
		}
	}
	own := slices.Index(g.members[typeName], g.within.name)
	names := slices.DeleteFunc(g.permitted(g.members[typeName], level), func(n string) bool {
		unlikely := slices.Contains(treeRelations, n) || slices.Index(g.members[typeName], n) >= own
		return unlikely && !g.chance(15)
	})
	if len(names) == 0 {
		return &syntax.Nil{}
	}
	return &syntax.Name{Ident: ident(pick(g, names))}
}

// arrow makes an arrow to a name that one of the target types has, nil if there
// is none.
func (g *generator) arrow(typeName string, level int) syntax.Expr {
	var left []string
	for _, n := range g.members[typeName] {
		if slices.Contains(treeRelations, n) {
			left = append(left, n)
		}
	}
	if len(left) == 0 {
		return nil
	}
	x := &syntax.Arrow{Left: ident(pick(g, left)), Op: []syntax.ArrowOp{
		syntax.ArrowPlain, syntax.ArrowPlain, syntax.ArrowAny, syntax.ArrowAll, syntax.ArrowAll,
	}[g.IntN(5)]}
	target := pick(g, g.relation[member{typeName, x.Left.Name}].Allowed).Type.Name
	names := g.permitted(g.members[target], level)
	if len(names) == 0 {
		return nil
	}
	x.Right = ident(pick(g, names))
	return x
}
