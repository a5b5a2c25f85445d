package server

import (
	"context"
	"errors"
	"slices"

	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/schema/syntax"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
)

// schemaTools is pemba.console.v1.SchemaToolsService. Its methods are in
// diagnose.go, review.go and schemalog.go.
type schemaTools struct {
	consolev1.UnimplementedSchemaToolsServiceServer
	*Server
	caveats schema.CaveatCompiler
}

func newSchemaTools(s *Server) *schemaTools { return &schemaTools{Server: s, caveats: caveat.New()} }

// Bounds of what is said of one text: clients accept messages of 4 MiB by default.
const (
	maxProblems = 1_000
	maxSymbols  = 5_000
	maxUses     = 20_000
)

// DiagnoseSchema says everything that is to be said of a text.
func (t *schemaTools) DiagnoseSchema(_ context.Context, r *consolev1.DiagnoseSchemaRequest) (*consolev1.DiagnoseSchemaResponse, error) {
	resp := &consolev1.DiagnoseSchemaResponse{}
	if len(r.SchemaText) > syntax.MaxText {
		return nil, invalid("the schema text has %d bytes; at most %d are allowed", len(r.SchemaText), syntax.MaxText)
	}
	in := newRanges(r.SchemaText)
	compiled, err := schema.Compile(r.SchemaText, schema.Options{Caveats: t.caveats})
	if err == nil {
		resp.Problems = in.problems(consolev1.Problem_SEVERITY_WARNING, compiled.Warnings())
	} else {
		faults := syntax.ErrorList(nil)
		if !errors.As(err, &faults) {
			return nil, err
		}
		resp.Problems = in.problems(consolev1.Problem_SEVERITY_ERROR, faults)
	}
	if n := len(resp.Problems); n > maxProblems {
		resp.Problems, resp.MoreProblems = resp.Problems[:maxProblems], uint32(n-maxProblems)
	}
	in.outline(resp)
	if formatted, err := syntax.Format(r.SchemaText); err == nil {
		resp.Formatted = formatted
	}
	return resp, nil
}

// problems converts what is wrong with the text.
func (r *ranges) problems(severity consolev1.Problem_Severity, found syntax.ErrorList) []*consolev1.Problem {
	out := make([]*consolev1.Problem, len(found))
	for i, e := range found {
		out[i] = &consolev1.Problem{
			Severity: severity, Code: e.Code, Message: e.Msg, Suggestion: e.Fix, Source: e.Source, Range: r.word(e.Pos),
		}
		switch {
		case e.Code != "":
		case e.Kind == syntax.ParseError:
			out[i].Code = "syntax"
		default:
			out[i].Code = "meaning"
		}
	}
	return out
}

// outline says what the text declares.
func (r *ranges) outline(resp *consolev1.DiagnoseSchemaResponse) {
	symbols := schema.Outline(r.text)
	if n := len(symbols); n > maxSymbols {
		symbols, resp.MoreSymbols = symbols[:maxSymbols], uint32(n-maxSymbols)
	}
	uses := maxUses
	for _, s := range symbols {
		out := &consolev1.Symbol{
			Kind: consolev1.Symbol_Kind(s.Kind) + consolev1.Symbol_KIND_DEFINITION, Name: s.Name, Declaration: s.Declaration, Doc: s.Doc,
			NameRange: r.word(s.NamePos), Range: r.between(s.Pos, s.End),
		}
		if s.Parent >= 0 {
			out.Parent = new(uint32(s.Parent))
		}
		if len(s.Used) > uses {
			s.Used, resp.UsesCut = slices.Clip(s.Used[:uses]), true
		}
		uses -= len(s.Used)
		for _, at := range s.Used {
			out.Used = append(out.Used, r.word(at))
		}
		resp.Symbols = append(resp.Symbols, out)
	}
}
