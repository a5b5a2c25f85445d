package syntax

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanner cuts a text into tokens on demand: it never reads past the token it
// gave, so that the parser can hand the body of a caveat to scanCEL. The text
// is valid UTF-8.
type scanner struct {
	src      string
	pos      Pos
	last     tokenKind // the kind of the token given last
	lastLine int       // the line on which that token ends
	blank    bool      // only white space so far on this line
	comments []*Comment
	long     bool // the last caveat body has a string literal over several lines
	stopped  bool
	report   func(Pos, string)
}

func newScanner(src string, report func(Pos, string)) scanner {
	return scanner{src: src, pos: Pos{Line: 1, Column: 1}, blank: true, report: report}
}

// stop makes every further token tEOF.
func (s *scanner) stop() { s.stopped = true }

func (s *scanner) eof() bool { return s.stopped || s.pos.Offset >= len(s.src) }

// has reports whether the rest of the text starts with prefix.
func (s *scanner) has(prefix string) bool {
	return strings.HasPrefix(s.src[s.pos.Offset:], prefix)
}

func (s *scanner) char() rune {
	r, _ := utf8.DecodeRuneInString(s.src[s.pos.Offset:])
	return r
}

func (s *scanner) skip(bytes int) {
	for end := s.pos.Offset + bytes; s.pos.Offset < end; {
		s.pos.step(s.src)
	}
}

// next gives the next token.
func (s *scanner) next() token {
	before := len(s.comments)
	newline := s.space()
	t := token{kind: tNewline, pos: s.pos, comments: s.comments[before:len(s.comments):len(s.comments)]}
	if !newline {
		t.first = s.pos.Line > s.lastLine
		t.kind = s.token()
		t.text = s.src[t.pos.Offset:s.pos.Offset]
	}
	s.last, s.lastLine = t.kind, s.pos.Line
	if newline {
		s.lastLine = 0
	} else {
		s.blank = false
	}
	return t
}

// space passes white space and comments. It stops at the first newline that
// is a token, and reports whether it did; that newline is passed by the next
// call.
func (s *scanner) space() (newline bool) {
	for !s.eof() {
		switch c := s.src[s.pos.Offset]; {
		case c == '\n' || c == '\r':
			if s.last.endsMember() {
				return true
			}
			s.pos.step(s.src)
			s.blank = true
		case c == ' ' || c == '\t', c == ';' && s.nothingOpen():
			s.pos.step(s.src)
		case s.has("//") || s.has("/*"):
			s.comment()
		default:
			return false
		}
	}
	return false
}

// nothingOpen reports whether no declaration or member is there to be ended, so
// that a semicolon is white space.
func (s *scanner) nothingOpen() bool {
	switch s.last {
	case tEOF, tNewline, tSemicolon, tLBrace:
		return true
	}
	return false
}

func (s *scanner) comment() {
	c := &Comment{Pos: s.pos, Own: s.blank}
	rest := s.src[s.pos.Offset:]
	n := 0
	if rest[1] == '/' {
		n = strings.IndexAny(rest, "\r\n")
	} else if n = strings.Index(rest[2:], "*/"); n >= 0 {
		n += len("/**/")
	} else {
		s.report(s.pos, "this comment is not closed: */ is missing")
	}
	if n < 0 {
		n = len(rest)
	}
	c.Text = rest[:n]
	s.skip(n)
	s.blank = false
	s.comments = append(s.comments, c)
}

// token passes one token and gives its kind.
func (s *scanner) token() tokenKind {
	if s.eof() {
		return tEOF
	}
	switch r := s.char(); {
	case isWordChar(r):
		s.word()
		return tWord
	case r == '"' || r == '\'':
		return s.quoted(byte(r))
	case s.has("->"):
		s.skip(len("->"))
		return tArrow
	case s.has("..."):
		s.skip(len("..."))
		return tEllipsis
	case r < utf8.RuneSelf && punctuation[r] != tEOF:
		s.skip(1)
		return punctuation[r]
	}
	return s.illegal()
}

func (s *scanner) word() {
	for !s.eof() && isWordChar(s.char()) {
		s.pos.step(s.src)
	}
}

// quoted passes a string literal, which ends on its line and knows no escapes.
func (s *scanner) quoted(quote byte) tokenKind {
	rest := s.src[s.pos.Offset:]
	n := strings.IndexAny(rest[1:], string(quote)+"\r\n")
	if n < 0 || rest[1+n] != quote {
		s.report(s.pos, "this string is not closed on its line")
		if n < 0 {
			n = len(rest) - 1
		}
		s.skip(1 + n)
		return tIllegal
	}
	s.skip(1 + n + 1)
	return tString
}

// illegal reports a run of characters that no token has, once for the run.
func (s *scanner) illegal() tokenKind {
	start, r := s.pos, s.char()
	for !s.eof() && isIllegal(s.char()) {
		s.pos.step(s.src)
	}
	shown := Quote(s.src[start.Offset:s.pos.Offset])
	if !unicode.IsPrint(r) {
		shown = fmt.Sprintf("%U", r)
	}
	s.report(start, "unexpected character "+shown)
	return tIllegal
}

func isWordChar(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

func isIllegal(r rune) bool {
	switch r {
	case ' ', '\t', '\r', '\n', '"', '\'':
		return false
	}
	return !isWordChar(r) && (r >= utf8.RuneSelf || punctuation[r] == tEOF)
}
