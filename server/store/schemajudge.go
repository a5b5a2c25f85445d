package store

import (
	"maps"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
)

// maxSince is how many changes after the revision at which a schema was judged
// are judged when it is applied. It is a constant of the format.
const maxSince = 10_000

// JudgeSchema judges whether the schema of a transaction may replace the one at the
// head, while transactions go on, and returns the revision at which it may, for
// its Judged. It returns the errors that Apply would.
func (s *Store) JudgeSchema(tx *Transaction) (Revision, error) {
	j, sn, err := s.schemaJudge(&Transaction{Schema: tx.Schema, SchemaSeen: tx.SchemaSeen})
	if err != nil {
		return 0, err
	}
	defer sn.Close()
	if err := j.readSchema(); err != nil {
		return 0, err
	}
	return sn.rev, j.schemaChange()
}

// OnlySchema reports whether a transaction replaces the schema and does nothing
// else that could bear on whether it may: only then JudgeSchema can tell.
func (tx *Transaction) OnlySchema() bool {
	return tx.Schema != nil && len(tx.Deletes)+len(tx.Expired)+len(tx.Updates) == 0
}

// schemaJudge returns a judge of a schema on a snapshot of the head.
func (s *Store) schemaJudge(tx *Transaction) (*judge, *Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.land(); err != nil {
		return nil, nil, err
	}
	sn, err := s.Snapshot(0)
	if err != nil {
		return nil, nil, err
	}
	return &judge{
		store: s, db: sn.db, tx: tx, view: sn.view, now: fromMillis(s.state.time),
		byKey: map[string]*change{}, counts: maps.Clone(s.state.counts), record: Record{Previous: sn.rev},
	}, sn, nil
}

// constraintsSince judges new constraints that everything stored at a revision
// was found to fulfil, on what has changed since.
func (j *judge) constraintsSince(judged Revision, constraints []*schema.Constraint) error {
	if len(constraints) == 0 {
		return nil
	}
	moved := &SchemaMovedError{Judged: judged}
	_, written, err := j.db.schemas.at(j.record.Previous)
	if err != nil {
		return err
	}
	if written > judged || judged < j.store.state.floor || judged > j.record.Previous {
		return moved
	}
	resources, all, err := j.changedSince(judged, constraints)
	if err != nil {
		return err
	}
	if !all {
		return moved
	}
	refusal := &ConstraintsError{}
	for _, resource := range resources {
		if err := j.judgeStored(resourcePrefix(nil, resource), ofType(constraints, resource.Type), refusal); err != nil {
			return err
		}
	}
	if len(refusal.Examples) > 0 {
		return refusal
	}
	return nil
}

// changedSince returns the resources that constraints speak of and that have
// changed after a revision, in order; all is false when there are too many.
func (j *judge) changedSince(judged Revision, constraints []*schema.Constraint) (resources []engine.Object, all bool, err error) {
	n := 0
	see := func(r *engine.Relationship) {
		if n++; len(ofType(constraints, r.Resource.Type)) > 0 {
			resources = append(resources, r.Resource)
		}
	}
	var fault error
	err = j.view.revisions(tableChanges, judged, j.record.Previous, func(rev Revision) bool {
		var r *Record
		if r, fault = j.view.record(rev); fault != nil {
			fault = &StorageError{Op: "reading", Err: fault} // and no refusal: others can read it
			return false
		}
		for i := range r.Changes {
			see(&r.Changes[i].Relationship)
		}
		return n <= maxSince
	})
	if err == nil {
		err = fault
	}
	if err != nil || n > maxSince {
		return nil, false, err
	}
	for _, c := range j.changes {
		see(&c.Relationship)
	}
	slices.SortFunc(resources, func(a, b engine.Object) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(resources), true, nil
}

func ofType(constraints []*schema.Constraint, name string) []*schema.Constraint {
	var found []*schema.Constraint
	for _, c := range constraints {
		if c.Relations[0].Type.Name == name {
			found = append(found, c)
		}
	}
	return found
}
