package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pemba-authz/pemba/engine"
)

// filled returns the directory of a store that holds something and is closed.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	for i := range 20 {
		apply(t, s, &Transaction{Updates: updates(t, Create, fmt.Sprintf("document:d%d#viewer@user:anne", i))})
	}
	shut(t, s)
	return dir
}

func TestConfig(t *testing.T) {
	_, err := Open(Config{Retention: -1})
	if err == nil || !strings.Contains(err.Error(), "no data directory") || !strings.Contains(err.Error(), "retention") {
		t.Errorf("not every fault is named: %v", err)
	}
	if _, err = Open(Config{Dir: t.TempDir(), InMemory: true}); err == nil {
		t.Error("a directory in memory was opened")
	}
}

func TestDirectoryInUse(t *testing.T) {
	dir := filled(t)
	s := open(t, Config{Dir: dir})
	var inUse *DirectoryInUseError
	if _, err := Open(Config{Dir: dir}); !errors.As(err, &inUse) {
		t.Errorf("got %v", err)
	}
	apply(t, s, &Transaction{Updates: updates(t, Create, "document:a#viewer@user:anne")})
}

func TestDirectoryFormat(t *testing.T) {
	for name, text := range map[string]string{
		"newer version": "pemba store 2\n", "older version": "pemba store 0\n", "this is not": "something\n",
	} {
		dir := filled(t)
		if err := os.WriteFile(filepath.Join(dir, formatFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var format *FormatError
		if _, err := Open(Config{Dir: dir}); !errors.As(err, &format) || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", text, err)
		}
		// Nothing was touched.
		if err := os.WriteFile(filepath.Join(dir, formatFile), []byte("pemba store 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := open(t, Config{Dir: dir}).Head(); got != 21 {
			t.Errorf("head is %d after the format was put right", got)
		}
	}
}

func TestDirectoryOfOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var format *FormatError
	if _, err := Open(Config{Dir: dir}); !errors.As(err, &format) || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("got %v", err)
	}
	if _, err := Open(Config{Dir: filepath.Join(dir, "thesis.tex")}); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("got %v", err)
	}
}

// TestDirectoryCorrupt damages files of a store; opening it must notice.
func TestDirectoryCorrupt(t *testing.T) {
	damage := map[string]func(name string, b []byte) []byte{
		"MANIFEST gone":      func(string, []byte) []byte { return nil },
		"MANIFEST cut":       func(_ string, b []byte) []byte { return b[:len(b)/2] },
		"MANIFEST scrambled": func(_ string, b []byte) []byte { return flip(b, len(b)/2) },
		".sst scrambled":     func(_ string, b []byte) []byte { return flip(b, len(b)/3) },
		".sst one bit":       func(_ string, b []byte) []byte { b[2686] ^= 1; return b },
		".sst gone":          func(string, []byte) []byte { return nil },
		".sst cut":           func(_ string, b []byte) []byte { return b[:len(b)/2] },
	}
	for name, f := range damage {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			pattern, _, _ := strings.Cut(name, " ")
			files, err := filepath.Glob(filepath.Join(dir, databaseDir, "*"+pattern))
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			b, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(files[0]); err != nil {
				t.Fatal(err)
			}
			if b = f(files[0], b); b != nil {
				if err := os.WriteFile(files[0], b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s, err := Open(Config{Dir: dir})
			if err == nil {
				err = s.Close()
			}
			var corrupt *CorruptError
			if !errors.As(err, &corrupt) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func flip(b []byte, at int) []byte {
	b[at] ^= 0xff
	return b
}

// TestCrash ends a process in the middle of its writes and opens what it left.
// The child tells every revision it has written.
func TestCrash(t *testing.T) {
	const key = "PEMBA_TEST_CRASH"
	if dir := os.Getenv(key); dir != "" {
		crash(t, dir)
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrash$")
	cmd.Env = append(os.Environ(), key+"="+dir)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !exit.Sys().(syscall.WaitStatus).Signaled() {
		t.Fatalf("the child was not killed: %v\n%s", err, out)
	}
	written := strings.Count(string(out), "written\n")
	s := open(t, Config{Dir: dir})
	if got := int(s.Head()); got < written || written < 100 {
		t.Errorf("the head is %d after %d writes", got, written)
	}
	if n := s.Stats().Relationships; n != int64(s.Head()-1) {
		t.Errorf("%d relationships at revision %d", n, s.Head())
	}
}

// crash writes until it kills its own process.
func crash(t *testing.T, dir string) {
	s, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	for i := range 300 {
		apply(t, s, &Transaction{Updates: updates(t, Create, fmt.Sprintf("document:d%d#viewer@user:anne", i))})
		fmt.Println("written")
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {}
}

// TestPermission opens directories that the user may not write to, in a child
// without the rights of root.
func TestPermission(t *testing.T) {
	const key = "PEMBA_TEST_PERMISSION"
	if dir := os.Getenv(key); dir != "" {
		if _, err := Open(Config{Dir: dir}); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "right to write") {
			t.Errorf("got %v", err)
		}
		return
	}
	parent := t.TempDir()
	dir := filepath.Join(parent, "data")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	test := filepath.Join(parent, "test")
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(test, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	for p := parent; p != "/" && p != os.TempDir(); p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(test, "-test.run=^TestPermission$")
	cmd.Env = append(os.Environ(), key+"="+dir)
	cmd.Dir = parent
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	text := testSchema
	apply(t, s, &Transaction{Schema: &text})
	apply(t, s, &Transaction{Updates: updates(t, Create, "document:a#viewer@user:anne")})
	free, _, err := s.Space()
	if err != nil {
		t.Fatal(err)
	}
	s.config.MinFree = 2 * free // too little is free to write, enough to delete
	var full *DiskFullError
	_, err = s.Apply(3, &Transaction{Updates: updates(t, Create, "document:b#viewer@user:anne")})
	if !errors.As(err, &full) {
		t.Errorf("got %v", err)
	}
	apply(t, s, &Transaction{Updates: updates(t, Delete, "document:a#viewer@user:anne")})
	s.config.MinFree = 8 * free
	if _, err := s.Apply(4, &Transaction{Updates: updates(t, Delete, "document:a#viewer@user:anne")}); !errors.As(err, &full) {
		t.Errorf("got %v", err)
	}
	if _, _, err := snapshot(t, s, 0).Find(engine.Object{Type: "document", ID: "a"}, "viewer", engine.Subject{}); err != nil {
		t.Errorf("reading on a full disk: %v", err)
	}
}

// TestClosed uses a store and its snapshots after they are closed.
func TestClosed(t *testing.T) {
	s := open(t, Config{InMemory: true})
	sn := snapshot(t, s, 0)
	sn.Close()
	if _, _, err := sn.Find(engine.Object{}, "", engine.Subject{}); !errors.Is(err, ErrClosed) {
		t.Errorf("find: %v", err)
	}
	shut(t, s)
	if _, err := s.Apply(1, &Transaction{}); !errors.Is(err, ErrClosed) {
		t.Errorf("apply: %v", err)
	}
	if _, err := s.Snapshot(0); !errors.Is(err, ErrClosed) {
		t.Errorf("snapshot: %v", err)
	}
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("close: %v", err)
	}
}
