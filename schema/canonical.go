package schema

import (
	"slices"
	"strings"
)

// Canonical prints the schema as ReadSchema gives it: flags that are used,
// caveats by name, definitions by name with their members in source order,
// partials expanded, annotations gone. It compiles to an equal schema. There
// is no newline at the end.
func (s *Schema) Canonical() string {
	var blocks []string
	var uses []string
	for _, flag := range slices.Backward(s.flags) {
		uses = append(uses, "use "+flag)
	}
	if len(uses) > 0 {
		blocks = append(blocks, strings.Join(uses, "\n"))
	}
	for _, c := range s.caveatSet {
		blocks = append(blocks, c.canonical())
	}
	for _, t := range s.sorted {
		blocks = append(blocks, t.canonical())
	}
	return strings.Join(blocks, "\n\n")
}

func (c *Caveat) canonical() string {
	var b strings.Builder
	writeLines(&b, "", docLines(c.Doc))
	b.WriteString("caveat " + c.Name + "(")
	params := slices.Clone(c.Params)
	slices.SortFunc(params, func(x, y Param) int { return strings.Compare(x.Name, y.Name) })
	for i, p := range params {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.Name + " " + p.Type.String())
	}
	b.WriteString(") {\n\t" + c.Program.Canonical() + "\n}")
	return b.String()
}

func (t *Type) canonical() string {
	var b strings.Builder
	writeLines(&b, "", docLines(t.Doc))
	b.WriteString("definition " + t.Name + " {")
	if len(t.Members)+len(t.Constraints) == 0 {
		b.WriteString("}")
		return b.String()
	}
	b.WriteString("\n")
	first := true
	write := func(doc, text string) {
		lines := docLines(doc)
		if len(lines) > 0 && !first {
			b.WriteString("\n")
		}
		first = false
		writeLines(&b, "\t", append(lines, text))
	}
	rest := t.Constraints
	constraintsAt := func(after int) {
		for len(rest) > 0 && rest[0].after <= after {
			write(rest[0].Doc, rest[0].String())
			rest = rest[1:]
		}
	}
	for i, r := range t.Members {
		constraintsAt(i)
		write(r.Doc, r.Declaration())
	}
	constraintsAt(len(t.Members))
	b.WriteString("}")
	return b.String()
}

func writeLines(b *strings.Builder, indent string, lines []string) {
	for _, l := range lines {
		b.WriteString(indent + l + "\n")
	}
}

// Declaration prints a relation or permission as in a schema, without its doc.
func (r *Relation) Declaration() string {
	if r.IsPermission() {
		return "permission " + r.Name + " = " + ExprString(r.Expr)
	}
	allowed := make([]string, len(r.Allowed))
	for i, a := range r.Allowed {
		allowed[i] = a.String()
	}
	return "relation " + r.Name + ": " + strings.Join(allowed, " | ")
}

// kind is "relation" or "permission".
func (r *Relation) kind() string {
	if r.IsPermission() {
		return "permission"
	}
	return "relation"
}

// String prints the constraint as in a schema, without its doc.
func (c *Constraint) String() string {
	names := make([]string, len(c.Relations))
	for i, r := range c.Relations {
		names[i] = r.Name
	}
	return "constraint " + c.Name + " = " + c.Kind.String() + "(" + strings.Join(names, ", ") + ")"
}

// ExprString prints an expression as in a schema. Every operator inside another
// stands in parentheses.
func ExprString(x Expr) string {
	var b strings.Builder
	writeExpr(&b, x, false)
	return b.String()
}

// writeExpr prints x, an operator in parentheses when it is inside another.
func writeExpr(b *strings.Builder, x Expr, inside bool) {
	switch x := x.(type) {
	case *Ref:
		b.WriteString(x.Relation.Name)
	case *ArrowExpr:
		b.WriteString(x.String())
	case *Union:
		writeOperands(b, " + ", inside, x.Of...)
	case *Intersection:
		writeOperands(b, " & ", inside, x.Of...)
	case *Exclusion:
		writeOperands(b, " - ", inside, x.Base, x.Minus)
	case *Self:
		b.WriteString("self")
	case *Nil:
		b.WriteString("nil")
	}
}

func writeOperands(b *strings.Builder, operator string, inside bool, of ...Expr) {
	if inside {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	for i, x := range of {
		if i > 0 {
			b.WriteString(operator)
		}
		writeExpr(b, x, true)
	}
}

// String prints the arrow as in a schema, in the form the author chose.
func (x *ArrowExpr) String() string {
	switch {
	case x.All:
		return x.Left.Name + ".all(" + x.Right + ")"
	case x.Function:
		return x.Left.Name + ".any(" + x.Right + ")"
	}
	return x.Left.Name + "->" + x.Right
}
