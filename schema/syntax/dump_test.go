package syntax

import (
	"fmt"
	"strings"
)

// dump prints a tree, one node a line, for people to read and compare. With
// places it shows where each node stands; without, what the layout may change
// (places, and white space at the ends of lines in comments and CEL) is left out.
func dump(f *File, places bool) string {
	d := &dumper{places: places}
	for _, decl := range f.Decls {
		d.decl(decl)
	}
	return d.out.String()
}

type dumper struct {
	out    strings.Builder
	places bool
	indent int
}

func (d *dumper) line(pos Pos, format string, args ...any) {
	d.out.WriteString(strings.Repeat("  ", d.indent))
	fmt.Fprintf(&d.out, format, args...)
	if d.places && pos.IsValid() {
		fmt.Fprintf(&d.out, " @%d:%d", pos.Line, pos.Column)
	}
	d.out.WriteByte('\n')
}

func (d *dumper) under(print func()) {
	d.indent++
	print()
	d.indent--
}

func (d *dumper) doc(comments []*Comment) {
	for _, c := range comments {
		d.line(c.Pos, "doc %q", loose(c.Text))
	}
}

func (d *dumper) decl(decl Decl) {
	switch x := decl.(type) {
	case *Use:
		d.line(x.Pos, "use %s", x.Flag.Name)
		d.under(func() { d.doc(x.Doc) })
	case *Import:
		d.line(x.Pos, "import %q", x.Path)
		d.under(func() { d.doc(x.Doc) })
	case *Definition:
		word := "definition"
		if x.Partial {
			word = "partial"
		}
		d.line(x.Name.Pos, "%s %s", word, x.Name.Name)
		d.under(func() {
			d.doc(x.Doc)
			for _, m := range x.Members {
				d.member(m)
			}
		})
	case *Caveat:
		d.line(x.Name.Pos, "caveat %s", x.Name.Name)
		d.under(func() {
			d.doc(x.Doc)
			for _, p := range x.Params {
				d.line(p.Name.Pos, "param %s", p)
			}
			d.line(x.BodyPos, "cel %q", loose(x.Body))
		})
	}
}

func (d *dumper) member(m Member) {
	switch x := m.(type) {
	case *Relation:
		d.line(x.Name.Pos, "relation %s", x.Name.Name)
		d.under(func() {
			d.doc(x.Doc)
			for _, a := range x.Allowed {
				d.line(a.Type.Pos, "%s", a)
			}
		})
	case *Permission:
		types := ""
		for _, t := range x.Types {
			types += " :" + t.Name
		}
		d.line(x.Name.Pos, "permission %s%s", x.Name.Name, types)
		d.under(func() {
			d.doc(x.Doc)
			d.expr(x.Expr)
		})
	case *Spread:
		d.line(x.Name.Pos, "spread %s", x.Name.Name)
		d.under(func() { d.doc(x.Doc) })
	case *Constraint:
		d.line(x.Name.Pos, "constraint %s %s", x.Name.Name, x.Kind.Name)
		d.under(func() {
			d.doc(x.Doc)
			for _, r := range x.Relations {
				d.line(r.Pos, "%s", r.Name)
			}
		})
	}
}

func (d *dumper) expr(e Expr) {
	switch x := e.(type) {
	case nil:
		d.line(Pos{}, "unread")
	case *Binary:
		d.line(x.OpPos, "%c", x.Op)
		d.under(func() {
			d.expr(x.X)
			d.expr(x.Y)
		})
	case *Paren:
		d.line(x.Pos, "()")
		d.under(func() { d.expr(x.X) })
	default:
		d.line(x.Position(), "%T %s", x, ExprString(x))
	}
}

// loose gives a text without the white space at the ends of its lines.
func loose(text string) string {
	var lines []string
	for l := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, "\n")
}
