package store

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
)

// pageSize is how many entries a page holds that is read from the backend.
const pageSize = 512

// Snapshot is the state at one revision. It is an engine.Reader, safe for
// concurrent use, and its answers never change. The caller must Close it, after
// its last read has returned.
type Snapshot struct {
	db     *database
	rev    Revision
	view   view
	closed atomic.Bool

	hits, misses atomic.Uint64 // of the cache
	recalls      recalls
}

var (
	_ engine.Reader  = (*Snapshot)(nil)
	_ engine.Keeping = (*Snapshot)(nil)
)

// Snapshot returns the state at a revision, 0 meaning the head. It returns an
// *ExpiredRevisionError below the floor, a *FutureRevisionError above the head,
// and ErrClosed.
func (s *Store) Snapshot(rev Revision) (*Snapshot, error) {
	for {
		d := s.db()
		at, err := d.readers.enter(rev, d.newest)
		if err == nil {
			s.opened.Add(1)
			return &Snapshot{db: d, rev: at, view: d.backend.view(at)}, nil
		}
		if s.db() == d { // else it was replaced meanwhile
			return nil, err
		}
	}
}

// Close lets go of the snapshot. Closing twice is no fault.
func (sn *Snapshot) Close() {
	if !sn.closed.Swap(true) {
		if c := sn.db.cache; c != nil {
			flush(&c.hits, &sn.hits)
			flush(&c.misses, &sn.misses)
			if a := c.answers; a != nil {
				flush(&a.hits, &sn.recalls.hits)
				flush(&a.misses, &sn.recalls.misses)
				flush(&a.stale, &sn.recalls.stale)
			}
		}
		sn.db.readers.leave(sn.rev, sn.db.backend)
		sn.db.store.opened.Add(-1)
	}
}

// flush adds what one snapshot counted to what all did.
func flush(all, own *atomic.Uint64) {
	if n := own.Load(); n > 0 {
		all.Add(n)
	}
}

// Revision returns the revision whose state this is.
func (sn *Snapshot) Revision() Revision { return sn.rev }

// Schema returns the schema that counts at the revision, or ErrNoSchema.
func (sn *Snapshot) Schema() (*schema.Schema, error) {
	s, _, err := sn.SchemaRevision()
	return s, err
}

// SchemaRevision returns the schema that counts at the revision, and the
// revision that wrote it, or ErrNoSchema.
func (sn *Snapshot) SchemaRevision() (*schema.Schema, Revision, error) {
	if sn.closed.Load() {
		return nil, 0, ErrClosed
	}
	return sn.db.schemas.at(sn.rev)
}

// Find implements engine.Reader.
func (sn *Snapshot) Find(resource engine.Object, relation string, subject engine.Subject) (*engine.Trait, bool, error) {
	if sn.closed.Load() {
		return nil, false, ErrClosed
	}
	if c := sn.db.cache; c != nil {
		return c.find(sn, resource, relation, subject)
	}
	return sn.find(resource, relation, subject)
}

// Subjects implements engine.Reader.
func (sn *Snapshot) Subjects(resource engine.Object, relation, subjectType, subjectRelation, after string) ([]engine.Entry, bool, error) {
	if sn.closed.Load() {
		return nil, false, ErrClosed
	}
	if c := sn.db.cache; c != nil {
		return c.subjects(sn, resource, relation, subjectType, subjectRelation, after)
	}
	return sn.subjects(resource, relation, subjectType, subjectRelation, after)
}

// Resources implements engine.Reader.
func (sn *Snapshot) Resources(subject engine.Subject, resourceType, relation, after string) ([]engine.Entry, bool, error) {
	if sn.closed.Load() {
		return nil, false, ErrClosed
	}
	return sn.view.page(holdersPrefix(nil, subject, resourceType, relation), after)
}

// find reads one relationship from the backend.
func (sn *Snapshot) find(resource engine.Object, relation string, subject engine.Subject) (*engine.Trait, bool, error) {
	var array [256]byte
	r := engine.Relationship{Resource: resource, Relation: relation, Subject: subject}
	found, ok, err := sn.view.get(forwardKey(array[:0], &r))
	if !ok || err != nil {
		return nil, false, err
	}
	t, err := decodeTrait(found.value)
	return t, err == nil, err
}

// subjects reads a page from the backend.
func (sn *Snapshot) subjects(resource engine.Object, relation, subjectType, subjectRelation, after string) ([]engine.Entry, bool, error) {
	return sn.view.page(sectionPrefix(nil, resource, relation, subjectType, subjectRelation), after)
}

