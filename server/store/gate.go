package store

import (
	"fmt"
	"slices"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
)

// gate holds the relationships of a resource back until those have come that
// its at_least_one constraints demand.
type gate struct {
	sn        *Snapshot
	schema    *schema.Schema
	resources map[engine.Object]*waiting // of types with such constraints
	empty     map[*schema.Type]*gaps     // of those types: mostly what is imported is new
	held      int                        // relationships that wait
}

// waiting is one resource. It waits while it misses constraints.
type waiting struct {
	missing  []*schema.Constraint
	together []engine.Relationship // those that were missing and have come
	rest     []engine.Relationship
}

func newGate(sn *Snapshot, s *schema.Schema) *gate {
	return &gate{sn: sn, schema: s, resources: map[engine.Object]*waiting{}, empty: map[*schema.Type]*gaps{}}
}

// admit takes a relationship and returns those that may be written now: first
// those that must be in one transaction, then the rest.
func (g *gate) admit(r engine.Relationship) (together, rest []engine.Relationship, err error) {
	t := g.schema.Type(r.Resource.Type)
	if t == nil || !slices.ContainsFunc(t.Constraints, demanding) {
		return []engine.Relationship{r}, nil, nil
	}
	w := g.resources[r.Resource]
	if w == nil {
		if w, err = g.newWaiting(t, r.Resource); err != nil {
			return nil, nil, err
		}
		g.resources[r.Resource] = w
	}
	if len(w.missing) == 0 {
		return []engine.Relationship{r}, nil, nil
	}
	before := len(w.missing)
	w.missing = slices.DeleteFunc(w.missing, func(c *schema.Constraint) bool { return c.Relations[0].Name == r.Relation })
	g.held++
	if len(w.missing) < before {
		w.together = append(w.together, r)
	} else {
		w.rest = append(w.rest, r)
	}
	if len(w.missing) == 0 {
		together, rest = w.together, w.rest
		g.held -= len(together) + len(rest)
		w.together, w.rest = nil, nil
	}
	if g.held > maxImportHeld {
		err = fmt.Errorf("%d relationships wait for ones that their resources cannot do without; import those first: %w", g.held, g.leftover())
	}
	return together, rest, err
}

func demanding(c *schema.Constraint) bool { return c.Kind == schema.AtLeastOne }

// newWaiting finds out what a resource still misses.
func (g *gate) newWaiting(t *schema.Type, resource engine.Object) (*waiting, error) {
	w := &waiting{}
	free := g.free(t, resource)
	for _, c := range t.Constraints {
		if !demanding(c) {
			continue
		}
		if free {
			w.missing = append(w.missing, c)
			continue
		}
		s := g.sn.view.scan(setPrefix(nil, resource, c.Relations[0].Name))
		s.seek(nil)
		if !s.valid() {
			w.missing = append(w.missing, c)
		}
		s.close()
	}
	return w, nil
}

// free reports whether it is known that nothing of a resource is stored.
func (g *gate) free(t *schema.Type, resource engine.Object) bool {
	gaps := g.empty[t]
	if gaps == nil {
		gaps = g.sn.db.backend.gaps(g.sn.rev, gapsWorth)
		g.empty[t] = gaps
	}
	defer gaps.close() // or it would hold files that are compacted while the import goes on
	return gaps.freePrefix(resourcePrefix(nil, resource))
}

// leftover refuses what still waits, naming the first resource.
func (g *gate) leftover() error {
	var first *ConstraintError
	for resource, w := range g.resources {
		if len(w.missing) == 0 {
			continue
		}
		if first == nil || resource.String() < first.Resource.String() {
			first = newConstraintError(w.missing[0], resource, nil)
		}
	}
	if first == nil {
		return nil
	}
	return first
}
