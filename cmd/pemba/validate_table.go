package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pemba-authz/pemba/engine"
)

// decisions are the words for answers in tables and on the command line.
var decisions = map[string]engine.State{"allow": engine.Yes, "deny": engine.No, "conditional": engine.Conditional}

// decision is the word for an answer.
func decision(s engine.State) string {
	switch s {
	case engine.Yes:
		return "allow"
	case engine.Conditional:
		return "conditional"
	}
	return "deny"
}

// describe is the word for an answer, with what it still needs.
func describe(a engine.Answer) string {
	if a.State == engine.Conditional && len(a.Missing) > 0 {
		return "conditional, it needs " + strings.Join(a.Missing, ", ")
	}
	return decision(a.State)
}

var tableColumns = []string{"resource", "permission", "subject", "expected"}

// readTable reads a decision table: CSV with a header line, one expected
// answer a line. Other columns are the author's own.
func (s *suite) readTable(data []byte) {
	if at := invalidUTF8(data); at > 0 {
		s.fail(place{s.file, at, 0}, "not UTF-8 text: save the table as UTF-8")
		return
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		s.fail(place{s.file, 1, 0}, "the table is empty: the first line names the columns: %s", strings.Join(tableColumns, ","))
		return
	}
	if err != nil {
		s.csvFault(err)
		return
	}
	column, ok := s.columns(header)
	if !ok {
		return
	}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.csvFault(err)
			if !errors.Is(err, csv.ErrFieldCount) {
				return
			}
			continue
		}
		line, _ := in.FieldPos(0)
		s.addDecision(place{s.file, line, 0}, row[column[0]], row[column[1]], row[column[2]], row[column[3]])
	}
	if len(s.claims) == 0 && len(s.errors) == 0 {
		s.fail(place{s.file, 1, 0}, "the table has no decisions below its header")
	}
}

// columns finds where the columns of tableColumns stand.
func (s *suite) columns(header []string) ([]int, bool) {
	column := make([]int, len(tableColumns))
	var missing []string
	for i, name := range tableColumns {
		column[i] = slices.IndexFunc(header, func(h string) bool { return strings.TrimSpace(h) == name })
		if column[i] < 0 {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		s.fail(place{s.file, 1, 0}, "the header lacks %s: it has %s, and %s are needed",
			strings.Join(missing, ", "), strings.Join(header, ","), strings.Join(tableColumns, ","))
	}
	return column, len(missing) == 0
}

func (s *suite) addDecision(at place, resource, permission, subject, expected string) {
	want, ok := decisions[expected]
	if !ok {
		s.fail(at, "expected is %q: it may be allow, deny or conditional", expected)
		return
	}
	o, sub, err := parseQuestion(resource, permission, subject)
	if err != nil {
		s.fail(at, "%v", err)
		return
	}
	s.claims = append(s.claims, claim{
		at: at, text: resource + "#" + permission + "@" + subject,
		resource: o, permission: permission, subject: sub, want: want,
	})
}

func (s *suite) csvFault(err error) {
	at := place{file: s.file}
	var fault *csv.ParseError
	if errors.As(err, &fault) {
		at.line, at.column = fault.Line, fault.Column
		err = fault.Err
	}
	if errors.Is(err, csv.ErrFieldCount) {
		at.column = 0
		s.fail(at, "the line has another number of fields than the header")
		return
	}
	s.fail(at, "not CSV: %v", err)
}

// invalidUTF8 returns the first line that is not UTF-8, 0 when all are.
func invalidUTF8(data []byte) int {
	for line := 1; len(data) > 0; line++ {
		text, rest, _ := bytes.Cut(data, []byte("\n"))
		if !utf8.Valid(text) {
			return line
		}
		data = rest
	}
	return 0
}
