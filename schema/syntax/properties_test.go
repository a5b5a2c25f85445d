package syntax

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// verify checks what holds of every text, schema or not.
func verify(t *testing.T, src string) {
	t.Helper()
	file, errs := Parse(src)
	if file == nil {
		t.Fatal("no tree")
	}
	verifyErrors(t, src, errs)
	verifyPlaces(t, src)
	out, err := Format(src)
	if len(errs) > 0 {
		var list ErrorList
		if !errors.As(err, &list) || list.Error() != errs.Error() {
			t.Fatalf("Parse found\n%v\nbut Format said\n%v", errs, err)
		}
		return
	}
	verifyTree(t, src, file)
	if err != nil {
		t.Fatalf("Parse found nothing, but Format said\n%v", err)
	}
	again, errs := Parse(out)
	if len(errs) > 0 {
		t.Fatalf("the formatted text has errors:\n%v\n%s", errs, out)
	}
	if before, after := dump(file, false), dump(again, false); before != after {
		t.Fatalf("formatting changed the tree from\n%s\nto\n%s\nin\n%s", before, after, out)
	}
	if before, after := commentTexts(file), commentTexts(again); !slices.Equal(before, after) {
		t.Fatalf("formatting changed the comments from\n%q\nto\n%q\nin\n%s", before, after, out)
	}
	if twice, err := Format(out); err != nil || twice != out {
		t.Fatalf("formatting twice moves the text from\n%s\nto\n%s\n%v", out, twice, err)
	}
	verifyLayout(t, out)
}

// verifyErrors: sorted, of the right kind, inside the text, with their line.
func verifyErrors(t *testing.T, src string, errs ErrorList) {
	t.Helper()
	for i, e := range errs {
		if e.Kind != ParseError || e.Msg == "" || !e.Pos.IsValid() || e.Pos.Offset > len(src) {
			t.Errorf("malformed error %+v", e)
		}
		if i > 0 && errs[i-1].Pos.Offset > e.Pos.Offset {
			t.Errorf("%v is reported after %v", e, errs[i-1])
		}
		if utf8.ValidString(src) && !strings.Contains(src, e.Source) {
			t.Errorf("%v shows a line that is not in the text: %q", e, e.Source)
		}
	}
}

// verifyPlaces: each token stands where it says, by a second way of counting.
func verifyPlaces(t *testing.T, src string) {
	t.Helper()
	p := newParser(src)
	p.record = true
	p.parse()
	at := Pos{Line: 1, Column: 1}
	for _, tok := range p.tokens {
		// A newline of two bytes must not be cut in the middle.
		if tok.pos.Offset > 0 && strings.HasSuffix(src[:tok.pos.Offset], "\r") {
			at = Pos{Line: 1, Column: 1}.After(src[:tok.pos.Offset])
		} else {
			at = at.After(src[at.Offset:tok.pos.Offset])
		}
		if at != tok.pos {
			t.Fatalf("token %q says it is at %+v, but is at %+v", tok.text, tok.pos, at)
		}
		if tok.kind != tCEL && !strings.HasPrefix(src[tok.pos.Offset:], tok.text) {
			t.Fatalf("token %q is not at its offset %d", tok.text, tok.pos.Offset)
		}
	}
}

// verifyTree: each node of a text without faults says where it stands.
func verifyTree(t *testing.T, src string, f *File) {
	t.Helper()
	at := func(pos Pos, want string) {
		t.Helper()
		if !strings.HasPrefix(src[pos.Offset:], want) {
			t.Fatalf("no %q at %v of\n%s", want, pos, src)
		}
	}
	name := func(id Ident) {
		t.Helper()
		first, _, _ := strings.Cut(id.Name, "/")
		at(id.Pos, first)
	}
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *Use:
			at(d.Position(), wordUse)
			name(d.Flag)
		case *Import:
			at(d.Position(), wordImport)
			at(d.PathPos.After(src[d.PathPos.Offset:d.PathPos.Offset+1]), d.Path)
		case *Caveat:
			at(d.Position(), wordCaveat)
			name(d.Name)
			at(d.Close, "}")
			at(d.BodyPos, strings.SplitN(d.Body, "\n", 2)[0])
		case *Definition:
			at(d.Position(), map[bool]string{true: wordPartial, false: wordDefinition}[d.Partial])
			name(d.Name)
			at(d.Open, "{")
			at(d.Close, "}")
			for _, m := range d.Members {
				verifyMember(m, at, name)
			}
		}
	}
}

