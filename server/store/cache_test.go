package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/pemba-authz/pemba/engine"
)

// TestCacheRace lets readers compare what the cache answers with what the
// backend holds at the same revision, at the head and behind it, while a writer
// changes the same few sets all the time.
func TestCacheRace(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	const writes = 1500
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for seed := range uint64(4) {
		wg.Go(func() { raceReader(ctx, t, s, rand.New(rand.NewPCG(seed, 0))) })
	}
	r := rand.New(rand.NewPCG(99, 0))
	for range writes {
		tx := &Transaction{Time: testTime}
		for i, k := range r.Perm(40)[:1+r.IntN(4)] {
			tx.Updates = append(tx.Updates, Update{[]Op{Touch, Delete}[(i+k)%2], raceRelationship(k)})
		}
		if _, err := s.Apply(s.Head()+1, tx); err != nil {
			t.Error(err)
			break
		}
	}
	cancel()
	wg.Wait()
	if st := s.Stats().Cache; st.Hits == 0 || st.Misses == 0 {
		t.Errorf("the cache was not used: %+v", st)
	}
}

// raceRelationship returns one of forty relationships of four sets.
func raceRelationship(k int) engine.Relationship {
	r := engine.Relationship{
		Resource: engine.Object{Type: "document", ID: fmt.Sprint(k % 4)}, Relation: "viewer",
		Subject: engine.Subject{Object: engine.Object{Type: "user", ID: fmt.Sprint(k / 4)}},
	}
	if k/4 == 9 {
		r.Subject.ID = engine.Wildcard
	}
	return r
}

func raceReader(ctx context.Context, t *testing.T, s *Store, r *rand.Rand) {
	for ctx.Err() == nil {
		rev := max(3, s.Head()) - Revision(r.Uint64N(3))
		sn, err := s.Snapshot(rev)
		var future *FutureRevisionError
		if errors.As(err, &future) {
			continue
		}
		if err != nil {
			t.Error(err)
			return
		}
		for range 5 {
			want := raceRelationship(r.IntN(40))
			_, got, err := sn.Find(want.Resource, "viewer", want.Subject)
			_, has, uncachedErr := sn.find(want.Resource, "viewer", want.Subject)
			if got != has || err != nil || uncachedErr != nil {
				t.Errorf("%s at %d: the cache says %v, the backend %v (%v, %v)", want, sn.Revision(), got, has, err, uncachedErr)
			}
			page, _, err := sn.Subjects(want.Resource, "viewer", "user", "", "")
			stored, _, uncachedErr := sn.subjects(want.Resource, "viewer", "user", "", "")
			if !slices.Equal(page, stored) || err != nil || uncachedErr != nil {
				t.Errorf("%s at %d: the cache says %v, the backend %v (%v, %v)", want.Resource, sn.Revision(), page, stored, err, uncachedErr)
			}
		}
		sn.Close()
	}
}

// TestCacheLoadRace loads a set at a revision, changes it, and only then offers
// the load to the cache, which must not take it.
func TestCacheLoadRace(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	apply(t, s, &Transaction{Updates: updates(t, Create, "document:a#viewer@user:anne")})
	k := setKey{engine.Object{Type: "document", ID: "a"}, "viewer"}
	before := snapshot(t, s, 0)
	set, err := before.view.loadSet(k)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, &Transaction{Updates: updates(t, Delete, "document:a#viewer@user:anne")})
	s.db().cache.put(s.db().cache.hash(k), s.db().cache.hash(k), lookupKey{set: k}, before.Revision(), set)
	anne := engine.Subject{Object: engine.Object{Type: "user", ID: "anne"}}
	if _, ok, err := snapshot(t, s, 0).Find(k.resource, "viewer", anne); ok || err != nil {
		t.Errorf("a load from before the deletion was kept: %v %v", ok, err)
	}
	if _, ok, err := before.Find(k.resource, "viewer", anne); !ok || err != nil {
		t.Errorf("the snapshot from before does not see it any more: %v %v", ok, err)
	}
}

