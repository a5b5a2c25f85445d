package replica

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

func retried(t *testing.T, key string, tx store.Transaction) *command {
	return &command{kind: kindTransaction, tx: tx, key: newRetryKey("anne", key)}
}

func TestRetryKeys(t *testing.T) {
	b := newBench(t)
	b.must(schemaOf(testSchema))
	create := store.Transaction{Updates: []store.Update{{Op: store.Create, Relationship: relationship(t, "document:a#viewer@user:anne")}}}
	bad := touch(t, "document:a#owner@user:anne")

	first := b.enter(retried(t, "one", create))
	refused := b.enter(retried(t, "two", bad))
	if first.refusal != nil || refused.refusal == nil {
		t.Fatal(first.refusal, refused.refusal)
	}
	b.must(touch(t, "document:b#viewer@user:anne"))
	check := func(b *bench) {
		t.Helper()
		again := b.enter(retried(t, "one", create))
		if again.refusal != nil || !again.repeated || !reflect.DeepEqual(again.outcome, first.outcome) {
			t.Errorf("the repeat came to %+v, the first to %+v", again, first)
		}
		again = b.enter(retried(t, "two", bad))
		var unknown *engine.UnknownRelationError
		var update *store.UpdateError
		if !again.repeated || !errors.As(again.refusal, &unknown) || !errors.As(again.refusal, &update) || again.refusal.Error() != refused.refusal.Error() {
			t.Errorf("the repeat came to %#v, the first to %#v", again.refusal, refused.refusal)
		}
		if other := b.enter(retried(t, "one", bad)); !errors.Is(other.refusal, errRetryMismatch) {
			t.Errorf("the key of another write came to %+v", other)
		}
		if bob := b.enter(&command{kind: kindTransaction, tx: create, key: newRetryKey("bob", "one")}); bob.refusal == nil {
			t.Errorf("the key of another identity came to %+v", bob)
		}
	}
	check(b)
	snapshot := b.snapshot()
	s, _, err := decodeState(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	b.m.state = s // as after a restart
	check(b)
}

func TestRetriesAreForgotten(t *testing.T) {
	r := newRetries()
	key := func(i int) retryKey { return newRetryKey("x", fmt.Sprint(i)) }
	age := retryAge.Milliseconds()
	for i := range retryEntries + 1 {
		r.add(&remembered{key: key(i), time: 0})
	}
	if !r.room(age-1) || r.find(key(0)) == nil {
		t.Error("one was forgotten that is young")
	}
	if !r.room(age) || r.find(key(0)) != nil || r.find(key(1)) != nil || r.find(key(2)) == nil || len(r.byKey) != retryEntries-1 || len(r.queue) != len(r.byKey) {
		t.Errorf("%d and %d are remembered", len(r.byKey), len(r.queue))
	}
	r.queue = append(r.queue, make([]*remembered, maxRetries-len(r.queue)-1)...)
	for i := retryEntries - 1; i < len(r.queue); i++ {
		r.queue[i] = &remembered{time: 1}
	}
	if !r.room(age - 1) {
		t.Error("there was room for one more")
	}
	r.add(&remembered{key: key(-1), time: 1})
	if r.room(age-1) || !r.room(age) {
		t.Error("there was room for too many, or for none that is new")
	}
}

// TestImportRetried commits an import again under its key: as another import of
// the same relationships, and the very same one.
func TestImportRetried(t *testing.T) {
	b := newBench(t)
	b.must(schemaOf(testSchema))
	stage := func(id uint64, names ...string) {
		for i, name := range names {
			b.enter(&command{kind: kindStage, stage: id, part: i, updates: []engine.Relationship{relationship(t, "document:"+name+"#viewer@user:anne")}})
		}
	}
	commit := func(id uint64, parts int) *applied {
		return b.enter(&command{kind: kindImport, stage: id, part: parts, key: newRetryKey("anne", "import")})
	}
	stage(1, "a", "b")
	stage(2, "a", "b")
	stage(3, "a", "c")
	first := commit(1, 2)
	if first.refusal != nil || first.outcome.Created != 2 {
		t.Fatalf("%+v", first)
	}
	for name, again := range map[string]*applied{"another of the same": commit(2, 2), "the same": commit(1, 2)} {
		if !again.repeated || !reflect.DeepEqual(again.outcome, first.outcome) {
			t.Errorf("%s: %+v", name, again)
		}
	}
	if other := commit(3, 2); !errors.Is(other.refusal, errRetryMismatch) || b.m.state.stages.total != 0 {
		t.Errorf("another one: %+v; %d are still staged", other, b.m.state.stages.total)
	}
}
