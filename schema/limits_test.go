package schema_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/schema/syntax"
)

func compileErrors(t *testing.T, text string) syntax.ErrorList {
	t.Helper()
	s, err := schema.Compile(text, schema.Options{})
	var list syntax.ErrorList
	if s != nil || !errors.As(err, &list) {
		t.Fatalf("compiled to %v, error %v", s, err)
	}
	return list
}

// TestThousandErrors reports each of 1,000 faults, in order, with its line.
func TestThousandErrors(t *testing.T) {
	var b strings.Builder
	b.WriteString("definition user {}\ndefinition document {\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "\trelation rel%d: usre%d\n", i, i)
	}
	list := compileErrors(t, b.String()+"}\n")
	if len(list) != 1000 {
		t.Fatalf("%d errors", len(list))
	}
	for i, e := range list {
		if e.Pos.Line != i+3 || e.Source != fmt.Sprintf("\trelation rel%d: usre%d", i, i) || e.Kind != syntax.TypeError {
			t.Fatalf("error %d is %v of %q", i, e, e.Source)
		}
	}
}

// TestTooManyErrors says so instead of dropping the rest silently.
func TestTooManyErrors(t *testing.T) {
	text := "definition document {\n" + strings.Repeat("\tpermission view = a1b & c2d\n", syntax.MaxErrors) + "}\n"
	found := false
	for _, e := range compileErrors(t, text) {
		found = found || strings.Contains(e.Msg, "the rest is not shown")
	}
	if !found {
		t.Error("nothing says that errors are missing")
	}
}

// TestBombs refuses or compiles, fast, what multiplies.
func TestBombs(t *testing.T) {
	var members, definitions, arrows strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&members, "\trelation rel%d: user\n", i)
		fmt.Fprintf(&definitions, "definition def%d { ...all; }\n", i)
	}
	var types []string
	for i := range 5000 {
		types = append(types, fmt.Sprintf("type%d", i))
		fmt.Fprintf(&arrows, "definition type%d {}\n", i)
	}
	arrows.WriteString("definition hub {\n\trelation parent: " + strings.Join(types, "|") + "\n")
	for i := range 5000 {
		fmt.Fprintf(&arrows, "\tpermission perm%d = parent->view%d\n", i, i)
	}
	for name, text := range map[string]string{
		"more than 500000 members": "use partial\npartial all {\n" + members.String() + "}\ndefinition user {}\n" + definitions.String(),
		"more than 4000000 types":  arrows.String() + "}\n",
		"spread twice":             nestedPartials(60),
		"at most 1000 are allowed": "caveat many(par" + strings.Repeat(" int, par", 1000) + " int) {\n\tpar == 1\n}\n",
		"the name of a permission": "definition document {\n\tpermission " + strings.Repeat("x", 1<<20) + " = nil\n}\n",
	} {
		found := false
		for _, e := range compileErrors(t, text) {
			found = found || strings.Contains(e.Msg, name)
		}
		if !found {
			t.Errorf("no error says %q", name)
		}
	}
}

// nestedPartials doubles its members at each level.
func nestedPartials(levels int) string {
	var b strings.Builder
	b.WriteString("use partial\npartial part0 {}\n")
	for i := range levels {
		fmt.Fprintf(&b, "partial part%d {\n\t...part%d\n\t...part%d\n}\n", i+1, i, i)
	}
	return b.String()
}

// TestDeepExpressions compiles the deepest expressions that the parser takes.
func TestDeepExpressions(t *testing.T) {
	nested := "owner"
	for i := range syntax.MaxParens {
		nested = "(owner " + []string{"+", "&", "-"}[i%3] + " " + nested + ")"
	}
	for _, expr := range []string{
		nested,
		"owner" + strings.Repeat(" - owner", syntax.MaxOperands-1),
		"owner" + strings.Repeat(" + owner", syntax.MaxOperands-1),
	} {
		s, err := schema.Compile("definition user {}\ndefinition document {\n\trelation owner: user\n\tpermission view = "+expr+"\n}\n", schema.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.Canonical()
	}
}

// TestWorlds compiles what the benchmarks compile, at a tenth of its size.
func TestWorlds(t *testing.T) {
	for _, w := range worlds {
		if _, err := schema.Compile(w.text(1000), schema.Options{}); err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
	}
}

// TestReachOfChain holds exact reach over many types: each type of the chain
// can be in its own set and in every later one.
func TestReachOfChain(t *testing.T) {
	s, err := schema.Compile(chainWorld(1500), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 1, 511, 512, 1023, 1024, 1499} {
		holder := s.Relation(fmt.Sprint("type", i), "holder")
		for j := range 1500 {
			name := fmt.Sprint("type", j)
			if got := holder.Reaches(name, ""); got != (j <= i) {
				t.Fatalf("%s reaches %s: %v", name, holder, got)
			}
			if got := holder.Reaches(name, "holder"); got != (j <= i) {
				t.Fatalf("%s#holder reaches %s: %v", name, holder, got)
			}
		}
	}
}

// TestReachesTogether asks for usersets at the same time.
func TestReachesTogether(t *testing.T) {
	s, err := schema.Compile(ringWorld(300), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for _, r := range s.Relations() {
				if !r.Reaches("type7", "holder") || r.Reaches("type7", "nothing") || r.Reaches("nothing", "holder") {
					t.Errorf("%s: wrong reach", r)
				}
			}
		})
	}
	wait.Wait()
}

