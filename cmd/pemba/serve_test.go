package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
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
			e.Setenv("PEMBA_INSECURE", "true")
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			for _, port := range []string{"GRPC", "HTTP", "METRICS", "RAFT"} {
				e.Setenv("PEMBA_"+port+"_ADDR", "127.0.0.1:0")
			}
			e.Values[serversKey{}] = map[string]*background{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code, "up": up, "down": down, "get": get, "keep": keep, "ports": ports, "until": until, "field": field,
		},
	})
}

type serversKey struct{}

// background is a server that a script runs.
type background struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
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
		"PEMBA_GRPC_PRESHARED_KEY",
	} {
		b.cmd.Env = append(b.cmd.Env, name+"="+ts.Getenv(name))
	}
	out, err := b.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(b.cmd.Start())
	ts.Defer(func() {
		if b.cmd.ProcessState == nil {
			_ = b.cmd.Process.Kill()
			_ = b.cmd.Wait()
		}
	})
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

// ports sets variables to addresses on which nobody listens: ports NAME…
func ports(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: ports NAME…")
	}
	for _, name := range args {
		l, err := net.Listen("tcp", "127.0.0.1:0")
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

// down interrupts a server, which must end well, and prints its log:
// down NAME [kill]
func down(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: down NAME [kill]")
	}
	b := ts.Value(serversKey{}).(map[string]*background)[args[0]]
	if b == nil {
		ts.Fatalf("no server %s is up", args[0])
	}
	if len(args) > 1 {
		ts.Check(b.cmd.Process.Kill())
		_ = b.cmd.Wait()
		return
	}
	ts.Check(b.cmd.Process.Signal(syscall.SIGTERM))
	if err := b.cmd.Wait(); err != nil {
		ts.Fatalf("the server ended with %v\n%s", err, &b.stderr)
	}
	_, err := ts.Stdout().Write(b.stderr.Bytes())
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
