package engine

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestText reads testdata/text: "relationship", "object" and "subject" print
// what was read, one line for each line of input, or the error.
func TestText(t *testing.T) {
	datadriven.RunTest(t, "testdata/text/forms", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		for line := range strings.SplitSeq(strings.ReplaceAll(d.Input, "<1024>", strings.Repeat("x", 1024)), "\n") {
			var got string
			var err error
			switch d.Cmd {
			case "relationship":
				var r Relationship
				r, err = ParseRelationship(line)
				got = r.String()
			case "object":
				var o Object
				o, err = ParseObject(line)
				got = o.String()
			case "subject":
				var s Subject
				s, err = ParseSubject(line)
				got = s.String()
			default:
				t.Fatalf("no command %s", d.Cmd)
			}
			if err != nil {
				var text *TextError
				if !errors.As(err, &text) {
					t.Errorf("%s: the error is a %T", line, err)
				}
				got = "error: " + err.Error()
			}
			out.WriteString(strings.ReplaceAll(got, strings.Repeat("x", 1024), "<1024>") + "\n")
		}
		return out.String()
	})
}

func FuzzParseRelationship(f *testing.F) {
	text, err := os.ReadFile("testdata/text/forms")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f.Add(strings.TrimSuffix(line, "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRelationship(text)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		again, err := ParseRelationship(r.String())
		if err != nil || again.String() != r.String() || again.Key() != r.Key() {
			t.Errorf("%q prints as %q, which reads as %q, %v", text, r, again, err)
		}
	})
}