// TestReachesAllocatesNothing guards the question that every check asks.
func TestReachesAllocatesNothing(t *testing.T) {
	s, err := schema.Compile(plainWorld(100), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	view := s.Relation("doc99", "view")
	view.Reaches("group", "member")
	if n := testing.AllocsPerRun(100, func() {
		view.Reaches("user", "")
		view.Reaches("doc1", "")
		view.Reaches("group", "member")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestNoCompiler refuses caveats when there is nothing to compile them.
func TestNoCompiler(t *testing.T) {
	list := compileErrors(t, "caveat some(known bool) {\n\tknown\n}\n")
	if len(list) != 1 || list[0].Kind != syntax.ParseError {
		t.Errorf("errors %v", list)
	}
}

// TestEmptySchema accepts a text without declarations.
func TestEmptySchema(t *testing.T) {
	for _, text := range []string{"", "\n", "// nothing\n"} {
		s, err := schema.Compile(text, schema.Options{})
		if err != nil || s.Source() != text || s.Canonical() != "" || len(s.Types()) != 0 {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
}

// TestAllows holds that each allowed type allows itself and nothing near it.
func TestAllows(t *testing.T) {
	s, err := schema.Compile(`use expiration
definition user {}
definition group {
	relation member: user
}
definition document {
	relation viewer: user | user:* with some | group#member with expiration | group#member with some and expiration
	permission view = viewer
}
caveat some(known bool) {
	known
}`, schema.Options{Caveats: caveats})
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{}
	for _, a := range s.Relation("document", "viewer").Allowed {
		allowed[a.String()] = true
	}
	for _, typ := range []string{"user", "group", "robot"} {
		for _, relation := range []string{"", "member", "other"} {
			for mask := range 8 {
				wildcard, expiration := mask&1 != 0 && relation == "", mask&2 != 0
				name, with := "", []string{}
				text := typ + when(wildcard, ":*") + when(relation != "", "#"+relation)
				if mask&4 != 0 {
					name, with = "some", append(with, "some")
				}
				if expiration {
					with = append(with, "expiration")
				}
				if len(with) > 0 {
					text += " with " + strings.Join(with, " and ")
				}
				if got := s.Relation("document", "viewer").Allows(typ, relation, wildcard, name, expiration); got != allowed[text] {
					t.Errorf("allows %s: %v", text, got)
				}
				if s.Relation("document", "view").Allows(typ, relation, wildcard, name, expiration) {
					t.Errorf("a permission allows %s", text)
				}
			}
		}
	}
	if !s.Relation("document", "viewer").Allows("user", "...", false, "", false) {
		t.Error(`"..." is not the subject itself`)
	}
}

// FuzzCompile holds that no text makes the compiler panic, that faults come
// sorted and instead of a schema, and that what compiles prints as itself.
func FuzzCompile(f *testing.F) {
	for _, s := range schemas(f) {
		f.Add(s.Source())
	}
	paths, err := filepath.Glob("testdata/refused/*.zed")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := compile(map[string]string{"schema": text}, "schema")
		_ = outline(text)
		if err == nil {
			stable(t, s)
			return
		}
		list := err.(syntax.ErrorList)
		for i, e := range list {
			if s != nil || i > 0 && e.Pos.Offset < list[i-1].Pos.Offset {
				t.Fatalf("schema %v, errors not sorted: %v", s, list)
			}
		}
	})
}

// TestLongCaveat says once that the body of a caveat is too long.
func TestLongCaveat(t *testing.T) {
	text := `caveat same(word string) { word == "` + strings.Repeat("x", syntax.MaxCEL) + `" }`
	_, err := schema.Compile(text, schema.Options{Caveats: caveats})
	var faults syntax.ErrorList
	if !errors.As(err, &faults) || len(faults) != 1 || !strings.Contains(faults[0].Msg, "at most 100000 are allowed") {
		t.Errorf("%v", err)
	}
}
