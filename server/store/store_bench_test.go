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

func BenchmarkFindWarm(b *testing.B) {
	s := open(b, Config{InMemory: true})
	text := testSchema
	apply(b, s, &Transaction{Schema: &text})
	var us []Update
	for i := range 1000 {
		us = append(us, Update{Create, parse(b, fmt.Sprintf("document:doc%d#viewer@user:u%d", i/10, i))})
	}
	apply(b, s, &Transaction{Updates: us})
	sn, err := s.Snapshot(0)
	if err != nil {
		b.Fatal(err)
	}
	defer sn.Close()
	doc := engine.Object{Type: "document", ID: "doc7"}
	user := engine.Subject{Object: engine.Object{Type: "user", ID: "u75"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := sn.Find(doc, "viewer", user); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// manyRelationships yields n relationships of documents with ten viewers each.
func manyRelationships(n int) iter.Seq2[engine.Relationship, error] {
	return func(yield func(engine.Relationship, error) bool) {
		for i := range n {
			r := engine.Relationship{
				Resource: engine.Object{Type: "document", ID: "document-" + strconv.Itoa(i/10)},
				Relation: "viewer",
				Subject:  engine.Subject{Object: engine.Object{Type: "user", ID: "user-" + strconv.Itoa(i*7919%100_003)}},
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func BenchmarkImport(b *testing.B) {
	const n = 500_000
	for b.Loop() {
		s, err := Open(Config{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		text := testSchema
		apply(b, s, &Transaction{Schema: &text})
		start := time.Now()
		if _, err := s.Import(context.Background(), manyRelationships(n), ImportOptions{Time: testTime}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(n/time.Since(start).Seconds(), "relationships/s")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
