package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/schema"
)

// worlds are schemas of n definitions that stress one thing each.
var worlds = []struct {
	name string
	text func(n int) string
}{
	{"plain", plainWorld}, // what large schemas look like
	{"chain", chainWorld}, // every type can be in every later one
	{"ring", ringWorld},   // one component of all relations
	{"star", starWorld},   // arrows over all types
}

func plainWorld(n int) string {
	var b strings.Builder
	b.WriteString("definition user {}\ndefinition group {\n\trelation member: user | group#member\n}\n")
	for i := range n {
		fmt.Fprintf(&b, `
// what number %d is
definition doc%d {
	relation parent: doc%d
	relation owner: user
	relation editor: user | group#member
	relation viewer: user | user:* | group#member
	relation banned: user
	permission edit = owner + editor + parent->edit
	permission view = (viewer + edit + parent->view) - banned
	permission share = edit & owner
}
`, i, i, max(0, i-1))
	}
	return b.String()
}

func chainWorld(n int) string {
	var b strings.Builder
	b.WriteString("definition type0 {\n\trelation holder: type0\n}\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "definition type%d {\n\trelation holder: type%d | type%d#holder\n}\n", i, i, i-1)
	}
	return b.String()
}

func ringWorld(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "definition type%d {\n\trelation holder: type%d | type%d#holder\n}\n", i, i, (i+1)%n)
	}
	return b.String()
}

func starWorld(n int) string {
	var b strings.Builder
	b.WriteString("definition user {}\n")
	var all []string
	for i := range n {
		fmt.Fprintf(&b, "definition type%d {\n\trelation view: user\n}\n", i)
		all = append(all, fmt.Sprintf("type%d", i))
	}
	b.WriteString("definition hub {\n\trelation parent: " + strings.Join(all, " | ") + "\n")
	for i := range 100 {
		fmt.Fprintf(&b, "\tpermission view%d = parent->view\n", i)
	}
	return b.String() + "}\n"
}

func BenchmarkCompile(b *testing.B) {
	for _, w := range worlds {
		text := w.text(10_000)
		b.Run(w.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := schema.Compile(text, schema.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReaches(b *testing.B) {
	s, err := schema.Compile(plainWorld(10_000), schema.Options{})
	if err != nil {
		b.Fatal(err)
	}
	view := s.Relation("doc9999", "view")
	for _, subject := range []struct{ name, typ, relation string }{
		{"type", "user", ""}, {"other", "doc0", ""}, {"userset", "group", "member"},
	} {
		b.Run(subject.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				view.Reaches(subject.typ, subject.relation)
			}
		})
	}
}

func BenchmarkCanonical(b *testing.B) {
	s, err := schema.Compile(plainWorld(10_000), schema.Options{Caveats: caveats})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s.Canonical()
	}
}
