package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/pemba-authz/pemba/engine"
)

func imported(t *testing.T, err error) Imported {
	t.Helper()
	var e *ImportError
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	return e.Imported
}

// TestImportBroken ends the sequence with an error in the middle of a batch:
// the batches before it are written, and what was written is told.
func TestImportBroken(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	broken := errors.New("line 251: cut off")
	sequence := func(yield func(engine.Relationship, error) bool) {
		for r := range viewers(250) {
			if !yield(r, nil) {
				return
			}
		}
		yield(engine.Relationship{}, broken)
	}
	done, err := s.Import(t.Context(), sequence, ImportOptions{Time: testTime, Batch: 100, Op: Create})
	if got := imported(t, err); !errors.Is(err, broken) || got != done || done.Relationships != 200 || done.Revision != 3 {
		t.Errorf("%+v %v", done, err)
	}
	if n := s.Stats().Relationships; n != 200 {
		t.Errorf("%d relationships are stored", n)
	}
	// Touching takes up what is there.
	done, err = s.Import(t.Context(), manyRelationships(250), ImportOptions{Time: testTime, Batch: 100})
	if err != nil || done.Relationships != 250 || done.Unchanged != 200 {
		t.Errorf("%+v %v", done, err)
	}
}

// TestImportCancelled cancels an import from its own progress.
func TestImportCancelled(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := ImportOptions{Time: testTime, Batch: 10, Progress: func(i Imported) {
		if i.Transactions == 5 {
			cancel()
		}
	}}
	done, err := s.Import(ctx, manyRelationships(100_000), o)
	if got := imported(t, err); !errors.Is(err, context.Canceled) || got.Transactions < 5 || done.Relationships > 50_000 {
		t.Errorf("%+v %v", done, err)
	}
	if n := s.Stats().Relationships; n != done.Relationships || s.Head() != done.Revision {
		t.Errorf("%d relationships at %d; the import told %+v", n, s.Head(), done)
	}
}

// TestImportSameTwice gives one relationship in two batches, one after the
// other, so that the second is judged while the first is being written.
func TestImportSameTwice(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	twice := func(yield func(engine.Relationship, error) bool) {
		for _, text := range []string{"document:a#viewer@user:anne", "document:a#viewer@user:anne", `document:a#viewer@user:anne[on_day:{"day":"x"}]`} {
			if !yield(parse(t, text), nil) {
				return
			}
		}
	}
	done, err := s.Import(t.Context(), twice, ImportOptions{Time: testTime, Batch: 1})
	if err != nil || done.Transactions != 3 || done.Unchanged != 1 {
		t.Errorf("%+v %v", done, err)
	}
	var exists *AlreadyExistsError
	apply(t, s, &Transaction{Updates: updates(t, Delete, "document:a#viewer@user:anne")})
	done, err = s.Import(t.Context(), twice, ImportOptions{Time: testTime, Batch: 1, Op: Create})
	if !errors.As(err, &exists) || done.Relationships != 1 {
		t.Errorf("%+v %v", done, err)
	}
}

// TestImportBeside applies transactions, the schema's among them, beside an
// import.
func TestImportBeside(t *testing.T) {
	s := open(t, Config{InMemory: true})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	var others int
	sequence := func(yield func(engine.Relationship, error) bool) {
		i := 0
		for r := range viewers(5000) {
			if !yield(r, nil) {
				return
			}
			if i++; i%100 != 0 {
				continue
			}
			tx := &Transaction{Time: testTime, Updates: updates(t, Touch, fmt.Sprintf("group:g#member@user:u%d", i), r.String())}
			if i == 2500 {
				constrained := "use constraint\n" + testSchema + "\ndefinition other {\n\trelation owner: user\n\tconstraint one = at_most_one(owner)\n}\n"
				tx.Schema = &constrained
			}
			for {
				_, err := s.Apply(s.Head()+2, tx) // the import may have been faster
				if order := (*RevisionOrderError)(nil); errors.As(err, &order) {
					continue
				}
				if err != nil {
					t.Error(err)
				}
				break
			}
			others++
		}
	}
	done, err := s.Import(t.Context(), sequence, ImportOptions{Time: testTime, Batch: 50})
	if err != nil || done.Relationships != 5000 || others != 50 {
		t.Errorf("%+v %v, %d others", done, err, others)
	}
	want := []string{}
	for r := range viewers(5000) {
		want = append(want, r.String())
	}
	var got []string
	for r, err := range snapshot(t, s, 0).Relationships(t.Context(), Filter{ResourceType: "document"}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.String())
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, slices.Compact(want)) {
		t.Errorf("%d relationships, want %d", len(got), len(want))
	}
}
