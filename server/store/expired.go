package store

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// Expired yields the relationships that have expired at a time, without what
// they carry, for the Expired of a transaction. It looks at relations alone that
// hold relationships with an expiration. An error ends it.
func (sn *Snapshot) Expired(ctx context.Context, at time.Time) iter.Seq2[engine.Relationship, error] {
	return func(yield func(engine.Relationship, error) bool) {
		on := true
		for _, f := range sn.db.store.expiring() {
			err := sn.walk(ctx, &f, nil, func(r engine.Relationship, s *scan) (bool, error) {
				value, err := s.value()
				if err != nil {
					return false, err
				}
				trait, err := decodeTrait(value)
				if err == nil && !trait.Alive(at) {
					on = yield(r, nil)
				}
				return on && err == nil, err
			})
			if err != nil {
				yield(engine.Relationship{}, err)
			}
			if err != nil || !on {
				return
			}
		}
	}
}

// expiring returns a filter for each relation that holds relationships with an
// expiration at the newest revision.
func (s *Store) expiring() []Filter {
	s.mu.Lock()
	defer s.mu.Unlock()
	var filters []Filter
	for _, k := range slices.SortedFunc(maps.Keys(s.state.counts), Kind.Compare) {
		f := Filter{ResourceType: k.Type, Relation: k.Relation}
		if k.Expires && !slices.Contains(filters, f) {
			filters = append(filters, f)
		}
	}
	return filters
}
