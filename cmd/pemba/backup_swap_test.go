package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// fill makes a directory that resembles the data of a store.
func fill(t *testing.T, dir, content string, names ...string) {
	t.Helper()
	for _, name := range append(names, storeFormat, storeLog+"/log.db") {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// data returns the entries of a directory that are data, and whose they are, ""
// when the directory is not to be opened.
func data(t *testing.T, dir string) (names []string, whose string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !spared(e.Name()) {
			names = append(names, e.Name())
		}
	}
	format, err := os.ReadFile(filepath.Join(dir, storeFormat))
	if errors.Is(err, os.ErrNotExist) {
		return names, ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return names, string(format)
}

var errInterrupted = errors.New("interrupted")

// TestSwapInterrupted interrupts a swap before each of its steps. What a store
// would open is always whole, and the next restore completes the swap.
func TestSwapInterrupted(t *testing.T) {
	oldNames, newNames := []string{"CHECKPOINT", "CURRENT", "db-3"}, []string{"CHECKPOINT", "db"}
	all := func(names []string) []string {
		return slices.Sorted(slices.Values(append(slices.Clone(names), storeFormat, storeLog)))
	}
	for steps, done := 0, false; !done; steps++ {
		dir := t.TempDir()
		fill(t, dir, "old", oldNames...)
		s, err := openSwap(dir)
		if err != nil || !s.held || s.resumed {
			t.Fatalf("%v, %+v", err, s)
		}
		fill(t, s.next, "new", newNames...)
		left := steps
		s.before = func() error {
			if left--; left < 0 {
				return errInterrupted
			}
			return nil
		}
		err = s.swap()
		if done = err == nil; !done && !errors.Is(err, errInterrupted) {
			t.Fatal(err)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
		names, whose := data(t, dir)
		switch {
		case whose == "old" && !slices.Equal(names, all(oldNames)), whose == "new" && !slices.Equal(names, all(newNames)):
			t.Fatalf("interrupted before step %d: it is %s, and holds %q", steps, whose, names)
		case steps == 0 && whose != "old", done && whose != "new":
			t.Fatalf("after %d steps it is %q", steps, whose)
		}
		again, err := openSwap(dir)
		if err != nil {
			t.Fatal(err)
		}
		if again.resumed == done || !again.held {
			t.Errorf("interrupted before step %d: resumed %v, held %v", steps, again.resumed, again.held)
		}
		if err := again.close(); err != nil {
			t.Fatal(err)
		}
		if names, whose := data(t, dir); whose != "new" || !slices.Equal(names, all(newNames)) {
			t.Fatalf("completed after step %d: it is %q, and holds %q", steps, whose, names)
		}
		for _, name := range []string{restoringDir, replacedDir} {
			if there, err := exists(filepath.Join(dir, name)); there || err != nil {
				t.Errorf("%s is left: %v", name, err)
			}
		}
	}
}

// TestSwapDiscards lets go of data that is not whole.
func TestSwapDiscards(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, err := openSwap(dir)
	if err != nil || s.held {
		t.Fatalf("%v, %+v", err, s)
	}
	fill(t, s.next, "new", "db")
	if err := s.lock.Close(); err != nil { // as a crash does
		t.Fatal(err)
	}
	if s, err = openSwap(dir); err != nil || s.held || s.resumed {
		t.Fatalf("%v, %+v", err, s)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if there, err := exists(dir); there || err != nil {
		t.Errorf("the directory that was made for nothing is left: %v", err)
	}
}
