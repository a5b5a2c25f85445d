package replica

import (
	"errors"
	"fmt"
	"log/slog"
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

// readable reports whether a relationship stands at the head.
func readable(t testing.TB, r *Replica, text string) bool {
	t.Helper()
	sn, err := r.Snapshot(t.Context(), Consistency{Mode: FullyConsistent})
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Close()
	rel := relationship(t, text)
	_, ok, err := sn.Find(rel.Resource, rel.Relation, rel.Subject)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func shut(t testing.TB, r *Replica) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCrashWhileFounding opens what a crash left in the middle of making a
// cluster.
func TestCrashWhileFounding(t *testing.T) {
	config := Config{Dir: t.TempDir(), Store: store.Config{MinFree: 1}}
	s, err := store.OpenAt(store.Config{Dir: config.Dir, MinFree: 1}, func() ([]byte, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := openFiles(&Config{Dir: config.Dir, Logger: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.stable.SetUint64([]byte(raftTerm), 1), f.close()); err != nil {
		t.Fatal(err)
	}
	r := open(t, config)
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
}

// TestRestart opens a directory again and again, with and without a snapshot of
// the log, and finds the state as it was.
func TestRestart(t *testing.T) {
	config := Config{Dir: t.TempDir()}
	r := open(t, config)
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	cluster := r.Status().Cluster
	var last store.Revision
	for round := range 6 {
		name := fmt.Sprintf("document:d%d#viewer@user:anne", round)
		wrote := propose(t, r, Proposal{Tx: touch(t, name)})
		if wrote.Revision <= last {
			t.Fatalf("revision %d came after %d", wrote.Revision, last)
		}
		last = wrote.Revision
		if _, err := r.Propose(t.Context(), Proposal{Tx: touch(t, "nothing:x#viewer@user:anne")}); err == nil {
			t.Fatal("an unknown type was written")
		}
		if round%2 == 1 {
			if err := r.node.raft.Snapshot().Error(); err != nil {
				t.Fatal(err)
			}
			propose(t, r, Proposal{Tx: touch(t, fmt.Sprintf("document:after%d#viewer@user:anne", round))})
		}
		before := r.Status()
		shut(t, r)
		r = open(t, config)
		after := r.Status()
		if after.Cluster != cluster || after.Head != before.Head || after.Store.Hash != before.Store.Hash || after.Store.Relationships != before.Store.Relationships {
			t.Fatalf("round %d: was %+v, is %+v", round, before, after)
		}
		if !readable(t, r, name) {
			t.Fatalf("%s is gone", name)
		}
		if got, err := r.ParseToken(wrote.Token); got != wrote.Revision || err != nil {
			t.Fatalf("the token names %d, %v", got, err)
		}
		if err := r.store.Verify(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
}
