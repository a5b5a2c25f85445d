package main

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestAbandon: a node that does not close ends its process and says where it hangs.
func TestAbandon(t *testing.T) {
	const child = "PEMBA_TEST_ABANDON"
	if os.Getenv(child) != "" {
		n := &daemon{log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
		_ = within(time.Millisecond, n.abandon, func() error { select {} })
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAbandon$")
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailure || !strings.Contains(string(out), "TestAbandon.func") {
		t.Errorf("%v\n%s", err, out)
	}
	want := errors.New("its own")
	if err := within(time.Hour, func() { t.Error("it was not late") }, func() error { return want }); err != want {
		t.Error(err)
	}
}
