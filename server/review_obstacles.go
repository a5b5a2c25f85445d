package server

import (
	"context"
	"fmt"
	"slices"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// obstacles returns the stored relationships that a change must not meet.
func (v *review) obstacles(ctx context.Context, c *schema.Change, demands *schema.Demands) ([]*consolev1.Obstacle, error) {
	var out []*consolev1.Obstacle
	add := func(k store.Kind, reason string) error {
		o, err := v.obstacle(ctx, k, reason)
		if o != nil {
			out = append(out, o)
		}
		return err
	}
	for _, d := range demands.Absent {
		if !concerns(c, &d) {
			continue
		}
		if err := add(store.Kind{
			Type: d.Type, Relation: d.Relation, SubjectType: d.SubjectType, SubjectRelation: d.SubjectRelation,
			Wildcard: d.Wildcard, Caveat: d.Caveat, Expires: d.Expiration,
		}, d.Reason); err != nil {
			return nil, err
		}
	}
	for _, d := range demands.Unused {
		if c.Caveat == nil || c.Caveat.Name != d.Caveat || !concernsCaveat(c, &d) {
			continue
		}
		for _, k := range v.kindsUnder(d.Caveat) {
			if err := add(k, d.Reason); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// concerns reports whether a demand is that of a change.
func concerns(c *schema.Change, d *schema.Demand) bool {
	switch c.Kind {
	case schema.DefinitionRemoved:
		return c.Type.Name == d.Type
	case schema.RelationRemoved:
		return c.Type.Name == d.Type && c.Relation.Name == d.Relation
	case schema.SubjectTypeRemoved:
		a := c.Allowed
		relation, caveat := "", ""
		if a.Relation != nil {
			relation = a.Relation.Name
		}
		if a.Caveat != nil {
			caveat = a.Caveat.Name
		}
		return c.Type.Name == d.Type && c.Relation.Name == d.Relation && a.Type.Name == d.SubjectType && relation == d.SubjectRelation &&
			a.Wildcard == d.Wildcard && caveat == d.Caveat && a.Expiration == d.Expiration
	}
	return false
}

func concernsCaveat(c *schema.Change, d *schema.CaveatDemand) bool {
	switch c.Kind {
	case schema.CaveatRemoved:
		return d.Param == ""
	case schema.ParameterRemoved, schema.ParameterTypeChanged:
		return d.Param == c.Param.Name
	}
	return false
}

// kindsUnder returns the kinds of relationships that carry a caveat, sorted.
func (v *review) kindsUnder(caveat string) []store.Kind {
	var kinds []store.Kind
	for k := range v.counts {
		if k.Caveat == caveat {
			kinds = append(kinds, k)
		}
	}
	slices.SortFunc(kinds, store.Kind.Compare)
	return kinds
}

// obstacle counts the relationships of a kind; nil: there are none. What has
// expired is in nobody's way: a write of a schema removes it first.
func (v *review) obstacle(ctx context.Context, k store.Kind, reason string) (*consolev1.Obstacle, error) {
	if v.counts[k] == 0 {
		return nil, nil
	}
	f := store.Filter{ResourceType: k.Type, Relation: k.Relation, Subject: &store.SubjectFilter{Type: k.SubjectType, Relation: &k.SubjectRelation}}
	if k.Wildcard {
		f.Subject.ID = engine.Wildcard
	}
	o := &consolev1.Obstacle{Reason: reason, Filter: filterMessage(f)}
	more, err := v.walk(ctx, f, func(r engine.Relationship) (bool, error) {
		if store.KindOf(&r) != k {
			return true, nil
		}
		o.Count++
		if len(o.Examples) < reviewExamples {
			example, err := fromRelationship(r)
			if err != nil {
				return false, err
			}
			o.Examples = append(o.Examples, example)
		}
		return k.Expires || len(o.Examples) < reviewExamples, nil // the others need no counting
	})
	switch {
	case err != nil:
		return nil, err
	case !k.Expires:
		o.Count = uint64(v.counts[k])
	case o.Count == 0 && !more:
		return nil, nil
	default:
		o.More = more
	}
	return o, nil
}

// walk visits what a filter selects and has not expired, as long as visit wants
// more; more is whether it ended at the bound of the review.
func (v *review) walk(ctx context.Context, f store.Filter, visit func(engine.Relationship) (bool, error)) (more bool, err error) {
	for r, err := range v.snap.Relationships(ctx, f, nil) {
		if err != nil {
			return false, err
		}
		if v.left == 0 {
			return true, nil
		}
		v.left--
		if !r.Trait.Alive(v.engine.Now) {
			continue
		}
		if on, err := visit(r); err != nil || !on {
			return false, err
		}
	}
	return false, nil
}

// judge judges constraints that the live schema does not guarantee, type by type.
func (v *review) judge(ctx context.Context, constraints []*schema.Constraint) (map[*schema.Constraint]*consolev1.Obstacle, error) {
	out := map[*schema.Constraint]*consolev1.Obstacle{}
	for len(constraints) > 0 {
		name := constraints[0].Relations[0].Type.Name
		var same []*schema.Constraint
		constraints = slices.DeleteFunc(slices.Clone(constraints), func(c *schema.Constraint) bool {
			if c.Relations[0].Type.Name != name {
				return false
			}
			same = append(same, c)
			return true
		})
		if v.engine.Schema.Type(name) == nil {
			continue // there are no relationships of it
		}
		judge := engine.ConstraintJudge{
			Constraints: func(*schema.Type) []*schema.Constraint { return same },
			Violated: func(found engine.Violation) {
				o := out[found.Constraint]
				if o == nil {
					o = &consolev1.Obstacle{Reason: found.String(), Filter: filterMessage(store.Filter{ResourceType: name, ResourceID: found.Resource.ID})}
					out[found.Constraint] = o
				}
				o.Count++
			},
		}
		more, err := v.walk(ctx, store.Filter{ResourceType: name}, func(r engine.Relationship) (bool, error) {
			judge.Add(v.text.Type(name), r)
			return true, nil
		})
		if err != nil {
			return nil, err
		}
		if !more {
			judge.Done()
			continue
		}
		for _, c := range same {
			v.unjudged = append(v.unjudged, fmt.Sprintf("%s: %s", name, c))
			if o := out[c]; o != nil {
				o.More = true
			}
		}
	}
	return out, v.violators(ctx, out)
}

// violators adds examples of the first object that violates each constraint.
func (v *review) violators(ctx context.Context, found map[*schema.Constraint]*consolev1.Obstacle) error {
	for _, o := range found {
		f, err := toFilter(o.Filter)
		if err != nil {
			return err
		}
		for r, err := range v.snap.Relationships(ctx, f, nil) {
			if err != nil {
				return err
			}
			example, err := fromRelationship(r)
			if err != nil {
				return err
			}
			if o.Examples = append(o.Examples, example); len(o.Examples) == reviewExamples {
				break
			}
		}
	}
	return nil
}

// filterMessage converts a filter back.
func filterMessage(f store.Filter) *v1.RelationshipFilter {
	out := &v1.RelationshipFilter{
		ResourceType: f.ResourceType, OptionalResourceId: f.ResourceID, OptionalResourceIdPrefix: f.ResourceIDPrefix, OptionalRelation: f.Relation,
	}
	if s := f.Subject; s != nil {
		out.OptionalSubjectFilter = &v1.SubjectFilter{SubjectType: s.Type, OptionalSubjectId: s.ID}
		if s.Relation != nil {
			out.OptionalSubjectFilter.OptionalRelation = &v1.SubjectFilter_RelationFilter{Relation: *s.Relation}
		}
	}
	return out
}
