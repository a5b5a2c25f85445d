package replica

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/server/store"
)

const strictSchema = `use constraint

definition user {}

definition document {
	relation viewer: user
	constraint one = at_most_one(viewer)
}
`

func TestSchemaIsJudgedAtARevision(t *testing.T) {
	loose := strings.Replace(strictSchema, "\tconstraint one = at_most_one(viewer)\n", "", 1)
	var violated *store.ConstraintsError
	var moved *store.SchemaMovedError
	many := func(b *bench, n int) {
		for n > 0 {
			var tx store.Transaction
			for ; n > 0 && len(tx.Updates) < 1000; n-- {
				tx.Updates = append(tx.Updates, touch(b.t, fmt.Sprintf("document:m%d#viewer@user:anne", n)).Updates...)
			}
			b.must(tx)
		}
	}
	for name, c := range map[string]struct {
		meanwhile func(b *bench)
		want      any // nil, or a pointer to the type of the refusal
	}{
		"nothing happened": {},
		"other documents were written": {meanwhile: func(b *bench) {
			b.must(touch(t, "document:b#viewer@user:anne"))
		}},
		"a document was written to violate it": {meanwhile: func(b *bench) {
			b.must(touch(t, "document:a#viewer@user:bob"))
		}, want: &violated},
		"and was mended again": {meanwhile: func(b *bench) {
			b.must(touch(t, "document:a#viewer@user:bob"))
			b.must(store.Transaction{Deletes: []store.FilterDelete{{Filter: store.Filter{ResourceID: "a"}}}})
		}},
		"another schema was written": {meanwhile: func(b *bench) {
			b.must(schemaOf(strings.Replace(loose, "viewer", "reader", 1) + "\ndefinition other {}\n"))
		}, want: &moved},
		"as much as can be judged was written": {meanwhile: func(b *bench) { many(b, 10_000) }},
		"more than can be judged was written":  {meanwhile: func(b *bench) { many(b, 10_001) }, want: &moved},
		"the floor was moved": {meanwhile: func(b *bench) {
			b.must(store.Transaction{Floor: store.Revision(b.index) + 1})
		}, want: &moved},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.must(schemaOf(loose))
			if name != "another schema was written" {
				b.must(touch(t, "document:a#viewer@user:anne"))
			}
			judged, err := b.m.store.JudgeSchema(new(schemaOf(strictSchema)))
			if err != nil || judged != b.m.store.Head() {
				t.Fatal(judged, err)
			}
			if c.meanwhile != nil {
				c.meanwhile(b)
			}
			a := b.enter(&command{kind: kindTransaction, tx: schemaOf(strictSchema), judged: judged})
			if c.want == nil && a.refusal != nil || c.want != nil && !errors.As(a.refusal, c.want) {
				t.Errorf("refusal: %v", a.refusal)
			}
			if err := b.m.store.Verify(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSchemaIsRefusedBeforeTheLog(t *testing.T) {
	r := open(t, Config{InMemory: true})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	propose(t, r, Proposal{Tx: touch(t, "document:a#viewer@user:anne")})
	last := r.node.raft.LastIndex()
	var inUse *store.SchemaInUseError
	_, err := r.Propose(t.Context(), Proposal{Tx: schemaOf("definition user {}")})
	if !errors.As(err, &inUse) || inUse.Conflicts[0].Example.Resource.ID != "a" {
		t.Errorf("got %v", err)
	}
	if r.node.raft.LastIndex() != last {
		t.Error("it went into the log")
	}
	// What the transaction itself removes does not stand against its schema.
	tx := schemaOf("definition user {}")
	tx.Deletes = []store.FilterDelete{{Filter: store.Filter{ResourceType: "document"}}}
	propose(t, r, Proposal{Tx: tx})
	again := Proposal{Tx: schemaOf(testSchema), RetryKey: "k"}
	first := propose(t, r, again)
	propose(t, r, Proposal{Tx: schemaOf("definition user {}")})
	if second := propose(t, r, again); !second.Repeated || second.Token != first.Token {
		t.Errorf("the repeat came to %+v, the first to %+v", second, first)
	}
}

// TestExpiredDoNotHoldSchemas takes a relation away whose relationships have
// expired, and are not removed yet.
func TestExpiredDoNotHoldSchemas(t *testing.T) {
	c := newClock()
	r := open(t, Config{InMemory: true, Now: c.now})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	expiring := func(name string, in time.Duration) {
		t.Helper()
		at := c.now().Add(in).UTC().Format(time.RFC3339)
		propose(t, r, Proposal{Tx: touch(t, fmt.Sprintf("document:%s#viewer@user:anne[expiration:%s]", name, at))})
	}
	refused := func(why string) {
		t.Helper()
		var inUse *store.SchemaInUseError
		if _, err := r.Propose(t.Context(), Proposal{Tx: schemaOf("definition user {}")}); !errors.As(err, &inUse) {
			t.Errorf("%s: %v", why, err)
		}
	}
	expiring("a", time.Minute)
	expiring("b", time.Hour)
	refused("both are alive")
	c.pass(2 * time.Minute)
	refused("one is alive")
	if n := r.store.Stats().Relationships; n != 1 {
		t.Errorf("%d relationships are left", n)
	}
	expiring("c", time.Minute)
	c.pass(time.Hour)
	propose(t, r, Proposal{Tx: touch(t, "document:d#viewer@user:anne")})
	refused("one does not expire")
	if n := r.store.Stats().Relationships; n != 3 {
		t.Errorf("%d relationships are left", n)
	}
	tx := touch(t, "document:d#viewer@user:anne")
	tx.Updates[0].Op = store.Delete
	propose(t, r, Proposal{Tx: tx})
	propose(t, r, Proposal{Tx: schemaOf("definition user {}")})
	if n := r.store.Stats().Relationships; n != 0 {
		t.Errorf("%d relationships are left", n)
	}
	if err := r.store.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
