package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Parse reads a schema text. It gives the tree of everything it could read,
// never nil, and all faults sorted by position, each of kind [ParseError]; the
// list is empty when the text is a schema. The tree of a text with faults may
// lack declarations and members, and an Expr or TypeRef in it may be nil.
func Parse(src string) (*File, ErrorList) {
	p := newParser(src)
	p.parse()
	p.errs.Sort()
	return p.file, p.errs
}

// parser builds the tree by recursive descent. Its methods carry the names of
// the grammar's rules and give false when they could not go on; the caller at
// the level of members or declarations then skips to where the next one begins.
type parser struct {
	scanner scanner
	src     string
	tok     token // the current token
	end     Pos   // where the token before it ends
	goesOn  bool  // that token needs another one after it
	file    *File
	errs    ErrorList

	used    map[string]bool // flags in force
	sealed  bool            // a definition or caveat was seen: no "use" any more
	skips   bool            // skipping after a fault: say nothing
	broken  bool            // the member before was given up
	parens  int             // open parentheses around the current token
	operand int             // operands of the current permission so far

	record bool
	tokens []token // every token, when record is set
}

func newParser(src string) *parser {
	p := &parser{src: src, file: &File{}, used: map[string]bool{}}
	p.scanner = newScanner(src, p.errorAt)
	return p
}

func (p *parser) parse() {
	start := Pos{Line: 1, Column: 1}
	if len(p.src) > MaxText {
		p.errorf(start, "the text is too long: it has %d bytes, at most %d are allowed", len(p.src), MaxText)
		return
	}
	if n := validPrefix(p.src); n < len(p.src) {
		p.errorf(start.After(p.src[:n]), "the text is not UTF-8: it has the byte 0x%02x here", p.src[n])
		return
	}
	p.next()
	for p.tok.kind != tEOF {
		p.declaration()
	}
	p.file.Comments = p.scanner.comments
}

// validPrefix is the number of bytes of src before the first that is not UTF-8.
func validPrefix(src string) int {
	for i, r := range src {
		if r != utf8.RuneError {
			continue
		}
		if _, n := utf8.DecodeRuneInString(src[i:]); n == 1 {
			return i
		}
	}
	return len(src)
}

// errorAt reports a fault, and stops the run when there were too many.
func (p *parser) errorAt(pos Pos, msg string) {
	if p.skips || len(p.errs) > MaxErrors {
		return
	}
	if len(p.errs) == MaxErrors {
		msg = fmt.Sprintf("too many errors: reading stops here, after %d", MaxErrors)
		p.scanner.stop()
	}
	p.errs = append(p.errs, &Error{Pos: pos, Kind: ParseError, Msg: msg, Source: SourceLine(p.src, pos)})
}

func (p *parser) errorf(pos Pos, format string, args ...any) {
	p.errorAt(pos, fmt.Sprintf(format, args...))
}

// fix says of the error just reported at pos that a name is unknown, and which
// word may stand there.
func (p *parser) fix(pos Pos, word string) {
	if n := len(p.errs); n > 0 && p.errs[n-1].Pos == pos {
		p.errs[n-1].Code, p.errs[n-1].Fix = UnknownName, word
	}
}

// next goes to the next token.
func (p *parser) next() {
	p.end = p.scanner.pos
	switch p.tok.kind {
	case tEOF, tNewline, tLBrace, tSemicolon:
		p.goesOn = false
	default:
		p.goesOn = !p.tok.kind.endsMember()
	}
	p.tok = p.scanner.next()
	if p.record {
		p.tokens = append(p.tokens, p.tok)
	}
}

// expected reports that the current token is not what the grammar wants. What
// the scanner could not read was reported already.
func (p *parser) expected(what string) bool {
	switch {
	case p.tok.kind == tIllegal:
	case p.brokenOff():
		p.errorf(p.end, "expected %s, but nothing follows", what)
	default:
		p.errorf(p.tok.pos, "expected %s, found %s", what, p.found())
	}
	return false
}

// brokenOff reports whether the token before must go on, but the current one
// begins or ends something on a later line.
func (p *parser) brokenOff() bool {
	return p.tok.first && p.goesOn && (p.tok.kind == tRBrace || p.startsMember() || p.startsDeclaration())
}

// found names the current token for an error message.
func (p *parser) found() string {
	switch word := p.tok.text; {
	case p.tok.kind != tWord || !p.reserved(word):
		return p.tok.describe()
	case reservedWords[word]:
		return "the reserved word " + Quote(word)
	default:
		return fmt.Sprintf("%q, which is reserved under %q", word, "use "+flagOf(word))
	}
}

// take passes a token of one kind; what names it for the error.
func (p *parser) take(kind tokenKind, what string) bool {
	if p.tok.kind != kind {
		return p.expected(what)
	}
	p.next()
	return true
}

// accept passes the current token if it is of this kind.
func (p *parser) accept(kind tokenKind) bool {
	if p.tok.kind != kind {
		return false
	}
	p.next()
	return true
}

// reserved reports whether word is reserved here.
func (p *parser) reserved(word string) bool {
	return reservedWords[word] || p.used[flagOf(word)]
}

// at reports whether the current token is this reserved word.
func (p *parser) at(word string) bool {
	return p.tok.kind == tWord && p.tok.text == word && p.reserved(word)
}

// name passes a word that is not reserved; what names it for the error.
func (p *parser) name(what string) (Ident, bool) {
	id := Ident{Pos: p.tok.pos, Name: p.tok.text}
	if p.tok.kind != tWord || p.reserved(p.tok.text) {
		return id, p.expected(what)
	}
	p.next()
	return id, true
}

// path passes names joined by slashes and joins them.
func (p *parser) path(what string) (Ident, bool) {
	id, ok := p.name(what)
	if p.tok.kind != tSlash {
		return id, ok
	}
	parts := []string{id.Name}
	for ok && p.accept(tSlash) {
		var part Ident
		part, ok = p.name("the next part of " + what)
		parts = append(parts, part.Name)
	}
	id.Name = strings.Join(parts, "/")
	return id, ok
}

// check reports the fault of a name, if there is one.
func (p *parser) check(id Ident, what, fault string) {
	if fault != "" {
		p.errorf(id.Pos, "%s %s %s", what, Quote(id.Name), fault)
	}
}

// skip passes tokens in silence until one of them satisfies stop outside of
// braces that were opened on the way.
func (p *parser) skip(stop func() bool) {
	p.skips = true
	defer func() { p.skips = false }()
	for depth := 0; p.tok.kind != tEOF; p.next() {
		if depth == 0 && stop() || p.startsDeclaration() && reservedWords[p.tok.text] {
			return
		}
		switch p.tok.kind {
		case tLBrace:
			depth++
		case tRBrace:
			depth = max(0, depth-1)
		}
	}
}
