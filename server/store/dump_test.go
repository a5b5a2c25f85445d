package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
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

// TestLoadRefuses damages every byte of a dump, and cuts it everywhere.
func TestLoadRefuses(t *testing.T) {
	state, dump := dumpOf(t, small(t))
	s := small(t)
	defer shut(t, s)
	before := s.Stats()
	refuse := func(what string, state, dump []byte) {
		t.Helper()
		if err := s.Load(t.Context(), state, bytes.NewReader(dump)); err == nil {
			t.Errorf("%s: loaded", what)
		}
		if after := s.Stats(); after.Hash != before.Hash || after.Head != before.Head {
			t.Fatalf("%s: the store changed", what)
		}
	}
	step := max(1, len(dump)/100) // each makes a database
	for i := 0; i < len(dump); i += step {
		refuse(fmt.Sprintf("byte %d", i), state, flip(slices.Clone(dump), i))
		refuse(fmt.Sprintf("cut at %d", i), state, dump[:i])
	}
	refuse("another revision", nil, dump)
	another := small(t)
	apply(t, another, &Transaction{Updates: updates(t, Touch, "document:z#viewer@user:anne")})
	refuse("another state", another.State(), dump)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Dump(ctx, s.Head(), &bytes.Buffer{}); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	var future *FutureRevisionError
	if err := s.Dump(t.Context(), s.Head()+1, &bytes.Buffer{}); !errors.As(err, &future) {
		t.Errorf("a dump of the future: %v", err)
	}
	apply(t, s, &Transaction{Floor: 4})
	var expired *ExpiredRevisionError
	if err := s.Dump(t.Context(), 3, &bytes.Buffer{}); !errors.As(err, &expired) {
		t.Errorf("a dump below the floor: %v", err)
	}
}

// TestLoadUnderReaders replaces a database that is being read.
func TestLoadUnderReaders(t *testing.T) {
	for _, config := range []Config{{InMemory: true}, {Dir: t.TempDir(), MinFree: 1, memTable: smallMemTable}} {
		s := open(t, config)
		text := testSchema
		apply(t, s, &Transaction{Schema: &text})
		apply(t, s, &Transaction{Updates: updates(t, Create, "document:old#viewer@user:anne")})
		find := func(sn *Snapshot, id string) bool {
			t.Helper()
			r := parse(t, "document:"+id+"#viewer@user:anne")
			_, ok, err := sn.Find(r.Resource, r.Relation, r.Subject)
			if err != nil {
				t.Error(err)
			}
			return ok
		}
		old, err := s.Snapshot(0)
		if err != nil {
			t.Fatal(err)
		}
		removed := make(chan struct{})
		s.step = func(step string) {
			if step == "removed" {
				close(removed)
			}
		}
		state, dump := dumpOf(t, small(t))
		if err := s.Load(t.Context(), state, bytes.NewReader(dump)); err != nil {
			t.Fatal(err)
		}
		now, err := s.Snapshot(0)
		if err != nil {
			t.Fatal(err)
		}
		if !find(old, "old") || find(old, "a") || find(now, "old") || !find(now, "a") {
			t.Error("snapshots see what they were not opened on")
		}
		if st := s.Stats(); st.Snapshots != 2 || s.Base() != now.Revision() {
			t.Errorf("%+v, base %d", st, s.Base())
		}
		apply(t, s, &Transaction{Updates: updates(t, Create, "document:new#viewer@user:anne")})
		if find(old, "new") || find(now, "new") {
			t.Error("snapshots see what came later")
		}
		now.Close()
		old.Close()
		if config.Dir != "" {
			<-removed
			if names, err := s.dir.databases(); err != nil || !slices.Equal(names, []string{"db-1"}) {
				t.Errorf("there are %q: %v", names, err)
			}
		}
		if err := s.Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
		shut(t, s)
		if err := s.Load(t.Context(), state, strings.NewReader("")); !errors.Is(err, ErrClosed) {
			t.Errorf("a load into a closed store: %v", err)
		}
	}
}

// TestLoadCrash ends a process at every step of a Load. The directory must then
// hold what it held, or what was loaded, and nothing else.
func TestLoadCrash(t *testing.T) {
	const key, logKey = "PEMBA_TEST_LOAD", "PEMBA_TEST_LOAD_LOGGED"
	if where := os.Getenv(key); where != "" {
		dir, at, _ := strings.Cut(where, "|")
		loadUntil(t, Config{Dir: dir, MinFree: 1, memTable: smallMemTable}, os.Getenv(logKey) != "", at)
	}
	for _, logged := range []bool{false, true} {
		for _, step := range []struct {
			name   string
			loaded bool
		}{{"loading", false}, {"loaded", false}, {"switched", true}, {"noted", true}, {"removed", true}} {
			t.Run(fmt.Sprintf("%s, logged %v", step.name, logged), func(t *testing.T) {
				config := Config{Dir: t.TempDir(), MinFree: 1, memTable: smallMemTable}
				cmd := exec.Command(os.Args[0], "-test.run=^TestLoadCrash$")
				cmd.Env = append(os.Environ(), key+"="+config.Dir+"|"+step.name)
				if logged {
					cmd.Env = append(cmd.Env, logKey+"=yes")
				}
				out, err := cmd.CombinedOutput()
				var exit *exec.ExitError
				if !errors.As(err, &exit) || !exit.Sys().(syscall.WaitStatus).Signaled() {
					t.Fatalf("the child was not killed: %v\n%s", err, out)
				}
				afterCrash(t, config, logged, step.loaded)
			})
		}
	}
}

