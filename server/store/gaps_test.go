package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pemba-authz/pemba/engine"
)

// TestGaps asks about random keys in random histories. What is said to be free
// must be.
func TestGaps(t *testing.T) {
	frees := 0
	rapid.Check(t, func(rt *rapid.T) {
		b, err := openBackend("", smallMemTable)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() {
			if err := b.close(); err != nil {
				rt.Fatal(err)
			}
		}()
		key := rapid.Custom(func(rt *rapid.T) []byte {
			return fmt.Appendf(nil, "f%c%02d", rapid.RuneFrom([]rune("abc")).Draw(rt, "part"), rapid.IntRange(0, 99).Draw(rt, "number"))
		})
		last := Revision(rapid.IntRange(1, 5).Draw(rt, "revisions"))
		for rev := Revision(1); rev <= last; rev++ {
			var entries []entry
			for _, k := range rapid.SliceOfDistinct(key, func(k []byte) string { return string(k) }).Draw(rt, "keys") {
				entries = append(entries, entry{key: k, remove: rapid.Bool().Draw(rt, "remove")})
			}
			if rapid.Bool().Draw(rt, "clear") { // many removed keys beside one another
				entries = nil
				for i := range 100 {
					entries = append(entries, entry{key: fmt.Appendf(nil, "fb%02d", i), remove: i != 90})
				}
			}
			if err := b.apply(rev, entries); err != nil {
				rt.Fatal(err)
			}
		}
		rev := Revision(rapid.Uint64Range(1, uint64(last)).Draw(rt, "at"))
		v := b.view(rev)
		keys := rapid.SliceOfN(key, gapsWorth, -1).Draw(rt, "asked")
		for i, absent := range b.absent(rev, keys) {
			_, ok, err := v.get(keys[i])
			if err != nil || ok && absent {
				rt.Fatalf("%s is stored, and was said not to be (%v)", keys[i], err)
			}
			if absent {
				frees++
			}
		}
		g := b.gaps(rev, gapsWorth)
		defer g.close()
		for _, prefix := range []string{"fa", "fb", "fb1", "fb9", "fc"} {
			if !g.freePrefix([]byte(prefix)) {
				continue
			}
			s := v.scan([]byte(prefix))
			if s.seek(nil); s.valid() {
				rt.Fatalf("%s is stored, and nothing with %s was said to be", s.key(), prefix)
			}
			s.close()
			frees++
		}
	})
	if frees == 0 {
		t.Error("nothing was ever found to be free")
	}
}

// TestGapsPay counts seeks: one for a stretch that is empty, and none any more
// where each key is stored.
func TestGapsPay(t *testing.T) {
	b, err := openBackend("", smallMemTable)
	if err != nil {
		t.Fatal(err)
	}
	var entries []entry
	for i := range 1000 {
		entries = append(entries, entry{key: fmt.Appendf(nil, "fb%04d", i)})
	}
	if err := b.apply(1, entries); err != nil {
		t.Fatal(err)
	}
	for i := range entries { // what comes later must not be walked over
		entries[i].key = fmt.Appendf(nil, "fd%04d", i)
	}
	if err := b.apply(2, entries); err != nil {
		t.Fatal(err)
	}
	for prefix, most := range map[string]int{"fa": 1, "fb": gapsTried, "fc": 1, "fd": 1000/gapsVersion + 1} {
		g := b.gaps(1, 1000)
		for i := range 1000 {
			if free := g.free(fmt.Appendf(nil, "%s%04d", prefix, i)); free != (prefix != "fb") {
				t.Errorf("%s%04d is free: %v", prefix, i, free)
			}
		}
		if g.seeks > most {
			t.Errorf("%d seeks for %s; want at most %d", g.seeks, prefix, most)
		}
		g.close()
	}
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
}

const flightSchema = `use constraint

definition user {}

definition document {
	relation owner: user
	relation viewer: user
	relation banned: user
	constraint one = at_most_one(owner)
	constraint owned = at_least_one(owner)
	constraint apart = exclusive(viewer, banned)
}
`

// TestImportInFlight imports the same with and without judging a transaction
// while the one before is written. They must come to the same.
func TestImportInFlight(t *testing.T) {
	whole, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		documents := rapid.IntRange(1, 300).Draw(rt, "documents")
		var all []engine.Relationship
		for d := range documents { // so that most of it may be written
			all = append(all, drawn(d, "owner", d))
		}
		for range rapid.IntRange(0, 600).Draw(rt, "more") {
			relation, user := "viewer", random.IntN(40)
			if user%2 == 1 {
				relation = "banned"
			}
			all = append(all, drawn(random.IntN(documents), relation, user))
		}
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for range rapid.IntRange(0, 2).Draw(rt, "wrong") {
			r := drawn(random.IntN(documents), [...]string{"viewer", "banned", "owner"}[random.IntN(3)], random.IntN(40))
			all = slices.Insert(all, random.IntN(len(all)), r)
		}
		o := ImportOptions{Time: testTime, Op: rapid.SampledFrom([]Op{Create, Touch}).Draw(rt, "op"), Batch: rapid.IntRange(1, 200).Draw(rt, "batch")}
		var stores [2]*Store
		var done [2]Imported
		var errs [2]error
		for i := range stores {
			s := open(t, Config{InMemory: true, CacheBytes: -1, memTable: smallMemTable})
			text := flightSchema
			apply(t, s, &Transaction{Schema: &text})
			own := o
			if i == 1 {
				own.Progress = func(Imported) {
					s.mu.Lock()
					defer s.mu.Unlock()
					if err := s.land(); err != nil {
						t.Error(err)
					}
				}
			}
			done[i], errs[i] = s.Import(context.Background(), func(yield func(engine.Relationship, error) bool) {
				for _, r := range all {
					if !yield(r, nil) {
						return
					}
				}
			}, own)
			stores[i] = s
		}
		if errs[0] == nil {
			whole++
		} else {
			refused++
		}
		if done[0] != done[1] || fmt.Sprint(errs[0]) != fmt.Sprint(errs[1]) || stores[0].Stats().Hash != stores[1].Stats().Hash {
			rt.Fatalf("in flight %+v, %v\none by one %+v, %v", done[0], errs[0], done[1], errs[1])
		}
		for _, s := range stores {
			shut(t, s)
		}
	})
	if whole == 0 || refused == 0 {
		t.Errorf("%d imports were whole and %d refused; want some of both", whole, refused)
	}
}

func drawn(document int, relation string, user int) engine.Relationship {
	return engine.Relationship{
		Resource: engine.Object{Type: "document", ID: fmt.Sprint("d", document)}, Relation: relation,
		Subject: engine.Subject{Object: engine.Object{Type: "user", ID: fmt.Sprint("u", user)}},
	}
}
