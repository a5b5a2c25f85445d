package schema_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// caveats is shared by the tests: its environment is slow to make.
var caveats = caveat.New()

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// TestGolden runs the archives of testdata. One with "schema" is compiled,
// with the other *.zed files as what it may import; one with "old" and "new"
// is compared. The remaining sections are what is expected.
func TestGolden(t *testing.T) {
	for _, path := range archives(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			golden(t, path)
		})
	}
}

func archives(t testing.TB) []string {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no archives in testdata", err)
	}
	return paths
}

func golden(t *testing.T, path string) {
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	for i, f := range a.Files {
		if f.Name == "schema" || f.Name == "old" || f.Name == "new" || strings.HasSuffix(f.Name, ".zed") {
			continue
		}
		section := sections[f.Name]
		if section == nil {
			t.Fatalf("unknown section %q", f.Name)
		}
		got := strings.TrimRight(section(t, files), "\n") + "\n"
		if *update {
			a.Files[i].Data = []byte(got)
		} else if got != string(f.Data) {
			t.Errorf("%s:\n%s\nwant:\n%s", f.Name, got, f.Data)
		}
	}
	if text := txtar.Format(a); *update {
		if old, _ := os.ReadFile(path); !bytes.Equal(old, text) {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// sections are what an archive may expect.
var sections = map[string]func(*testing.T, map[string]string) string{
	"canonical": func(t *testing.T, files map[string]string) string {
		return mustCompile(t, files, "schema").Canonical()
	},
	"warnings": func(t *testing.T, files map[string]string) string {
		return mustCompile(t, files, "schema").Warnings().Error()
	},
	"errors": func(t *testing.T, files map[string]string) string {
		s, err := compile(files, "schema")
		if err == nil || s != nil {
			t.Fatalf("compiled to %v, %v", s, err)
		}
		return err.Error()
	},
	"plans":   func(t *testing.T, files map[string]string) string { return plans(mustCompile(t, files, "schema")) },
	"edges":   func(t *testing.T, files map[string]string) string { return edges(mustCompile(t, files, "schema")) },
	"reaches": func(t *testing.T, files map[string]string) string { return reaches(mustCompile(t, files, "schema")) },
	"diff": func(t *testing.T, files map[string]string) string {
		var b strings.Builder
		for _, c := range schema.Diff(mustCompile(t, files, "old"), mustCompile(t, files, "new")) {
			fmt.Fprintln(&b, c)
		}
		return b.String()
	},
	"lenient diff": func(t *testing.T, files map[string]string) string {
		lenient, err := schema.Compile(files["new"], schema.Options{Caveats: caveats, Lenient: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := compile(files, "new"); err == nil {
			t.Fatal("the new schema is sound: the lenient way proves nothing")
		}
		var b strings.Builder
		for _, c := range schema.Diff(mustCompile(t, files, "old"), lenient) {
			fmt.Fprintln(&b, c)
		}
		return b.String() + "\n" + lenient.Canonical()
	},
	"needs":   func(t *testing.T, files map[string]string) string { return needs(mustCompile(t, files, "schema")) },
	"outline": func(_ *testing.T, files map[string]string) string { return outline(files["schema"]) },
	"codes": func(t *testing.T, files map[string]string) string {
		_, err := compile(files, "schema")
		var b strings.Builder
		for _, e := range err.(syntax.ErrorList) {
			fmt.Fprintf(&b, "%d:%d %s %q\n", e.Pos.Line, e.Pos.Column, e.Code, e.Fix)
		}
		return b.String()
	},
	"compat": func(t *testing.T, files map[string]string) string {
		return demands(schema.Compat(mustCompile(t, files, "old"), mustCompile(t, files, "new")))
	},
}

// outline prints what a text declares, and where it stands.
func outline(text string) string {
	var b strings.Builder
	for _, s := range schema.Outline(text) {
		at := func(p syntax.Pos) string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }
		fmt.Fprintf(&b, "%s%s @%s %s-%s", when(s.Parent >= 0, "  "), s.Declaration, at(s.NamePos), at(s.Pos), at(s.End))
		for _, u := range s.Used {
			if !strings.HasPrefix(text[u.Offset:], s.Name) {
				fmt.Fprintf(&b, " NOT")
			}
			b.WriteString(" used " + at(u))
		}
		fmt.Fprintf(&b, "%s\n", when(s.Doc != "", fmt.Sprintf(" doc %q", s.Doc)))
	}
	return b.String()
}

func compile(files map[string]string, name string) (*schema.Schema, error) {
	o := schema.Options{Caveats: caveats}
	if len(files) > 1 {
		o.Import = func(path string) (string, error) {
			text, ok := files[path]
			if !ok {
				return "", os.ErrNotExist
			}
			return text, nil
		}
	}
	return schema.Compile(files[name], o)
}

func mustCompile(t testing.TB, files map[string]string, name string) *schema.Schema {
	t.Helper()
	s, err := compile(files, name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

// plans prints what the walk uses of every permission, and every mark.
func plans(s *schema.Schema) string {
	var b strings.Builder
	for _, r := range s.Relations() {
		var marks string
		if r.Recursive {
			marks += " recursive"
		}
		if r.Unstratified {
			marks += " unstratified"
		}
		switch {
		case r.IsPermission():
			fmt.Fprintf(&b, "%s = %s%s\n", r, schema.ExprString(r.Plan), marks)
		case marks != "":
			fmt.Fprintf(&b, "%s%s\n", r, marks)
		}
	}
	return b.String()
}

// edges prints the way up from each subject type and set. A question mark
// stands where a check is needed.
func edges(s *schema.Schema) string {
	var b strings.Builder
	for _, t := range s.Types() {
		for _, e := range s.Entries(t.Name) {
			fmt.Fprintf(&b, "%s enters %s as%s%s%s%s\n", t.Name, e.Relation,
				when(e.Plain, " plain"), when(e.Wildcard, " wildcard"), when(e.Self, " self"), when(e.Check, "?"))
		}
	}
	for _, r := range s.Relations() {
		for _, e := range r.Up {
			fmt.Fprintf(&b, "%s -> %s%s", r, e.To, when(e.Check, "?"))
			switch e.Kind {
			case schema.Userset:
				b.WriteString(" userset")
			case schema.Arrow:
				fmt.Fprintf(&b, " over %s", e.Via)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// reaches prints which subjects can be in each set.
func reaches(s *schema.Schema) string {
	var b strings.Builder
	for _, r := range s.Relations() {
		var subjects []string
		for _, t := range s.Types() {
			if r.Reaches(t.Name, "") {
				subjects = append(subjects, t.Name)
			}
			for _, u := range t.Members {
				if u != r && r.Reaches(t.Name, u.Name) {
					subjects = append(subjects, u.String())
				}
			}
		}
		fmt.Fprintf(&b, "%s: %s\n", r, strings.Join(subjects, " "))
	}
	return b.String()
}

// needs prints what each set depends on and what depends on it, and on
// subjects of each type.
func needs(s *schema.Schema) string {
	var b strings.Builder
	line := func(what, how string, of []*schema.Relation) {
		fmt.Fprintf(&b, "%s %s", what, how)
		for _, r := range of {
			b.WriteString(" " + r.String())
		}
		b.WriteString("\n")
	}
	for _, t := range s.Types() {
		line(t.Name, "is needed by", s.NeededByType(t))
		for _, r := range t.Members {
			line(r.String(), "needs", s.Needs(r))
			line(r.String(), "is needed by", s.NeededBy(r))
		}
	}
	return b.String()
}

func demands(d schema.Demands) string {
	var b strings.Builder
	for _, x := range d.Absent {
		fmt.Fprintf(&b, "absent %s#%s@%s%s%s%s%s: %s\n", x.Type, x.Relation, x.SubjectType, when(x.Wildcard, ":*"),
			when(x.SubjectRelation != "", "#"+x.SubjectRelation), when(x.Caveat != "", "["+x.Caveat+"]"), when(x.Expiration, "[expiration]"), x.Reason)
	}
	for _, x := range d.Unused {
		fmt.Fprintf(&b, "unused %s: %s\n", x.Caveat, x.Reason)
	}
	for _, x := range d.Judged {
		fmt.Fprintf(&b, "judged %s\n", x)
	}
	if d.None() {
		b.WriteString("none\n")
	}
	return b.String()
}

func when(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}

// schemas gives every schema in testdata that compiles, by name.
func schemas(t testing.TB) map[string]*schema.Schema {
	out := map[string]*schema.Schema{}
	for _, path := range archives(t) {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		for _, f := range a.Files {
			files[f.Name] = string(f.Data)
		}
		for name := range files {
			if s, err := compile(files, name); err == nil && slices.Contains([]string{"schema", "old", "new"}, name) {
				out[filepath.Base(path)+"/"+name] = s
			}
		}
	}
	return out
}
