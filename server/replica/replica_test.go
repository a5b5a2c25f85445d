package replica

import (
	"testing"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

const testSchema = `use expiration

definition user {}

definition document {
	relation viewer: user | user with expiration
	permission view = viewer
}
`

// open opens a replica and closes it with the test.
func open(t testing.TB, c Config) *Replica {
	t.Helper()
	r, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil && err != ErrClosed {
			t.Error(err)
		}
	})
	return r
}

func relationship(t testing.TB, text string) engine.Relationship {
	t.Helper()
	r, err := engine.ParseRelationship(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// propose proposes a transaction that must be applied.
func propose(t testing.TB, r *Replica, p Proposal) Result {
	t.Helper()
	result, err := r.Propose(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func schemaOf(text string) store.Transaction { return store.Transaction{Schema: &text} }

func touch(t testing.TB, texts ...string) store.Transaction {
	var tx store.Transaction
	for _, text := range texts {
		tx.Updates = append(tx.Updates, store.Update{Op: store.Touch, Relationship: relationship(t, text)})
	}
	return tx
}

func TestWriteAndRead(t *testing.T) {
	r := open(t, Config{InMemory: true})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	wrote := propose(t, r, Proposal{Tx: touch(t, "document:readme#viewer@user:anne")})
	if wrote.Created != 1 || wrote.Revision != r.Head() {
		t.Errorf("outcome %+v, head %d", wrote.Outcome, r.Head())
	}
	for _, c := range []Consistency{{}, {Mode: FullyConsistent}, {AtLeastAsFresh, wrote.Token}, {AtExactSnapshot, wrote.Token}} {
		sn, err := r.Snapshot(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if sn.Token() != wrote.Token {
			t.Errorf("%+v: revision %d, want %d", c, sn.Revision(), wrote.Revision)
		}
		rel := relationship(t, "document:readme#viewer@user:anne")
		if _, ok, err := sn.Find(rel.Resource, rel.Relation, rel.Subject); !ok || err != nil {
			t.Errorf("%+v: found %v, %v", c, ok, err)
		}
		sn.Close()
	}
}
