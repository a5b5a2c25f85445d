package syntax

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestPos(t *testing.T) {
	for _, c := range []struct {
		text string
		want Pos
	}{
		{"", Pos{Offset: 10, Line: 3, Column: 4}},
		{"ab", Pos{Offset: 12, Line: 3, Column: 6}},
		{"\té", Pos{Offset: 13, Line: 3, Column: 6}},
		{"a\nb", Pos{Offset: 13, Line: 4, Column: 2}},
		{"a\rb", Pos{Offset: 13, Line: 4, Column: 2}},
		{"a\r\nb", Pos{Offset: 14, Line: 4, Column: 2}},
		{"\n\r", Pos{Offset: 12, Line: 5, Column: 1}},
	} {
		if got := (Pos{Offset: 10, Line: 3, Column: 4}).After(c.text); got != c.want {
			t.Errorf("after %q: %+v, want %+v", c.text, got, c.want)
		}
	}
	if got := (Pos{}).String(); got != "-" {
		t.Errorf("no place prints as %q", got)
	}
}

func TestSourceLine(t *testing.T) {
	long := strings.Repeat("é", maxSource)
	for _, c := range []struct {
		src    string
		offset int
		want   string
	}{
		{"", 0, ""},
		{"one\ntwo\r\nthree", 0, "one"},
		{"one\ntwo\r\nthree", 5, "two"},
		{"one\ntwo\r\nthree", 7, "two"},
		{"one\ntwo\r\nthree", 14, "three"},
		{"one\r\rthree", 4, ""},
		{"one\n" + long + "x" + long, 4 + len(long), "x" + long[:maxSource-2]},
		{"xx" + long, 0, "xx" + long[:maxSource-2]},
	} {
		pos := Pos{Line: 1, Column: 1}.After(c.src[:c.offset])
		if got := SourceLine(c.src, pos); got != c.want {
			t.Errorf("line of %q at %d: %q, want %q", c.src, c.offset, got, c.want)
		}
	}
	if got := SourceLine("text", Pos{}); got != "" {
		t.Errorf("no place has the line %q", got)
	}
}

// TestNewlines: the three ways to end a line give one tree.
func TestNewlines(t *testing.T) {
	src := "use self\n\n// doc\ndefinition user {\n\trelation aaa: user // c\n\n\tpermission bbb = aaa +\n\t\taaa\n}\n\n" +
		"caveat limit(a string) {\n\ta == 'x' // comment\n\t&& a != \"}\"\n}\n"
	file, errs := Parse(src)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, newline := range []string{"\r", "\r\n"} {
		other := strings.ReplaceAll(src, "\n", newline)
		verify(t, other)
		got, errs := Parse(other)
		if len(errs) > 0 || dump(got, true) != dump(file, true) {
			t.Errorf("with newline %q: %v\n%s", newline, errs, dump(got, true))
		}
		if out, _ := Format(other); out != src {
			t.Errorf("with newline %q the layout is\n%q", newline, out)
		}
	}
	body := file.Decls[2].(*Caveat).Body
	lone, _ := Parse(strings.ReplaceAll(src, "\n", "\r"))
	if got := lone.Decls[2].(*Caveat).Body; got != body {
		t.Errorf("lone carriage returns give CEL %q, want %q", got, body)
	}
}

func TestLoneReturnInString(t *testing.T) {
	file, errs := Parse("caveat c(a string) {\ra == '''x\ry'''\r}")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if got, want := file.Decls[0].(*Caveat).Body, "\na == '''x\ry'''\n"; got != want {
		t.Errorf("CEL is %q, want %q", got, want)
	}
}

