//go:build linux

package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	dir      string // below the module's
	old, new string // old is in at least one of its files
}

// patches give a process a wall clock of its own (intervals are measured with
// another clock, which has no offset), and have logs cut so short that a node
// that was away for a moment takes its state from another.
var patches = []patch{
	{"server/replica", "c.Now = time.Now", skewedClock},
	{"server", "c.Now = time.Now", skewedClock},
	{"server/replica", "c.SnapshotEvery = 16_384", fmt.Sprintf("c.SnapshotEvery, c.snapshotInterval, c.trailingLogs = %d, time.Second, %[1]d", logKept)},
}

// former makes the program one of before the newest format of commands: it neither
// writes nor knows it. (The rest of it is of now; a program that was released is
// another thing, when there is one.)
var former = patch{"server/replica", "maxFormat = 3", "maxFormat = 2"}

// logKept is how many entries are kept at least, and when there are as many more
// they are cut.
const logKept = 200

const skewedClock = `skew, _ := time.ParseDuration(os.Getenv("` + clockEnv + `"))
		c.Now = func() time.Time { return time.Now().Add(skew) }`

// program builds pemba, once for each way in which the tests want it.
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

// build returns the path of the program that the setting asks for: patched for the
// tests, with bugs that can be planted, or plain as it is.
func build(t testing.TB, s setting) string {
	t.Helper()
	name, patched, tags := "pemba", patches, "planted"
	switch {
	case s.plain:
		name, patched, tags = name+"-plain", nil, ""
	case s.former:
		name, patched = name+"-former", append(slices.Clone(patches), former)
	}
	pemba.mu.Lock()
	once, ok := pemba.built[name]
	if !ok {
		once = sync.OnceValues(func() (string, error) { return compile(pemba.dir, name, patched, tags) })
		pemba.built[name] = once
	}
	pemba.mu.Unlock()
	path, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func compile(dir, name string, patched []patch, tags string) (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	args := []string{"build", "-tags", tags, "-o", path}
	if len(patched) > 0 {
		overlay, err := overlayOf(path+".d", root, patched)
		if err != nil {
			return "", err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.Command("go", append(args, "./cmd/pemba")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return path, nil
}

// overlayOf writes the patched files, and the list of them that go build takes.
func overlayOf(dir, root string, patched []patch) (string, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	texts := map[string]string{} // by the path of the file
	for _, p := range patched {
		if err := p.apply(root, texts); err != nil {
			return "", err
		}
	}
	replace := map[string]string{}
	for path, text := range texts {
		to := filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(path, root), "/", "_"))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[path] = to
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}

// apply patches the files that have what is replaced.
func (p patch) apply(root string, texts map[string]string) error {
	paths, err := filepath.Glob(filepath.Join(root, p.dir, "*.go"))
	if err != nil {
		return err
	}
	found := false
	for _, path := range paths {
		text, ok := texts[path]
		if !ok {
			read, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(read)
		}
		if strings.HasSuffix(path, "_test.go") || !strings.Contains(text, p.old) {
			continue
		}
		found = true
		text = strings.ReplaceAll(text, p.old, p.new)
		if strings.Contains(p.new, "os.") && !strings.Contains(text, "\t\"os\"\n") {
			text = strings.Replace(text, "import (\n", "import (\n\t\"os\"\n", 1)
		}
		texts[path] = text
	}
	if !found {
		return fmt.Errorf("no file of %s has %q: say in build_test.go what is patched now", p.dir, p.old)
	}
	return nil
}
