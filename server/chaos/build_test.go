//go:build linux

package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// clockEnv says how far ahead the wall clock of a process is; a duration.
const clockEnv = "PEMBA_CHAOS_CLOCK"

// patch is a change of the program for the tests: what a machine of its own
// would be needed for, and what would take hours. Flags for it would be a
// danger in production.
type patch struct {
	file     string // below the module's directory
	old, new string // old is there exactly once
}

// patches give a process a wall clock of its own (intervals are measured with
// another clock, which has no offset), and have logs cut so short that a node
// that was away for a moment takes its state from another.
var patches = []patch{
	{"server/replica/replica.go", "c.Now = time.Now", skewedClock},
	{"server/server.go", "c.Now = time.Now", skewedClock},
	{"server/replica/replica.go", "c.SnapshotEvery = 16_384", fmt.Sprintf("c.SnapshotEvery, c.snapshotInterval, c.trailingLogs = %d, time.Second, %[1]d", logKept)},
}

// logKept is how many entries are kept at least, and when there are as many more
// they are cut.
const logKept = 200

const skewedClock = `skew, _ := time.ParseDuration(os.Getenv("` + clockEnv + `"))
		c.Now = func() time.Time { return time.Now().Add(skew) }`

// program builds pemba, once for each set of tags.
type program struct {
	dir string // of the builds

	mu    sync.Mutex
	built map[string]func() (string, error)
}

// pemba is what TestMain prepares for all tests; nobody changes it after.
var pemba = program{built: map[string]func() (string, error){}}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "pemba-chaos-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	pemba.dir = dir
	status := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(status)
}

// build returns the path of the program with the tags.
func build(t testing.TB, tags ...string) string {
	t.Helper()
	name := strings.Join(append([]string{"pemba"}, tags...), "-")
	pemba.mu.Lock()
	once, ok := pemba.built[name]
	if !ok {
		once = sync.OnceValues(func() (string, error) { return compile(pemba.dir, name, tags) })
		pemba.built[name] = once
	}
	pemba.mu.Unlock()
	path, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func compile(dir, name string, tags []string) (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	overlay, err := overlayOf(dir, root)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-overlay", overlay, "-tags", strings.Join(tags, ","), "-o", path, "./cmd/pemba")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return path, nil
}

// overlayOf writes the patched files, and the list of them that go build takes.
func overlayOf(dir, root string) (string, error) {
	texts := map[string]string{}
	for _, p := range patches {
		text, ok := texts[p.file]
		if !ok {
			read, err := os.ReadFile(filepath.Join(root, p.file))
			if err != nil {
				return "", err
			}
			text = string(read)
		}
		if n := strings.Count(text, p.old); n != 1 {
			return "", fmt.Errorf("%s has %q %d times, not once: say in build_test.go what is patched now", p.file, p.old, n)
		}
		text = strings.Replace(text, p.old, p.new, 1)
		if strings.Contains(p.new, "os.") && !strings.Contains(text, "\t\"os\"\n") {
			text = strings.Replace(text, "import (\n", "import (\n\t\"os\"\n", 1)
		}
		texts[p.file] = text
	}
	replace := map[string]string{}
	for file, text := range texts {
		to := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, file)] = to
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}
