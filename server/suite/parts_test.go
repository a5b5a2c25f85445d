package suite

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestPartsAreTheFile takes validation files apart and puts them together again:
// what they claim, and what becomes of it, stays the same.
func TestPartsAreTheFile(t *testing.T) {
	files, err := filepath.Glob("../../testdata/corpus/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "testdata/office.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		whole := newSuite(file)
		whole.ReadValidation(data)
		parts, problems := Split(file, data)
		if len(whole.Errors) > 0 || len(problems) > 0 {
			t.Fatal(whole.Errors, problems)
		}
		apart := newSuite("")
		apart.ReadParts(parts)
		text, problems := Join(parts)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		again := newSuite("again")
		again.ReadValidation([]byte(text))
		want := outcomes(t, whole)
		for name, s := range map[string]*Suite{"apart": apart, "again": again} {
			if len(s.Errors) > 0 {
				t.Fatal(name, s.Errors)
			}
			if got := outcomes(t, s); got != want || got == "" {
				t.Errorf("%s, %s:\n%s\nwant:\n%s", file, name, got, want)
			}
		}
	}
}

func outcomes(t *testing.T, s *Suite) string {
	t.Helper()
	text := ""
	for o, err := range s.Run(t.Context(), s.Engine(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))) {
		if err != nil {
			t.Fatal(err)
		}
		text += o.Name + ": " + o.Failure + "\n"
	}
	return text
}

func TestNoOtherFiles(t *testing.T) {
	const text = "schemaFile: /etc/passwd\nrelationshipsFile: other.txt\n"
	_, problems := Split("a.yaml", []byte(text))
	s := &Suite{File: "a.yaml", CompileSchema: newSuite("").CompileSchema}
	s.ReadValidation([]byte(text))
	if len(problems) != 2 || len(s.Errors) != 2 {
		t.Errorf("%v, %v", problems, s.Errors)
	}
}

// FuzzParts: no parts panic, whatever they hold, and what is joined splits.
func FuzzParts(f *testing.F) {
	f.Add("definition user {}", "// none\nuser:a#b@user:c", "assertTrue:\n- user:a#b@user:c", "user:a#b: [\"[user:*] is <user:a#b>\"]")
	f.Add("", "", "a: &x [*x]", "# nothing")
	f.Add("0", "\t\n", "0", "K~")
	f.Fuzz(func(t *testing.T, schemaText, relationships, assertions, expected string) {
		p := Parts{schemaText, relationships, assertions, expected}
		newSuite("").ReadParts(p)
		text, problems := Join(p)
		if len(problems) > 0 {
			return
		}
		parts, problems := Split("joined", []byte(text))
		if len(problems) > 0 || parts.Schema != schemaText || parts.Relationships != relationships {
			t.Logf("%q", text)
			t.Fatal(parts, problems)
		}
	})
}
