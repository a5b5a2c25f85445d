package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// TestServeScript runs servers in the background, and clients against them.
func TestServeScript(t *testing.T) {
	portal, err := filepath.Abs("../../testdata/portal")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script/serve",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PORTAL", portal)
			e.Setenv("PEMBA_CACHE_SIZE", "16MiB")
			e.Setenv(raceOptions, raceAtOnce)
			e.Setenv("PEMBA_INSECURE", "true")
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			for _, port := range []string{"GRPC", "HTTP", "METRICS", "RAFT"} {
				e.Setenv("PEMBA_"+port+"_ADDR", "127.0.0.1:0")
			}
			e.Values[serversKey{}] = map[string]*background{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code, "made": made, "up": up, "down": down, "get": get, "keep": keep, "ports": ports, "until": until, "field": field, "token": token, "certificates": certificates,
			"ended": ended, "background": inBackground, "logged": logged, "interrupt": interrupt, "count": count, "records": records,
		},
	})
}

type serversKey struct{}

// background is a server that a script runs.
type background struct {
	cmd    *exec.Cmd
	stderr lockedBuffer
}

// kill ends what still runs.
func (b *background) kill() {
	if b.cmd.ProcessState == nil {
		_ = b.cmd.Process.Kill()
		_ = b.cmd.Wait()
	}
}

// lockedBuffer is written to by a process while a test reads it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// up runs a server until it has said where it listens: up NAME COMMAND ARGS…
// PEMBA_ENDPOINT, HTTP and METRICS are set to that, and so are NAME, NAME_HTTP,
// NAME_RAFT and NAME_ID, for scripts with several.
func up(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: up NAME COMMAND ARGS…")
	}
	exe, err := os.Executable()
	ts.Check(err)
	b := &background{cmd: exec.Command(exe)}
	b.cmd.Args = append([]string{"pemba", "-o", "json"}, args[1:]...)
	b.cmd.Dir, b.cmd.Stderr = ts.MkAbs("."), &b.stderr
	for _, name := range []string{
		"PATH", "HOME", "PORTAL", "PEMBA_CACHE_SIZE", "PEMBA_GRPC_ADDR", "PEMBA_HTTP_ADDR", "PEMBA_METRICS_ADDR", "PEMBA_RAFT_ADDR", "PEMBA_DATA_DIR",
		"PEMBA_GRPC_PRESHARED_KEY", raceOptions,
	} {
		b.cmd.Env = append(b.cmd.Env, name+"="+ts.Getenv(name))
	}
	out, err := b.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(b.cmd.Start())
	ts.Defer(b.kill)
	var at addressesJSON
	if err := json.NewDecoder(out).Decode(&at); err != nil {
		_ = b.cmd.Wait()
		ts.Fatalf("the server did not come up: %v\n%s", err, &b.stderr)
	}
	ts.Setenv("PEMBA_ENDPOINT", at.GRPC)
	ts.Setenv("HTTP", at.HTTP)
	ts.Setenv("METRICS", at.Metrics)
	for variable, value := range map[string]string{"": at.GRPC, "_HTTP": at.HTTP, "_RAFT": at.Raft, "_ID": at.Node} {
		ts.Setenv(args[0]+variable, value)
	}
	ts.Value(serversKey{}).(map[string]*background)[args[0]] = b
}

// ports sets variables to addresses on which nobody listens, and which nobody
// takes before the server does that shall have them: not a connection either, as
// those begin at 127.0.0.1. ports NAME…
func ports(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: ports NAME…")
	}
	for _, name := range args {
		l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.1:0", 16+rand.IntN(200), rand.IntN(256)))
		if err != nil { // a machine with one loopback address, where luck has to do
			l, err = net.Listen("tcp", "127.0.0.1:0")
		}
		ts.Check(err)
		defer func() { _ = l.Close() }() // all of them are taken until the last one is known
		ts.Setenv(name, l.Addr().String())
	}
}

// untilTime bounds until; it is only reached by a test that fails.
const untilTime = 2 * time.Minute

// until runs pemba until its answer has a line that matches: until REGEXP ARGS…
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP ARGS…")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	end, tick := time.After(untilTime), time.NewTicker(100*time.Millisecond)
	defer tick.Stop()
	for {
		err := ts.Exec("pemba", args[1:]...)
		out := ts.ReadFile("stdout")
		if want.MatchString(out) {
			return
		}
		select {
		case <-tick.C:
		case <-end:
			ts.Fatalf("%v\n%s%s", err, out, ts.ReadFile("stderr"))
		}
	}
}

// field keeps a top-level field of what was printed as JSON: field NAME VARIABLE.
func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: field NAME VARIABLE")
	}
	var all map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &all))
	value, ok := all[args[0]]
	if !ok {
		ts.Fatalf("there is no field %s", args[0])
	}
	ts.Setenv(args[1], fmt.Sprint(value))
}

var tokenText = regexp.MustCompile(`"token":"([^"]+)"`)

// token keeps the token that was printed last: token VARIABLE.
func token(ts *testscript.TestScript, neg bool, args []string) {
	found := tokenText.FindStringSubmatch(ts.ReadFile("stdout"))
	if neg || len(args) != 1 || found == nil {
		ts.Fatalf("usage: token VARIABLE, after something that printed one")
	}
	ts.Setenv(args[0], found[1])
}

