package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/pemba-authz/pemba/server/backup"
	"github.com/pemba-authz/pemba/server/suite"
)

// FuzzParseLine: what is a relationship as text is the same one as NDJSON, and
// no line panics.
func FuzzParseLine(f *testing.F) {
	for _, line := range []string{
		`document:plan#viewer@user:ana`,
		`document:plan#viewer@group:staff#member[office:{"floor": 1e3}][expiration:2030-01-31T12:00:00.5Z]`,
		`{"resource":"document:plan","relation":"viewer","subject":"user:*"}`,
		`{"resource":"document:plan","relation":"viewer","subject":"user:bo","caveat":"office","context":{"floor":1},"expires":"2030-01-31T12:00:00Z"}`,
		`{"resource":`,
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r, err := backup.ParseLine(line)
		if err != nil {
			return
		}
		data, err := compactJSON(backup.RelationshipData(r))
		if err != nil {
			t.Fatal(err)
		}
		again, err := backup.ParseLine(string(data))
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if again.String() != r.String() {
			t.Fatalf("%s became %s by way of %s", r, again, data)
		}
	})
}

// FuzzTable: no input panics, and a table gives decisions or faults.
func FuzzTable(f *testing.F) {
	f.Add([]byte("resource,permission,subject,expected\ndocument:plan,view,user:ana,allow\n"))
	f.Add([]byte("\xef\xbb\xbfresource,permission,subject,expected,ground\n\"a\",b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newSuite("fuzz.csv")
		(&decisionTable{s}).read(data)
		checkProblems(t, s)
		if len(s.Claims)+len(s.Errors) == 0 {
			t.Fatal("neither decisions nor faults")
		}
	})
}

func checkProblems(t *testing.T, s *suite.Suite) {
	for _, p := range append(s.Errors, s.Warnings...) {
		if p.At.File == "" || p.At.Line < 0 || p.Msg == "" {
			t.Fatalf("%+v", p)
		}
	}
}

// FuzzFilter: a filter that is understood selects what its words say.
func FuzzFilter(f *testing.F) {
	for _, text := range []string{"document", "document:plan", "document:pl%#viewer@user:ana", "@group:staff#member", "document#viewer@user:*", "@user:ana#..."} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := parseFilter(text)
		if err != nil {
			return
		}
		if filter.ResourceType == "" && filter.OptionalSubjectFilter == nil {
			t.Fatalf("%q selects everything", text)
		}
		if err := filter.ValidateAll(); err != nil {
			t.Fatalf("%q: no server takes this: %v", text, err)
		}
	})
}

// TestValidatePortal runs the customer's decisions in this process: no store,
// no binary.
func TestValidatePortal(t *testing.T) {
	var stdout, stderr bytes.Buffer
	dir := filepath.FromSlash("../../testdata/portal")
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	if code := run([]string{"validate", dir}, nil, &stdout, &stderr); code != exitOK {
		t.Fatalf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
}