// TestBadText holds single faults that a text file cannot show well.
func TestBadText(t *testing.T) {
	deep := func(n int) string {
		return "definition user { permission all = " + strings.Repeat("(", n) + "aaa" + strings.Repeat(")", n) + " }"
	}
	nested := func(n int) string {
		return "caveat c(a " + strings.Repeat("list<", n) + "int" + strings.Repeat(">", n) + ") { a }"
	}
	operands := func(n int) string {
		return "definition user { permission all = aaa" + strings.Repeat(" + aaa", n-1) + " }"
	}
	cel := func(n int) string { return "caveat c(a int) {" + strings.Repeat("é", n) + "}" }
	huge := strings.Repeat("x", 1<<20)
	for _, c := range []struct{ name, src, want string }{
		{"latin-1", "definition user {}\n// caf\xe9", "line 2, column 7: the text is not UTF-8: it has the byte 0xe9 here"},
		{"latin-1 after é", "// é\xff", "line 1, column 5: the text is not UTF-8: it has the byte 0xff here"},
		{"cut rune", "// \xe2\x82", "line 1, column 4: the text is not UTF-8: it has the byte 0xe2 here"},
		{"replacement character", "// \ufffd", ""},
		{"byte order mark", "\ufeffdefinition user {}", "line 1, column 1: unexpected character U+FEFF"},
		{"zero byte", "\x00", "line 1, column 1: unexpected character U+0000"},
		{"no-break space", "definition\u00a0user {}", "line 1, column 11: unexpected character U+00A0"},
		{"open string at the end", "use import import 'x", "line 1, column 19: this string is not closed on its line"},
		{"illegal run", "$$§?? ", `line 1, column 1: unexpected character "$$§??"`},
		{"largest text", "//" + strings.Repeat("x", MaxText-2), ""},
		{"text too long", "//" + strings.Repeat("x", MaxText-1), "line 1, column 1: the text is too long: it has 4194305 bytes, at most 4194304 are allowed"},
		{"longest CEL", cel(MaxCEL), ""},
		{"CEL too long", cel(MaxCEL + 1), "line 1, column 18: the expression is too long: it has 100001 characters, at most 100000 are allowed"},
		{"deepest parentheses", deep(MaxParens), ""},
		{"too deep", deep(MaxParens + 1), "line 1, column 136: the expression is nested too deeply: at most 100 parentheses inside one another are allowed"},
		{"far too deep", deep(1 << 20), "line 1, column 136: the expression is nested too deeply: at most 100 parentheses inside one another are allowed"},
		{"deepest type", nested(MaxTypeNesting), ""},
		{"type too deep", nested(MaxTypeNesting + 1), "line 1, column 117: the type is nested too deeply: at most 20 arguments inside one another are allowed"},
		{"most operands", operands(MaxOperands), ""},
		{"too many operands", operands(MaxOperands + 1), "line 1, column 60036: the expression is too long: at most 10000 operands are allowed"},
		{"huge name", "definition " + huge + " {}", `line 1, column 12: the name of a definition "` + huge[:maxQuoted] + `"… is too long: it has 1048576 bytes, at most 128 are allowed`},
		{"huge path", "definition x" + strings.Repeat("/x", 1<<20) + " {}", `line 1, column 12: the name of a definition "x` + strings.Repeat("/x", maxQuoted/2)[:maxQuoted-1] + `"… is too long: it has 2097153 bytes, at most 128 are allowed`},
		{"huge reference", "definition user { relation aaa: " + huge + " }", ""},
	} {
		file, errs := Parse(c.src)
		got := errs.Error()
		if file == nil || got != c.want {
			t.Errorf("%s: got %.300q, want %.300q", c.name, got, c.want)
		}
		if err := errs.Err(); (err == nil) != (c.want == "") {
			t.Errorf("%s: Err gives %.300v", c.name, err)
		}
	}
}

// TestManyErrors: every fault of a text is reported, up to the limit.
func TestManyErrors(t *testing.T) {
	faulty := func(line string, n int) string {
		return "definition user {\n" + strings.Repeat(line+"\n", n) + "}"
	}
	for _, line := range []string{"relation: user", "$", "\"", "nonsense", "permission aaa = (bbb", "relation a: user"} {
		for _, n := range []int{1000, MaxErrors, MaxErrors + 1, 3 * MaxErrors} {
			_, errs := Parse(faulty(line, n))
			if want := min(n, MaxErrors+1); len(errs) != want {
				t.Errorf("%q %d times gives %d errors, want %d", line, n, len(errs), want)
				continue
			}
			last := errs[len(errs)-1].Msg
			if strings.HasPrefix(last, "too many errors") != (n > MaxErrors) {
				t.Errorf("%q %d times ends with %q", line, n, last)
			}
		}
	}
	// At file level, and where the last error is inside what the scanner passes.
	for _, line := range []string{"}\n", "/", "'", "caveat c(a b) { '", "use x\n"} {
		if _, errs := Parse(strings.Repeat(line, 3*MaxErrors)); len(errs) > MaxErrors+1 {
			t.Errorf("%q gives %d errors", line, len(errs))
		}
	}
}

