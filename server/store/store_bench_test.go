package store

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// viewers yields n relationships of documents with ten viewers each.
func viewers(n int) iter.Seq[engine.Relationship] {
	return func(yield func(engine.Relationship) bool) {
		for i := range n {
			r := engine.Relationship{
				Resource: engine.Object{Type: "document", ID: "document-" + strconv.Itoa(i/10)},
				Relation: "viewer",
				Subject:  engine.Subject{Object: engine.Object{Type: "user", ID: "user-" + strconv.Itoa(i*7919%100_003)}},
			}
			if !yield(r) {
				return
			}
		}
	}
}

// manyRelationships is viewers as an import reads them.
func manyRelationships(n int) iter.Seq2[engine.Relationship, error] {
	return func(yield func(engine.Relationship, error) bool) {
		for r := range viewers(n) {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// benchStore returns a store with n relationships on disk, which is closed at
// the end of the benchmark.
func benchStore(b *testing.B, n int, cacheBytes int64) *Store {
	b.Helper()
	s, err := Open(Config{Dir: b.TempDir(), CacheBytes: cacheBytes})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	text := testSchema
	apply(b, s, &Transaction{Schema: &text})
	if _, err := s.Import(b.Context(), manyRelationships(n), ImportOptions{Time: testTime}); err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkApply writes one relationship in each transaction, without and with a
// record of a chain.
func BenchmarkApply(b *testing.B) {
	record := []ChainRecord{{Chain: "portal/audit/acme", Value: []byte(`{"action":"workspace.share","actor":"anne","before":null,"after":{"role":"viewer"},"request":"0123456789abcdef","path":["workspace:sales#owner@user:anne"]}`)}}
	for _, sync := range []bool{false, true} {
		for _, records := range []int{0, 1} {
			benchApply(b, sync, record[:records])
		}
	}
}

// benchApply writes a relationship at a time, with records of a chain.
func benchApply(b *testing.B, sync bool, records []ChainRecord) {
	b.Run(fmt.Sprintf("sync=%v/records=%d", sync, len(records)), func(b *testing.B) {
		s := benchStore(b, 10_000, 0)
		s.config.Sync = sync
		next, stop := iter.Pull(viewers(1 << 30))
		defer stop()
		b.ReportAllocs()
		for b.Loop() {
			r, _ := next()
			r.Relation = "editor"
			apply(b, s, &Transaction{Updates: []Update{{Create, r}}, Records: records})
		}
	})
}

func BenchmarkImport(b *testing.B) {
	const n = 500_000
	for b.Loop() {
		start := time.Now()
		benchStore(b, n, 0)
		b.ReportMetric(n/time.Since(start).Seconds(), "relationships/s")
	}
}

// BenchmarkRead finds and lists, with a warm cache, with a cold one, and without
// any, in stores of several sizes.
func BenchmarkRead(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		cached := benchStore(b, n, 1<<30)
		b.Run(fmt.Sprintf("n=%d/find/warm", n), func(b *testing.B) { benchFind(b, cached, 1) })
		b.Run(fmt.Sprintf("n=%d/subjects/warm", n), func(b *testing.B) { benchSubjects(b, cached, 1) })
		uncached := benchStore(b, n, -1)
		b.Run(fmt.Sprintf("n=%d/find/uncached", n), func(b *testing.B) { benchFind(b, uncached, n/10) })
		b.Run(fmt.Sprintf("n=%d/subjects/uncached", n), func(b *testing.B) { benchSubjects(b, uncached, n/10) })
		b.Run(fmt.Sprintf("n=%d/subjects/cold", n), func(b *testing.B) { benchCold(b, cached, n/10) })
	}
}

// benchFind asks for a member of one of so many documents.
func benchFind(b *testing.B, s *Store, documents int) {
	sn := snapshot(b, s, 0)
	all := make([]engine.Relationship, 0, documents)
	for r := range viewers(documents * 10) {
		if len(all) == 0 || r.Resource != all[len(all)-1].Resource {
			all = append(all, r)
		}
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		r := &all[i*7919%documents]
		i++
		if _, ok, err := sn.Find(r.Resource, r.Relation, r.Subject); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// benchSubjects lists the viewers of one of so many documents.
func benchSubjects(b *testing.B, s *Store, documents int) {
	sn := snapshot(b, s, 0)
	ids := make([]engine.Object, documents)
	for i := range ids {
		ids[i] = engine.Object{Type: "document", ID: "document-" + strconv.Itoa(i)}
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		page, _, err := sn.Subjects(ids[i*7919%documents], "viewer", "user", "", "")
		i++
		if len(page) != 10 || err != nil {
			b.Fatal(page, err)
		}
	}
}

// benchCold lists the viewers of documents that the cache has just let go.
func benchCold(b *testing.B, s *Store, documents int) {
	sn := snapshot(b, s, 0)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		id := engine.Object{Type: "document", ID: "document-" + strconv.Itoa(i*7919%documents)}
		i++
		s.db().cache.held.Invalidate(s.db().cache.hash(setKey{id, "viewer"}))
		if _, _, err := sn.Subjects(id, "viewer", "user", "", ""); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScan reads every relationship of a snapshot.
func BenchmarkScan(b *testing.B) {
	const n = 200_000
	s := benchStore(b, n, 0)
	sn := snapshot(b, s, 0)
	for b.Loop() {
		read := 0
		for _, err := range sn.Relationships(context.Background(), Filter{}, nil) {
			if err != nil {
				b.Fatal(err)
			}
			read++
		}
		if read != n {
			b.Fatal(read)
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "relationships/s")
}
