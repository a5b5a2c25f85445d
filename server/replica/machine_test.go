package replica

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

// bench is a machine without a log: the test says what entries come.
type bench struct {
	t       testing.TB
	m       *machine
	index   uint64
	now     int64
	stopped error
}

func newBench(t testing.TB) *bench {
	t.Helper()
	return newBenchAt(t, store.Config{InMemory: true}, nil, 0)
}

// newBenchAt opens a machine at the state of a snapshot.
func newBenchAt(t testing.TB, c store.Config, snapshot []byte, index uint64) *bench {
	t.Helper()
	b := &bench{t: t, m: &machine{state: newState(), moved: func() {}}, index: index, now: 1_800_000_000_000}
	b.m.stopped = func(err error) { b.stopped = err }
	s, err := store.OpenAt(c, func() (stored []byte, err error) {
		if snapshot != nil {
			b.m.state, stored, err = decodeState(snapshot)
		}
		return stored, err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.m.store = s
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			t.Error(err)
		}
	})
	return b
}

// enter applies a command as the next entry of the log.
func (b *bench) enter(c *command) *applied {
	b.t.Helper()
	if c.time == 0 {
		c.time = b.now
	}
	data, err := c.encode()
	if err != nil {
		b.t.Fatal(err)
	}
	return b.raw(raft.LogCommand, data)
}

func (b *bench) raw(kind raft.LogType, data []byte) *applied {
	b.t.Helper()
	b.index++
	a, _ := b.m.Apply(&raft.Log{Index: b.index, Type: kind, Data: data}).(*applied)
	return a
}

func (b *bench) write(tx store.Transaction) *applied {
	b.t.Helper()
	return b.enter(&command{kind: kindTransaction, tx: tx})
}

// must writes a transaction that must be applied.
func (b *bench) must(tx store.Transaction) store.Outcome {
	b.t.Helper()
	a := b.write(tx)
	if a.refusal != nil || a.broken != nil {
		b.t.Fatal(a.refusal, a.broken)
	}
	return a.outcome
}

// snapshot returns what a snapshot of the log would hold.
func (b *bench) snapshot() []byte {
	b.t.Helper()
	data, err := b.m.state.encode(b.m.store.State())
	if err != nil {
		b.t.Fatal(err)
	}
	return data
}

func (b *bench) has(text string) bool {
	b.t.Helper()
	sn, err := b.m.store.Snapshot(0)
	if err != nil {
		b.t.Fatal(err)
	}
	defer sn.Close()
	r := relationship(b.t, text)
	_, ok, err := sn.Find(r.Resource, r.Relation, r.Subject)
	if err != nil {
		b.t.Fatal(err)
	}
	return ok
}

func TestRevisionsAreIndexes(t *testing.T) {
	b := newBench(t)
	b.enter(&command{kind: kindFound, cluster: 7})
	if b.m.state.history != (history{7, 1}) || b.m.store.Head() != 1 {
		t.Fatalf("history %+v, head %d", b.m.state.history, b.m.store.Head())
	}
	b.enter(&command{kind: kindFound, cluster: 8}) // two leaders may both try
	if b.m.state.history.cluster != 7 {
		t.Error("a cluster was named again")
	}
	b.must(schemaOf(testSchema))
	if a := b.raw(raft.LogConfiguration, []byte("not ours")); a != nil {
		t.Errorf("an entry that is not ours came to %+v", a)
	}
	b.index += 3 // entries that raft keeps to itself
	if o := b.must(touch(t, "document:a#viewer@user:anne")); uint64(o.Revision) != b.index || b.m.store.Head() != o.Revision {
		t.Errorf("revision %d at index %d", o.Revision, b.index)
	}
	head := b.m.store.Head()
	if a := b.write(touch(t, "document:a#owner@user:anne")); a.refusal == nil {
		t.Error("an unknown relation was written")
	}
	if b.m.store.Head() != head {
		t.Error("a refusal moved the head")
	}
}

func TestTimeNeverGoesBack(t *testing.T) {
	b := newBench(t)
	b.must(schemaOf(testSchema))
	first := b.must(touch(t, "document:a#viewer@user:anne"))
	b.now -= 5000
	second := b.must(touch(t, "document:b#viewer@user:anne"))
	if second.Time.Before(first.Time) {
		t.Errorf("time went from %v to %v", first.Time, second.Time)
	}
	// A refused entry counts, too.
	b.now += 20_000
	b.write(touch(t, "nothing:a#viewer@user:anne"))
	late := b.now
	b.now -= 10_000
	if third := b.must(touch(t, "document:c#viewer@user:anne")); third.Time.UnixMilli() != late {
		t.Errorf("time is %v after an entry at %v", third.Time, time.UnixMilli(late))
	}
}

