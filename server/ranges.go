package server

import (
	"unicode/utf8"

	"github.com/pemba-authz/pemba/schema/syntax"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
)

// ranges gives places of one text as browsers count them. It is for one
// goroutine.
type ranges struct {
	text  string
	units []int // before each markEvery bytes, in UTF-16 code units
}

const markEvery = 1 << 10 // bytes

// newRanges makes the ranges of a text.
func newRanges(text string) *ranges {
	r := &ranges{text: text, units: []int{0}}
	n := 0
	for i, c := range text {
		for i >= len(r.units)*markEvery {
			r.units = append(r.units, n)
		}
		n += unitsOf(c)
	}
	return r
}

// unitsOf returns how many UTF-16 code units a character has.
func unitsOf(c rune) int {
	if c > 0xFFFF {
		return 2
	}
	return 1
}

// offset returns a place, which must not be inside a character, in code units.
func (r *ranges) offset(at int) uint32 {
	mark := min(at/markEvery, len(r.units)-1)
	n := r.units[mark]
	from := mark * markEvery
	for from > 0 && from < len(r.text) && !utf8.RuneStart(r.text[from]) { // the mark counts it
		from++
	}
	for _, c := range r.text[min(from, at):at] {
		n += unitsOf(c)
	}
	return uint32(n)
}

// between returns the range from one place to another.
func (r *ranges) between(from, to syntax.Pos) *consolev1.Range {
	if !from.IsValid() || from.Offset > len(r.text) {
		return nil
	}
	if !to.IsValid() || to.Offset < from.Offset || to.Offset > len(r.text) {
		to = from
	}
	return &consolev1.Range{
		StartLine: uint32(from.Line), StartColumn: uint32(from.Column), EndLine: uint32(to.Line), EndColumn: uint32(to.Column),
		From: r.offset(from.Offset), To: r.offset(to.Offset),
	}
}

// word returns the range of the name or sign at a place; of the end of a line it
// is empty.
func (r *ranges) word(from syntax.Pos) *consolev1.Range {
	if !from.IsValid() || from.Offset > len(r.text) {
		return nil
	}
	return r.between(from, from.After(wordOf(r.text[from.Offset:])))
}

// wordOf returns the name that a text begins with, else its first character, but
// not the end of a line.
func wordOf(text string) string {
	n := 0
	for n < len(text) && isWordByte(text[n]) {
		n++
	}
	if n > 0 {
		return text[:n]
	}
	if text == "" || text[0] == '\n' || text[0] == '\r' {
		return ""
	}
	_, size := utf8.DecodeRuneInString(text)
	return text[:size]
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '/'
}
