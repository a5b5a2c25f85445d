package store

import (
	"context"

	"github.com/pemba-authz/pemba/engine"
)

// What judging the guards of a transaction may take. These are constants of the
// format: every machine that applies a transaction must come to the same answer.
const (
	MaxGuards  = 16
	guardDepth = 50
	guardReads = 10_000 // of each
)

// guards judges the permission guards on the state before the transaction.
func (j *judge) guards() error {
	if len(j.tx.Guards) == 0 {
		return nil
	}
	if len(j.tx.Guards) > MaxGuards {
		return &TooManyGuardsError{Count: len(j.tx.Guards), Limit: MaxGuards}
	}
	if j.previous == nil {
		return ErrNoSchema
	}
	for i := range j.tx.Guards {
		if err := j.guard(&j.tx.Guards[i]); err != nil {
			return err
		}
	}
	return nil
}

func (j *judge) guard(g *Guard) error {
	e := engine.Engine{
		Schema: j.previous, Reader: stateReader{j.view}, Now: j.now, Context: g.Context,
		Limits: engine.Limits{Depth: guardDepth, Reads: guardReads},
	}
	answer, err := e.Check(context.Background(), g.Resource, g.Permission, g.Subject)
	if err != nil {
		return err
	}
	if answer.State != g.wanted() {
		return &GuardError{Guard: *g, State: answer.State, Missing: answer.Missing}
	}
	return nil
}

// wanted returns the answer that the guard demands.
func (g *Guard) wanted() engine.State {
	if g.Must {
		return engine.Yes
	}
	return engine.No
}

// stateReader reads one revision past the cache: how many reads a question takes
// must not depend on what is cached.
type stateReader struct{ view view }

// Find implements engine.Reader.
func (r stateReader) Find(resource engine.Object, relation string, subject engine.Subject) (*engine.Trait, bool, error) {
	key := engine.Relationship{Resource: resource, Relation: relation, Subject: subject}
	found, ok, err := r.view.get(forwardKey(nil, &key))
	if !ok || err != nil {
		return nil, false, err
	}
	t, err := decodeTrait(found.value)
	return t, err == nil, err
}

// Subjects implements engine.Reader.
func (r stateReader) Subjects(resource engine.Object, relation, subjectType, subjectRelation, after string) ([]engine.Entry, bool, error) {
	return r.view.page(sectionPrefix(nil, resource, relation, subjectType, subjectRelation), after)
}

// Resources implements engine.Reader.
func (r stateReader) Resources(subject engine.Subject, resourceType, relation, after string) ([]engine.Entry, bool, error) {
	return r.view.page(holdersPrefix(nil, subject, resourceType, relation), after)
}