func TestMachineStops(t *testing.T) {
	good, err := (&command{kind: kindTransaction, tx: schemaOf(testSchema)}).encode()
	if err != nil {
		t.Fatal(err)
	}
	newer := append([]byte{maxFormat + 1}, good[1:]...)
	unknown := append([]byte{minFormat, 77}, good[2:]...)
	raised, err := (&command{kind: kindVersion, version: maxFormat + 1}).encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"format": newer, "version": raised, "kind": unknown, "cut": good[:20], "empty": nil} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.must(schemaOf(testSchema))
			head := b.m.store.Head()
			if a := b.raw(raft.LogCommand, data); a.broken == nil || b.stopped == nil || !strings.Contains(b.stopped.Error(), "entry 2") {
				t.Fatalf("applied: %+v; stopped: %v", a, b.stopped)
			}
			if a := b.raw(raft.LogCommand, good); a.broken == nil || b.m.store.Head() != head {
				t.Error("the machine went on")
			}
			if _, err := b.m.Snapshot(); err == nil {
				t.Error("a machine that stopped made a snapshot")
			}
		})
	}
}

func TestStorageErrorStops(t *testing.T) {
	b := newBench(t)
	b.must(schemaOf(testSchema))
	if err := b.m.store.Close(); err != nil {
		t.Fatal(err)
	}
	if a := b.write(touch(t, "document:a#viewer@user:anne")); a.broken == nil || a.refusal != nil || b.stopped == nil {
		t.Errorf("%+v", a)
	}
}

func TestGuards(t *testing.T) {
	b := newBench(t)
	b.must(schemaOf(testSchema))
	b.must(touch(t, "document:a#viewer@user:anne", "document:b#viewer@user:bob[expiration:2020-01-01T00:00:00Z]"))
	guard := func(document, permission, user string, must bool) store.Transaction {
		tx := touch(t, "document:c#viewer@user:carl")
		tx.Guards = []store.Guard{{
			Resource: engine.Object{Type: "document", ID: document}, Permission: permission,
			Subject: engine.Subject{Object: engine.Object{Type: "user", ID: user}}, Must: must,
		}}
		return tx
	}
	for _, tx := range []store.Transaction{
		guard("a", "view", "anne", true), guard("a", "viewer", "anne", true), guard("b", "view", "bob", false),
		// The guard is judged on the state before: what the transaction writes does not count.
		guard("c", "view", "dora", false),
	} {
		b.must(tx)
	}
	var failed *store.GuardError
	for _, tx := range []store.Transaction{guard("a", "view", "anne", false), guard("a", "view", "bob", true), guard("b", "view", "bob", true)} {
		if a := b.write(tx); !errors.As(a.refusal, &failed) || failed.Guard.Permission != "view" || failed.Error() == "" {
			t.Errorf("%+v: %+v", tx.Guards, a)
		}
	}
	var unknown *engine.UnknownRelationError
	if a := b.write(guard("a", "edit", "anne", true)); !errors.As(a.refusal, &unknown) {
		t.Errorf("unknown permission: %+v", a)
	}
	many := guard("a", "view", "anne", true)
	for len(many.Guards) <= store.MaxGuards {
		many.Guards = append(many.Guards, many.Guards[0])
	}
	var tooMany *store.TooManyGuardsError
	if a := b.write(many); !errors.As(a.refusal, &tooMany) {
		t.Errorf("%d guards: %+v", len(many.Guards), a)
	}
}

func TestExpiredAreRemoved(t *testing.T) {
	b := newBench(t)
	b.must(schemaOf(testSchema))
	at := func(ms int64) string {
		return fmt.Sprintf("[expiration:%s]", time.UnixMilli(ms).UTC().Format(time.RFC3339Nano))
	}
	gone, later := "document:a#viewer@user:gone", "document:a#viewer@user:later"
	b.must(touch(t, gone+at(b.now+1000), later+at(b.now+9000), "document:a#viewer@user:stays"))
	b.now += 1000
	tx := store.Transaction{}
	for _, text := range []string{gone, later, "document:a#viewer@user:stays", "document:a#viewer@user:nobody"} {
		tx.Expired = append(tx.Expired, relationship(t, text))
	}
	if o := b.must(tx); o.Deleted != 1 || b.has(gone) || !b.has(later) || !b.has("document:a#viewer@user:stays") {
		t.Errorf("%+v", o)
	}
	sn, err := b.m.store.Snapshot(0)
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Close()
	if r, ok, err := sn.Record(); err != nil || !ok || !r.Expiry || len(r.Changes) != 1 {
		t.Errorf("record %+v, %v, %v", r, ok, err)
	}
}

