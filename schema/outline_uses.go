package schema

import (
	"cmp"
	"slices"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// MaxUses is how many uses an outline notes in all: arrows over many types can
// multiply them. Those beyond are left out.
const MaxUses = 100_000

// use notes where everything is used.
func (o *outline) use(file *syntax.File) {
	left := MaxUses
	note := func(in map[string]int, name string, pos syntax.Pos) {
		if at, ok := in[name]; ok && left > 0 {
			o.symbols[at].Used = append(o.symbols[at].Used, pos)
			left--
		}
	}
	scopes := map[int]map[string]int{}
	own := 0
	for _, d := range file.Decls {
		d, ok := d.(*syntax.Definition)
		if !ok {
			continue
		}
		for o.symbols[own].NamePos != d.Name.Pos {
			own++
		}
		for _, m := range d.Members {
			o.useMember(m, o.scope(own, scopes), scopes, note)
		}
	}
	for i := range o.symbols {
		slices.SortFunc(o.symbols[i].Used, func(a, b syntax.Pos) int { return cmp.Compare(a.Offset, b.Offset) })
		o.symbols[i].Used = slices.Compact(o.symbols[i].Used)
	}
}

// scope returns the members of a definition or partial, those that it takes over
// among them.
func (o *outline) scope(at int, scopes map[int]map[string]int) map[string]int {
	if known, ok := scopes[at]; ok {
		return known
	}
	if len(o.spreads[at]) == 0 {
		scopes[at] = o.members[at]
		return o.members[at]
	}
	all := map[string]int{}
	scopes[at] = all // for partials that take over each other
	for name, m := range o.members[at] {
		all[name] = m
	}
	for _, name := range o.spreads[at] {
		if p, ok := o.partials[name]; ok {
			for name, m := range o.scope(p, scopes) {
				first(all, name, m)
			}
		}
	}
	return all
}

func (o *outline) useMember(m syntax.Member, scope map[string]int, scopes map[int]map[string]int, note func(map[string]int, string, syntax.Pos)) {
	of := func(typeName string) map[string]int {
		if at, ok := o.types[typeName]; ok {
			return o.scope(at, scopes)
		}
		return nil
	}
	switch m := m.(type) {
	case *syntax.Relation:
		for _, a := range m.Allowed {
			note(o.types, a.Type.Name, a.Type.Pos)
			if a.Relation != nil {
				note(of(a.Type.Name), a.Relation.Name, a.Relation.Pos)
			}
			if a.Caveat != nil {
				note(o.caveats, a.Caveat.Name, a.Caveat.Pos)
			}
		}
	case *syntax.Permission:
		for _, t := range m.Types {
			note(o.types, t.Name, t.Pos)
		}
		eachName(m.Expr, func(left, right *syntax.Ident) {
			note(scope, left.Name, left.Pos)
			if right == nil {
				return
			}
			at, ok := scope[left.Name]
			if r := o.left[at]; ok && r != nil {
				for _, a := range r.Allowed {
					note(of(a.Type.Name), right.Name, right.Pos)
				}
			}
		})
	case *syntax.Constraint:
		for _, r := range m.Relations {
			note(scope, r.Name, r.Pos)
		}
	case *syntax.Spread:
		note(o.partials, m.Name.Name, m.Name.Pos)
	}
}

// eachName calls visit for every name and, with both sides, every arrow of an
// expression, which may have holes.
func eachName(x syntax.Expr, visit func(left, right *syntax.Ident)) {
	for {
		switch y := x.(type) {
		case *syntax.Name:
			visit(&y.Ident, nil)
			return
		case *syntax.Arrow:
			visit(&y.Left, &y.Right)
			return
		case *syntax.Paren:
			x = y.X
		case *syntax.Binary:
			eachName(y.Y, visit)
			x = y.X
		default:
			return
		}
	}
}
