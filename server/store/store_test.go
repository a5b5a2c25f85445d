package store

import (
	"context"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// testSchema is what most tests write under.
const testSchema = `use expiration

caveat on_day(day string, today string) { day == today }

definition user {}

definition group {
	relation member: user | group#member
}

definition document {
	relation viewer: user | user:* | group#member | user with on_day | user with expiration | user with on_day and expiration
	relation editor: user | group#member
	permission view = viewer + editor
}
`

// testTime is when the transactions of tests are made.
var testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// open opens a store that is verified and closed at the end of the test.
func open(t testing.TB, config Config) *Store {
	t.Helper()
	s, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

// shut verifies and closes a store, unless the test did.
func shut(t testing.TB, s *Store) {
	t.Helper()
	s.mu.Lock()
	stopped := s.stopped
	s.mu.Unlock()
	if stopped {
		return
	}
	if err := s.Verify(context.Background(), nil); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func apply(t testing.TB, s *Store, tx *Transaction) *Outcome {
	t.Helper()
	if tx.Time.IsZero() {
		tx.Time = testTime
	}
	out, err := s.Apply(s.Head()+1, tx)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func parse(t testing.TB, text string) engine.Relationship {
	t.Helper()
	r, err := engine.ParseRelationship(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func updates(t testing.TB, op Op, texts ...string) []Update {
	t.Helper()
	var us []Update
	for _, text := range texts {
		us = append(us, Update{op, parse(t, text)})
	}
	return us
}

func TestSmoke(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	out := apply(t, s, &Transaction{Updates: updates(t, Create, "document:readme#viewer@user:anne", `document:readme#viewer@user:bob[on_day:{"day":"x"}][expiration:2027-01-01T00:00:00Z]`)})
	t.Logf("%+v %+v", out, s.Stats())
	sn, err := s.Snapshot(0)
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Close()
	for r, err := range sn.Relationships(context.Background(), Filter{}, nil) {
		t.Log(r, err)
	}
	for range 2 {
		tr, ok, err := sn.Find(engine.Object{Type: "document", ID: "readme"}, "viewer", engine.Subject{Object: engine.Object{Type: "user", ID: "bob"}})
		t.Log(tr, ok, err)
	}
	t.Log(s.Stats().Cache)
	for r, err := range sn.Changes(context.Background(), 0) {
		t.Logf("%+v %v", r, err)
	}
}
