package enginetest

import (
	"fmt"
	"strings"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// Print prints the tree of a schema as text that parses to the same tree,
// positions and comments apart. Unlike the formatter it needs neither.
func Print(f *syntax.File) string {
	var b strings.Builder
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *syntax.Use:
			fmt.Fprintf(&b, "use %s\n", d.Flag.Name)
		case *syntax.Caveat:
			params := make([]string, len(d.Params))
			for i, p := range d.Params {
				params[i] = p.Name.Name + " " + p.Type.String()
			}
			fmt.Fprintf(&b, "caveat %s(%s) { %s }\n", d.Name.Name, strings.Join(params, ", "), strings.TrimSpace(d.Body))
		case *syntax.Definition:
			printDefinition(&b, d)
		}
	}
	return b.String()
}

func printDefinition(b *strings.Builder, d *syntax.Definition) {
	keyword := "definition"
	if d.Partial {
		keyword = "partial"
	}
	if len(d.Members) == 0 {
		fmt.Fprintf(b, "%s %s {}\n", keyword, d.Name.Name)
		return
	}
	fmt.Fprintf(b, "%s %s {\n", keyword, d.Name.Name)
	for _, m := range d.Members {
		switch m := m.(type) {
		case *syntax.Relation:
			kinds := make([]string, len(m.Allowed))
			for i, a := range m.Allowed {
				kinds[i] = printAllowed(a)
			}
			fmt.Fprintf(b, "\trelation %s: %s\n", m.Name.Name, strings.Join(kinds, " | "))
		case *syntax.Permission:
			types := ""
			for i, t := range m.Types {
				types += [...]string{": ", " | "}[min(i, 1)] + t.Name
			}
			fmt.Fprintf(b, "\tpermission %s%s = %s\n", m.Name.Name, types, printExpr(m.Expr))
		case *syntax.Spread:
			fmt.Fprintf(b, "\t...%s\n", m.Name.Name)
		}
	}
	b.WriteString("}\n")
}

func printAllowed(a *syntax.Allowed) string {
	s := a.Type.Name
	if a.Wildcard {
		s += ":*"
	}
	if a.Relation != nil {
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

func printExpr(x syntax.Expr) string {
	switch x := x.(type) {
	case *syntax.Self:
		return "self"
	case *syntax.Name:
		return x.Name
	case *syntax.Paren:
		return "(" + printExpr(x.X) + ")"
	case *syntax.Arrow:
		switch x.Op {
		case syntax.ArrowAny:
			return x.Left.Name + ".any(" + x.Right.Name + ")"
		case syntax.ArrowAll:
			return x.Left.Name + ".all(" + x.Right.Name + ")"
		}
		return x.Left.Name + "->" + x.Right.Name
	case *syntax.Binary:
		left, right := printExpr(x.X), printExpr(x.Y)
		if y, ok := x.X.(*syntax.Binary); ok && binds(y.Op) < binds(x.Op) {
			left = "(" + left + ")"
		}
		if y, ok := x.Y.(*syntax.Binary); ok && binds(y.Op) <= binds(x.Op) {
			right = "(" + right + ")"
		}
		return left + " " + string(x.Op) + " " + right
	}
	return "nil"
}

// binds returns how tightly an operator binds.
func binds(op byte) int { return strings.IndexByte("-&+", op) }
