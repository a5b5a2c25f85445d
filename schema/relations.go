package schema

import (
	"maps"
	"slices"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// checkRelations resolves what each relation allows and refuses usersets that
// would bring in a wildcard.
func (c *compiler) checkRelations() {
	for _, m := range c.members {
		if n, ok := m.node.(*syntax.Relation); ok {
			c.checkRelation(m, n)
		}
	}
	c.checkWildcards()
}

// allowedKey is what makes an allowed type the same as another.
type allowedKey struct {
	typ        *Type
	relation   *Relation
	wildcard   bool
	caveat     *Caveat
	expiration bool
}

func (a *Allowed) key() allowedKey {
	return allowedKey{a.Type, a.Relation, a.Wildcard, a.Caveat, a.Expiration}
}

func (c *compiler) checkRelation(m *member, n *syntax.Relation) {
	seen := make(map[allowedKey]bool, len(n.Allowed))
	for _, written := range n.Allowed {
		a := c.checkAllowed(m, written)
		if a == nil {
			continue
		}
		if seen[a.key()] {
			c.typeFault(m.place(a.Pos), "relation %s allows %s twice", syntax.Quote(m.rel.Name), a)
			continue
		}
		seen[a.key()] = true
		m.rel.Allowed = append(m.rel.Allowed, a)
	}
}

// checkAllowed resolves one allowed type; nil after a fault.
func (c *compiler) checkAllowed(m *member, w *syntax.Allowed) *Allowed {
	if w == nil || w.Type.Name == "" {
		return nil
	}
	a := &Allowed{Type: c.s.types[w.Type.Name], Wildcard: w.Wildcard, Expiration: w.Expiration, Pos: w.Type.Pos}
	sound := true
	switch {
	case a.Type != nil:
	case c.o.Lenient:
		a.Type = &Type{Name: w.Type.Name}
	default:
		c.unknownType(m.place(w.Type.Pos), w.Type.Name)
		sound = false
	}
	if w.Relation != nil && w.Relation.Name != "..." && a.Type != nil {
		a.Relation = c.memberOf(a.Type, m.place(w.Relation.Pos), w.Relation.Name)
		sound = sound && a.Relation != nil
	}
	if w.Caveat != nil {
		name := w.Caveat.Name
		a.Caveat = c.s.caveats[name]
		switch {
		case a.Caveat != nil:
		case c.o.Lenient:
			a.Caveat = &Caveat{Name: name}
		default:
			c.unknown(m.place(w.Caveat.Pos), syntax.TypeError, name, "caveat "+syntax.Quote(name),
				func() []string { return slices.Sorted(maps.Keys(c.s.caveats)) })
			sound = false
		}
	}
	if !sound {
		return nil
	}
	return a
}

func (c *compiler) unknownType(at place, name string) {
	if old, ok := c.decls[name]; ok {
		c.typeFault(at, "%s is a %s, not a definition", syntax.Quote(name), old.kind)
		return
	}
	c.unknown(at, syntax.TypeError, name, "definition "+syntax.Quote(name), func() []string {
		known := make([]string, len(c.s.sorted))
		for i, t := range c.s.sorted {
			known[i] = t.Name
		}
		return known
	})
}

// memberOf finds what a name means in a type; nil after a fault.
func (c *compiler) memberOf(t *Type, at place, name string) *Relation {
	r := t.byName[name]
	switch {
	case r != nil:
	case c.o.Lenient:
		return &Relation{Type: t, Name: name}
	default:
		c.unknownMember(at, t, name)
	}
	return r
}

func (c *compiler) unknownMember(at place, t *Type, name string) {
	if c.partly[t.Name] {
		return
	}
	what := "relation or permission " + syntax.Quote(name) + " of " + syntax.Quote(t.Name)
	c.unknown(at, syntax.TypeError, name, what, func() []string {
		known := make([]string, len(t.Members))
		for i, r := range t.Members {
			known[i] = r.Name
		}
		return known
	})
}

// checkWildcards refuses usersets of a relation that holds a wildcard, directly
// or through usersets of further relations. Permissions are not followed.
func (c *compiler) checkWildcards() {
	origin := wildcardOrigins(c.s.relations)
	for _, m := range c.members {
		if m.rel == nil {
			continue
		}
		for _, a := range m.rel.Allowed {
			if a.Relation == nil || origin[a.Relation] == nil {
				continue
			}
			from := origin[a.Relation]
			if from == a.Relation {
				c.typeFault(m.place(a.Pos), "relation %s must not allow %s: it allows a wildcard, which a userset must not bring in",
					syntax.Quote(m.rel.Name), a.subject())
			} else {
				c.typeFault(m.place(a.Pos), "relation %s must not allow %s: it brings in the wildcard that %s allows",
					syntax.Quote(m.rel.Name), a.subject(), from)
			}
		}
	}
}

// wildcardOrigins gives, for each relation that holds a wildcard directly or
// through usersets of relations, the relation that allows it.
func wildcardOrigins(relations []*Relation) map[*Relation]*Relation {
	origin := map[*Relation]*Relation{}
	holders := map[*Relation][]*Relation{}
	var queue []*Relation
	for _, r := range relations {
		for _, a := range r.Allowed {
			switch {
			case a.Wildcard && origin[r] == nil:
				origin[r] = r
				queue = append(queue, r)
			case a.Relation != nil && !a.Relation.IsPermission():
				holders[a.Relation] = append(holders[a.Relation], r)
			}
		}
	}
	for len(queue) > 0 {
		r := queue[0]
		queue = queue[1:]
		for _, h := range holders[r] {
			if origin[h] == nil {
				origin[h] = origin[r]
				queue = append(queue, h)
			}
		}
	}
	return origin
}

// allowsWildcard reports whether the relation itself allows a wildcard.
func (r *Relation) allowsWildcard() bool {
	return slices.ContainsFunc(r.Allowed, func(a *Allowed) bool { return a.Wildcard })
}