// TestCacheLargeSet looks up members of a set that is not held, and demands that
// what was asked once is not read again, absence included.
func TestCacheLargeSet(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	tx := &Transaction{Updates: updates(t, Create, "document:a#viewer@user:*", "document:a#viewer@group:g#member")}
	for i := range 4 * maxDirect {
		tx.Updates = append(tx.Updates, updates(t, Create, fmt.Sprintf("document:a#viewer@user:u%04d", i))...)
	}
	apply(t, s, tx)
	ask := func(rev Revision, want map[string]bool) (misses uint64) {
		sn := snapshot(t, s, rev)
		for id, has := range want {
			subject := engine.Subject{Object: engine.Object{Type: "user", ID: id}}
			if _, ok, err := sn.Find(engine.Object{Type: "document", ID: "a"}, "viewer", subject); ok != has || err != nil {
				t.Errorf("%s at %d: %v %v", id, sn.Revision(), ok, err)
			}
		}
		return sn.misses.Load()
	}
	want := map[string]bool{"u0001": true, "u0500": true, "nobody": false, "*": true}
	if n := ask(0, want); n != 4 {
		t.Errorf("%d misses of a set and three lookups", n)
	}
	if n := ask(0, want); n != 0 {
		t.Errorf("%d misses when asked again", n)
	}
	apply(t, s, &Transaction{Updates: append(updates(t, Delete, "document:a#viewer@user:u0001"), updates(t, Create, "document:a#viewer@user:nobody")...)})
	ask(2, want)
	want["u0001"], want["nobody"] = false, true
	if n := ask(0, want); n != 2 {
		t.Errorf("%d misses; two lookups were changed", n)
	}
	sn := snapshot(t, s, 0)
	if page, more, err := sn.Subjects(engine.Object{Type: "document", ID: "a"}, "viewer", "group", "member", ""); len(page) != 1 || more || err != nil {
		t.Errorf("usersets of a large set: %v %v %v", page, more, err)
	}
}

// TestCacheBounded fills a small cache and demands that it evicts.
func TestCacheBounded(t *testing.T) {
	const bytes = 64 << 10
	s := open(t, Config{InMemory: true, CacheBytes: bytes})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	sn := snapshot(t, s, 0)
	for i := range 5000 {
		if _, _, err := sn.Find(engine.Object{Type: "document", ID: fmt.Sprint(i)}, "viewer", engine.Subject{}); err != nil {
			t.Fatal(err)
		}
	}
	s.db().cache.held.CleanUp()
	if st := s.Stats().Cache; st.Evictions == 0 || st.Bytes > bytes || st.Bytes == 0 || st.MaxBytes != bytes {
		t.Errorf("%+v", st)
	}
}

// TestCacheAllocates demands that a warm read allocates nothing.
func TestCacheAllocates(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	apply(t, s, &Transaction{Updates: updates(t, Create, "document:a#viewer@user:anne", "document:a#viewer@group:g#member")})
	sn := snapshot(t, s, 0)
	doc, anne := engine.Object{Type: "document", ID: "a"}, engine.Subject{Object: engine.Object{Type: "user", ID: "anne"}}
	n := testing.AllocsPerRun(100, func() {
		_, found, err := sn.Find(doc, "viewer", anne)
		page, _, pageErr := sn.Subjects(doc, "viewer", "group", "member", "")
		if !found || len(page) != 1 || err != nil || pageErr != nil {
			t.Error(found, page, err, pageErr)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestAnswersOfBefore asks at an old revision of a store that was opened again:
// what changed since is not known to its cache, and the answer must not be taken
// for one of the head.
func TestAnswersOfBefore(t *testing.T) {
	config := Config{Dir: t.TempDir()}
	s := open(t, config)
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	held := apply(t, s, &Transaction{Updates: updates(t, Create, "document:a#viewer@user:anne")}).Revision
	gone := apply(t, s, &Transaction{Updates: updates(t, Delete, "document:a#viewer@user:anne")}).Revision
	shut(t, s)

	s = open(t, config)
	for range 2 {
		for rev, want := range map[Revision]engine.State{held: engine.Yes, gone: engine.No} {
			sn := snapshot(t, s, rev)
			compiled, err := sn.Schema()
			if err != nil {
				t.Fatal(err)
			}
			e := &engine.Engine{Schema: compiled, Reader: sn, Now: testTime}
			got, err := e.Check(t.Context(), engine.Object{Type: "document", ID: "a"}, "view", engine.Subject{Object: engine.Object{Type: "user", ID: "anne"}})
			if err != nil || got.State != want {
				t.Errorf("at revision %d: %s, %v; want %s", rev, got.State, err, want)
			}
		}
	}
}
