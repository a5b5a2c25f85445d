package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
)

// judge decides one transaction on the state before it.
type judge struct {
	store    *Store
	db       *database
	tx       *Transaction
	view     view      // of the state before; of the one before that while in is set
	in       *flight   // the transaction before, while it is being written
	now      time.Time // for expirations
	previous *schema.Schema
	schema   *schema.Schema // as the transaction leaves it; nil when there is none

	prepared *prepared // what the updates come to, when that is known

	bare    bool               // whether the view is known to have nothing of the resource that is judged
	byKey   map[string]*change // by forward key
	changes []*change          // those that change something, sorted by key

	counts     map[Kind]int64      // before the transaction, when it is not being applied
	registered map[string]*Counter // counters as the transaction leaves them, where it names them

	heads          map[string]ChainState // chains as the transaction leaves them, where it names them
	forgotten      int                   // records
	forgottenBytes int                   // of their values

	sweeps  sweeps   // the store's; none when the transaction is not being applied
	swept   []sweep  // how far its filter deletes came
	free    []change // room for more
	record  Record
	entries []entry
	outcome Outcome
}

func (s *Store) newJudge(rev Revision, tx *Transaction) *judge {
	ms := max(tx.Time.UnixMilli(), s.state.time)
	j := &judge{
		store: s, db: s.db(), tx: tx, view: s.db().backend.view(s.Head()), in: s.flight, now: fromMillis(ms), sweeps: s.sweeps,
		byKey: make(map[string]*change, len(tx.Updates)), free: make([]change, len(tx.Updates)),
		record: Record{
			Revision: rev, Previous: s.state.head, Time: fromMillis(ms), Floor: max(tx.Floor, s.state.floor),
			Hash: s.state.hash, Actor: tx.Actor, Metadata: tx.Metadata, Expiry: len(tx.Expired) > 0,
		},
	}
	j.outcome.Revision, j.outcome.Time = rev, j.record.Time
	return j
}

// readSchema finds the schema before and compiles the one after.
func (j *judge) readSchema() error {
	var err error
	var written Revision
	j.previous, written, err = j.db.schemas.at(j.record.Previous)
	if err != nil && !errors.Is(err, ErrNoSchema) {
		return err
	}
	if seen := j.tx.SchemaSeen; seen != nil && written > *seen {
		return &SchemaVersionError{Have: written, Seen: *seen}
	}
	j.schema = j.previous
	if j.tx.Schema == nil || j.previous != nil && j.previous.Source() == *j.tx.Schema {
		return nil
	}
	if len(*j.tx.Schema) > MaxSchema {
		return fmt.Errorf("the schema has %d bytes; at most %d are allowed", len(*j.tx.Schema), MaxSchema)
	}
	j.schema, err = compileSchema(*j.tx.Schema)
	j.record.Schema = err == nil
	return err
}

func (j *judge) preconditions() error {
	for _, p := range j.tx.Preconditions {
		matched := false
		err := j.alive(&p.Filter, func(engine.Relationship, []byte) bool {
			matched = true
			return false
		})
		if err != nil {
			return err
		}
		if matched != p.MustMatch {
			return &PreconditionError{Precondition: p}
		}
	}
	return nil
}

// alive visits what a filter selects and has not expired, with its stored trait.
func (j *judge) alive(f *Filter, visit func(r engine.Relationship, value []byte) bool) error {
	if err := f.validate(); err != nil {
		return err
	}
	plan := planFilter(f)
	from := j.sweeps.from(f)
	return j.view.walkFrom(context.Background(), f, &plan, from, func(r engine.Relationship, s *scan) (bool, error) {
		value, err := s.value()
		if err != nil {
			return false, err
		}
		if r.Trait, err = decodeTrait(value); err != nil {
			return false, err
		}
		return !r.Trait.Alive(j.now) || visit(r, value), nil
	})
}

func (j *judge) filterDeletes() error {
	for i := range j.tx.Deletes {
		d := j.tx.Deletes[i]
		if room := MaxDelete - len(j.byKey); j.store.logged && (d.Limit == 0 || d.Limit > room) {
			d.Limit = room
		}
		n := 0
		var rest *engine.Relationship
		err := j.alive(&d.Filter, func(r engine.Relationship, value []byte) bool {
			if n++; (d.Limit > 0 || j.store.logged) && n > d.Limit {
				rest = &r
				return false
			}
			key := forwardKey(nil, &r)
			j.byKey[string(key)] = &change{
				Change: Change{Op: Delete, Relationship: r, Before: r.Trait},
				key:    key, before: bytes.Clone(value), had: true,
			}
			return j.store.logged || len(j.byKey) <= j.db.backend.mostChanges()
		})
		if err != nil {
			return err
		}
		if !j.store.logged && len(j.byKey) > j.db.backend.mostChanges() {
			return j.db.backend.fits(make([]entry, 2*len(j.byKey)))
		}
		if (d.Limit > 0 || j.store.logged) && n > d.Limit {
			if !d.Partial {
				return &DeleteLimitError{Filter: d.Filter, Limit: d.Limit}
			}
			j.outcome.More = true
			j.swept = append(j.swept, newSweep(d.Filter, rest))
		}
	}
	return nil
}

