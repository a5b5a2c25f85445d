package engine

import (
	"context"
	"errors"
	"slices"
)

// Change is one change to the stored relationships.
type Change struct {
	Remove       bool // false: it is written
	Relationship Relationship
}

// Remedy is a set of changes that, made together, turn a refusal into a grant.
type Remedy []Change

// Bounds of the search for remedies: changes in one, and walks in all.
const (
	mostChanges = 3
	mostWalks   = 256
)

// Remedies returns, for a question that was refused, the fewest changes that
// would have made the answer yes: all single ones, or else pairs, or else
// threes; nearest to the question first and at most most of them. They are read
// off the steps of the refusal, and each is checked. Only relationships of the
// subject itself are considered, and none with a caveat. The search is bounded:
// that there is no remedy may also mean that it takes more. Errors are Check's.
func (e *Engine) Remedies(ctx context.Context, resource Object, relation string, subject Subject, refusal *Step, most int) ([]Remedy, error) {
	s := &remedySearch{ctx: ctx, engine: e, resource: resource, relation: relation, subject: subject, most: most}
	level := []attempt{{refusal: refusal}}
	for range mostChanges {
		next, err := s.deeper(level)
		if err != nil || len(s.found) > 0 {
			return s.found, err
		}
		level = next
	}
	return nil, nil
}

type remedySearch struct {
	ctx      context.Context
	engine   *Engine
	resource Object
	relation string
	subject  Subject
	most     int
	walks    int
	found    []Remedy
	tried    []Remedy
}

// attempt is some changes and the refusal that is left after them.
type attempt struct {
	changes Remedy
	refusal *Step
}

// deeper tries each attempt with one more change.
func (s *remedySearch) deeper(level []attempt) ([]attempt, error) {
	var next []attempt
	for _, a := range level {
		for _, c := range s.engine.changes(a.refusal, s.subject) {
			changes := append(slices.Clone(a.changes), c)
			slices.SortFunc(changes, func(a, b Change) int { return a.Relationship.Compare(b.Relationship) })
			if slices.ContainsFunc(s.tried, func(r Remedy) bool { return slices.Equal(r, changes) }) {
				continue
			}
			s.tried = append(s.tried, changes)
			if s.walks++; s.walks > mostWalks || len(s.found) == s.most {
				return nil, nil
			}
			changed := *s.engine
			changed.Reader = &overlay{Reader: s.engine.Reader, changes: changes}
			answer, steps, err := changed.Explain(s.ctx, s.resource, s.relation, s.subject)
			var tooDeep *DepthError
			switch {
			case errors.As(err, &tooDeep):
			case err != nil:
				return nil, err
			case answer.State == Yes:
				s.found = append(s.found, changes)
			default:
				next = append(next, attempt{changes, steps})
			}
		}
	}
	return next, nil
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
			key := s.Relationship.Key()
			seen[key] = true
			if s.Stored || Validate(e.Schema, key) == nil {
				out = append(out, Change{Remove: s.Stored, Relationship: key})
			}
		}
		level = next
	}
	return out
}

// overlay is a Reader with some changes.
type overlay struct {
	Reader
	changes Remedy
}

// Find implements Reader.
func (o *overlay) Find(resource Object, relation string, subject Subject) (*Trait, bool, error) {
	for _, c := range o.changes {
		if r := &c.Relationship; r.Resource == resource && r.Relation == relation && r.Subject == subject {
			return nil, !c.Remove, nil
		}
	}
	return o.Reader.Find(resource, relation, subject)
}
