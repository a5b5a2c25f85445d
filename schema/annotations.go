package schema

import (
	"slices"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// checkAnnotations refuses type annotations that omit a type of subject which
// the permission can reach. What "self" adds need not be named.
func (c *compiler) checkAnnotations(g *graph) {
	if !slices.ContainsFunc(c.s.relations, func(r *Relation) bool { return len(r.Annotated) > 0 }) {
		return
	}
	inOrder := make([]*Type, len(c.s.types))
	for _, t := range c.s.types {
		inOrder[t.index] = t
	}
	reached := g.subjectTypes(false)
	for _, m := range c.members {
		n, ok := m.node.(*syntax.Permission)
		if !ok || len(m.rel.Annotated) == 0 {
			continue
		}
		annotated := make(map[string]bool, len(m.rel.Annotated))
		for _, name := range m.rel.Annotated {
			annotated[name] = true
		}
		var missing []string
		for i := range reached[m.rel.Index].all() {
			if name := inOrder[i].Name; !annotated[name] {
				missing = append(missing, syntax.Quote(name))
			}
			if len(missing) > maxListed {
				break
			}
		}
		if len(missing) > 0 {
			c.typeFault(m.place(n.Types[0].Pos), "permission %s can also hold %s: add it to the annotation", syntax.Quote(m.rel.Name), and(missing))
		}
	}
}
