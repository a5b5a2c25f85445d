package schema

import (
	"slices"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// checkConstraints resolves the constraints of every type.
func (c *compiler) checkConstraints() {
	for _, m := range c.members {
		if n, ok := m.node.(*syntax.Constraint); ok {
			if k := c.constraint(m, n); k != nil {
				m.typ.Constraints = append(m.typ.Constraints, k)
			}
		}
	}
}

// constraint resolves one constraint; nil after a fault.
func (c *compiler) constraint(m *member, n *syntax.Constraint) *Constraint {
	kind, sound := constraintKind(n.Kind.Name)
	if !sound {
		return nil // the parser reported it
	}
	k := &Constraint{Name: n.Name.Name, Doc: docText(n.Doc), Kind: kind, Pos: n.Name.Pos, after: m.after}
	named := make(map[*Relation]bool, len(n.Relations))
	for _, name := range n.Relations {
		r := c.constrained(m, name)
		switch {
		case r == nil:
			sound = false
		case named[r]:
			c.typeFault(m.place(name.Pos), "constraint %s names relation %s twice", syntax.Quote(k.Name), syntax.Quote(r.Name))
			sound = false
		default:
			named[r] = true
			k.Relations = append(k.Relations, r)
		}
	}
	switch {
	case !sound:
		return nil
	case kind == Exclusive && len(k.Relations) < 2:
		c.typeFault(m.place(n.Kind.Pos), "exclusive needs at least two relations: a subject is in at most one of them")
		return nil
	case kind != Exclusive && len(k.Relations) != 1:
		c.typeFault(m.place(n.Kind.Pos), "%s takes one relation: write a constraint for each", kind)
		return nil
	}
	return k
}

// constrained finds a relation that a constraint names; nil after a fault.
func (c *compiler) constrained(m *member, name syntax.Ident) *Relation {
	if name.Name == "" {
		return nil
	}
	r := m.typ.byName[name.Name]
	switch {
	case r == nil:
		if !c.partly[m.typ.Name] {
			c.unknown(m.place(name.Pos), syntax.TypeError, name.Name,
				"relation "+syntax.Quote(name.Name)+" of "+syntax.Quote(m.typ.Name), func() []string { return relationNames(m.typ) })
		}
		return nil
	case r.IsPermission():
		c.typeFault(m.place(name.Pos), "%s is a permission: a constraint binds stored relationships, so it takes relations", syntax.Quote(r.Name))
		return nil
	case slices.ContainsFunc(r.Allowed, func(a *Allowed) bool { return a.Expiration }):
		c.typeFault(m.place(name.Pos), "relation %s allows subjects with expiration: a constraint counts what is stored, so its relations must not expire", syntax.Quote(r.Name))
		return nil
	}
	return r
}

// relationNames are the relations of a type, without its permissions.
func relationNames(t *Type) []string {
	var names []string
	for _, r := range t.Members {
		if !r.IsPermission() {
			names = append(names, r.Name)
		}
	}
	return names
}

func constraintKind(word string) (ConstraintKind, bool) {
	for _, k := range []ConstraintKind{Exclusive, AtMostOne, AtLeastOne} {
		if k.String() == word {
			return k, true
		}
	}
	return 0, false
}