// expired removes what the transaction names and has expired by its time.
func (j *judge) expired() error {
	for i := range j.tx.Expired {
		c := &change{key: forwardKey(nil, &j.tx.Expired[i])}
		if j.byKey[string(c.key)] != nil {
			continue
		}
		if err := j.stored(c, false); err != nil {
			return err
		}
		if c.had && !c.Before.Alive(j.now) {
			c.Relationship = j.tx.Expired[i]
			j.byKey[string(c.key)] = c
		}
	}
	return nil
}

// prepared is what updates come to by themselves, under one schema: for each
// its forward key and the trait to store.
type prepared struct {
	schema       *schema.Schema
	keys, values [][]byte
}

// updates judges every update and notes what it makes of its relationship.
func (j *judge) updates() error {
	if len(j.tx.Updates) > 0 && j.schema == nil {
		return ErrNoSchema
	}
	before := j.previous
	if before == nil {
		before = j.schema
	}
	known := j.prepared != nil && j.prepared.schema == j.schema
	keys := j.updateKeys(known)
	absent := j.db.backend.absent(j.view.revision(), keys)
	for i := range j.tx.Updates {
		u := &j.tx.Updates[i]
		var value []byte
		if known {
			value = j.prepared.values[i]
		} else {
			var err error
			if value, err = checkUpdate(before, j.schema, u); err != nil {
				return &UpdateError{Update: *u, Err: err}
			}
		}
		if err := j.update(u, keys[i], value, absent != nil && absent[i]); err != nil {
			return err
		}
	}
	return nil
}

// updateKeys returns the forward key of every update.
func (j *judge) updateKeys(known bool) [][]byte {
	if known {
		return j.prepared.keys
	}
	keys := make([][]byte, len(j.tx.Updates))
	for i := range keys {
		keys[i] = forwardKey(nil, &j.tx.Updates[i].Relationship)
	}
	return keys
}

// checkUpdate judges an update by itself and returns the trait to store.
func checkUpdate(before, after *schema.Schema, u *Update) ([]byte, error) {
	r := &u.Relationship
	if err := engine.CheckObjectID(r.Resource.ID); err != nil {
		return nil, err
	}
	if !r.Subject.IsWildcard() {
		if err := engine.CheckObjectID(r.Subject.ID); err != nil {
			return nil, err
		}
	}
	switch u.Op {
	case Create, Touch:
		if err := engine.Validate(after, *r); err != nil {
			return nil, err
		}
		return encodeTrait(r.Trait)
	case Delete:
		// Which subjects are allowed does not matter, as long as the names exist
		// where the relationship would be: in the state before.
		err := engine.Validate(before, r.Key())
		if refused := (*engine.SubjectTypeError)(nil); errors.As(err, &refused) {
			err = nil
		}
		return nil, err
	}
	return nil, fmt.Errorf("operation %d is unknown; give create, touch or delete", u.Op)
}

// update notes one update on top of the filter deletes. absent is whether the
// view is known not to have its relationship.
func (j *judge) update(u *Update, key, value []byte, absent bool) error {
	r := &u.Relationship
	c := j.byKey[string(key)]
	exists := false
	switch {
	case c != nil && c.stamped:
		return &DuplicateUpdateError{Relationship: *r}
	case c == nil:
		c = &j.free[0] // there is one for each update
		j.free = j.free[1:]
		c.key = key
		if err := j.stored(c, absent); err != nil {
			return err
		}
		exists = c.had && c.Before.Alive(j.now)
		j.byKey[string(key)] = c
	}
	if u.Op == Create && exists {
		return &AlreadyExistsError{Relationship: *r}
	}
	c.stamped, c.Relationship, c.has, c.after = true, *r, u.Op != Delete, value
	return nil
}

// stored fills in what is there before the transaction.
func (j *judge) stored(c *change, absent bool) error {
	if j.in != nil {
		if p := j.in.judge.byKey[string(c.key)]; p != nil {
			c.had, c.before = p.has, p.after
			if p.has {
				c.Before = p.Relationship.Trait
			}
			return nil
		}
	}
	if absent {
		return nil
	}
	found, had, err := j.view.get(c.key)
	if err != nil || !had {
		return err
	}
	c.had, c.before = true, found.value
	c.Before, err = decodeTrait(found.value)
	return err
}

// settle drops what changes nothing, names what the rest does, and sorts it.
func (j *judge) settle() error {
	for _, c := range j.byKey {
		if c.had == c.has && bytes.Equal(c.before, c.after) {
			j.outcome.Unchanged++
			continue
		}
		switch {
		case !c.has:
			c.Op, c.Relationship.Trait = Delete, c.Before
			j.outcome.Deleted++
		case c.had:
			c.Op = Touch
			j.outcome.Touched++
		default:
			c.Op = Create
			j.outcome.Created++
		}
		if len(c.after) == 0 && c.has {
			c.Relationship.Trait = nil
		}
		j.changes = append(j.changes, c)
	}
	slices.SortFunc(j.changes, func(a, b *change) int { return bytes.Compare(a.key, b.key) })
	return nil
}
