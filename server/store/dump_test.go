package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pemba-authz/pemba/engine"
)

// dumpWorld is a modelWorld that notes what State tells after each transaction.
type dumpWorld struct {
	modelWorld
	states map[Revision][]byte
}

func (w *dumpWorld) note() { w.states[w.s.Head()] = w.s.State() }

// TestDumpLoad dumps random revisions of random histories and loads them into
// other stores, which must answer the same for every revision from the floor of
// the dump on, and go on the same.
func TestDumpLoad(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &dumpWorld{modelWorld{t: t, config: Config{InMemory: true, CacheBytes: -1, memTable: smallMemTable}, models: map[Revision]model{}, now: testTime}, map[Revision][]byte{}}
		logged := rapid.Bool().Draw(rt, "logged")
		w.s = emptyStore(t, w.config, logged)
		defer func() { shut(t, w.s) }()
		text := testSchema
		apply(t, w.s, &Transaction{Schema: &text})
		w.models[0] = model{map[engine.Relationship]string{}, map[string]string{}}
		w.models[1] = w.models[0]
		w.note()
		actions := map[string]func(*rapid.T){
			"apply": func(rt *rapid.T) { w.apply(rt); w.note() },
			"floor": func(rt *rapid.T) { w.floor(rt); w.note() },
			"dump": func(rt *rapid.T) {
				if rapid.IntRange(0, 9).Draw(rt, "now") == 0 { // each makes databases
					w.dump(rt, logged)
				}
			},
		}
		if logged {
			actions["settle"] = func(rt *rapid.T) {
				if err := w.s.Settle(Revision(rapid.Uint64Range(1, uint64(w.s.Head())).Draw(rt, "base"))); err != nil {
					rt.Fatal(err)
				}
			}
		}
		rt.Repeat(actions)
		w.dump(rt, logged)
	})
}

// emptyStore opens an empty store, of a log or not.
func emptyStore(t *testing.T, config Config, logged bool) *Store {
	if logged {
		return openAt(t, config, nil)
	}
	return open(t, config)
}

// dump dumps a revision that is kept and compares what it is loaded as.
func (w *dumpWorld) dump(rt *rapid.T, logged bool) {
	kept := slices.DeleteFunc(slices.Sorted(maps.Keys(w.states)), func(rev Revision) bool { return rev < w.s.db().readers.forgotten() })
	rev := rapid.SampledFrom(kept).Draw(rt, "revision")
	var dumped bytes.Buffer
	if err := w.s.Dump(context.Background(), rev, &dumped); err != nil {
		rt.Fatal(err)
	}
	config := Config{InMemory: true, CacheBytes: -1, memTable: smallMemTable}
	if rapid.IntRange(0, 9).Draw(rt, "on disk") == 0 {
		config = Config{Dir: w.t.TempDir(), MinFree: 1, CacheBytes: -1, memTable: smallMemTable}
	}
	other := emptyStore(w.t, config, logged)
	defer func() { shut(w.t, other) }()
	if rapid.Bool().Draw(rt, "not empty") {
		text := testSchema
		apply(w.t, other, &Transaction{Schema: &text})
		apply(w.t, other, &Transaction{Updates: updates(w.t, Create, "document:other#viewer@user:other")})
	}
	if err := other.Load(context.Background(), w.states[rev], bytes.NewReader(dumped.Bytes())); err != nil {
		rt.Fatal(err)
	}
	if config.Dir != "" && rapid.Bool().Draw(rt, "reopen") {
		shut(w.t, other)
		if logged {
			other = openAt(w.t, config, w.states[rev])
		} else {
			other = open(w.t, config)
		}
	}
	w.compare(rt, other, rev)
	var again bytes.Buffer
	if err := other.Dump(context.Background(), rev, &again); err != nil {
		rt.Fatal(err)
	}
	if !bytes.Equal(again.Bytes(), dumped.Bytes()) {
		rt.Fatal("what was loaded is dumped otherwise")
	}
	if rev == w.s.Head() { // the next transaction changes both in the same way
		tx := &Transaction{Time: w.now, Updates: updates(w.t, Touch, "document:next#viewer@user:next")}
		apply(w.t, other, tx)
		w.models[rev+1] = w.models[rev].clone()
		w.models[rev+1].relationships[tx.Updates[0].Relationship] = tx.Updates[0].Relationship.String()
		apply(w.t, w.s, tx)
		w.note()
		if w.s.Stats().Hash != other.Stats().Hash {
			rt.Fatal("the stores went different ways")
		}
	}
}