func verifyMember(member Member, at func(Pos, string), name func(Ident)) {
	switch m := member.(type) {
	case *Spread:
		at(m.Position(), "...")
		name(m.Name)
	case *Constraint:
		at(m.Position(), wordConstraint)
		name(m.Kind)
	case *Relation:
		at(m.Position(), wordRelation)
		for _, a := range m.Allowed {
			name(a.Type)
			if a.Relation != nil {
				name(*a.Relation)
			}
			if a.Caveat != nil {
				name(*a.Caveat)
			}
		}
	case *Permission:
		at(m.Position(), wordPermission)
		for _, typ := range m.Types {
			name(typ)
		}
		verifyExpr(m.Expr, at, name)
	}
}

func verifyExpr(expr Expr, at func(Pos, string), name func(Ident)) {
	switch x := expr.(type) {
	case *Binary:
		at(x.OpPos, string(rune(x.Op)))
		verifyExpr(x.X, at, name)
		verifyExpr(x.Y, at, name)
	case *Paren:
		at(x.Position(), "(")
		at(x.Close, ")")
		verifyExpr(x.X, at, name)
	case *Arrow:
		name(x.Right)
		name(Ident{Pos: x.Position(), Name: x.Left.Name})
	default:
		name(Ident{Pos: x.Position(), Name: ExprString(x)})
	}
}

// verifyLayout: the formatted text needs none of our freedoms.
func verifyLayout(t *testing.T, out string) {
	t.Helper()
	p := newParser(out)
	p.record = true
	p.parse()
	var before token
	for _, tok := range p.tokens {
		switch {
		case tok.kind == tNewline && before.kind == tEllipsis:
			t.Fatalf("line %d ends in ...\n%s", tok.pos.Line, out)
		case tok.kind == tRBrace && before.kind != tLBrace && !strings.HasPrefix(SourceLine(out, tok.pos), "}"):
			t.Fatalf("a member shares line %d with }\n%s", tok.pos.Line, out)
		case tok.kind.isOperator() || tok.kind == tLBrace || tok.kind == tRParen:
			line := out[strings.LastIndexByte(out[:tok.pos.Offset], '\n')+1 : tok.pos.Offset]
			if strings.TrimSpace(line) == "" {
				t.Fatalf("line %d begins with %s\n%s", tok.pos.Line, tok.text, out)
			}
		}
		before = tok
	}
}

func commentTexts(f *File) []string {
	texts := make([]string, len(f.Comments))
	for i, c := range f.Comments {
		texts[i] = loose(c.Text)
	}
	slices.Sort(texts)
	return texts
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"definition user {}",
		"use expiration\nuse self\n// a\ncaveat c(a list<int>, b map<any>) { a[0] == 1 && r'\\}' != \"}\" // }\n }\n",
		"definition doc/text { relation viewer: user:* | user#... with c and expiration; permission view: user | group = (viewer - nil) & viewer.all(member) }",
		"use partial\npartial base {\n\trelation a23: user#...\n}\ndefinition d23 { ...base; /* x */ }",
		"use constraint\nuse import\nimport 'x'\ndefinition d23 {\r\nconstraint one = at_most_one(owner)\r}",
		"caveat c(a list<int> // c\n, b int) {a /* \n */}//",
		"definition a23 { /* x\n * y */ relation b23: /*q\n*/ c23 | // r\n\n/* s */ d23 // t\n\n\n// u\n}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) < 2000 {
			verify(t, src)
		}
	})
}
