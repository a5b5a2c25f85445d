package store

import (
	"sync/atomic"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
)

// Keeper implements engine.Keeping; it returns nil without a cache.
func (sn *Snapshot) Keeper() engine.Keeper {
	if sn.db.cache == nil {
		return nil
	}
	return (*keeper)(sn)
}

// keeper is a snapshot with a cache, for the engine.
type keeper Snapshot

// recalls counts what a snapshot recalled.
type recalls struct{ hits, misses, stale atomic.Uint64 }

// Set implements engine.Keeper.
func (k *keeper) Set(resource engine.Object, relation string) (*engine.Set, engine.Mark, error) {
	if k.closed.Load() {
		return nil, 0, ErrClosed
	}
	c := k.db.cache
	key := lookupKey{set: setKey{resource, relation}}
	hash := c.hash(key.set)
	v, err := c.set((*Snapshot)(k), hash, &key)
	if v == nil {
		return nil, engine.Mark(hash), err
	}
	return &v.set, engine.Mark(hash), nil
}

// Mark implements engine.Keeper.
func (k *keeper) Mark(subject *engine.Subject) engine.Mark { return k.db.cache.mark(subject) }

// Recall implements engine.Keeper.
func (k *keeper) Recall(r *schema.Relation, id string, subject *engine.Subject, mark engine.Mark) (engine.Kept, bool) {
	a := k.db.cache.answers
	if a == nil || k.closed.Load() {
		return engine.Kept{}, false
	}
	x := a.get(k.rev, &k.recalls, r, id, subject, mark)
	if x == nil {
		return engine.Kept{}, false
	}
	return x.kept, true
}

// Keep implements engine.Keeper.
func (k *keeper) Keep(r *schema.Relation, id string, subject *engine.Subject, mark engine.Mark, answer engine.Kept) {
	if a := k.db.cache.answers; a != nil && !k.closed.Load() {
		a.put(k.rev, r, id, subject, mark, answer)
	}
}