// serverNamed returns a server that a script runs.
func serverNamed(ts *testscript.TestScript, name string) *background {
	b := ts.Value(serversKey{}).(map[string]*background)[name]
	if b == nil {
		ts.Fatalf("nothing runs that is called %s", name)
	}
	return b
}

// ended waits for a server that ends by itself, with a failure that its log
// tells: ended NAME REGEXP
func ended(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ended NAME REGEXP")
	}
	b := serverNamed(ts, args[0])
	err := b.cmd.Wait()
	if err == nil || !regexp.MustCompile(args[1]).MatchString(b.stderr.String()) {
		ts.Fatalf("it ended with %v\n%s", err, &b.stderr)
	}
}

// inBackground runs something that prints no address: background NAME pemba ARGS…
func inBackground(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || args[1] != "pemba" {
		ts.Fatalf("usage: background NAME pemba ARGS…")
	}
	exe, err := os.Executable()
	ts.Check(err)
	b := &background{cmd: exec.Command(exe)}
	b.cmd.Args = args[1:]
	b.cmd.Dir, b.cmd.Stderr = ts.MkAbs("."), &b.stderr
	for _, name := range []string{"PATH", "HOME", "PEMBA_ENDPOINT", "PEMBA_INSECURE", "PEMBA_CACHE_SIZE", raceOptions} {
		b.cmd.Env = append(b.cmd.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(b.cmd.Start())
	ts.Defer(b.kill)
	ts.Value(serversKey{}).(map[string]*background)[args[0]] = b
}

// logged waits until so many lines of a log match: logged NAME COUNT REGEXP
func logged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: logged NAME COUNT REGEXP")
	}
	b, want := serverNamed(ts, args[0]), regexp.MustCompile(args[2])
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	end, tick := time.After(untilTime), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for len(want.FindAllString(b.stderr.String(), -1)) < n {
		select {
		case <-tick.C:
		case <-end:
			ts.Fatalf("%s", &b.stderr)
		}
	}
}

// interrupt ends something in the background and demands its exit code:
// interrupt NAME CODE
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: interrupt NAME CODE")
	}
	b := serverNamed(ts, args[0])
	ts.Check(b.cmd.Process.Signal(os.Interrupt))
	_ = b.cmd.Wait() // the code says it
	if got := strconv.Itoa(b.cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("exit code %s, want %s\n%s", got, args[1], &b.stderr)
	}
}

// count demands so many files: count NUMBER PATTERN
func count(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: count NUMBER PATTERN")
	}
	found, err := filepath.Glob(ts.MkAbs(args[1]))
	ts.Check(err)
	if strconv.Itoa(len(found)) != args[0] {
		ts.Fatalf("there are %d: %q", len(found), found)
	}
}

// down interrupts a server, which must end well, and prints its log:
// down NAME [kill]
func down(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: down NAME [kill]")
	}
	b := serverNamed(ts, args[0])
	if len(args) > 1 {
		ts.Check(b.cmd.Process.Kill())
		_ = b.cmd.Wait()
		return
	}
	ts.Check(b.cmd.Process.Signal(syscall.SIGTERM))
	if err := b.cmd.Wait(); err != nil {
		ts.Fatalf("the server ended with %v\n%s", err, &b.stderr)
	}
	_, err := io.WriteString(ts.Stdout(), b.stderr.String())
	ts.Check(err)
}

// get prints the answer to an HTTP request, its status first: get URL [BODY].
// PEMBA_TOKEN is its token.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: get URL [BODY]")
	}
	method, body := http.MethodGet, ""
	if len(args) > 1 {
		method, body = http.MethodPost, args[1]
	}
	req, err := http.NewRequest(method, args[0], strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	if token := ts.Getenv("PEMBA_TOKEN"); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	answer, err := io.ReadAll(resp.Body)
	ts.Check(errors.Join(err, resp.Body.Close()))
	_, err = io.WriteString(ts.Stdout(), resp.Status+"\n"+string(answer)+"\n")
	ts.Check(err)
}

// keep splits what `key create -o json` printed: keep FILE writes its line
// there and sets KEY.
func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: keep FILE")
	}
	var made keyJSON
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &made))
	ts.Setenv("KEY", made.Key)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(made.Line+"\n"), 0o600))
}

// records appends to a chain in the directory of a node that is stopped, and may
// be new: records DIR CHAIN VALUE…
func records(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: records DIR CHAIN VALUE…")
	}
	r, err := replica.Open(context.Background(), replica.Config{
		Dir: ts.MkAbs(args[0]), Store: store.Config{MinFree: 1}, Logger: slog.New(slog.DiscardHandler),
	})
	ts.Check(err)
	var tx store.Transaction
	for _, value := range args[2:] {
		tx.Records = append(tx.Records, store.ChainRecord{Chain: args[1], Value: []byte(value)})
	}
	_, err = r.Propose(context.Background(), replica.Proposal{Tx: tx})
	ts.Check(errors.Join(err, r.Close()))
}
