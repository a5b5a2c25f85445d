package syntax

import "strings"

// scanCEL passes the body of a caveat up to, not including, the brace that
// closes it, or the end of the text. It knows as much of CEL as is needed not
// to mistake a brace in a string or comment for one of the body's.
//
// The body is as written, except that a lone carriage return outside a string
// becomes a newline: it is one in a schema, but would not end a comment in CEL.
func (s *scanner) scanCEL() token {
	t := token{kind: tCEL, pos: s.pos}
	var lone []int // offsets of lone carriage returns
	depth := 0
	s.long = false
loop:
	for !s.eof() {
		switch c := s.src[s.pos.Offset]; {
		case c == '{':
			depth++
			s.skip(1)
		case c == '}':
			if depth == 0 {
				break loop
			}
			depth--
			s.skip(1)
		case c == '\r' && !s.has("\r\n"):
			lone = append(lone, s.pos.Offset-t.pos.Offset)
			s.skip(1)
		case s.has("//"):
			for !s.eof() && s.src[s.pos.Offset] != '\n' && s.src[s.pos.Offset] != '\r' {
				s.pos.step(s.src)
			}
		case c == '"' || c == '\'':
			s.celString(false)
		case c == '`':
			s.celEscapedName()
		case isWordChar(s.char()):
			s.celWord()
		default:
			s.pos.step(s.src)
		}
	}
	t.text, t.verbatim = s.src[t.pos.Offset:s.pos.Offset], s.long
	if len(lone) > 0 {
		body := []byte(t.text)
		for _, at := range lone {
			body[at] = '\n'
		}
		t.text = string(body)
	}
	s.last, s.lastLine, s.blank = tCEL, s.pos.Line, false
	return t
}

// giveUp ends the body of a caveat that is never closed before the first line
// that begins a definition or caveat, so that what follows is read.
func (s *scanner) giveUp(body *token) {
	at := len(body.text)
	for _, word := range []string{wordDefinition, wordCaveat} {
		if n := strings.Index(body.text, "\n"+word+" "); n >= 0 {
			at = min(at, n)
		}
	}
	s.pos = body.pos.After(body.text[:at])
	body.text = body.text[:at]
	s.last, s.lastLine, s.blank = tCEL, s.pos.Line, false
}

// celWord passes a word, and the string it is the prefix of if there is one.
func (s *scanner) celWord() {
	start := s.pos.Offset
	s.word()
	word := strings.ToLower(s.src[start:s.pos.Offset])
	if s.eof() || s.src[s.pos.Offset] != '"' && s.src[s.pos.Offset] != '\'' {
		return
	}
	switch word {
	case "r", "br":
		s.celString(true)
	case "b":
		s.celString(false)
	}
}

// celString passes a string literal of CEL: in single or triple quotes of
// either kind, with escapes unless it is raw.
func (s *scanner) celString(raw bool) {
	start := s.pos
	quote := s.src[s.pos.Offset : s.pos.Offset+1]
	if triple := strings.Repeat(quote, 3); s.has(triple) {
		quote = triple
	}
	s.skip(len(quote))
	for !s.eof() {
		switch c := s.src[s.pos.Offset]; {
		case s.has(quote):
			s.skip(len(quote))
			return
		case c == '\\' && !raw && s.pos.Offset+1 < len(s.src):
			s.pos.step(s.src)
			if !s.has("\n") && !s.has("\r") {
				s.pos.step(s.src)
			}
		case (c == '\n' || c == '\r') && len(quote) == 1:
			s.report(start, "this string is not closed on its line")
			return
		case c == '\n' || c == '\r':
			s.long = true
			s.pos.step(s.src)
		default:
			s.pos.step(s.src)
		}
	}
	s.report(start, "this string is not closed")
}

// celEscapedName passes a name in backquotes, which may hold slashes.
func (s *scanner) celEscapedName() {
	rest := s.src[s.pos.Offset+1:]
	if n := strings.IndexAny(rest, "`\r\n"); n >= 0 && rest[n] == '`' {
		s.skip(1 + n)
	}
	s.skip(1)
}
