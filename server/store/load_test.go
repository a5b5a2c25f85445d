package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

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
