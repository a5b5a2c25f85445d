package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/server/store"
)

// openTestStore makes a store with a schema in a new directory.
func openTestStore(t *testing.T, schema string) (*store.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	st, err := store.Open(store.Config{Dir: dir, CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := write(st, store.Transaction{Schema: &schema}); err != nil {
		t.Fatal(err)
	}
	return st, dir
}

const smallSchema = "definition user {}\ndefinition document {\n\trelation viewer: user\n}\n"

func TestStoreInUse(t *testing.T) {
	st, dir := openTestStore(t, smallSchema)
	var stdout, stderr strings.Builder
	args := []string{"check", "document:plan", "viewer", "user:ana", "--data-dir", dir}
	if code := run(args, strings.NewReader(""), &stdout, &stderr); code != exitUnavailable {
		t.Errorf("exit code %d, want %d", code, exitUnavailable)
	}
	if !strings.Contains(stderr.String(), "in use by another process") || stdout.Len() > 0 {
		t.Errorf("stdout %q, stderr %q", &stdout, &stderr)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	stderr.Reset()
	if code := run(args, strings.NewReader(""), &stdout, &stderr); code != exitOK || stdout.String() != "deny\n" {
		t.Errorf("after it was closed: exit code %d, stdout %q, stderr %q", code, &stdout, &stderr)
	}
}

// endless gives lines until n of them were read, then interrupts.
type endless struct {
	n, interruptAt int
	interrupt      func()
}

func (e *endless) Read(p []byte) (int, error) {
	if e.n == e.interruptAt {
		e.interrupt()
	}
	e.n++
	return copy(p, fmt.Sprintf("document:d%d#viewer@user:ana\n", e.n)), nil
}

// TestInterruptedImport interrupts an import and resumes it.
func TestInterruptedImport(t *testing.T) {
	st, _ := openTestStore(t, smallSchema)
	defer func() {
		if err := errors.Join(st.Verify(t.Context(), nil), st.Close()); err != nil {
			t.Error(err)
		}
	}()
	ctx, interrupt := context.WithCancel(t.Context())
	var out strings.Builder
	a := &app{stdin: &endless{interruptAt: 100_000, interrupt: interrupt}, stdout: &out, stderr: io.Discard, format: "auto"}
	err := a.importFrom(ctx, st, stdinName, importFlags{batch: 1000, create: true})
	var stopped *store.ImportError
	if !errors.As(err, &stopped) || !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want an interrupted import", err)
	}
	if stopped.Imported.Relationships == 0 || !strings.Contains(err.Error(), "--resume") {
		t.Fatalf("it should have written something and say how to go on: %v", err)
	}
	var whole strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&whole, "document:d%d#viewer@user:ana\n", i+1)
	}
	a.stdin = strings.NewReader(whole.String())
	if err := a.importFrom(t.Context(), st, stdinName, importFlags{create: true, resume: true}); err != nil {
		t.Fatal(err)
	}
	if n := st.Stats().Relationships; n < 30_000 {
		t.Errorf("%d relationships are stored, want at least 30000", n)
	}
	if !strings.Contains(out.String(), "stored before") {
		t.Errorf("the second import should say what was there: %s", &out)
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, exitOK},
		{errors.New("disk on fire"), exitFailure},
		{&store.CorruptError{}, exitFailure},
		{&store.FormatError{}, exitFailure},
		{usagef("what?"), exitUsage},
		{errNegative, exitNegative},
		{&store.ConstraintError{}, exitRefused},
		{&store.ExpiredRevisionError{}, exitRefused},
		{&engine.UnknownTypeError{}, exitRefused},
		{&engine.CycleError{Path: []string{"a:b#c"}}, exitRefused},
		{&engine.DepthError{}, exitRefused},
		{&caveat.ParamError{}, exitRefused},
		{fmt.Errorf("reading: %w", store.ErrNoSchema), exitRefused},
		{&store.DirectoryInUseError{}, exitUnavailable},
		{&store.AlreadyExistsError{}, exitConflict},
		{&store.PreconditionError{}, exitConflict},
		{&store.ImportError{Err: &store.AlreadyExistsError{}}, exitConflict},
		{&store.UpdateError{Err: &engine.UnknownTypeError{}}, exitRefused},
	} {
		a := &app{stderr: io.Discard}
		if code := a.report(c.err); code != c.code {
			t.Errorf("%T: exit code %d, want %d", c.err, code, c.code)
		}
	}
}

func TestMessageOfPermission(t *testing.T) {
	err := fmt.Errorf("data directory x: %w", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission})
	if got := message(err); !strings.HasPrefix(got, "data directory x: ") || !strings.Contains(got, "this user may not") {
		t.Error(got)
	}
}

func TestPalette(t *testing.T) {
	if got := (palette{}).good("allow"); got != "allow" {
		t.Errorf("without colours: %q", got)
	}
	if got := (palette{on: true}).good("allow"); !strings.Contains(got, "\x1b[") || !strings.Contains(got, "allow") {
		t.Errorf("with colours: %q", got)
	}
	var out strings.Builder
	if (&app{stdout: &out, format: "auto"}).palette().on {
		t.Error("colours into something that is no terminal")
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"512MiB": 512 << 20, "1GiB": 1 << 30, "64KiB": 64 << 10, "100B": 100, "7": 7, "0": -1} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"MiB", "-1", "1.5GiB", "lots", "9999999999GiB"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%s: %d, want an error", text, got)
		}
	}
	if got, err := parseSize(""); err != nil || got < 1<<26 {
		t.Errorf("the default is %d bytes, %v", got, err)
	}
}

func TestCursor(t *testing.T) {
	asked := cursor{Question: questionHash("lookup-resources", []string{"document", "view", "user:ana"}, "")}
	c := asked
	c.At, c.After = 7, "plan"
	got, err := parseCursor(c.String(), asked)
	if err != nil || got != c {
		t.Errorf("%+v, %v; want %+v", got, err, c)
	}
	other := cursor{Question: questionHash("lookup-resources", []string{"document", "view", "user:bo"}, "")}
	if _, err := parseCursor(c.String(), other); err == nil {
		t.Error("the cursor of another question was taken")
	}
	asked.At = 8
	if _, err := parseCursor(c.String(), asked); err == nil {
		t.Error("the cursor of another revision was taken")
	}
}
