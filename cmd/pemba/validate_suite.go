package main

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/backup"
	"github.com/pemba-authz/pemba/server/suite"
)

// newSuite makes the suite of a file.
func newSuite(file string) *suite.Suite {
	return &suite.Suite{File: file, Files: suiteFiles{}, CompileSchema: compileSchema}
}

// suiteFiles opens what the file of a suite names.
type suiteFiles struct{}

// Path implements suite.Files.
func (suiteFiles) Path(from, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(from), name)
}

// Open implements suite.Files.
func (suiteFiles) Open(path string) ([]byte, error) { return os.ReadFile(path) }

// ReadRelationships implements suite.Files: one relationship a line.
func (suiteFiles) ReadRelationships(s *suite.Suite, file string, data []byte) {
	for l, err := range readLines(bytes.NewReader(data)) {
		at := suite.Place{File: file, Line: l.number}
		var r engine.Relationship
		if err == nil {
			r, err = backup.ParseLine(l.text)
		}
		if err != nil {
			s.Fail(at, "%v", err)
			continue
		}
		s.Add(at, r)
	}
}

// compileFile compiles the schema of a suite from a file.
func compileFile(s *suite.Suite, name, text string) {
	s.Compile(name, text, func(line, column int) suite.Place { return suite.Place{File: name, Line: line, Column: column} })
}

// runSuite answers every claim of a suite without errors, and explains those that
// do not hold.
func runSuite(ctx context.Context, s *suite.Suite, now time.Time) ([]outcome, error) {
	e := s.Engine(now)
	outcomes := make([]outcome, 0, len(s.Claims)+len(s.Sets))
	for o, err := range s.Run(ctx, e) {
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, outcome{at: o.At, name: o.Name, failure: o.Failure})
		last := &outcomes[len(outcomes)-1]
		switch {
		case o.Failure == "":
		case o.Answered:
			q := question{o.Claim.Resource, o.Claim.Permission, o.Claim.Subject}
			e.Context = o.Claim.Context
			if r, err := q.explain(ctx, e); err == nil {
				_, last.detail, _ = strings.Cut(r.text(palette{}), "\n")
			}
		default:
			last.detail = strings.Join(append(marked("- ", o.Absent), marked("+ ", o.Surplus)...), "\n")
		}
	}
	return outcomes, nil
}

func marked(mark string, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = mark + l
	}
	return out
}

// outcome is what became of one claim.
type outcome struct {
	at      suite.Place
	name    string
	failure string // empty when it holds
	detail  string // lines that explain the failure
}

// explain answers a question here, as a server does.
func (q question) explain(ctx context.Context, e engine.Engine) (r result, err error) {
	r.answer, r.steps, err = e.Explain(ctx, q.resource, q.permission, q.subject)
	if err == nil && r.answer.State == engine.No {
		r.nearest, err = e.Remedies(ctx, q.resource, q.permission, q.subject, r.steps, nearestShown)
	}
	return r, err
}

// parseQuestion reads the three parts that check takes.
func parseQuestion(resource, permission, subject string) (engine.Object, engine.Subject, error) {
	o, err1 := engine.ParseObject(resource)
	err2 := engine.CheckRelationName(permission)
	s, err3 := engine.ParseSubject(subject)
	return o, s, cmp.Or(err1, err2, err3)
}