// page reads the ids that follow a prefix, after the one given.
func (v view) page(prefix []byte, after string) (page []engine.Entry, more bool, err error) {
	s := v.scan(prefix)
	defer s.close()
	if after == "" {
		s.seek(nil)
	} else {
		s.seek(afterKey(append(prefix[:len(prefix):len(prefix)], after...)))
	}
	var b entriesBuilder
	for ; s.valid(); s.next() {
		if len(b.ends) == pageSize {
			return b.build(), true, nil
		}
		if err := b.add(s.key()[len(prefix):], s); err != nil {
			return nil, false, err
		}
	}
	return b.build(), false, nil
}

// entriesBuilder collects entries whose ids share one string.
type entriesBuilder struct {
	ids    []byte
	ends   []int
	traits []*engine.Trait // nil until the first that is not nil
	weight int             // of the traits, roughly
}

func (b *entriesBuilder) add(id []byte, s *scan) error {
	value, err := s.value()
	if err != nil {
		return err
	}
	b.ids = append(b.ids, id...)
	b.ends = append(b.ends, len(b.ids))
	if len(value) > 0 {
		t, err := decodeTrait(value)
		if err != nil {
			return err
		}
		b.traits = append(b.traits, make([]*engine.Trait, len(b.ends)-1-len(b.traits))...)
		b.traits = append(b.traits, t)
		b.weight += traitWeight + 4*len(value)
	}
	return nil
}

func (b *entriesBuilder) build() []engine.Entry {
	if len(b.ends) == 0 {
		return nil
	}
	ids := string(b.ids)
	entries := make([]engine.Entry, len(b.ends))
	from := 0
	for i, to := range b.ends {
		entries[i].ID = ids[from:to]
		from = to
	}
	for i, t := range b.traits {
		entries[i].Trait = t
	}
	return entries
}

// Relationships yields what a filter selects, expired or not, from the first
// after the one given (nil: from the start). The order is that of the keys of
// the index that serves the filter, the same for every call with that filter,
// so that the last relationship of one call is where the next goes on. An error
// ends it.
func (sn *Snapshot) Relationships(ctx context.Context, f Filter, after *engine.Relationship) iter.Seq2[engine.Relationship, error] {
	return func(yield func(engine.Relationship, error) bool) {
		err := sn.walk(ctx, &f, after, func(r engine.Relationship, s *scan) (bool, error) {
			value, err := s.value()
			if err == nil {
				r.Trait, err = decodeTrait(value)
			}
			return err == nil && yield(r, nil), err
		})
		if err != nil {
			yield(engine.Relationship{}, err)
		}
	}
}

// Count returns how many relationships a filter selects, expired or not. It
// reads them all; at the head Store.Stats has counts by kind.
func (sn *Snapshot) Count(ctx context.Context, f Filter) (int64, error) {
	var n int64
	err := sn.walk(ctx, &f, nil, func(engine.Relationship, *scan) (bool, error) {
		n++
		return true, nil
	})
	return n, err
}

// Written returns a relationship as it is stored and the revision that last
// wrote it; the record of that revision says who did, as long as it is kept.
func (sn *Snapshot) Written(r engine.Relationship) (engine.Relationship, Revision, bool, error) {
	if sn.closed.Load() {
		return engine.Relationship{}, 0, false, ErrClosed
	}
	r = r.Key()
	found, ok, err := sn.view.get(forwardKey(nil, &r))
	if !ok || err != nil {
		return engine.Relationship{}, 0, false, err
	}
	r.Trait, err = decodeTrait(found.value)
	return r, found.version, err == nil, err
}

// contextEvery is how many keys are walked between two looks at the context.
const contextEvery = 256

func (sn *Snapshot) walk(ctx context.Context, f *Filter, after *engine.Relationship, visit func(engine.Relationship, *scan) (bool, error)) error {
	if sn.closed.Load() {
		return ErrClosed
	}
	return sn.view.walk(ctx, f, after, visit)
}

// walk visits what a filter selects, from the first after the one given, until
// visit returns false or an error.
func (v view) walk(ctx context.Context, f *Filter, after *engine.Relationship, visit func(engine.Relationship, *scan) (bool, error)) error {
	if err := f.validate(); err != nil {
		return err
	}
	plan := planFilter(f)
	if after == nil {
		return v.walkFrom(ctx, f, &plan, nil, visit)
	}
	return v.walkFrom(ctx, f, &plan, afterKey(plan.key(nil, after)), visit)
}

// walkFrom does what walk does from a key of the plan on; nil: from the start.
func (v view) walkFrom(ctx context.Context, f *Filter, plan *filterPlan, from []byte, visit func(engine.Relationship, *scan) (bool, error)) error {
	s := v.scan(plan.prefix)
	defer s.close()
	s.seek(from)
	for n := 1; s.valid(); n++ {
		if n%contextEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		r, err := plan.split(s.key())
		if err != nil {
			return err
		}
		if next := plan.skip(&r); next != nil {
			s.seek(next)
			continue
		}
		if f.Matches(&r) {
			if on, err := visit(r, s); err != nil || !on {
				return err
			}
		}
		s.next()
	}
	return ctx.Err()
}