func TestErrorList(t *testing.T) {
	at := func(offset int, msg string) *Error {
		return &Error{Pos: Pos{Offset: offset, Line: 1, Column: offset + 1}, Msg: msg}
	}
	list := ErrorList{at(3, "c"), at(1, "b"), at(1, "a"), at(3, "c"), at(1, "b")}
	list.Sort()
	if got, want := list.Error(), "line 1, column 2: a\nline 1, column 2: b\nline 1, column 4: c"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var target ErrorList
	if !errors.As(fmt.Errorf("schema: %w", list.Err()), &target) || len(target) != 3 {
		t.Errorf("the list is lost: %v", target)
	}
	if got := (&Error{Msg: "no place"}).Error(); got != "no place" {
		t.Errorf("an error without a place prints as %q", got)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"viewer", "editor", "owner", "view", "edit", "organization"}
	for _, c := range []struct{ name, want string }{
		{"viewr", "viewer"}, {"veiwer", "viewer"}, {"viewers", "viewer"}, {"viever", "viewer"},
		{"vie", "view"}, {"ed", ""}, {"edti", "edit"}, {"own", ""}, {"onwer", "owner"},
		{"organisation", "organization"}, {"orgnasation", "organization"}, {"something", ""},
		{"viewer", "view"}, {"", ""}, {strings.Repeat("viewer", 100), ""},
	} {
		if got := Nearest(c.name, known); got != c.want {
			t.Errorf("nearest to %q is %q, want %q", c.name, got, c.want)
		}
	}
	if got := Nearest("abd", []string{"abc", "abe"}); got != "abc" {
		t.Errorf("the first of equals is not given, but %q", got)
	}
	if got := Nearest("abc", []string{strings.Repeat("a", 1000)}); got != "" {
		t.Errorf("nearest is %q", got)
	}
}

func TestDistance(t *testing.T) {
	words := []string{"", "a", "ab", "ba", "abc", "acb", "abcd", "badc", "viewer"}
	for _, a := range words {
		for _, b := range words {
			d := distance(a, b, 10)
			if (d == 0) != (a == b) || d != distance(b, a, 10) || d < abs(len(a)-len(b)) || d > max(len(a), len(b)) {
				t.Errorf("distance of %q and %q is %d", a, b, d)
			}
			if near := distance(a, b, 1); (near <= 1) != (d <= 1) {
				t.Errorf("distance of %q and %q is %d, and %d within 1", a, b, d, near)
			}
		}
	}
}

// TestExprString: what a tree needs to be read back, and what it has.
func TestExprString(t *testing.T) {
	name := func(s string) Expr { return &Name{Ident{Name: s}} }
	op := func(x Expr, op byte, y Expr) Expr { return &Binary{X: x, Op: op, Y: y} }
	a, b, c := name("a"), name("b"), name("c")
	for _, x := range []struct {
		expr Expr
		want string
	}{
		{op(op(a, '+', b), '+', c), "a + b + c"},
		{op(a, '+', op(b, '+', c)), "a + (b + c)"},
		{op(op(a, '-', b), '-', c), "a - b - c"},
		{op(a, '-', op(b, '-', c)), "a - (b - c)"},
		{op(op(a, '-', b), '+', c), "(a - b) + c"},
		{op(a, '&', op(b, '-', c)), "a & (b - c)"},
		{op(op(a, '&', b), '-', op(b, '+', c)), "a & b - b + c"},
		{&Paren{X: op(&Paren{X: &Nil{}}, '+', &Self{})}, "((nil) + self)"},
		{op(&Arrow{Left: Ident{Name: "a"}, Right: Ident{Name: "b"}}, '&',
			op(&Arrow{Left: Ident{Name: "a"}, Op: ArrowAny, Right: Ident{Name: "b"}}, '+',
				&Arrow{Left: Ident{Name: "a"}, Op: ArrowAll, Right: Ident{Name: "b"}})), "a->b & a.any(b) + a.all(b)"},
	} {
		if got := ExprString(x.expr); got != x.want {
			t.Errorf("got %q, want %q", got, x.want)
		}
	}
}
