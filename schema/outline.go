package schema

import (
	"strings"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// SymbolKind is what a text declares.
type SymbolKind uint8

const (
	SymbolDefinition SymbolKind = iota
	SymbolPartial
	SymbolCaveat
	SymbolRelation
	SymbolPermission
	SymbolConstraint
)

// Symbol is something that a text declares.
type Symbol struct {
	Kind        SymbolKind
	Name        string
	Parent      int    // the place in the outline of what it is a member of; -1: none
	Declaration string // on one line, without its doc: "relation viewer: user"
	Doc         string // its comments without their signs, one a line; may be empty

	NamePos  syntax.Pos // where its name is declared
	Pos, End syntax.Pos // all of it, without its comments

	Used []syntax.Pos // where its name stands elsewhere in the text, sorted
}

// Outline tells what a text declares, in the order of the text, and where each
// name is used. The text need not be sound: what cannot be read is left out, and
// of names that are declared twice the first counts. Nothing is imported.
//
// A name on the right of an arrow is used of every type that its left side allows.
func Outline(source string) []Symbol {
	file, _ := syntax.Parse(source)
	o := &outline{members: map[int]map[string]int{}, spreads: map[int][]string{}}
	o.declare(file)
	o.use(file)
	return o.symbols
}

// outline is the state of one run. Symbols go by their place.
type outline struct {
	symbols []Symbol

	types, partials, caveats map[string]int
	members                  map[int]map[string]int // of definitions and partials
	spreads                  map[int][]string       // the partials that one takes over
	left                     map[int]*syntax.Relation
}

// declare notes everything that is declared.
func (o *outline) declare(file *syntax.File) {
	o.types, o.partials, o.caveats = map[string]int{}, map[string]int{}, map[string]int{}
	o.left = map[int]*syntax.Relation{}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *syntax.Caveat:
			params := make([]string, len(d.Params))
			for i, p := range d.Params {
				params[i] = p.String()
			}
			at := o.add(Symbol{
				Kind: SymbolCaveat, Name: d.Name.Name, Parent: -1,
				Declaration: "caveat " + d.Name.Name + "(" + strings.Join(params, ", ") + ")",
				Doc:         docPlain(d.Doc), NamePos: d.Name.Pos, Pos: d.Pos, End: after(d.Close),
			})
			first(o.caveats, d.Name.Name, at)
		case *syntax.Definition:
			o.declareDefinition(d)
		}
	}
}

func (o *outline) declareDefinition(d *syntax.Definition) {
	s := Symbol{
		Kind: SymbolDefinition, Name: d.Name.Name, Parent: -1, Declaration: "definition " + d.Name.Name,
		Doc: docPlain(d.Doc), NamePos: d.Name.Pos, Pos: d.Pos, End: after(d.Close),
	}
	into := o.types
	if d.Partial {
		s.Kind, s.Declaration, into = SymbolPartial, "partial "+d.Name.Name, o.partials
	}
	at := o.add(s)
	first(into, d.Name.Name, at)
	o.members[at] = map[string]int{}
	for _, m := range d.Members {
		var s Symbol
		switch m := m.(type) {
		case *syntax.Relation:
			s = Symbol{Kind: SymbolRelation, Name: m.Name.Name, NamePos: m.Name.Pos, Doc: docPlain(m.Doc), Pos: m.Pos, End: m.End}
			s.Declaration = "relation " + m.Name.Name + ": " + allowedText(m.Allowed)
			o.left[len(o.symbols)] = m
		case *syntax.Permission:
			s = Symbol{Kind: SymbolPermission, Name: m.Name.Name, NamePos: m.Name.Pos, Doc: docPlain(m.Doc), Pos: m.Pos, End: m.End}
			s.Declaration = "permission " + m.Name.Name + " = " + syntax.ExprString(m.Expr)
		case *syntax.Constraint:
			s = Symbol{Kind: SymbolConstraint, Name: m.Name.Name, NamePos: m.Name.Pos, Doc: docPlain(m.Doc), Pos: m.Pos, End: m.End}
			names := make([]string, len(m.Relations))
			for i, r := range m.Relations {
				names[i] = r.Name
			}
			s.Declaration = "constraint " + m.Name.Name + " = " + m.Kind.Name + "(" + strings.Join(names, ", ") + ")"
		case *syntax.Spread:
			o.spreads[at] = append(o.spreads[at], m.Name.Name)
			continue
		}
		s.Parent, s.Declaration = at, strings.TrimRight(s.Declaration, " :=")
		first(o.members[at], s.Name, o.add(s))
	}
}

func (o *outline) add(s Symbol) int {
	o.symbols = append(o.symbols, s)
	return len(o.symbols) - 1
}

func first(in map[string]int, name string, at int) {
	if _, taken := in[name]; !taken {
		in[name] = at
	}
}

func allowedText(all []*syntax.Allowed) string {
	parts := make([]string, len(all))
	for i, a := range all {
		parts[i] = a.String()
	}
	return strings.Join(parts, " | ")
}

// after is the place after the one-byte sign at p.
func after(p syntax.Pos) syntax.Pos {
	if p.IsValid() {
		p.Offset++
		p.Column++
	}
	return p
}

// docPlain is comments without their signs.
func docPlain(comments []*syntax.Comment) string { return plainDoc(docText(comments)) }

// PlainDoc returns the comments of a relation or permission without their signs,
// one a line.
func (r *Relation) PlainDoc() string { return plainDoc(r.Doc) }

func plainDoc(doc string) string {
	var lines []string
	for _, l := range docLines(doc) {
		switch l = strings.TrimSpace(l); {
		case l == "/**", l == "*/":
			continue
		case strings.HasPrefix(l, "/* "):
			l = strings.TrimSuffix(strings.TrimPrefix(l, "/* "), "*/")
		case strings.HasPrefix(l, "//"), strings.HasPrefix(l, "* "), l == "*":
			l = strings.TrimPrefix(strings.TrimPrefix(l, "//"), "*")
		}
		lines = append(lines, strings.TrimSpace(l))
	}
	return strings.Join(lines, "\n")
}
