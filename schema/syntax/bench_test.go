package syntax

import (
	"fmt"
	"strings"
	"testing"
)

// large is a schema of 10,000 definitions, about 2.5 MiB.
func large() string {
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, `// documents of kind %[1]d
definition tenant%[1]d/document {
	relation parent: tenant%[1]d/document // one above
	relation viewer: user | user:* | group#member with limit
	relation editor: user | group#member

	/* who may read */
	permission view = (viewer + editor + parent->view) - banned
	permission edit = editor & parent.all(edit)
}

`, i)
	}
	return b.String()
}

func BenchmarkParse(b *testing.B) {
	src := large()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, errs := Parse(src); len(errs) > 0 {
			b.Fatal(errs)
		}
	}
}

func BenchmarkFormat(b *testing.B) {
	src := large()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Format(src); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseErrors reads a text in which every member is wrong.
func BenchmarkParseErrors(b *testing.B) {
	src := strings.ReplaceAll(large(), "relation", "relatoin")
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, errs := Parse(src); len(errs) < MaxErrors {
			b.Fatal(len(errs))
		}
	}
}

// BenchmarkNearest looks for the nearest of 10,000 names.
func BenchmarkNearest(b *testing.B) {
	known := make([]string, 10_000)
	for i := range known {
		known[i] = fmt.Sprintf("tenant%d/document", i)
	}
	for b.Loop() {
		Nearest("tennant77/document", known)
	}
}
