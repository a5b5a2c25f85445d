// Package deploy has no code. It is a module of its own, so that what its tests
// are made with (Helm, Kustomize, Prometheus, the types of Kubernetes) stays out
// of the binary's: `make test` runs both.
//
// The tests build the real binary and hold everything here and in RUNBOOK.md
// against it: commands, flags, metrics.
package deploy

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is made from the chart: kubernetes/*.yaml")

// pemba is the binary that TestMain built.
var pemba string

func TestMain(m *testing.M) {
	flag.Parse()
	log.SetOutput(io.Discard) // Helm remarks on every link that it follows
	dir, err := os.MkdirTemp("", "pemba")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	pemba = filepath.Join(dir, "pemba")
	build := exec.Command("go", "build", "-o", pemba, "./cmd/pemba")
	build.Dir = ".."
	out, err := build.CombinedOutput()
	code := 1
	if err != nil {
		fmt.Fprintf(os.Stderr, "building pemba: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// run runs a program without the variables that pemba reads, and returns what it
// prints on both outputs.
func run(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PEMBA_") {
			c.Env = append(c.Env, v)
		}
	}
	out, err := c.CombinedOutput()
	return string(out), err
}

// read returns a file of the project, by its path from its top.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
}
