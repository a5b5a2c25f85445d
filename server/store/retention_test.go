package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// TestFloorBelowSnapshot moves the floor past an open snapshot, which must go on
// to see its revision while everything is compacted.
func TestFloorBelowSnapshot(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	apply(t, s, &Transaction{Updates: updates(t, Create, "document:a#viewer@user:anne")})
	old := snapshot(t, s, 2)
	apply(t, s, &Transaction{Updates: updates(t, Delete, "document:a#viewer@user:anne")})
	apply(t, s, &Transaction{Floor: 4})
	if got := s.db().readers.needed(); got != 2 {
		t.Errorf("versions from %d on are kept; a snapshot of 2 is open", got)
	}
	if n, err := old.Count(context.Background(), Filter{}); n != 1 || err != nil {
		t.Errorf("the open snapshot sees %d relationships, %v", n, err)
	}
	old.Close()
	if got := s.db().readers.needed(); got != 4 {
		t.Errorf("versions from %d on are kept; the floor is 4", got)
	}
	var expired *ExpiredRevisionError
	if _, err := s.Snapshot(2); !errors.As(err, &expired) || expired.Floor != 4 {
		t.Errorf("got %v", err)
	}
}

// TestRetentionFloor asks for the floor by count and by age.
func TestRetentionFloor(t *testing.T) {
	s := open(t, Config{InMemory: true, Retention: time.Hour, RetentionRevisions: 50})
	for i := range 100 { // one a minute
		apply(t, s, &Transaction{Time: testTime.Add(time.Duration(i+1) * time.Minute)})
	}
	for _, test := range []struct {
		minutes int // after the first
		want    Revision
	}{
		{100, 50},   // by count
		{105, 50},   // the newest 45 minutes would be enough by age: count keeps fewer
		{120, 60},   // revision 60 was the head an hour before
		{130, 70},   // and so on
		{159, 99},   // the last but one
		{1000, 100}, // the head alone
	} {
		got, err := s.RetentionFloor(testTime.Add(time.Duration(test.minutes) * time.Minute))
		if err != nil || got != test.want {
			t.Errorf("after %d minutes the floor may be %d, %v; want %d", test.minutes, got, err, test.want)
		}
	}
}

