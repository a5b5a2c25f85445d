package store

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pemba-authz/pemba/engine"
)

// TestPrecheck demands that Precheck refuses nothing that Apply takes, and
// refuses it with the same error; what it is for it must refuse.
func TestPrecheck(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, err := Open(Config{InMemory: true})
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { shut(t, s) }()
		text := testSchema
		apply(t, s, &Transaction{Schema: &text})
		now := testTime
		for range rapid.IntRange(1, 12).Draw(rt, "transactions") {
			now = now.Add(time.Duration(rapid.IntRange(-2, 5).Draw(rt, "seconds")) * time.Second)
			tx := drawJudged(rt, now)
			early := s.Precheck(tx)
			_, refusal := s.Apply(s.Head()+1, tx)
			if refusal == nil && early != nil {
				rt.Fatalf("Precheck refuses %+v, which is taken: %v", tx, early)
			}
			if early != nil && (early.Error() != refusal.Error() || reflect.TypeOf(early) != reflect.TypeOf(refusal)) {
				rt.Fatalf("Precheck: %v\nApply: %v", early, refusal)
			}
			if early == nil && isFor(tx, refusal) {
				rt.Fatalf("Precheck lets %+v pass, which is refused: %v", tx, refusal)
			}
		}
	})
}

// isFor reports whether a refusal is one that Precheck is for.
func isFor(tx *Transaction, refusal error) bool {
	if _, ok := errors.AsType[*DocumentVersionError](refusal); ok {
		return len(tx.DocumentPreconditions) > 0 && len(tx.Documents) == 0
	}
	if _, ok := errors.AsType[*engine.SubjectTypeError](refusal); ok {
		return len(tx.Deletes) == 0
	}
	if _, ok := errors.AsType[*engine.UnknownRelationError](refusal); ok {
		return len(tx.Deletes) == 0
	}
	_, precondition := errors.AsType[*PreconditionError](refusal)
	_, guard := errors.AsType[*GuardError](refusal)
	return precondition || guard
}

// drawJudged draws a transaction with something of everything that is judged.
func drawJudged(rt *rapid.T, now time.Time) *Transaction {
	tx := &Transaction{Time: now}
	few := func(name string, draw func()) {
		for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(rt, name) {
			draw()
		}
	}
	key := func() string { return fmt.Sprint("key-", rapid.IntRange(0, 2).Draw(rt, "key")) }
	version := func() Revision { return Revision(rapid.IntRange(0, 4).Draw(rt, "version")) }
	few("preconditions", func() {
		r := drawRelationship(rt, now)
		tx.Preconditions = append(tx.Preconditions, Precondition{
			Filter{ResourceType: r.Resource.Type, ResourceID: r.Resource.ID}, rapid.Bool().Draw(rt, "must match"),
		})
	})
	few("guards", func() {
		r := drawRelationship(rt, now)
		subject := r.Subject
		if subject.IsWildcard() {
			subject.ID = "anne"
		}
		tx.Guards = append(tx.Guards, Guard{Resource: r.Resource, Permission: r.Relation, Subject: subject, Must: rapid.Bool().Draw(rt, "must hold")})
	})
	few("versions", func() {
		tx.DocumentPreconditions = append(tx.DocumentPreconditions, DocumentPrecondition{key(), version()})
	})
	few("deletes", func() {
		tx.Deletes = append(tx.Deletes, FilterDelete{Filter: Filter{ResourceType: drawRelationship(rt, now).Resource.Type}})
	})
	few("documents", func() {
		u := DocumentUpdate{Key: key(), Class: ClassOpen, Value: []byte("1")}
		if rapid.Bool().Draw(rt, "if version") {
			u.IfVersion = new(version())
		}
		tx.Documents = append(tx.Documents, u)
	})
	few("updates", func() {
		u := Update{rapid.SampledFrom([]Op{Create, Touch, Delete}).Draw(rt, "op"), drawRelationship(rt, now)}
		switch rapid.IntRange(0, 9).Draw(rt, "fault") {
		case 0:
			u.Relationship.Relation = "stranger"
		case 1:
			u.Relationship.Subject = engine.Subject{Object: engine.Object{Type: "document", ID: "a"}}
		}
		tx.Updates = append(tx.Updates, u)
	})
	return tx
}

// TestPrecheckKnowsNoSweeps: the sweeps belong to the transaction that is applied,
// which changes them while others are judged early.
func TestPrecheckKnowsNoSweeps(t *testing.T) {
	s := openAt(t, Config{InMemory: true, CacheBytes: -1, memTable: smallMemTable}, nil)
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	apply(t, s, &Transaction{Updates: updates(t, Create, "document:a#viewer@user:anne")})
	f, beyond := Filter{ResourceType: "document"}, parse(t, "document:b#viewer@user:anne")
	s.sweeps = sweeps{newSweep(f, &beyond)}
	if err := s.Precheck(&Transaction{Preconditions: []Precondition{{f, true}}}); err != nil {
		t.Error(err)
	}
	s.sweeps = nil
}
