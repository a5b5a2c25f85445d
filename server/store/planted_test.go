package store_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// inPlanted is set in the test that TestPlantedBug starts.
const inPlanted = "PEMBA_PLANTED_BUG"

// TestPlantedBug proves that TestWorlds finds a cache that is stale after a
// delete, and shrinks the world that shows it.
func TestPlantedBug(t *testing.T) {
	if tag := os.Getenv(inPlanted); tag != "" {
		t.Fatalf("started by itself, for %s", tag)
	}
	const tag = "bug_stale_cache"
	cmd := exec.Command("go", "test", "-vet=off", "-tags", tag, "-run", "^TestWorlds$", ".")
	cmd.Env = append(os.Environ(), inPlanted+"="+tag, "PEMBA_SOAK=")
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		t.Errorf("TestWorlds passes in spite of %s", tag)
	case !strings.Contains(string(out), "--- FAIL: TestWorlds") || !strings.Contains(string(out), "# World "):
		t.Errorf("with %s TestWorlds does not print a world:\n%s", tag, out)
	}
}
