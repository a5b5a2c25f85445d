package main

import (
	"iter"
	"slices"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
)

// mostHeld bounds the relationships that wait for others of their resource.
const mostHeld = 1_000_000

// gate orders relationships so that an import can be cut into transactions: of a
// resource that cannot do without some relation (at_least_one), those that it
// needs come first, together, wherever they stand in the input. What a resource
// still misses in the end, or after too many had to wait, comes as it is: the
// store may have what is missing, and judges it.
type gate struct {
	schema    *schema.Schema
	resources map[engine.Object]*waiting // of types with such constraints
	order     []engine.Object            // of those that wait, by their first relationship
	held      int
}

// waiting is a resource; it waits while it misses relations.
type waiting struct {
	missing      []string
	needed, rest []engine.Relationship
}

// gated yields groups of relationships; those of a group must be in one
// transaction. A group is valid until the next.
func gated(s *schema.Schema, in iter.Seq2[engine.Relationship, error]) iter.Seq2[[]engine.Relationship, error] {
	return func(yield func([]engine.Relationship, error) bool) {
		g := &gate{schema: s, resources: map[engine.Object]*waiting{}}
		for r, err := range in {
			if err != nil {
				yield(nil, err)
				return
			}
			if !g.admit(r, yield) {
				return
			}
		}
		g.release(yield)
	}
}

// admit takes a relationship and yields what may be written now.
func (g *gate) admit(r engine.Relationship, yield func([]engine.Relationship, error) bool) bool {
	w := g.resources[r.Resource]
	if w == nil {
		missing := demanded(g.schema.Type(r.Resource.Type))
		if len(missing) == 0 {
			return yield([]engine.Relationship{r}, nil)
		}
		w = &waiting{missing: missing}
		g.resources[r.Resource] = w
		g.order = append(g.order, r.Resource)
	}
	if len(w.missing) == 0 {
		return yield([]engine.Relationship{r}, nil)
	}
	g.held++
	if i := slices.Index(w.missing, r.Relation); i >= 0 {
		w.missing = slices.Delete(w.missing, i, i+1)
		w.needed = append(w.needed, r)
	} else {
		w.rest = append(w.rest, r)
	}
	if len(w.missing) == 0 {
		return g.let(w, yield)
	}
	return g.held <= mostHeld || g.release(yield)
}

// let yields what waits of a resource.
func (g *gate) let(w *waiting, yield func([]engine.Relationship, error) bool) bool {
	needed, rest := w.needed, w.rest
	g.held -= len(needed) + len(rest)
	w.missing, w.needed, w.rest = nil, nil, nil
	if len(needed) > 0 && !yield(needed, nil) {
		return false
	}
	for i := range rest {
		if !yield(rest[i:i+1], nil) {
			return false
		}
	}
	return true
}

// release yields everything that waits.
func (g *gate) release(yield func([]engine.Relationship, error) bool) bool {
	for _, resource := range g.order {
		if w := g.resources[resource]; len(w.missing) > 0 && !g.let(w, yield) {
			return false
		}
	}
	g.order = nil
	return true
}

// demanded returns the relations that every object of a type must hold a subject in.
func demanded(t *schema.Type) []string {
	var names []string
	if t == nil {
		return nil
	}
	for _, c := range t.Constraints {
		if name := c.Relations[0].Name; c.Kind == schema.AtLeastOne && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