// compare compares a store with the world at every revision that it answers for.
func (w *dumpWorld) compare(rt *rapid.T, other *Store, rev Revision) {
	if other.Head() != rev || other.Base() != rev || !bytes.Equal(other.State(), w.states[rev]) {
		rt.Fatalf("head %d, base %d, of a dump of %d; state\n%q\nwant\n%q", other.Head(), other.Base(), rev, other.State(), w.states[rev])
	}
	if err := other.Verify(context.Background(), nil); err != nil {
		rt.Fatal(err)
	}
	first := max(other.Floor(), 1)
	if state, err := decodeState(w.states[rev]); err != nil || first > max(w.s.Floor(), state.floor, 1) {
		rt.Fatalf("the floor is %d, and was %d (%v)", first, w.s.Floor(), err)
	}
	for at := first; at <= rev; at++ {
		sn, err := other.Snapshot(at)
		if err != nil {
			rt.Fatal(err)
		}
		got := model{map[engine.Relationship]string{}, map[string]string{}}
		for r, err := range sn.Relationships(context.Background(), Filter{}, nil) {
			if err != nil {
				rt.Fatal(err)
			}
			got.relationships[r.Key()] = r.String()
		}
		for doc, err := range sn.Documents(context.Background(), "", "") {
			if err != nil {
				rt.Fatal(err)
			}
			got.documents[doc.Key] = string(doc.Value)
		}
		if want := w.models[at]; !reflect.DeepEqual(got, want) {
			rt.Fatalf("revision %d of %d:\ngot  %v\nwant %v", at, rev, got, want)
		}
		if _, written, err := sn.SchemaRevision(); err != nil || written != 1 {
			rt.Fatalf("schema of %d: %v", written, err)
		}
		sn.Close()
	}
	if first > 1 {
		var expired *ExpiredRevisionError
		if _, err := other.Snapshot(first - 1); !errors.As(err, &expired) {
			rt.Fatalf("below the floor: %v", err)
		}
	}
	from := max(first, w.s.Floor())
	if from > rev {
		return
	}
	if got, want := records(rt, other, from, rev), records(rt, w.s, from, rev); !reflect.DeepEqual(got, want) {
		rt.Fatalf("records from %d to %d:\ngot  %v\nwant %v", from, rev, got, want)
	}
}

func records(rt *rapid.T, s *Store, from, to Revision) []*Record {
	sn, err := s.Snapshot(to)
	if err != nil {
		rt.Fatal(err)
	}
	defer sn.Close()
	var all []*Record
	for r, err := range sn.Changes(context.Background(), from) {
		if err != nil {
			rt.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// dumpOf returns a dump of the head of a store, and the state beside it.
func dumpOf(t *testing.T, s *Store) (state, dump []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := s.Dump(t.Context(), s.Head(), &b); err != nil {
		t.Fatal(err)
	}
	return s.State(), b.Bytes()
}

// small returns a store with a short history.
func small(t *testing.T) *Store {
	s := open(t, Config{InMemory: true, CacheBytes: -1, memTable: smallMemTable})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	for i := range 5 {
		apply(t, s, &Transaction{Updates: updates(t, Touch, "document:a#viewer@user:anne", fmt.Sprintf("document:d%d#viewer@user:bob", i))})
	}
	apply(t, s, &Transaction{
		Updates:   updates(t, Delete, "document:d1#viewer@user:bob"),
		Documents: []DocumentUpdate{{Key: "x", Class: ClassSealed, Value: []byte("1")}},
	})
	return s
}

// BenchmarkDump and BenchmarkLoad move a store of 500,000 relationships on disk.
func BenchmarkDump(b *testing.B) {
	s := wide(b)
	defer shut(b, s)
	for b.Loop() {
		var n counter
		if err := s.Dump(b.Context(), s.Head(), &n); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(n))
	}
}

func BenchmarkLoad(b *testing.B) {
	s := wide(b)
	defer shut(b, s)
	var dump bytes.Buffer
	if err := s.Dump(b.Context(), s.Head(), &dump); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(dump.Len()))
	state := s.State()
	for b.Loop() {
		if err := s.Load(b.Context(), state, bytes.NewReader(dump.Bytes())); err != nil {
			b.Fatal(err)
		}
	}
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func wide(b *testing.B) *Store {
	s := open(b, Config{Dir: b.TempDir(), MinFree: 1})
	text := testSchema
	apply(b, s, &Transaction{Schema: &text})
	_, err := s.Import(b.Context(), func(yield func(engine.Relationship, error) bool) {
		r := engine.Relationship{Relation: "viewer", Subject: engine.Subject{Object: engine.Object{Type: "user"}}}
		for i := range 500_000 {
			r.Resource = engine.Object{Type: "document", ID: fmt.Sprintf("d%06d", i/10)}
			r.Subject.ID = fmt.Sprintf("u%04d", i%9973)
			if !yield(r, nil) {
				return
			}
		}
	}, ImportOptions{Time: testTime})
	if err != nil {
		b.Fatal(err)
	}
	return s
}
