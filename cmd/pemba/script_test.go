package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"pemba": main})
}

// With the race detector, a process waits for a second before it ends, and
// scripts run hundreds.
const (
	raceOptions = "GORACE"
	raceAtOnce  = "atexit_sleep_ms=0"
)

// TestScript runs the binary end to end: every verb, right and wrong. With
// UPDATE_SCRIPTS=1 what the binary prints replaces what the scripts compare
// with cmp; read the difference as if a stranger had sent it.
func TestScript(t *testing.T) {
	portal, err := filepath.Abs("../../testdata/portal")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PORTAL", portal)
			e.Setenv("PEMBA_DATA_DIR", filepath.Join(e.WorkDir, "data"))
			e.Setenv("PEMBA_CACHE_SIZE", "16MiB")
			e.Setenv(raceOptions, raceAtOnce)
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Values[runningServer{}] = new(func())
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code, "make": makeFile, "revision": revision, "cursor": cursor, "serve": serve, "mode": mode, "link": link,
		},
	})
}

// code runs pemba and demands an exit code: code 4 pemba check …
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code NUMBER COMMAND ARGS…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		var ok bool
		if got, ok = strings.CutPrefix(err.Error(), "exit status "); !ok { // a signal, or no such command
			ts.Fatalf("%v", err)
		}
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// revisions finds what commands print of revisions.
var revisions = regexp.MustCompile(`(?m)(?:^|")revision"?:? "?(\d+)`)

// revision keeps the revision that was printed last: revision VARIABLE.
func revision(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: revision VARIABLE")
	}
	found := revisions.FindStringSubmatch(ts.ReadFile("stdout"))
	if found == nil {
		ts.Fatalf("the last command printed no revision")
	}
	ts.Setenv(args[0], found[1])
}

var backupsMade = regexp.MustCompile(`pemba-[\w.]+\.backup`)

// made keeps the name of the backup that was printed first: made VARIABLE.
func made(ts *testscript.TestScript, neg bool, args []string) {
	found := backupsMade.FindString(ts.ReadFile("stdout"))
	if neg || len(args) != 1 || found == "" {
		ts.Fatalf("usage: made VARIABLE, after the name of a backup was printed")
	}
	ts.Setenv(args[0], found)
}

// cursors finds the cursor that a limited lookup prints.
var cursors = regexp.MustCompile(`--cursor ([\w-]+)`)

// cursor keeps the cursor that was printed last: cursor VARIABLE.
func cursor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: cursor VARIABLE")
	}
	found := cursors.FindStringSubmatch(ts.ReadFile("stderr"))
	if found == nil {
		ts.Fatalf("the last command printed no cursor")
	}
	ts.Setenv(args[0], found[1])
}

var links = regexp.MustCompile(`http\S+/invite/\S+`)

// link keeps the one-time link that the last command printed in a variable.
func link(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: link VARIABLE")
	}
	found := links.FindString(ts.ReadFile("stdout"))
	if found == "" {
		ts.Fatalf("the last command printed no link")
	}
	ts.Setenv(args[0], found)
}

// runningServer is the key of what stops the server of a script.
type runningServer struct{}

// serve starts pemba serve with more arguments and sets SERVER to where it
// listens, or stops it: serve ARGS… | serve stop. It has what the variables of
// the script say of the store, and nothing else of them.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve ARGS… | serve stop")
	}
	if len(args) == 1 && args[0] == "stop" {
		stop := ts.Value(runningServer{}).(*func())
		if *stop == nil {
			ts.Fatalf("no server runs")
		}
		(*stop)()
		return
	}
	c := exec.Command(pembaIn(ts), append([]string{"serve", "-o", "jsonl", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--raft-addr", "127.0.0.1:0"}, args...)...)
	c.Dir, c.Env = ts.MkAbs("."), []string{"PEMBA_CACHE_SIZE=16MiB", raceOptions + "=" + raceAtOnce}
	var log strings.Builder
	c.Stderr = &log
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	stop := sync.OnceFunc(func() {
		err := errors.Join(c.Process.Signal(os.Interrupt), c.Wait())
		if err != nil {
			ts.Logf("the server ended with %v:\n%s", err, &log)
		}
	})
	ts.Defer(stop)
	var listening addressesJSON
	if err := json.NewDecoder(out).Decode(&listening); err != nil {
		stop()
		ts.Fatalf("the server does not start: %v\n%s", err, &log)
	}
	ts.Setenv("SERVER", listening.GRPC)
	*ts.Value(runningServer{}).(*func()) = stop
}

// pembaIn returns the binary that a script runs.
func pembaIn(ts *testscript.TestScript) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		name := filepath.Join(dir, "pemba")
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	ts.Fatalf("there is no pemba in the path")
	return ""
}

// mode demands the permissions of a file: mode 600 FILE.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode PERMISSIONS FILE")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

// makeFile writes what no script can hold: make FILE KIND.
func makeFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: make FILE KIND")
	}
	var b strings.Builder
	switch args[1] {
	case "empty":
	case "latin1":
		b.WriteString("resource,permission,subject,expected\ndocument:plan,view,user:andr\xe9,allow\n")
	case "latin1-relationships":
		b.WriteString("document:plan#viewer@user:ana\n// caf\xe9\ndocument:plan#viewer@user:andr\xe9\n")
	case "chain":
		for i := range 60 {
			fmt.Fprintf(&b, "group:g%d#member@group:g%d#member\n", i, i+1)
		}
	case "truncated":
		for _, id := range []string{"d1", "d2", "d3", "d4", "d5"} {
			b.WriteString("document:" + id + "#viewer@user:ana\n")
		}
		b.WriteString("document:d6#vie")
	case "thousand-errors":
		b.WriteString("definition user {}\ndefinition document {\n")
		for range 1000 {
			b.WriteString("\trelation viewer: nobody\n")
		}
		b.WriteString("}\n")
	case "deep":
		b.WriteString("definition user {}\ndefinition document {\n\trelation viewer: user\n\tpermission view = ")
		b.WriteString(strings.Repeat("(", 100_000) + "viewer" + strings.Repeat(")", 100_000) + "\n}\n")
	case "huge-id":
		b.WriteString("document:" + strings.Repeat("x", 1025) + "#viewer@user:ana\n")
	case "huge-line":
		b.WriteString("document:plan#viewer@user:ana\ndocument:" + strings.Repeat("x", 2<<20) + "#viewer@user:ana\n")
	case "many":
		for i := range 9000 {
			b.WriteString("document:d" + string(rune('a'+i%26)) + strings.Repeat("x", i/26) + "#viewer@user:ana\n")
		}
	default:
		ts.Fatalf("unknown kind %q", args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}
