package server

import (
	"fmt"
	"strings"

	"github.com/pemba-authz/pemba/schema/syntax"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/suite"
)

// Bounds of the lines of expected relations in one answer.
const (
	maxSandboxLines = 20_000
	maxSandboxBytes = 2 << 20 // of all of them
	maxResultLines  = 1_000   // of one list of one result
)

// lineRoom is how many lines an answer may still have, and how many bytes of them.
type lineRoom struct{ lines, bytes int }

// cut takes the first lines, as many as there is room for, and says how many it left
// out.
func (r *lineRoom) cut(all []string) ([]string, int) {
	n := 0
	for n < min(len(all), maxResultLines, r.lines) && len(all[n]) <= r.bytes {
		r.bytes -= len(all[n])
		n++
	}
	r.lines -= n
	return all[:n], len(all) - n
}

// sandboxFile returns the file that a part is.
func sandboxFile(part string) consolev1.SandboxFile {
	switch part {
	case suite.PartSchema:
		return consolev1.SandboxFile_SANDBOX_FILE_SCHEMA
	case suite.PartRelationships:
		return consolev1.SandboxFile_SANDBOX_FILE_RELATIONSHIPS
	case suite.PartAssertions:
		return consolev1.SandboxFile_SANDBOX_FILE_ASSERTIONS
	case suite.PartExpected:
		return consolev1.SandboxFile_SANDBOX_FILE_EXPECTED_RELATIONS
	}
	return consolev1.SandboxFile_SANDBOX_FILE_UNSPECIFIED
}

// problems returns what is wrong with the files: of the schema as a diagnosis has
// it.
func (b *sandbox) problems() []*consolev1.SandboxProblem {
	var out []*consolev1.SandboxProblem
	in := newRanges(b.files.SchemaText)
	for _, p := range append(in.problems(consolev1.Problem_SEVERITY_ERROR, b.faults), in.problems(consolev1.Problem_SEVERITY_WARNING, b.warnings)...) {
		out = append(out, &consolev1.SandboxProblem{File: consolev1.SandboxFile_SANDBOX_FILE_SCHEMA, Problem: p})
	}
	of := map[string]*lineRanges{
		suite.PartRelationships: newLineRanges(b.files.Relationships),
		suite.PartAssertions:    newLineRanges(b.files.Assertions),
		suite.PartExpected:      newLineRanges(b.files.ExpectedRelations),
	}
	add := func(severity consolev1.Problem_Severity, found []suite.Problem) {
		for _, p := range found {
			in := of[p.At.File]
			if in == nil {
				continue // of the schema
			}
			problem := &consolev1.Problem{Severity: severity, Code: "syntax", Message: p.Msg}
			if severity == consolev1.Problem_SEVERITY_WARNING {
				problem.Code = "ignored"
			}
			problem.Range, problem.Source = in.at(p.At.Line, p.At.Column)
			out = append(out, &consolev1.SandboxProblem{File: sandboxFile(p.At.File), Problem: problem})
		}
	}
	add(consolev1.Problem_SEVERITY_ERROR, b.Errors)
	add(consolev1.Problem_SEVERITY_WARNING, b.Warnings)
	if n := len(out) - maxProblems; n > 0 {
		out = append(out[:maxProblems-1], &consolev1.SandboxProblem{Problem: &consolev1.Problem{
			Severity: consolev1.Problem_SEVERITY_ERROR, Code: "more", Message: fmt.Sprintf("and %d more problems", n+1),
		}})
	}
	return out
}

// lineRanges gives the places of lines.
type lineRanges struct {
	*ranges
	starts []int // of each line
}

func newLineRanges(text string) *lineRanges {
	r := &lineRanges{ranges: newRanges(text), starts: []int{0}}
	for i := range len(text) {
		if text[i] == '\n' {
			r.starts = append(r.starts, i+1)
		}
	}
	return r
}

// at returns what stands on a line from a column on (0: from its first word), and
// the line.
func (r *lineRanges) at(line, column int) (*consolev1.Range, string) {
	if line < 1 || line > len(r.starts) {
		return nil, ""
	}
	text := r.text[r.starts[line-1]:]
	if line < len(r.starts) {
		text = r.text[r.starts[line-1] : r.starts[line]-1]
	}
	text = strings.TrimRight(text, "\r\n \t")
	start := syntax.Pos{Offset: r.starts[line-1], Line: line, Column: 1}
	before := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	if column > 0 {
		before = text
		for i := range text {
			if column--; column == 0 {
				before = text[:i]
				break
			}
		}
	}
	return r.between(start.After(before), start.After(text)), syntax.SourceLine(r.text, start)
}

// fromOutcome converts an outcome, whose lines take of the room of the answer.
func fromOutcome(o *suite.Outcome, room *lineRoom) *consolev1.SandboxResult {
	out := &consolev1.SandboxResult{
		File: sandboxFile(o.At.File), Line: uint32(o.At.Line), Text: o.Name, Passed: o.Failure == "", Failure: o.Failure,
		Micros: uint64(o.Took.Microseconds()),
	}
	if o.Claim != nil {
		out.Expected = fromAnswer(o.Claim.Want)
		if o.Answered {
			out.Answer, out.Missing = fromAnswer(o.Answer.State), o.Answer.Missing
		}
		return out
	}
	cut := func(all []string) []string {
		some, more := room.cut(all)
		out.MoreLines += uint32(more)
		return some
	}
	out.Absent, out.Surplus, out.Found = cut(o.Absent), cut(o.Surplus), cut(o.Found)
	return out
}
