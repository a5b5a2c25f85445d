package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

const testKey = "the-key-of-the-test-which-nobody-guesses"

// project loads a compose file as compose does.
func project(t *testing.T, name string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join("compose", name)}, cli.WithEnv([]string{"PEMBA_SECRET=" + testKey}))
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// process is a node that a test runs.
type process struct {
	GRPC    string `json:"grpc"`
	HTTP    string `json:"http"`
	Metrics string `json:"metrics"`
	log     *bytes.Buffer
}

// startThree runs the nodes of compose/three.yaml as they stand there, on
// loopback and with directories of the test, and waits until they are ready.
func startThree(t *testing.T) []*process {
	t.Helper()
	dir := t.TempDir()
	var services []types.ServiceConfig
	certs := []string{"compose/peer-certs.sh", filepath.Join(dir, "certs")}
	replace := []string{"0.0.0.0:7000", "%raft%", "0.0.0.0:", "127.0.0.1:0#"}
	for _, name := range []string{"pemba-1", "pemba-2", "pemba-3"} {
		services = append(services, project(t, "three.yaml").Services[name])
		address := freeAddress(t)
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, name+","+host)
		replace = append(replace, name+":7000", address)
	}
	if out, err := run(t, "sh", certs...); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var nodes []*process
	for i, s := range services {
		n := fmt.Sprint("pemba-", i+1)
		address := strings.NewReplacer(replace...).Replace(n + ":7000")
		all := strings.NewReplacer(append(replace,
			"/var/lib/pemba", filepath.Join(dir, n), "/etc/pemba/peer", filepath.Join(dir, "certs", n))...)
		fix := func(text string) string {
			text, _, _ = strings.Cut(all.Replace(text), "#")
			return strings.ReplaceAll(text, "%raft%", address)
		}
		var args, env []string
		for _, arg := range s.Command {
			args = append(args, fix(arg))
		}
		for name, value := range s.Environment {
			env = append(env, name+"="+fix(*value))
		}
		nodes = append(nodes, start(t, append(args, "-o", "jsonl", "--max-watches", "1", "--log-level", "warn"), env))
	}
	for _, n := range nodes {
		n.await(t, "/readyz", func(code int, _ string) bool { return code == http.StatusOK })
	}
	return nodes
}

// freeAddress returns a loopback address that nobody listens on, and that nobody
// takes before a node does: not a connection either, as those begin at 127.0.0.1.
func freeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", fmt.Sprintf("127.%d.%d.1:0", 16+rand.IntN(200), rand.IntN(256)))
	if err != nil { // a machine with one loopback address, where luck has to do
		l, err = config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// start runs pemba until the end of the test and reads where it listens.
func start(t *testing.T, args, env []string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	n := &process{log: new(bytes.Buffer)}
	c := exec.CommandContext(ctx, pemba, args...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 20 * time.Second
	c.Env, c.Stderr = append(env, "PATH="+os.Getenv("PATH")), n.log
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		err := c.Wait() // the cancelled context, or the exit of the process
		if t.Failed() {
			t.Logf("%s ended with %v:\n%s", args, err, n.log)
		}
	})
	if err := json.NewDecoder(out).Decode(n); err != nil {
		t.Fatalf("%s does not serve: %v", args, err)
	}
	return n
}

// get asks the port of the metrics.
func (n *process) get(t *testing.T, path string) (int, string, error) {
	t.Helper()
	at := strings.TrimSuffix(n.Metrics, "/metrics") + path
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(response.Body)
	if closed := response.Body.Close(); err == nil {
		err = closed
	}
	return response.StatusCode, string(body), err
}

// await asks until the answer is right, for as long as a busy machine may take.
func (n *process) await(t *testing.T, path string, right func(int, string) bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(2 * time.Minute)
	for {
		code, body, err := n.get(t, path)
		if err == nil && right(code, body) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s%s: %d %s %v", n.Metrics, path, code, body, err)
		}
	}
}

// cli runs a command against the node.
func (n *process) cli(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return run(t, pemba, append(args, "--endpoint", n.GRPC, "--insecure", "--token", testKey)...)
}

// exportedMetrics returns the names of all metrics of three nodes that were
// used: what the compose file starts founds a cluster, takes writes on every
// node, and refuses who may not call and who calls too much.
func exportedMetrics(t *testing.T) map[string]bool {
	t.Helper()
	nodes := startThree(t)
	schema := filepath.Join(t.TempDir(), "schema.zed")
	if err := os.WriteFile(schema, []byte("definition user {}\ndefinition document {\n\trelation viewer: user\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := nodes[0].cli(t, "schema", "write", schema); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i, n := range nodes {
		user := fmt.Sprintf("user:u%d", i)
		if out, err := n.cli(t, "relationship", "create", "document:plan", "viewer", user); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, other := range nodes {
			if out, err := other.cli(t, "check", "document:plan", "viewer", user); err != nil || out != "allow\n" {
				t.Errorf("%s was written on node %d; another says %q, %v", user, i+1, out, err)
			}
		}
	}
	if out, err := run(t, pemba, "health", "--endpoint", nodes[2].GRPC, "--insecure"); err != nil || out != "SERVING\n" {
		t.Errorf("health: %q, %v", out, err)
	}
	if out, err := run(t, pemba, "schema", "read", "--endpoint", nodes[0].GRPC, "--insecure", "--token", "wrong"); err == nil {
		t.Errorf("it was let in with a wrong token: %s", out)
	}
	nodes[0].overload(t)
	names := map[string]bool{}
	for _, n := range nodes {
		n.await(t, "/metrics", func(_ int, body string) bool { return strings.Contains(body, "\npemba_cluster_member_healthy{") })
		_, body, err := n.get(t, "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, f := range families {
			names[name] = true
			if f.GetType().String() == "HISTOGRAM" {
				names[name+"_bucket"], names[name+"_count"], names[name+"_sum"] = true, true, true
			}
		}
	}
	return names
}

// overload opens one watch more than the node allows.
func (n *process) overload(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	first := exec.CommandContext(ctx, pemba, "watch", "--endpoint", n.GRPC, "--insecure", "--token", testKey)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	n.await(t, "/metrics", func(_ int, body string) bool { return strings.Contains(body, "\npemba_watch_readers 1\n") })
	second := exec.CommandContext(ctx, pemba, "watch", "--endpoint", n.GRPC, "--insecure", "--token", testKey)
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	n.await(t, "/metrics", func(_ int, body string) bool { return strings.Contains(body, "\npemba_overload_refused_total{") })
	cancel()
	for _, c := range []*exec.Cmd{first, second} {
		_ = c.Wait() // it was killed
	}
}
