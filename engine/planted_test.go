package engine_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// inPlanted is set in the tests that TestPlantedBugs starts.
const inPlanted = "PEMBA_PLANTED_BUG"

// TestPlantedBugs proves that TestWorlds finds bugs: it runs it on engines with
// a bug each, and demands that it fails with a world to paste.
func TestPlantedBugs(t *testing.T) {
	if tag := os.Getenv(inPlanted); tag != "" {
		t.Fatalf("started by itself, for %s", tag)
	}
	for _, tag := range []string{"bug_cut_denial", "bug_lost_exclusion", "bug_caveat_and_or"} {
		t.Run(tag, func(t *testing.T) {
			cmd := exec.Command("go", "test", "-vet=off", "-tags", tag, "-run", "^TestWorlds$", ".")
			cmd.Env = append(os.Environ(), inPlanted+"="+tag, "PEMBA_SOAK=")
			out, err := cmd.CombinedOutput()
			switch {
			case err == nil:
				t.Errorf("TestWorlds passes in spite of %s", tag)
			case !strings.Contains(string(out), "--- FAIL: TestWorlds") || !strings.Contains(string(out), "# World "):
				t.Errorf("with %s TestWorlds does not print a world:\n%s", tag, out)
			}
		})
	}
}
