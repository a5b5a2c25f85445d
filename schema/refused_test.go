package schema_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// expectation is what an ERROR comment says: the kind, and a regular expression
// for the message.
var expectation = regexp.MustCompile(`(/\*|//) ERROR (parse|type) "((?:[^"\\]|\\.)*)"(?: \*/)?[ \t]*`)

// TestRefused compiles the schemas of testdata/refused. A comment
// /* ERROR kind "regexp" */ stands directly before the place of an error,
// // ERROR kind "regexp" ends the line of one. There must be no other error.
func TestRefused(t *testing.T) {
	paths, err := filepath.Glob("testdata/refused/*.zed")
	if err != nil || len(paths) == 0 {
		t.Fatal("no schemas in testdata/refused", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".zed"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			refused(t, string(text))
		})
	}
}

func refused(t *testing.T, text string) {
	_, err := schema.Compile(text, schema.Options{Caveats: caveats})
	got, ok := err.(syntax.ErrorList)
	if !ok {
		t.Fatalf("error is a %T: %v", err, err)
	}
	kinds := map[string]syntax.Kind{"parse": syntax.ParseError, "type": syntax.TypeError}
	left := append(syntax.ErrorList(nil), got...)
	for _, m := range expectation.FindAllStringSubmatchIndex(text, -1) {
		start := syntax.Pos{Line: 1, Column: 1}.After(text[:m[0]])
		place := syntax.Pos{Line: 1, Column: 1}.After(text[:m[1]])
		pattern := regexp.MustCompile(strings.ReplaceAll(text[m[6]:m[7]], `\"`, `"`))
		found := false
		for i, e := range left {
			at := e.Pos == place
			if text[m[2]:m[3]] == "//" {
				at = e.Pos.Line == start.Line
			}
			if at && e.Kind == kinds[text[m[4]:m[5]]] && pattern.MatchString(e.Msg) {
				left = append(left[:i], left[i+1:]...)
				found = true
				break
			}
		}
		if !found {
			t.Errorf("no such error: %s", text[m[0]:m[1]])
		}
	}
	for _, e := range left {
		t.Errorf("unexpected: %v (kind %d)", e, e.Kind)
	}
}
