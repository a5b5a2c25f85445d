package suite

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// Place is where something stands in a file; column 0 is the whole line, line 0
// the whole file.
type Place struct {
	File         string
	Line, Column int
}

// String returns "file:line:column", as far as they are known.
func (p Place) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is something wrong with a file itself.
type Problem struct {
	At  Place
	Msg string
}

// String returns "place: message".
func (p Problem) String() string { return p.At.String() + ": " + p.Msg }

// Files opens what a suite names.
type Files interface {
	// Path returns the path of a file that another one names.
	Path(from, name string) string

	// Open returns what is at a path.
	Open(path string) ([]byte, error)

	// ReadRelationships adds the relationships of a file to the suite.
	ReadRelationships(s *Suite, path string, data []byte)
}

// Suite is one file of expectations, read and resolved. It is for one goroutine.
type Suite struct {
	File  string
	Files Files // nil: nothing may be named

	// CompileSchema compiles a text; file is where imports are relative to.
	CompileSchema func(file, text string) (*schema.Schema, error)

	Schema        *schema.Schema // nil until one was compiled
	Relationships []engine.Relationship
	Claims        []Claim
	Sets          []SetClaim
	Warnings      []Problem // worth saying, nothing fails by them
	Errors        []Problem // what makes the file unusable

	seen map[engine.Relationship]Place // where each relationship stands, by key
}

// Fail notes what makes the file unusable.
func (s *Suite) Fail(at Place, format string, args ...any) {
	s.Errors = append(s.Errors, Problem{at, fmt.Sprintf(format, args...)})
}

// Warn notes what is worth saying.
func (s *Suite) Warn(at Place, format string, args ...any) {
	s.Warnings = append(s.Warnings, Problem{at, fmt.Sprintf(format, args...)})
}

// Claim is one expected answer.
type Claim struct {
	At         Place
	Text       string // as the author wrote it
	Resource   engine.Object
	Permission string
	Subject    engine.Subject
	Context    map[string]any
	Want       engine.State
}

// SetClaim is one expected set: all its members and how they got in.
type SetClaim struct {
	At         Place
	Resource   engine.Object
	Permission string
	Want       []engine.FoundSubject
}

// Compile compiles the schema of the suite and notes its faults; at turns a
// position of the text into a place.
func (s *Suite) Compile(file, text string, at func(line, column int) Place) {
	compiled, err := s.CompileSchema(file, text)
	if err != nil {
		list := syntax.ErrorList(nil)
		if !errors.As(err, &list) {
			list = syntax.ErrorList{{Msg: err.Error()}}
		}
		for _, e := range list {
			s.Fail(at(e.Pos.Line, e.Pos.Column), "%s", e.Msg)
		}
		return
	}
	for _, w := range compiled.Warnings() {
		s.Warn(at(w.Pos.Line, w.Pos.Column), "%s", w.Msg)
	}
	s.Schema = compiled
}

// Add adds a relationship, unless it is repeated or the schema does not allow it.
func (s *Suite) Add(at Place, r engine.Relationship) {
	if first, ok := s.seen[r.Key()]; ok {
		s.Fail(at, "the relationship %s stands here twice, first at %s", r.Key(), first)
		return
	}
	if s.seen == nil {
		s.seen = map[engine.Relationship]Place{}
	}
	s.seen[r.Key()] = at
	if s.Schema != nil {
		if err := engine.Validate(s.Schema, r); err != nil {
			s.Fail(at, "%s: %v", r.Key(), err)
			return
		}
	}
	s.Relationships = append(s.Relationships, r)
}

// JudgeConstraints makes sure that a store would take the relationships.
func (s *Suite) JudgeConstraints() {
	if len(s.Errors) > 0 {
		return
	}
	judge := engine.ConstraintJudge{
		Constraints: func(t *schema.Type) []*schema.Constraint { return t.Constraints },
		Violated:    func(v engine.Violation) { s.Fail(s.placeOf(v), "%s", v) },
	}
	for _, r := range slices.SortedFunc(slices.Values(s.Relationships), engine.Relationship.Compare) {
		judge.Add(s.Schema.Type(r.Resource.Type), r)
	}
	judge.Done()
}

// placeOf returns where the last relationship stands that has a part in a
// violation: one of its subjects, or any of the resource's.
func (s *Suite) placeOf(v engine.Violation) Place {
	at := Place{File: s.File}
	named := func(r engine.Relationship) bool {
		return slices.ContainsFunc(v.Constraint.Relations, func(x *schema.Relation) bool { return x.Name == r.Relation })
	}
	for _, r := range s.Relationships {
		if r.Resource == v.Resource && (len(v.Subjects) == 0 || slices.Contains(v.Subjects, r.Subject) && named(r)) {
			at = s.seen[r.Key()]
		}
	}
	return at
}

// Word is the word for an answer.
func Word(s engine.State) string {
	switch s {
	case engine.Yes:
		return "allow"
	case engine.Conditional:
		return "conditional"
	}
	return "deny"
}

// Describe is the word for an answer, with what it still needs.
func Describe(a engine.Answer) string {
	if a.State == engine.Conditional && len(a.Missing) > 0 {
		text := Word(a.State) + ", it needs "
		for i, name := range a.Missing {
			if i > 0 {
				text += ", "
			}
			text += name
		}
		return text
	}
	return Word(a.State)
}
