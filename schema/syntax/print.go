package syntax

import "strings"

// String prints the parameter as in a schema: "limit int".
func (p *Param) String() string { return p.Name.Name + " " + p.Type.String() }

// String prints the subject type as in a schema:
// "group#member with on_call and expiration".
func (a *Allowed) String() string {
	s := a.Type.Name
	switch {
	case a.Wildcard:
		s += ":*"
	case a.Relation != nil:
		s += "#" + a.Relation.Name
	}
	switch {
	case a.Caveat != nil && a.Expiration:
		s += " with " + a.Caveat.Name + " and expiration"
	case a.Caveat != nil:
		s += " with " + a.Caveat.Name
	case a.Expiration:
		s += " with expiration"
	}
	return s
}

// ExprString prints an expression on one line, with the parentheses that its
// tree has and those that it needs to be read back as the same sets.
func ExprString(x Expr) string {
	var b strings.Builder
	writeExpr(&b, x, 0)
	return b.String()
}

// How tightly the operators bind, loosest first.
const (
	bindExclusion = iota + 1
	bindIntersection
	bindUnion
)

func binding(op byte) int {
	switch op {
	case '-':
		return bindExclusion
	case '&':
		return bindIntersection
	default:
		return bindUnion
	}
}

// writeExpr prints x, in parentheses when it binds looser than least.
func writeExpr(b *strings.Builder, x Expr, least int) {
	switch x := x.(type) {
	case *Nil:
		b.WriteString("nil")
	case *Self:
		b.WriteString("self")
	case *Name:
		b.WriteString(x.Name)
	case *Arrow:
		b.WriteString(x.String())
	case *Paren:
		b.WriteByte('(')
		writeExpr(b, x.X, 0)
		b.WriteByte(')')
	case *Binary:
		own := binding(x.Op)
		if own < least {
			b.WriteByte('(')
			defer b.WriteByte(')')
		}
		writeExpr(b, x.X, own)
		b.WriteString(" " + string(rune(x.Op)) + " ")
		writeExpr(b, x.Y, own+1)
	}
}

// String prints the arrow as it was written.
func (x *Arrow) String() string {
	switch x.Op {
	case ArrowAny:
		return x.Left.Name + ".any(" + x.Right.Name + ")"
	case ArrowAll:
		return x.Left.Name + ".all(" + x.Right.Name + ")"
	default:
		return x.Left.Name + "->" + x.Right.Name
	}
}
