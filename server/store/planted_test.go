package store_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// inPlanted is set in the test that TestPlantedBugs starts; it plants a bug.
const inPlanted = "PEMBA_PLANTED_BUG"

// TestPlantedBugs proves that TestWorlds finds a cache that is stale after a
// delete, and answers that are kept without all they rest on, and shrinks the
// world that shows it.
func TestPlantedBugs(t *testing.T) {
	if bug := os.Getenv(inPlanted); bug != "" {
		t.Fatalf("started by itself, for %s", bug)
	}
	for _, bug := range []string{"stale_cache", "stale_answer"} {
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
