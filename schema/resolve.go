package schema

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// source is a member as written, and where.
type source struct {
	u    *unit
	node syntax.Member // *syntax.Relation, *syntax.Permission or *syntax.Constraint
	name syntax.Ident
	kind string
	at   place // of the name; of the spread that took it over
}

// member is a member of a type.
type member struct {
	source
	typ   *Type
	rel   *Relation // nil for constraints
	after int       // how many relations and permissions of its type come before it
}

// place gives a position of the text in which the member is written.
func (m *source) place(pos syntax.Pos) place { return place{m.u, pos} }

// resolve gives every type its members, with partials expanded in place.
func (c *compiler) resolve() {
	for _, u := range c.units {
		for _, d := range u.file.Decls {
			d, ok := d.(*syntax.Definition)
			if !ok || d.Name.Name == "" || c.decls[d.Name.Name].at != (place{u, d.Name.Pos}) {
				continue // faulty or declared twice
			}
			if d.Partial {
				c.membersOf(c.partials[d.Name.Name])
				continue
			}
			if !c.resolveType(u, d) {
				return
			}
		}
	}
}

// resolveType makes the relations of one type; false when the schema is too large.
func (c *compiler) resolveType(u *unit, d *syntax.Definition) bool {
	t := c.s.types[d.Name.Name]
	sources, whole := c.expand(u, d.Members)
	if !whole {
		c.partly[t.Name] = true
	}
	if len(c.members)+len(sources) > maxMembers {
		c.parseFault(place{u, d.Name.Pos}, "the schema has more than %d members, those of partials counted where they are spread", maxMembers)
		return false
	}
	for _, src := range sources {
		m := &member{source: src, typ: t, after: len(t.Members)}
		c.members = append(c.members, m)
		switch n := src.node.(type) {
		case *syntax.Relation:
			m.rel = &Relation{Doc: docText(n.Doc)}
		case *syntax.Permission:
			m.rel = &Relation{Doc: docText(n.Doc), Expr: &Nil{}}
		default:
			continue
		}
		m.rel.Type, m.rel.Name, m.rel.Pos, m.rel.Index = t, src.name.Name, src.name.Pos, len(c.s.relations)
		t.Members = append(t.Members, m.rel)
		t.byName[m.rel.Name] = m.rel
		c.s.relations = append(c.s.relations, m.rel)
	}
	return true
}

// expand replaces spreads by the members of their partials and drops, as
// faults, members whose name is taken. whole is false when a spread failed.
func (c *compiler) expand(u *unit, nodes []syntax.Member) (out []source, whole bool) {
	whole = true
	taken := map[string]*source{}
	add := func(s source) {
		if s.name.Name == "" {
			return
		}
		if old := taken[s.name.Name]; old != nil {
			c.duplicate(&s, old)
			return
		}
		out = append(out, s)
		taken[s.name.Name] = &s
	}
	spread := map[string]bool{}
	for _, n := range nodes {
		switch n := n.(type) {
		case *syntax.Relation:
			add(source{u, n, n.Name, "relation", place{u, n.Name.Pos}})
		case *syntax.Permission:
			add(source{u, n, n.Name, "permission", place{u, n.Name.Pos}})
		case *syntax.Constraint:
			add(source{u, n, n.Name, "constraint", place{u, n.Name.Pos}})
		case *syntax.Spread:
			at := place{u, n.Name.Pos}
			if spread[n.Name.Name] {
				c.parseFault(at, "partial %s is spread twice here", syntax.Quote(n.Name.Name))
				continue
			}
			spread[n.Name.Name] = true
			sources, ok := c.spread(at, n.Name.Name)
			whole = whole && ok
			for _, s := range sources {
				s.at = at
				add(s)
			}
		}
	}
	return out, whole
}

func (c *compiler) duplicate(s, old *source) {
	if s.kind == old.kind {
		c.typeFault(s.at, "%s %s is declared twice: first %s", s.kind, syntax.Quote(s.name.Name), old.at)
		return
	}
	c.typeFault(s.at, "%s is the name of a %s and of a %s: the other one is declared %s", syntax.Quote(s.name.Name), old.kind, s.kind, old.at)
}

// spread gives the members of the partial that is named at a place.
func (c *compiler) spread(at place, name string) (members []source, whole bool) {
	p := c.partials[name]
	if p == nil {
		c.unknown(at, syntax.ParseError, name, "partial "+syntax.Quote(name),
			func() []string { return slices.Sorted(maps.Keys(c.partials)) })
		return nil, false
	}
	if p.open {
		c.parseFault(at, "partial %s spreads itself, directly or through others", syntax.Quote(name))
		return nil, false
	}
	return c.membersOf(p)
}

// membersOf expands a partial once.
func (c *compiler) membersOf(p *partial) (members []source, whole bool) {
	if !p.expanded {
		p.open = true
		p.members, p.whole = c.expand(p.u, p.decl.Members)
		p.open, p.expanded = false, true
	}
	return p.members, p.whole
}

// named is what sortedByName sorts.
type named interface{ *Type | *Caveat }

// sortedByName gives the values of a map in the order of its keys.
func sortedByName[T named](m map[string]T) []T {
	out := make([]T, 0, len(m))
	for _, name := range slices.SortedFunc(maps.Keys(m), cmp.Compare[string]) {
		out = append(out, m[name])
	}
	return out
}
