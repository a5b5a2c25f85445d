package syntax

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the tree, fmt and errors sections of testdata")

// TestText runs the cases of testdata/*.txtar. A case is a section "input" and
// the sections up to the next one, each of which says what becomes of it:
//
//	tree    the tree with places
//	fmt     the formatted text
//	errors  the faults, each with its source line
//
// A section "note" is prose for the reader.
//
// Whatever the sections are, the input passes the properties of [verify].
func TestText(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases found: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runFile(t, file) })
	}
}

func runFile(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	input, changed := "", false
	for i := range archive.Files {
		section := &archive.Files[i]
		switch section.Name {
		case "input":
			input = string(section.Data)
			verify(t, input)
			continue
		case "note":
			continue
		}
		got, ok := become(section.Name, input)
		if !ok {
			t.Fatalf("unknown section %q", section.Name)
		}
		if got == string(section.Data) {
			continue
		}
		if *update {
			section.Data, changed = []byte(got), true
			continue
		}
		t.Errorf("%s of:\n%s\ngot:\n%s\nwant:\n%s", section.Name, input, got, section.Data)
	}
	if changed {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func become(section, input string) (string, bool) {
	file, errs := Parse(input)
	switch section {
	case "tree":
		return dump(file, true), true
	case "errors":
		var b strings.Builder
		for _, e := range errs {
			fmt.Fprintf(&b, "%d:%d: %s\n", e.Pos.Line, e.Pos.Column, e.Msg)
			if e.Source != "" {
				fmt.Fprintf(&b, "\t%s\n", strings.TrimSpace(e.Source))
			}
		}
		return b.String(), true
	case "fmt":
		out, err := Format(input)
		if err != nil {
			return err.Error() + "\n", true
		}
		return out, true
	}
	return "", false
}
