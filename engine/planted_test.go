package engine_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// inPlanted is set in the tests that TestPlantedBugs starts; it plants a bug.
const inPlanted = "PEMBA_PLANTED_BUG"

// TestPlantedBugs proves that TestWorlds finds bugs: it runs it on engines with
// a bug each, and demands that it fails with a world to paste.
func TestPlantedBugs(t *testing.T) {
	if bug := os.Getenv(inPlanted); bug != "" {
		t.Fatalf("started by itself, for %s", bug)
	}
	for _, bug := range []string{"cut_denial", "lost_exclusion", "caveat_and_or"} {
		t.Run(bug, func(t *testing.T) {
			cmd := exec.Command("go", "test", "-vet=off", "-tags", "planted", "-run", "^TestWorlds$", ".")
			cmd.Env = append(os.Environ(), inPlanted+"="+bug, "PEMBA_SOAK=")
			out, err := cmd.CombinedOutput()
			switch {
			case err == nil:
				t.Errorf("TestWorlds passes in spite of %s", bug)
			case !strings.Contains(string(out), "--- FAIL: TestWorlds") || !strings.Contains(string(out), "# World "):
				t.Errorf("with %s TestWorlds does not print a world:\n%s", bug, out)
			}
		})
	}
}