// beforeLoad returns a store with something in it, and the state and dump of
// another.
func beforeLoad(t *testing.T, config Config, logged bool) (s *Store, state, dump []byte) {
	s = emptyStore(t, config, logged)
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	apply(t, s, &Transaction{Updates: updates(t, Create, "document:old#viewer@user:anne")})
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	state, dump = dumpOf(t, small(t))
	return s, state, dump
}

// loadUntil loads until it has done a step, and kills its own process then.
func loadUntil(t *testing.T, config Config, logged bool, at string) {
	s, state, dump := beforeLoad(t, config, logged)
	s.step = func(step string) {
		if step == at {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				t.Error(err)
			}
			select {}
		}
	}
	if err := s.Load(t.Context(), state, bytes.NewReader(dump)); err != nil {
		t.Fatal(err)
	}
	select {}
}

func afterCrash(t *testing.T, config Config, logged, loaded bool) {
	old, state, dump := beforeLoad(t, Config{InMemory: true, memTable: smallMemTable}, logged)
	defer shut(t, old)
	at := old.State()
	if base, err := BaseOf(config.Dir); err != nil || (base > 0) != loaded {
		t.Fatalf("base %d: %v", base, err)
	}
	if loaded {
		at = state
	}
	var s *Store
	if logged {
		s = openAt(t, config, at)
	} else {
		s = open(t, config)
	}
	if want, err := decodeState(at); err != nil || s.Stats().Hash != want.hash || s.Head() != want.head {
		t.Errorf("after a crash there is %+v, want %+v (%v)", s.Stats(), want, err)
	}
	if names, err := s.dir.databases(); err != nil || len(names) != 1 {
		t.Errorf("there are %q: %v", names, err)
	}
	if err := s.Load(t.Context(), state, bytes.NewReader(dump)); err != nil { // again
		t.Error(err)
	}
	shut(t, s)
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

// TestLoadCannotSwitch fails at the last step of a Load: the store stops, reads
// go on, and what is opened again is what it was.
func TestLoadCannotSwitch(t *testing.T) {
	for _, logged := range []bool{false, true} {
		config := Config{Dir: t.TempDir(), MinFree: 1, memTable: smallMemTable}
		s, state, dump := beforeLoad(t, config, logged)
		before, hash := s.State(), s.Stats().Hash
		obstacle := filepath.Join(config.Dir, currentFile+".tmp")
		if err := os.Mkdir(obstacle, 0o700); err != nil {
			t.Fatal(err)
		}
		var storage *StorageError
		if err := s.Load(t.Context(), state, bytes.NewReader(dump)); !errors.As(err, &storage) {
			t.Errorf("got %v", err)
		}
		if _, err := s.Apply(s.Head()+1, &Transaction{}); !errors.As(err, &storage) {
			t.Errorf("a transaction afterwards: %v", err)
		}
		if count(t, s) != 1 || s.Stats().Hash != hash {
			t.Error("what is read has changed")
		}
		if err := s.Close(); !errors.As(err, &storage) {
			t.Errorf("closing: %v", err)
		}
		if err := os.Remove(obstacle); err != nil {
			t.Fatal(err)
		}
		if logged {
			s = openAt(t, config, before)
		} else {
			s = open(t, config)
		}
		if s.Stats().Hash != hash || count(t, s) != 1 {
			t.Errorf("opened again: %+v", s.Stats())
		}
		if names, err := s.dir.databases(); err != nil || !slices.Equal(names, []string{databaseDir}) {
			t.Errorf("there are %q: %v", names, err)
		}
		shut(t, s)
	}
}

// TestLoadInstead opens a store of a log as one does that has received a dump and
// not loaded it before a crash: at the empty state, over what is there.
func TestLoadInstead(t *testing.T) {
	config := Config{Dir: t.TempDir(), MinFree: 1, memTable: smallMemTable}
	s, state, dump := beforeLoad(t, config, true)
	shut(t, s)
	s, err := OpenAt(config, func() ([]byte, error) {
		if base, err := BaseOf(config.Dir); base != 0 || err != nil {
			t.Errorf("base %d: %v", base, err)
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(t.Context(), state, bytes.NewReader(dump)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.State(), state) {
		t.Errorf("%+v", s.Stats())
	}
	shut(t, s)
	if base, err := BaseOf(config.Dir); base != s.Base() || err != nil {
		t.Errorf("base %d: %v", base, err)
	}
}

// TestDumpEmpty moves the state before the first transaction.
func TestDumpEmpty(t *testing.T) {
	for _, logged := range []bool{false, true} {
		empty, s := emptyStore(t, Config{InMemory: true, memTable: smallMemTable}, logged), small(t)
		if logged {
			shut(t, s)
			s, _, _ = beforeLoad(t, Config{InMemory: true, memTable: smallMemTable}, true)
		}
		state, dump := dumpOf(t, empty)
		if err := s.Load(t.Context(), state, bytes.NewReader(dump)); err != nil {
			t.Fatal(err)
		}
		if s.Head() != 0 || s.Stats().Hash != (Hash{}) || count(t, s) != 0 {
			t.Errorf("%+v", s.Stats())
		}
		text := testSchema
		apply(t, s, &Transaction{Schema: &text})
		shut(t, s)
		shut(t, empty)
	}
}
