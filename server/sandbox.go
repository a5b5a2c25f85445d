package server

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/schema/syntax"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/store"
	"github.com/pemba-authz/pemba/server/suite"
)

// sandboxService is pemba.console.v1.SandboxService: it answers from what a request
// brings. sandbox_results.go has what it answers with.
type sandboxService struct {
	consolev1.UnimplementedSandboxServiceServer
	*Server
	caveats schema.CaveatCompiler
}

func newSandboxService(s *Server) *sandboxService {
	return &sandboxService{Server: s, caveats: caveat.New()}
}

// Bounds of one sandbox.
const (
	maxSandboxes            = 4 // at the same time
	maxSandboxRelationships = 20_000
	maxSandboxClaims        = 2_000 // assertions and expected relations
	sandboxReads            = 1_000_000
	sandboxExplainReads     = 10_000
	sandboxCandidates       = 100_000
)

// StartSandbox gives the live schema.
func (s *sandboxService) StartSandbox(ctx context.Context, r *consolev1.StartSandboxRequest) (*consolev1.StartSandboxResponse, error) {
	snap, err := s.snapshot(ctx, r.Consistency)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	live, err := snap.Schema()
	if err != nil && !errors.Is(err, store.ErrNoSchema) {
		return nil, err
	}
	files := &consolev1.SandboxFiles{}
	if err == nil {
		files.SchemaText = live.Source()
	}
	return &consolev1.StartSandboxResponse{Files: files}, nil
}

// RunSandbox answers all expectations of the files.
func (s *sandboxService) RunSandbox(ctx context.Context, r *consolev1.RunSandboxRequest) (*consolev1.RunSandboxResponse, error) {
	resp := &consolev1.RunSandboxResponse{}
	return resp, s.within(ctx, func(ctx context.Context) error {
		b, err := s.read(r.Files)
		if err != nil {
			return err
		}
		resp.Problems = b.problems()
		if !b.sound() {
			return nil
		}
		e := b.engine(s.Server, sandboxReads)
		room := lineRoom{maxSandboxLines, maxSandboxBytes}
		for o, err := range b.Run(ctx, e) {
			if err != nil {
				return err
			}
			result := fromOutcome(&o, &room)
			resp.Results = append(resp.Results, result)
			if result.Passed {
				resp.Passed++
			} else {
				resp.Failed++
			}
		}
		return nil
	})
}

// CheckSandbox answers one question and says why.
func (s *sandboxService) CheckSandbox(ctx context.Context, r *consolev1.CheckSandboxRequest) (*consolev1.CheckSandboxResponse, error) {
	q, err := parseAssertion(r.Text)
	if err != nil {
		return nil, fmt.Errorf("text: %w", err)
	}
	values, err := toContext(r.Context, s.limits.Context)
	if err != nil {
		return nil, err
	}
	if r.Remedies > maxRemedies {
		return nil, invalid("remedies is %d; at most %d are looked for", r.Remedies, maxRemedies)
	}
	resp := &consolev1.CheckSandboxResponse{}
	return resp, s.within(ctx, func(ctx context.Context) error {
		b, err := s.read(r.Files)
		if err != nil {
			return err
		}
		if !b.sound() {
			resp.Problems = b.problems()
			return nil
		}
		e := b.engine(s.Server, sandboxExplainReads)
		e.Context = values
		resp.Explanation, err = explained(ctx, &e, q, int(r.Remedies))
		return err
	})
}

// within does something for which there is little time, and for few at once.
func (s *sandboxService) within(ctx context.Context, do func(context.Context) error) error {
	if err := s.gates.sandboxes.enter(); err != nil {
		return s.overloaded(err)
	}
	defer s.gates.sandboxes.leave()
	bounded, cancel := context.WithTimeout(ctx, s.limits.Sandbox)
	defer cancel()
	err := do(bounded)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return status.Errorf(codes.DeadlineExceeded, "the questions took longer than %v, which is all that a sandbox has: ask fewer, or smaller ones", s.limits.Sandbox)
	}
	return err
}

// sandbox is one that was read.
type sandbox struct {
	*suite.Suite
	files            *consolev1.SandboxFiles
	faults, warnings syntax.ErrorList // of the schema
}

// sound reports whether it can be asked.
func (b *sandbox) sound() bool { return len(b.faults) == 0 && len(b.Errors) == 0 }

// engine answers from what was read, each question with so many reads.
func (b *sandbox) engine(s *Server, reads int) engine.Engine {
	e := b.Engine(s.now())
	e.Limits = engine.Limits{Reads: reads, Candidates: sandboxCandidates}
	return e
}

// read reads the files, which may be faulty. The error is a bound that they reach.
func (s *sandboxService) read(files *consolev1.SandboxFiles) (*sandbox, error) {
	if files == nil {
		return nil, invalid("files is missing")
	}
	if n := strings.Count(strings.TrimSuffix(files.Relationships, "\n"), "\n") + 1; n > maxSandboxRelationships {
		return nil, status.Errorf(codes.ResourceExhausted, "relationships has %d lines; at most %d are allowed in a sandbox", n, maxSandboxRelationships)
	}
	b := &sandbox{files: files}
	b.Suite = &suite.Suite{CompileSchema: func(_, text string) (*schema.Schema, error) {
		compiled, err := schema.Compile(text, schema.Options{Caveats: s.caveats})
		if !errors.As(err, &b.faults) && compiled != nil {
			b.warnings = compiled.Warnings()
		}
		return compiled, err
	}}
	b.ReadParts(partsOf(files))
	if n := len(b.Claims) + len(b.Sets); n > maxSandboxClaims {
		return nil, status.Errorf(codes.ResourceExhausted, "there are %d assertions and expected relations; at most %d are allowed in a sandbox", n, maxSandboxClaims)
	}
	return b, nil
}

func partsOf(f *consolev1.SandboxFiles) suite.Parts {
	return suite.Parts{Schema: f.SchemaText, Relationships: f.Relationships, Assertions: f.Assertions, Expected: f.ExpectedRelations}
}

// ImportSandbox cuts a validation file into parts.
func (s *sandboxService) ImportSandbox(_ context.Context, r *consolev1.ImportSandboxRequest) (*consolev1.ImportSandboxResponse, error) {
	parts, problems := suite.Split("file", []byte(r.File))
	if len(problems) > 0 {
		return nil, unreadable(problems)
	}
	return &consolev1.ImportSandboxResponse{Files: &consolev1.SandboxFiles{
		SchemaText: parts.Schema, Relationships: parts.Relationships, Assertions: parts.Assertions, ExpectedRelations: parts.Expected,
	}}, nil
}

// ExportSandbox makes one validation file.
func (s *sandboxService) ExportSandbox(_ context.Context, r *consolev1.ExportSandboxRequest) (*consolev1.ExportSandboxResponse, error) {
	if r.Files == nil {
		return nil, invalid("files is missing")
	}
	text, problems := suite.Join(partsOf(r.Files))
	if len(problems) > 0 {
		return nil, unreadable(problems)
	}
	return &consolev1.ExportSandboxResponse{File: text}, nil
}

// maxUnreadable is how many problems an error names.
const maxUnreadable = 10

// unreadable refuses a text for its problems.
func unreadable(problems []suite.Problem) error {
	var lines []string
	for _, p := range problems[:min(len(problems), maxUnreadable)] {
		lines = append(lines, p.String())
	}
	if n := len(problems) - maxUnreadable; n > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", n))
	}
	return invalid("%s", strings.Join(lines, "\n"))
}
