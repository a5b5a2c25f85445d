package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/enginetest"
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

// smallMemTable makes databases that are opened fast, for tests that open many.
const smallMemTable = 1 << 20

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

// snapshot returns a snapshot that is closed at the end of the test.
func snapshot(t testing.TB, s *Store, rev Revision) *Snapshot {
	t.Helper()
	sn, err := s.Snapshot(rev)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sn.Close)
	return sn
}

// TestReader runs the engine's suite on snapshots with and without a cache; the
// second snapshot of each store finds the cache warm.
func TestReader(t *testing.T) {
	for name, cacheBytes := range map[string]int64{"cached": 0, "small cache": 4096, "uncached": -1} {
		t.Run(name, func(t *testing.T) {
			var s *Store
			load := func(t *testing.T, rels []engine.Relationship) engine.Reader {
				s = open(t, Config{InMemory: true, CacheBytes: cacheBytes})
				text := testSchema
				apply(t, s, &Transaction{Schema: &text})
				applyUnchecked(t, s, rels)
				return snapshot(t, s, 0)
			}
			enginetest.TestReader(t, load)
		})
	}
}

// applyUnchecked creates relationships whatever the schema allows.
func applyUnchecked(t testing.TB, s *Store, rels []engine.Relationship) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	current, _, err := s.db().schemas.at(s.state.head)
	if err != nil {
		t.Fatal(err)
	}
	p := &prepared{schema: current}
	tx := &Transaction{Time: testTime}
	for _, r := range rels {
		value, err := encodeTrait(r.Trait)
		if err != nil {
			t.Fatal(err)
		}
		tx.Updates = append(tx.Updates, Update{Create, r})
		p.keys, p.values = append(p.keys, forwardKey(nil, &r)), append(p.values, value)
	}
	j, err := s.judge(s.state.head+1, tx, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.commit(j); err != nil {
		t.Fatal(err)
	}
}

func TestRevisions(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	for i := range 50 {
		apply(t, s, &Transaction{Updates: updates(t, Create, fmt.Sprintf("document:d#viewer@user:u%02d", i))})
	}
	for i := range 51 {
		n, err := snapshot(t, s, Revision(i+1)).Count(context.Background(), Filter{})
		if err != nil || n != int64(i) {
			t.Errorf("revision %d has %d relationships, %v; want %d", i+1, n, err, i)
		}
	}
}

// TestWritten looks up who wrote a relationship.
func TestWritten(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	apply(t, s, &Transaction{Actor: "anne", Metadata: map[string]any{"ticket": "T-1"}, Updates: updates(t, Create, "document:a#viewer@user:bob")})
	apply(t, s, &Transaction{Actor: "carl", Updates: updates(t, Create, "document:a#viewer@user:dora")})
	r, rev, ok, err := snapshot(t, s, 0).Written(parse(t, "document:a#viewer@user:bob"))
	if err != nil || !ok || rev != 2 || r.String() != "document:a#viewer@user:bob" {
		t.Fatal(r, rev, ok, err)
	}
	record, ok, err := snapshot(t, s, rev).Record()
	if err != nil || !ok || record.Actor != "anne" || record.Metadata["ticket"] != "T-1" {
		t.Fatal(record, ok, err)
	}
}

func TestCountOfSchemas(t *testing.T) {
	s := open(t, Config{InMemory: true})
	for i := range 3 * cachedSchemas {
		text := fmt.Sprintf("definition user%02d {}", i)
		apply(t, s, &Transaction{Schema: &text})
	}
	for i := range 3 * cachedSchemas {
		got, rev, err := snapshot(t, s, Revision(i+1)).SchemaRevision()
		if err != nil || rev != Revision(i+1) || got.Source() != fmt.Sprintf("definition user%02d {}", i) {
			t.Errorf("revision %d: %v %v", i+1, rev, err)
		}
	}
	if n := len(s.db().schemas.compiled); n != cachedSchemas {
		t.Errorf("%d compiled schemas are kept; want %d", n, cachedSchemas)
	}
}

func TestTooBig(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	tx := &Transaction{Time: testTime}
	for i := range 30_000 {
		tx.Updates = append(tx.Updates, Update{Create, parse(t, fmt.Sprintf("document:d#viewer@user:u%d", i))})
	}
	_, err := s.Apply(2, tx)
	var big *TransactionTooBigError
	if !errors.As(err, &big) {
		t.Fatalf("got %v", err)
	}
	if n := s.Stats().Relationships; n != 0 || s.Head() != 1 {
		t.Errorf("%d relationships at %d after a refusal", n, s.Head())
	}
	// The largest that fits is written whole.
	tx.Updates = tx.Updates[:(big.EntryLimit-2)/2-20]
	apply(t, s, tx)
	// So is a filter that selects more than one transaction can delete.
	apply(t, s, &Transaction{Updates: updates(t, Create, "document:d#editor@user:a")})
	for i := range 4 {
		tx := &Transaction{}
		for k := range 8000 {
			tx.Updates = append(tx.Updates, Update{Create, parse(t, fmt.Sprintf("document:e#viewer@user:u%d-%d", i, k))})
		}
		apply(t, s, tx)
	}
	all := FilterDelete{Filter: Filter{ResourceType: "document"}}
	if _, err := s.Apply(s.Head()+1, &Transaction{Deletes: []FilterDelete{all}}); !errors.As(err, &big) {
		t.Errorf("deleting too much: %v", err)
	}
	all.Limit, all.Partial = 10_000, true
	if out := apply(t, s, &Transaction{Deletes: []FilterDelete{all}}); out.Deleted != 10_000 || !out.More {
		t.Errorf("deleting a part: %+v", out)
	}
	// A schema of the greatest size fits.
	text = testSchema + strings.Repeat("// padding\n", (MaxSchema-len(testSchema))/11)
	apply(t, s, &Transaction{Schema: &text})
	text += strings.Repeat("/", 12)
	if _, err := s.Apply(s.Head()+1, &Transaction{Schema: &text}); err == nil {
		t.Error("a schema above the limit was written")
	}
}

func TestLimits(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	value := []byte("\"" + strings.Repeat("x", MaxDocument-2) + "\"")
	apply(t, s, &Transaction{Documents: []DocumentUpdate{{Key: "big", Class: ClassOpen, Value: value}}})
	var large *DocumentTooLargeError
	_, err := s.Apply(3, &Transaction{Documents: []DocumentUpdate{{Key: "big", Class: ClassOpen, Value: append(value, ' ')}}})
	if !errors.As(err, &large) {
		t.Errorf("document above the limit: %v", err)
	}
	context := func(n int) []Update {
		return updates(t, Touch, `document:d#viewer@user:u[on_day:{"day":"`+strings.Repeat("é", n)+`"}]`)
	}
	apply(t, s, &Transaction{Updates: context((MaxContext - 10) / 2)})
	var tooLarge *ContextTooLargeError
	if _, err := s.Apply(4, &Transaction{Updates: context(MaxContext/2 - 4)}); !errors.As(err, &tooLarge) {
		t.Errorf("context above the limit: %v", err)
	}
}
