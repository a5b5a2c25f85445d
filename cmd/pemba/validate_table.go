package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/suite"
)

// decisions are the words for answers in tables.
var decisions = map[string]engine.State{"allow": engine.Yes, "deny": engine.No, "conditional": engine.Conditional}

var tableColumns = []string{"resource", "permission", "subject", "expected"}

// decisionTable reads decisions into a suite.
type decisionTable struct{ *suite.Suite }

// read reads a decision table: CSV with a header line, one expected
// answer a line. Other columns are the author's own.
func (s *decisionTable) read(data []byte) {
	if at := suite.InvalidUTF8(data); at > 0 {
		s.Fail(suite.Place{File: s.File, Line: at}, "not UTF-8 text: save the table as UTF-8")
		return
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		s.Fail(suite.Place{File: s.File, Line: 1}, "the table is empty: the first line names the columns: %s", strings.Join(tableColumns, ","))
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
		s.addDecision(suite.Place{File: s.File, Line: line}, row[column[0]], row[column[1]], row[column[2]], row[column[3]])
	}
	if len(s.Claims) == 0 && len(s.Errors) == 0 {
		s.Fail(suite.Place{File: s.File, Line: 1}, "the table has no decisions below its header")
	}
}

// columns finds where the columns of tableColumns stand.
func (s *decisionTable) columns(header []string) ([]int, bool) {
	column := make([]int, len(tableColumns))
	var missing []string
	for i, name := range tableColumns {
		column[i] = slices.IndexFunc(header, func(h string) bool { return strings.TrimSpace(h) == name })
		if column[i] < 0 {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		s.Fail(suite.Place{File: s.File, Line: 1}, "the header lacks %s: it has %s, and %s are needed",
			strings.Join(missing, ", "), strings.Join(header, ","), strings.Join(tableColumns, ","))
	}
	return column, len(missing) == 0
}

func (s *decisionTable) addDecision(at suite.Place, resource, permission, subject, expected string) {
	want, ok := decisions[expected]
	if !ok {
		s.Fail(at, "expected is %q: it may be allow, deny or conditional", expected)
		return
	}
	o, sub, err := parseQuestion(resource, permission, subject)
	if err != nil {
		s.Fail(at, "%v", err)
		return
	}
	s.Claims = append(s.Claims, suite.Claim{
		At: at, Text: resource + "#" + permission + "@" + subject,
		Resource: o, Permission: permission, Subject: sub, Want: want,
	})
}

func (s *decisionTable) csvFault(err error) {
	at := suite.Place{File: s.File}
	var fault *csv.ParseError
	if errors.As(err, &fault) {
		at.Line, at.Column = fault.Line, fault.Column
		err = fault.Err
	}
	if errors.Is(err, csv.ErrFieldCount) {
		at.Column = 0
		s.Fail(at, "the line has another number of fields than the header")
		return
	}
	s.Fail(at, "not CSV: %v", err)
}