// TestPrune moves the floor over many records and demands that they go, a few
// with each transaction, and that the store opens again.
func TestPrune(t *testing.T) {
	config := Config{Dir: t.TempDir(), MinFree: 1}
	s := open(t, config)
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	for i := range 2 * pruneEvery {
		apply(t, s, &Transaction{Updates: updates(t, Touch, fmt.Sprintf("document:d%d#viewer@user:anne", i))})
	}
	floor := s.Head() - 3
	apply(t, s, &Transaction{Floor: floor})
	records := func() (n int) {
		err := s.db().backend.view(s.Head()).revisions(tableChanges, 0, s.Head(), func(Revision) bool {
			n++
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := records(); n != pruneEvery+2 {
		t.Errorf("%d records after the first transaction", n)
	}
	apply(t, s, &Transaction{})
	apply(t, s, &Transaction{})
	if n := records(); n != int(s.Head()-floor)+1 {
		t.Errorf("%d records are left, from %d to %d", n, floor, s.Head())
	}
	shut(t, s)
	s = open(t, config)
	if n := s.Stats().Relationships; n != 2*pruneEvery {
		t.Errorf("%d relationships after opening again", n)
	}
}

// TestCatchUp opens a directory whose newest small state is some revisions old,
// as after a crash.
func TestCatchUp(t *testing.T) {
	config := Config{Dir: t.TempDir(), MinFree: 1}
	s := open(t, config)
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	for i := range 10 {
		apply(t, s, &Transaction{Updates: updates(t, Touch, fmt.Sprintf("document:d%d#viewer@user:anne", i))})
	}
	s.mu.Lock()
	if err := s.saveState(); err != nil {
		t.Error(err)
	}
	s.mu.Unlock()
	for i := range 10 {
		apply(t, s, &Transaction{Updates: updates(t, Delete, fmt.Sprintf("document:d%d#viewer@user:anne", i))})
	}
	want := s.Stats()
	// As a crash would: the small state is not stored again.
	s.mu.Lock()
	s.saved = s.state.head
	s.mu.Unlock()
	shut(t, s)
	s = open(t, config)
	if s.saved != 11 {
		t.Errorf("the small state of revision %d was found", s.saved)
	}
	if got := s.Stats(); got.Hash != want.Hash || got.Head != want.Head || got.Relationships != 0 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// replaceDocument changes a part of a document and all that would give it away,
// but for what a chain says.
func replaceDocument(s *Store, key, old, with string) error {
	doc, _, err := s.db().backend.view(s.Head()).document(key)
	value := bytes.Replace(doc.Value, []byte(old), []byte(with), 1)
	if err != nil || bytes.Equal(value, doc.Value) {
		return fmt.Errorf("%q of %s is not replaced: %w", old, doc.Value, err)
	}
	mark := documentMark(doc.Class, doc.Chained)
	s.state.hash.remove(documentKey(key), doc.Value, mark)
	s.state.hash.add(documentKey(key), value, mark)
	r, err := s.db().backend.view(s.Head()).record(s.Head())
	if err != nil {
		return err
	}
	r.Hash = s.state.hash
	record, err := encodeRecord(r, nil)
	entries := appendChunks([]entry{{key: documentKey(key), value: value, mark: mark}}, tableChanges, s.Head(), record)
	return errors.Join(err, s.db().backend.apply(s.Head(), entries))
}

// TestVerifyFinds damages each thing that Verify recomputes.
func TestVerifyFinds(t *testing.T) {
	r := parse(t, "document:a#viewer@user:anne")
	damage := map[string]func(s *Store) error{
		"a lost reverse key": func(s *Store) error {
			return s.db().backend.apply(s.Head(), []entry{{key: reverseKey(nil, &r), remove: true}})
		},
		"a lost forward key": func(s *Store) error {
			return s.db().backend.apply(s.Head(), []entry{{key: forwardKey(nil, &r), remove: true}})
		},
		"another trait": func(s *Store) error {
			value, err := encodeTrait(&engine.Trait{Expires: testTime})
			return errors.Join(err, s.db().backend.apply(s.Head(), []entry{{key: forwardKey(nil, &r), value: value}, {key: reverseKey(nil, &r), value: value}}))
		},
		"a trait that cannot be read": func(s *Store) error {
			return s.db().backend.apply(s.Head(), []entry{{key: forwardKey(nil, &r), value: []byte{255}}})
		},
		"a document": func(s *Store) error {
			return s.db().backend.apply(s.Head(), []entry{{key: documentKey("x"), value: []byte("1")}})
		},
		"a counter": func(s *Store) error {
			s.state.count(Kind{Type: "document"}, 1)
			return nil
		},
		"a chain": func(s *Store) error {
			c := s.state.chains["audit"]
			c.FloorHash[0]++
			s.state.chains["audit"] = c
			return nil
		},
		"a lost chain": func(s *Store) error {
			delete(s.state.chains, "audit")
			return nil
		},
		"a record of a chain": func(s *Store) error {
			return replaceDocument(s, recordKey("audit", 2), `"b"`, `"x"`)
		},
		"the newest record of a chain": func(s *Store) error {
			return replaceDocument(s, recordKey("audit", 3), `"c"`, `"x"`)
		},
		"a record out of its place": func(s *Store) error {
			return replaceDocument(s, recordKey("audit", 2), `"number":2`, `"number":9`)
		},
		"a record's previous hash": func(s *Store) error {
			return replaceDocument(s, recordKey("audit", 2), `"previous":"`, `"previous":"0`)
		},
		"a record": func(s *Store) error {
			return s.db().backend.apply(s.Head(), []entry{{key: chunkKey(tableChanges, 2, 0), remove: true}})
		},
	}
	for name, f := range damage {
		t.Run(name, func(t *testing.T) {
			s, err := Open(Config{InMemory: true})
			if err != nil {
				t.Fatal(err)
			}
			text := testSchema
			apply(t, s, &Transaction{Schema: &text})
			apply(t, s, &Transaction{Updates: []Update{{Create, r}}})
			apply(t, s, &Transaction{Records: []ChainRecord{{Chain: "audit", Value: []byte(`"a"`)}, {Chain: "audit", Value: []byte(`"b"`)}, {Chain: "audit", Value: []byte(`"c"`)}}})
			if err := s.Verify(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
			if err := f(s); err != nil {
				t.Fatal(err)
			}
			var corrupt *CorruptError
			if err := s.Verify(context.Background(), nil); !errors.As(err, &corrupt) {
				t.Errorf("got %v", err)
			} else {
				t.Log(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
