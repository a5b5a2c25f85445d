package suite

import (
	"errors"
	"testing"

	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
)

// newSuite makes a suite that may name other files, which do not exist.
func newSuite(file string) *Suite {
	caveats := caveat.New()
	return &Suite{File: file, Files: noFiles{}, CompileSchema: func(_, text string) (*schema.Schema, error) {
		return schema.Compile(text, schema.Options{Caveats: caveats})
	}}
}

type noFiles struct{}

func (noFiles) Path(_, name string) string               { return name }
func (noFiles) Open(string) ([]byte, error)              { return nil, errors.New("there is none") }
func (noFiles) ReadRelationships(*Suite, string, []byte) {}

// FuzzValidationFile: no input panics, and every fault names its file.
func FuzzValidationFile(f *testing.F) {
	f.Add([]byte("schema: |\n  definition user {}\nrelationships: |\n  user:a#b@user:c\nassertions:\n  assertTrue:\n    - user:a#b@user:c with {}\nvalidation:\n  user:a#b: [\"[user:*] is <user:a#b>\"]\n"))
	f.Add([]byte("a: &x [*x]\nassertions: {assertTrue: null}\n"))
	f.Add([]byte("relationships: >-\n\n  x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newSuite("fuzz.yaml")
		s.ReadValidation(data)
		s.JudgeConstraints()
		for _, p := range append(s.Errors, s.Warnings...) {
			if p.At.File == "" || p.At.Line < 0 || p.Msg == "" {
				t.Fatalf("%+v", p)
			}
		}
	})
}

// FuzzFoundLine: a line of an expected set that is understood prints as one
// that means the same.
func FuzzFoundLine(f *testing.F) {
	f.Add("[user:ana] is <document:plan#viewer>")
	f.Add("[user:* - {user:bad, user:may[...]}] is <document:d#viewer>/<document:d#owner>")
	f.Add("[group:staff#member[...]] is <document:d#viewer>")
	f.Fuzz(func(t *testing.T, line string) {
		found, err := parseFound(line)
		if err != nil {
			return
		}
		text := foundText(found)
		again, err := parseFound(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got := foundText(again); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}
