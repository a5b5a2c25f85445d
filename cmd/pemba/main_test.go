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
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// startTestNode makes a store with a schema in a new directory and serves it.
func startTestNode(t *testing.T, a *app, schema string) (*node, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	n, err := a.startNode(t.Context(), dir, store.Config{CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newClient(n.conn).schemas.WriteSchema(t.Context(), &v1.WriteSchemaRequest{Schema: schema}); err != nil {
		t.Fatal(err)
	}
	return n, dir
}

const smallSchema = "definition user {}\ndefinition document {\n\trelation viewer: user\n}\n"

func TestStoreInUse(t *testing.T) {
	n, dir := startTestNode(t, &app{stderr: io.Discard}, smallSchema)
	var stdout, stderr strings.Builder
	args := []string{"check", "document:plan", "viewer", "user:ana", "--data-dir", dir}
	if code := run(args, strings.NewReader(""), &stdout, &stderr); code != exitUnavailable {
		t.Errorf("exit code %d, want %d", code, exitUnavailable)
	}
	if !strings.Contains(stderr.String(), "in use by another process") || stdout.Len() > 0 {
		t.Errorf("stdout %q, stderr %q", &stdout, &stderr)
	}
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	stderr.Reset()
	if code := run(args, strings.NewReader(""), &stdout, &stderr); code != exitOK || stdout.String() != "deny\n" {
		t.Errorf("after it was closed: exit code %d, stdout %q, stderr %q", code, &stdout, &stderr)
	}
}

// TestOldDirectory carries a directory of the format before the log over, with
// the commands that its refusal names.
func TestOldDirectory(t *testing.T) {
	dir := t.TempDir()
	old, saved, carried := filepath.Join(dir, "old"), filepath.Join(dir, "old.backup"), filepath.Join(dir, "new")
	st, err := store.Open(store.Config{Dir: old, CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	r, err := engine.ParseRelationship("document:plan#viewer@user:ana")
	if err != nil {
		t.Fatal(err)
	}
	schema := smallSchema
	for i, tx := range []store.Transaction{{Schema: &schema}, {Updates: []store.Update{{Op: store.Create, Relationship: r}}}} {
		tx.Time = time.Now()
		if _, err := st.Apply(store.Revision(i+1), &tx); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{[]string{"relationship", "export", "--data-dir", old}, exitFailure, "", "pemba debug export-old DIR FILE"},
		{[]string{"debug", "export-old", filepath.Join(dir, "absent"), saved}, exitFailure, "", "no such file"},
		{[]string{"debug", "export-old", old}, exitUsage, "", "needs DIR FILE"},
		{[]string{"debug", "export-old", old, saved}, exitOK, "saved 1 relationship of revision 2\n", ""},
		{[]string{"backup", "restore", saved, "--data-dir", carried}, exitOK, "restored 1 relationship of revision 2\n", ""},
		{[]string{"relationship", "export", "--data-dir", carried}, exitOK, r.String() + "\n", ""},
		{[]string{"schema", "read", "--source", "--data-dir", carried}, exitOK, smallSchema, ""},
		{[]string{"debug", "export-old", carried, saved}, exitFailure, "", "newer version"},
	} {
		var stdout, stderr strings.Builder
		if code := run(c.args, strings.NewReader(""), &stdout, &stderr); code != c.code || stdout.String() != c.stdout || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q; want %d, %q, %q", c.args, code, &stdout, &stderr, c.code, c.stdout, c.stderr)
		}
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
	ctx, interrupt := context.WithCancel(t.Context())
	var out strings.Builder
	a := &app{stdin: &endless{interruptAt: 1000, interrupt: interrupt}, stdout: &out, stderr: io.Discard, format: "auto"}
	n, _ := startTestNode(t, a, smallSchema)
	defer func() {
		if err := errors.Join(n.replica.Verify(t.Context(), nil), n.stop()); err != nil {
			t.Error(err)
		}
	}()
	cl := newClient(n.conn)
	err := a.importFrom(ctx, cl, stdinName, importFlags{batch: 10, create: true})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want an interrupted import", err)
	}
	written := n.replica.Status().Store.Relationships
	if written == 0 || !strings.Contains(err.Error(), "--resume") {
		t.Fatalf("it should have written something and say how to go on: %v", err)
	}
	var whole strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&whole, "document:d%d#viewer@user:ana\n", i+1)
	}
	a.stdin = strings.NewReader(whole.String())
	if err := a.importFrom(t.Context(), cl, stdinName, importFlags{create: true, resume: true}); err != nil {
		t.Fatal(err)
	}
	if n := n.replica.Status().Store.Relationships; n < 3000 {
		t.Errorf("%d relationships are stored, want at least 3000", n)
	}
	if want := fmt.Sprintf(", %d stored before", written); !strings.Contains(out.String(), want) {
		t.Errorf("the second import should say %q: %s", want, &out)
	}
}

// answer is the error that a server gives with a code and details.
func answer(t *testing.T, code codes.Code, details ...protoadapt.MessageV1) error {
	t.Helper()
	s, err := status.New(code, "no").WithDetails(details...)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Errorf("doing something: %w", callError("here", s.Err()))
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
		{&store.DiskFullError{}, exitRefused},
		{&engine.UnknownTypeError{}, exitRefused},
		{&engine.CycleError{Path: []string{"a:b#c"}}, exitRefused},
		{&engine.DepthError{}, exitRefused},
		{&caveat.ParamError{}, exitRefused},
		{&store.DirectoryInUseError{}, exitUnavailable},
		{&replica.UnavailableError{}, exitUnavailable},
		{answer(t, codes.Unavailable), exitUnavailable},
		{answer(t, codes.DeadlineExceeded), exitUnavailable},
		{answer(t, codes.ResourceExhausted, &errdetails.RetryInfo{}), exitUnavailable},
		{answer(t, codes.ResourceExhausted), exitRefused},
		{answer(t, codes.AlreadyExists), exitConflict},
		{answer(t, codes.Aborted), exitConflict},
		{answer(t, codes.FailedPrecondition, &errdetails.ErrorInfo{Reason: "ERROR_REASON_WRITE_OR_DELETE_PRECONDITION_FAILURE"}), exitConflict},
		{answer(t, codes.FailedPrecondition, &errdetails.ErrorInfo{Reason: "ERROR_REASON_UNKNOWN_DEFINITION"}), exitRefused},
		{answer(t, codes.InvalidArgument), exitRefused},
		{answer(t, codes.NotFound), exitRefused},
		{answer(t, codes.Unauthenticated), exitRefused},
		{answer(t, codes.PermissionDenied), exitRefused},
		{answer(t, codes.Unimplemented), exitRefused},
		{answer(t, codes.Internal), exitFailure},
	} {
		a := &app{stderr: io.Discard}
		if code := a.report(c.err); code != c.code {
			t.Errorf("%T: exit code %d, want %d", c.err, code, c.code)
		}
	}
}

// TestHelp looks at the help of every command: it says what each is for, and the
// name of a flag's value is one word.
func TestHelp(t *testing.T) {
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("%s: no line says what it is for", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if value, usage := pflag.UnquoteUsage(f); usage == "" || strings.Contains(value, " ") {
				t.Errorf("%s --%s: value %q, usage %q", c.CommandPath(), f.Name, value, usage)
			}
		})
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(newRoot(&app{stderr: io.Discard}))
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
		if got, err := parseSize("cache-size", text); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"MiB", "-1", "1.5GiB", "lots", "9999999999GiB"} {
		if got, err := parseSize("cache-size", text); err == nil {
			t.Errorf("%s: %d, want an error", text, got)
		}
	}
	if got, err := parseSize("cache-size", ""); err != nil || got < 1<<26 {
		t.Errorf("the default is %d bytes, %v", got, err)
	}
}
