package syntax

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// Pos is a place in a source text. The zero Pos means "no place".
type Pos struct {
	Offset int // bytes from the start, from 0
	Line   int // from 1
	Column int // characters (not bytes) from 1; a tab counts as one
}

// IsValid reports whether p names a place.
func (p Pos) IsValid() bool { return p.Line > 0 }

func (p Pos) String() string {
	if !p.IsValid() {
		return "-"
	}
	return fmt.Sprintf("line %d, column %d", p.Line, p.Column)
}

// Kind tells the two families of schema errors apart; the API gives them
// different codes and reasons.
type Kind uint8

const (
	ParseError Kind = iota // the text is not a schema: scanning, grammar, names, flags, partials, imports, caveat bodies
	TypeError              // the schema does not make sense: unknown names, wildcard rules, cycles, annotations, constraints
)

// Error is one fault of a schema text.
type Error struct {
	Pos    Pos
	Kind   Kind
	Msg    string // what is wrong, and what would be right; no final period
	Source string // the source line at Pos, without its newline; may be empty

	// Code names the rule, for programs: UnknownName, of a warning its name; "" for
	// all else.
	Code string
	// Fix is a word that may stand at Pos in the place of the one that does; "" when
	// there is none that is near.
	Fix string
}

// UnknownName is the Code of errors about names that nothing declares.
const UnknownName = "unknown-name"

// Error returns "line L, column C: message".
func (e *Error) Error() string {
	if !e.Pos.IsValid() {
		return e.Msg
	}
	return e.Pos.String() + ": " + e.Msg
}

// ErrorList is all the faults found in one run, sorted by position.
type ErrorList []*Error

// Error returns one line an error.
func (l ErrorList) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Sort orders the list by position, then message, and drops repetitions.
func (l *ErrorList) Sort() {
	s := *l
	sort.SliceStable(s, func(i, j int) bool {
		if s[i].Pos.Offset != s[j].Pos.Offset {
			return s[i].Pos.Offset < s[j].Pos.Offset
		}
		return s[i].Msg < s[j].Msg
	})
	out := s[:0]
	for i, e := range s {
		if i == 0 || e.Pos != s[i-1].Pos || e.Msg != s[i-1].Msg {
			out = append(out, e)
		}
	}
	*l = out
}

// Err returns the list as an error, nil when it is empty.
func (l ErrorList) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// After gives the place that is reached by reading text from p. A carriage
// return, a newline, and the two together each end a line.
func (p Pos) After(text string) Pos {
	q := Pos{Line: p.Line, Column: p.Column}
	for q.Offset < len(text) {
		q.step(text)
	}
	q.Offset += p.Offset
	return q
}

// step moves p over the character of src at p.
func (p *Pos) step(src string) {
	switch c := src[p.Offset]; {
	case c == '\n' && p.Offset > 0 && src[p.Offset-1] == '\r':
		p.Offset++ // the line was counted at the carriage return
	case c == '\n' || c == '\r':
		p.Offset++
		p.Line++
		p.Column = 1
	case c < utf8.RuneSelf:
		p.Offset++
		p.Column++
	default:
		_, n := utf8.DecodeRuneInString(src[p.Offset:])
		p.Offset += n
		p.Column++
	}
}

// maxSource is how many bytes of a line an error shows at most.
const maxSource = 400

// SourceLine gives the line of src at p, without its newline, for
// [Error.Source]. Of a line that is too long to show (400 bytes), it gives what
// begins at p.
func SourceLine(src string, p Pos) string {
	if !p.IsValid() || p.Offset > len(src) {
		return ""
	}
	before := src[max(0, p.Offset-maxSource):p.Offset]
	from := strings.LastIndexAny(before, "\r\n")
	start := p.Offset - len(before) + from + 1
	rest := src[p.Offset:min(len(src), p.Offset+maxSource)]
	end := strings.IndexAny(rest, "\r\n")
	if end < 0 {
		end = len(rest)
	}
	if from < 0 && len(before) == maxSource || p.Offset-start+end > maxSource {
		start = p.Offset
	}
	return strings.ToValidUTF8(src[start:p.Offset+end], "")
}
