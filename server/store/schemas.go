package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
)

// MaxSchema bounds the text of a schema, in bytes.
const MaxSchema = 4 << 20

// cachedSchemas is how many compiled schemas are kept beside the newest.
const cachedSchemas = 8

// schemas knows at which revisions the schema was written, and keeps the
// compiled forms of the newest and the last used ones.
type schemas struct {
	backend *backend

	mu        sync.Mutex
	revisions []Revision // ascending
	compiled  []compiled // the last used first
}

type compiled struct {
	rev    Revision
	schema *schema.Schema
}

func loadSchemas(b *backend, to Revision) (*schemas, error) {
	s := &schemas{backend: b}
	err := b.view(to).revisions(tableSchemas, 0, to, func(rev Revision) bool {
		s.revisions = append(s.revisions, rev)
		return true
	})
	return s, err
}

// at returns the schema that counts at a revision and the revision that wrote
// it, or ErrNoSchema.
func (s *schemas) at(rev Revision) (*schema.Schema, Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := slices.BinarySearch(s.revisions, rev)
	if !found {
		i--
	}
	if i < 0 {
		return nil, 0, ErrNoSchema
	}
	written := s.revisions[i]
	for j, c := range s.compiled {
		if c.rev == written {
			if j > 0 {
				copy(s.compiled[1:j+1], s.compiled[:j])
				s.compiled[0] = c
			}
			return c.schema, written, nil
		}
	}
	text, ok, err := s.backend.view(written).chunks(tableSchemas, written)
	if err == nil && !ok {
		err = errors.New("it is missing")
	}
	if err != nil {
		return nil, 0, fmt.Errorf("the schema of revision %d: %w", written, &StorageError{Op: "reading", Err: err})
	}
	compiledSchema, err := compileSchema(string(text))
	if err != nil {
		return nil, 0, fmt.Errorf("the schema of revision %d: %w", written, &StorageError{Op: "reading", Err: err})
	}
	s.keep(written, compiledSchema)
	return compiledSchema, written, nil
}

// add remembers that a revision wrote a schema.
func (s *schemas) add(rev Revision, written *schema.Schema) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revisions = append(s.revisions, rev)
	s.keep(rev, written)
}

func (s *schemas) keep(rev Revision, written *schema.Schema) {
	s.compiled = slices.Insert(s.compiled, 0, compiled{rev, written})
	if len(s.compiled) > cachedSchemas {
		s.compiled = slices.Delete(s.compiled, cachedSchemas, len(s.compiled))
	}
}

func compileSchema(text string) (*schema.Schema, error) {
	return schema.Compile(text, schema.Options{Caveats: caveat.New()})
}

// schemaChange judges whether the new schema may replace the old one, given what
// is stored after the transaction.
func (j *judge) schemaChange() error {
	if !j.record.Schema || j.previous == nil {
		return nil
	}
	demands := schema.Compat(j.previous, j.schema)
	refusal := &SchemaInUseError{}
	counts := j.countsAfter()
	for _, d := range demands.Absent {
		k := Kind{
			Type: d.Type, Relation: d.Relation, SubjectType: d.SubjectType, SubjectRelation: d.SubjectRelation,
			Wildcard: d.Wildcard, Caveat: d.Caveat, Expires: d.Expiration,
		}
		if n := counts[k]; n > 0 {
			refusal.Conflicts = append(refusal.Conflicts, SchemaConflict{Reason: d.Reason, Count: n, kinds: []Kind{k}})
		}
	}
	for _, d := range demands.Unused {
		c := SchemaConflict{Reason: d.Reason}
		for k, n := range counts {
			if k.Caveat == d.Caveat {
				c.Count += n
				c.kinds = append(c.kinds, k)
			}
		}
		if c.Count > 0 {
			refusal.Conflicts = append(refusal.Conflicts, c)
		}
	}
	if len(refusal.Conflicts) > 0 {
		if err := j.examples(refusal); err != nil {
			return err
		}
		return refusal
	}
	if j.tx.Judged > 0 {
		return j.constraintsSince(j.tx.Judged, demands.Judged)
	}
	return j.newConstraints(demands.Judged)
}

// countsAfter returns how many relationships of each kind the transaction
// leaves.
func (j *judge) countsAfter() map[Kind]int64 {
	before := j.counts
	if before == nil {
		before = j.store.state.counts
	}
	after := state{counts: maps.Clone(before)}
	after.countChanges(j.changes)
	return after.counts
}

// examples finds a relationship for every conflict. The decision is made by
// then.
func (j *judge) examples(e *SchemaInUseError) error {
	for i := range e.Conflicts {
		c := &e.Conflicts[i]
		slices.SortFunc(c.kinds, Kind.Compare)
		k := c.kinds[0]
		f := Filter{ResourceType: k.Type, Relation: k.Relation, Subject: &SubjectFilter{Type: k.SubjectType, Relation: &k.SubjectRelation}}
		for _, ch := range j.changes {
			if ch.has && KindOf(&ch.Relationship) == k {
				c.Example = ch.Relationship
			}
		}
		err := j.view.walk(context.Background(), &f, nil, func(r engine.Relationship, s *scan) (bool, error) {
			value, err := s.value()
			if err != nil {
				return false, err
			}
			if r.Trait, err = decodeTrait(value); err != nil {
				return false, err
			}
			if KindOf(&r) != k || j.byKey[string(s.key())] != nil {
				return true, nil
			}
			c.Example = r
			return false, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// SchemaRevisions returns the revisions up to the snapshot's that wrote the
// schema, ascending.
func (sn *Snapshot) SchemaRevisions() ([]Revision, error) {
	if sn.closed.Load() {
		return nil, ErrClosed
	}
	s := sn.db.schemas
	s.mu.Lock()
	defer s.mu.Unlock()
	n, found := slices.BinarySearch(s.revisions, sn.rev)
	if found {
		n++
	}
	return slices.Clone(s.revisions[:n]), nil
}

// SchemaText returns the schema that a revision wrote, to the byte; ok is false
// when it wrote none.
func (sn *Snapshot) SchemaText(rev Revision) (text string, ok bool, err error) {
	if sn.closed.Load() {
		return "", false, ErrClosed
	}
	if rev > sn.rev {
		return "", false, nil
	}
	value, ok, err := sn.view.chunks(tableSchemas, rev)
	if err != nil {
		return "", false, &StorageError{Op: "reading", Err: err}
	}
	return string(value), ok, nil
}
