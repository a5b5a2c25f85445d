package replica

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

// demands is a transaction that relies on a relationship and writes nothing.
func demands(t testing.TB, text string) store.Transaction {
	r := relationship(t, text)
	return store.Transaction{Preconditions: []store.Precondition{{
		Filter:    store.Filter{ResourceType: r.Resource.Type, ResourceID: r.Resource.ID, Relation: r.Relation},
		MustMatch: true,
	}}}
}

// TestRefusedWithoutAnEntry proposes what is refused, and demands that the log
// does not grow.
func TestRefusedWithoutAnEntry(t *testing.T) {
	r := open(t, Config{InMemory: true})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	propose(t, r, Proposal{Tx: touch(t, "document:a#viewer@user:anne")})
	guard := store.Guard{
		Resource: engine.Object{Type: "document", ID: "a"}, Permission: "view",
		Subject: engine.Subject{Object: engine.Object{Type: "user", ID: "bob"}}, Must: true,
	}
	absent := store.Transaction{DocumentPreconditions: []store.DocumentPrecondition{{Key: "none", Version: 7}}}
	before := r.Status().LastIndex
	for name, tx := range map[string]store.Transaction{
		"precondition": demands(t, "document:b#viewer@user:anne"),
		"guard":        {Guards: []store.Guard{guard}},
		"type":         touch(t, "document:a#viewer@document:a"),
		"document":     absent,
		"schema":       schemaOf("definition user {}\ndefinition document {}"),
	} {
		if _, err := r.Propose(t.Context(), Proposal{Tx: tx}); !store.IsRefusal(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after := r.Status().LastIndex; after != before {
		t.Errorf("refused transactions took %d entries", after-before)
	}
	// What is named is refused by the log, which remembers it: the name has this
	// outcome, whatever is written later.
	named := Proposal{Tx: demands(t, "document:b#viewer@user:anne"), RetryKey: "once"}
	var refusal *store.PreconditionError
	if _, err := r.Propose(t.Context(), named); !errors.As(err, &refusal) {
		t.Error(err)
	}
	propose(t, r, Proposal{Tx: touch(t, "document:b#viewer@user:anne")})
	if again, err := r.Propose(t.Context(), named); !errors.As(err, &refusal) || !again.Repeated {
		t.Errorf("%+v, %v", again, err)
	}
}

// TestRefusedOnlyForSure has a judge refuse while a newer entry is written: it has
// to judge again.
func TestRefusedOnlyForSure(t *testing.T) {
	r := open(t, Config{InMemory: true})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	refusal, judged := errors.New("refused"), 0
	judge := func() error {
		if judged++; judged == 1 {
			propose(t, r, Proposal{Tx: touch(t, "document:a#viewer@user:anne")})
			return refusal
		}
		return nil
	}
	if got, doubt := r.refused(t.Context(), judge); got != nil || doubt != nil || judged != 2 {
		t.Errorf("a stale refusal: %v, %v, judged %d times", got, doubt, judged)
	}
	judge = func() error { judged++; return refusal }
	if got, doubt := r.refused(t.Context(), judge); !errors.Is(got, refusal) || doubt != nil || judged != 3 {
		t.Errorf("a refusal of the newest state: %v, %v, judged %d times", got, doubt, judged)
	}
}

// TestNoStaleRefusal relies on followers on what the leader has just
// acknowledged, which they may not have applied yet.
func TestNoStaleRefusal(t *testing.T) {
	grouped(t, func(t *testing.T, g *group) {
		all := g.found(3)
		propose(t, all[0], Proposal{Tx: schemaOf(testSchema)})
		leader, stale := g.leader(), 0
		for i := range 30 {
			text := fmt.Sprintf("document:d%d#viewer@user:anne", i)
			wrote := propose(t, leader, Proposal{Tx: touch(t, text)})
			for _, r := range all {
				if r.Head() < wrote.Revision {
					stale++
				}
				if _, err := r.Propose(t.Context(), Proposal{Tx: demands(t, text)}); err != nil {
					t.Fatalf("%s refuses what was acknowledged: %v", r.id, err)
				}
			}
		}
		if stale == 0 {
			t.Error("no follower was ever behind: the test proves nothing")
		}
		// A node that is cut off cannot be sure of a refusal, and gives none.
		r := g.follower()
		g.ether.isolate(r.config.Network.Address(), true)
		pause(t.Context(), 5*time.Second)
		var gone *UnavailableError
		if _, err := r.Propose(t.Context(), Proposal{Tx: demands(t, "document:none#viewer@user:anne")}); !errors.As(err, &gone) {
			t.Errorf("a node that is cut off: %v", err)
		}
		g.ether.isolate(r.config.Network.Address(), false)
	})
}
