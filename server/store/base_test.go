package store

import (
	"errors"
	"fmt"
	"testing"
)

// openAt opens a store of a log at a state, and closes it with the test.
func openAt(t *testing.T, c Config, state []byte) *Store {
	t.Helper()
	s, err := OpenAt(c, func() ([]byte, error) { return state, nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	return s
}

func applyAt(t *testing.T, s *Store, rev Revision, tx *Transaction) *Outcome {
	t.Helper()
	tx.Time = testTime
	o, err := s.Apply(rev, tx)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// large is a transaction of more keys than one atomic write of the backend takes.
func large(t *testing.T, n int) *Transaction {
	tx := &Transaction{}
	for i := range n {
		tx.Updates = append(tx.Updates, updates(t, Touch, fmt.Sprintf("document:d%d#viewer@user:anne", i))...)
	}
	return tx
}

// TestLargeRevision writes a revision in several parts, tears it as a crash
// would, and applies it again.
func TestLargeRevision(t *testing.T) {
	const n = 27_000 // of two keys each
	config := Config{Dir: t.TempDir(), MinFree: 1}
	text := testSchema
	s := openAt(t, config, nil)
	applyAt(t, s, 3, &Transaction{Schema: &text})
	applyAt(t, s, 5, &Transaction{Updates: updates(t, Create, "document:d7#viewer@user:bob")})
	base := s.State()

	// The first part of revision 9, and the head has not moved.
	tx := large(t, n)
	tx.Time = testTime
	s.mu.Lock()
	j, err := s.judge(9, tx, nil)
	if err == nil {
		err = s.db().backend.apply(9, j.entries[:20_000])
	}
	s.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if count(t, s) != 1 {
		t.Error("a part of a revision can be seen")
	}
	shut(t, s)

	for range 2 { // over a torn revision, and over a whole one
		s = openAt(t, config, base)
		if s.Head() != 5 || count(t, s) != 1 {
			t.Fatalf("head %d, %d relationships", s.Head(), count(t, s))
		}
		if o := applyAt(t, s, 9, large(t, n)); o.Created != n {
			t.Errorf("%+v", o)
		}
		if err := s.Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
		shut(t, s)
	}
	s = openAt(t, config, base)
	applyAt(t, s, 9, large(t, n))
	if o := applyAt(t, s, 10, &Transaction{Deletes: []FilterDelete{{Filter: Filter{ResourceType: "document"}}}}); o.Deleted != n+1 || count(t, s) != 0 {
		t.Errorf("%+v, %d are left", o, count(t, s))
	}
	if err := s.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// count returns how many relationships can be read at the head.
func count(t *testing.T, s *Store) int64 {
	t.Helper()
	sn, err := s.Snapshot(0)
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Close()
	n, err := sn.Count(t.Context(), Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDeletesAreBounded(t *testing.T) {
	s := openAt(t, Config{InMemory: true}, nil)
	text := testSchema
	applyAt(t, s, 1, &Transaction{Schema: &text})
	applyAt(t, s, 2, large(t, MaxDelete+1))
	all := FilterDelete{Filter: Filter{ResourceType: "document"}}
	var limit *DeleteLimitError
	if _, err := s.Apply(3, &Transaction{Time: testTime, Deletes: []FilterDelete{all}}); !errors.As(err, &limit) || limit.Limit != MaxDelete {
		t.Errorf("got %v", err)
	}
	all.Partial = true
	if o := applyAt(t, s, 3, &Transaction{Deletes: []FilterDelete{all}}); o.Deleted != MaxDelete || !o.More {
		t.Errorf("%+v", o)
	}
}

// TestBaseMustFit opens a directory at states that are not its own.
func TestBaseMustFit(t *testing.T) {
	text := testSchema
	var states [2][]byte
	var configs [2]Config
	for i := range states {
		configs[i] = Config{Dir: t.TempDir(), MinFree: 1}
		s := openAt(t, configs[i], nil)
		applyAt(t, s, 1, &Transaction{Schema: &text})
		applyAt(t, s, 2, &Transaction{Updates: updates(t, Create, fmt.Sprintf("document:d%d#viewer@user:bob", i))})
		states[i] = s.State()
		shut(t, s)
	}
	var corrupt *CorruptError
	for name, state := range map[string][]byte{"of another store": states[0], "malformed": {1, 2, 3}} {
		if _, err := OpenAt(configs[1], func() ([]byte, error) { return state, nil }); !errors.As(err, &corrupt) {
			t.Errorf("a state %s: %v", name, err)
		}
	}
	want := errors.New("no state")
	if _, err := OpenAt(configs[1], func() ([]byte, error) { return nil, want }); !errors.Is(err, want) {
		t.Errorf("an error of the caller: %v", err)
	}
	openAt(t, configs[1], states[1])
}

// TestSettle moves the floor past the base: what applying again needs must stay.
func TestSettle(t *testing.T) {
	s := openAt(t, Config{InMemory: true}, nil)
	text := testSchema
	applyAt(t, s, 1, &Transaction{Schema: &text})
	for rev := Revision(2); rev < 10; rev++ {
		applyAt(t, s, rev, &Transaction{Updates: updates(t, Touch, "document:a#viewer@user:bob"), Floor: rev})
	}
	for _, base := range []Revision{4, 3, 20} {
		if err := s.Settle(base); err != nil {
			t.Fatal(err)
		}
		s.db().readers.mu.Lock()
		needed := s.db().readers.needed()
		s.db().readers.mu.Unlock()
		if want := min(max(base, 4), 9); needed != want {
			t.Errorf("settled at %d, versions are kept from %d; want %d", base, needed, want)
		}
	}
}
