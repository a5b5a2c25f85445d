package engine

import (
	"context"
	"errors"
)

// Change is one change to the stored relationships.
type Change struct {
	Remove       bool // false: it is written
	Relationship Relationship
}

// mostTried bounds the changes that Nearest tries.
const mostTried = 64

// Nearest returns, for a question that was refused, the single changes that
// would have made the answer yes, nearest to the question first and at most
// most of them. It reads them off the steps of the refusal and checks each.
// Changes to relationships with caveats are not looked for. Errors are Check's.
func (e *Engine) Nearest(ctx context.Context, resource Object, relation string, subject Subject, refusal *Step, most int) ([]Change, error) {
	var out []Change
	for i, c := range e.changes(refusal, subject) {
		if len(out) == most || i == mostTried {
			break
		}
		changed := *e
		changed.Reader = &overlay{Reader: e.Reader, change: c}
		a, err := changed.Check(ctx, resource, relation, subject)
		var tooDeep *DepthError
		switch {
		case errors.As(err, &tooDeep):
		case err != nil:
			return nil, err
		case a.State == Yes:
			out = append(out, c)
		}
	}
	return out, nil
}

// changes reads from the steps of a refusal, level by level, what was looked
// for and missing, and what was found and stood in the way.
func (e *Engine) changes(root *Step, subject Subject) []Change {
	var out []Change
	seen := map[Relationship]bool{}
	for level := []*Step{root}; len(level) > 0; {
		var next []*Step
		for _, s := range level {
			if s == nil {
				continue
			}
			next = append(next, s.Steps...)
			if s.Kind != StepRelationship || s.Relationship.Subject != subject || seen[s.Relationship.Key()] {
				continue
			}
			seen[s.Relationship.Key()] = true
			if s.Stored || Validate(e.Schema, s.Relationship.Key()) == nil {
				out = append(out, Change{Remove: s.Stored, Relationship: *s.Relationship})
			}
		}
		level = next
	}
	return out
}

// overlay is a Reader with one change.
type overlay struct {
	Reader
	change Change
}

// Find implements Reader.
func (o *overlay) Find(resource Object, relation string, subject Subject) (*Trait, bool, error) {
	if c := o.change.Relationship; c.Resource == resource && c.Relation == relation && c.Subject == subject {
		return nil, !o.change.Remove, nil
	}
	return o.Reader.Find(resource, relation, subject)
}