func TestCounters(t *testing.T) {
	b := newBench(t)
	b.must(schemaOf(testSchema))
	b.must(touch(t, "document:a#viewer@user:anne", "document:b#viewer@user:bob"))
	register := func(name string, f *store.Filter, texts ...string) *applied {
		tx := touch(t, texts...)
		tx.Counters = []store.CounterUpdate{{Name: name, Filter: f}}
		return b.write(tx)
	}
	for _, a := range []*applied{
		register("all", &store.Filter{ResourceType: "document"}, "document:c#viewer@user:carl"),
		register("anne", &store.Filter{ResourceType: "document", Subject: &store.SubjectFilter{Type: "user", ID: "anne"}}, "document:d#viewer@user:anne"),
		register("a", &store.Filter{ResourceType: "document", ResourceID: "a"}),
		register("prefix", &store.Filter{ResourceType: "document", ResourceIDPrefix: "b"}),
	} {
		if a.refusal != nil {
			t.Fatal(a.refusal)
		}
	}
	b.must(touch(t, "document:a#viewer@user:dora", "document:a#viewer@user:anne"))
	b.must(store.Transaction{Deletes: []store.FilterDelete{{Filter: store.Filter{ResourceID: "b"}}}})
	want := map[string]int64{"all": 4, "anne": 2, "a": 2, "prefix": 0}
	check := func() {
		t.Helper()
		for name, n := range want {
			if c, ok := b.m.store.Counter(name); !ok || c.Count != n || c.Revision != b.m.store.Head() {
				t.Errorf("%s: %+v, %v; want %d", name, c, ok, n)
			}
		}
	}
	check()
	var exists *store.CounterExistsError
	if a := register("all", &store.Filter{ResourceType: "document"}); !errors.As(a.refusal, &exists) {
		t.Errorf("registered twice: %+v", a)
	}
	var unknown *store.CounterUnknownError
	if a := register("none", nil); !errors.As(a.refusal, &unknown) {
		t.Errorf("unregistered what was not: %+v", a)
	}
	register("a", nil)
	if _, ok := b.m.store.Counter("a"); ok {
		t.Error("an unregistered counter counts")
	}
}

// TestReplay applies a log, and again from every snapshot taken on the way, over
// a store that has all of it: the states must be equal.
func TestReplay(t *testing.T) {
	dir := t.TempDir()
	config := store.Config{Dir: dir, MinFree: 1}
	b := newBenchAt(t, config, nil, 0)
	type point struct {
		snapshot []byte
		index    uint64
	}
	points := []point{{nil, 0}}
	var entries [][]byte
	enter := func(c *command) {
		c.time = b.now + int64(len(entries))
		data, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, data)
		b.raw(raft.LogCommand, data)
	}
	enter(&command{kind: kindFound, cluster: 7})
	enter(&command{kind: kindTransaction, tx: schemaOf(testSchema)})
	for i := range 60 {
		// Each write depends on the one before it.
		create := store.Transaction{
			Preconditions: []store.Precondition{{Filter: store.Filter{ResourceType: "document", ResourceID: fmt.Sprint(i)}}},
			Deletes:       []store.FilterDelete{{Filter: store.Filter{ResourceType: "document", ResourceID: fmt.Sprint(i - 1)}}},
			Updates:       []store.Update{{Op: store.Create, Relationship: relationship(t, fmt.Sprintf("document:%d#viewer@user:anne", i))}},
		}
		enter(retried(t, fmt.Sprint(i%20), create))
		if i == 30 {
			enter(&command{kind: kindTransaction, tx: schemaOf(strings.Replace(testSchema, "permission view", "permission look", 1))})
		}
		if i%7 == 0 {
			points = append(points, point{b.snapshot(), b.index})
		}
	}
	want, hash := b.snapshot(), b.m.store.Stats().Hash
	if err := b.m.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		again := newBenchAt(t, config, p.snapshot, p.index)
		for _, data := range entries[p.index:] {
			again.raw(raft.LogCommand, data)
		}
		if got := again.snapshot(); again.m.store.Stats().Hash != hash || string(got) != string(want) {
			t.Errorf("applied again after entry %d, the state is another one", p.index)
		}
		if err := again.m.store.Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
		if err := again.m.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
