package store

import (
	"fmt"
	"testing"

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
