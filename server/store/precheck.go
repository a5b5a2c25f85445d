package store

import (
	"context"

	"github.com/pemba-authz/pemba/engine"
)

// Precheck judges on the newest state what little work can tell of a transaction:
// its preconditions, guards, types and documents. It returns the error that Apply would
// return there, and nil where Apply has to decide: that alone counts.
//
// It may be called at any time and waits for no write.
func (s *Store) Precheck(tx *Transaction) error {
	if tx.Schema != nil || len(tx.Expired) > 0 {
		return nil
	}
	sn, err := s.Snapshot(0)
	if err != nil {
		return err
	}
	defer sn.Close()
	j := &judge{
		store: s, db: sn.db, tx: tx, view: sn.view, now: tx.Time, byKey: map[string]*change{},
		record: Record{Previous: sn.rev},
	}
	if len(tx.Preconditions)+len(tx.Guards) > 0 {
		s.mu.Lock() // no transaction is older than the one before
		j.now = fromMillis(max(tx.Time.UnixMilli(), s.state.time))
		s.mu.Unlock()
	}
	for _, step := range []func() error{j.readSchema, j.preconditions, j.documentPreconditions, func() error { return j.precheckGuards(sn) }, j.precheckUpdates} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// precheckGuards asks the cache first: only a guard that does not hold by what it
// answers is judged as Apply does, whose reads are counted and not cached.
func (j *judge) precheckGuards(sn *Snapshot) error {
	if len(j.tx.Guards) > MaxGuards || j.previous == nil {
		return j.guards()
	}
	for i := range j.tx.Guards {
		g := &j.tx.Guards[i]
		e := engine.Engine{Schema: j.previous, Reader: sn, Now: j.now, Context: g.Context, Limits: engine.Limits{Depth: guardDepth, Reads: guardReads}}
		answer, err := e.Check(context.Background(), g.Resource, g.Permission, g.Subject)
		if err != nil || answer.State != g.wanted() {
			return j.guards()
		}
	}
	return nil
}

// precheckUpdates looks at the types of all updates. For the first error of one
// that does not fit they are all judged, with what is stored.
func (j *judge) precheckUpdates() error {
	if len(j.tx.Deletes) > 0 {
		return nil // updates are judged on what they leave
	}
	for i := range j.tx.Updates {
		if j.schema != nil {
			if _, err := checkUpdate(j.schema, j.schema, &j.tx.Updates[i]); err == nil {
				continue
			}
		}
		j.free = make([]change, len(j.tx.Updates))
		return j.updates()
	}
	return j.precheckDocuments()
}

// precheckDocuments judges the documents of a transaction that writes nothing
// else: constraints come before them.
func (j *judge) precheckDocuments() error {
	if len(j.tx.Updates) > 0 {
		return nil
	}
	return j.documents()
}
