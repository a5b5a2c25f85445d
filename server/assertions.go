package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// assertionService is pemba.console.v1.AssertionService. assertion.go has the form
// in which sets are stored, and what becomes of one assertion.
type assertionService struct {
	consolev1.UnimplementedAssertionServiceServer
	*Server
}

// assertionsPrefix is what the keys of sets begin with; their names follow.
const assertionsPrefix = "pemba/console/assertions/"

// maxRunBytes is how large the sets of one run may be together as they are stored:
// the answer has all of them.
const maxRunBytes = 2 << 20

// ListAssertions lists the sets, by name.
func (s *assertionService) ListAssertions(ctx context.Context, r *consolev1.ListAssertionsRequest) (*consolev1.ListAssertionsResponse, error) {
	if err := checkLimit(r.OptionalLimit, s.limits.PageLimit); err != nil {
		return nil, err
	}
	a, cursors, after, err := s.resume(ctx, r, r.Consistency, r.OptionalCursor, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	limit := int(r.OptionalLimit)
	if limit == 0 {
		limit = defaultDocuments
	}
	resp := &consolev1.ListAssertionsResponse{ReadAt: a.token()}
	size, last := 0, ""
	for doc, err := range a.snap.Documents(ctx, assertionsPrefix, after) {
		if err != nil {
			return nil, err
		}
		size += len(doc.Key) + len(doc.Value)
		if n := len(resp.Sets); n == limit || n > 0 && size > maxDocumentsBytes {
			resp.AfterResultCursor = cursors.at(last)
			break
		}
		last = doc.Key
		resp.Sets = append(resp.Sets, s.fromSet(doc))
	}
	return resp, nil
}

// SaveAssertions writes one set.
func (s *assertionService) SaveAssertions(ctx context.Context, r *consolev1.SaveAssertionsRequest) (*consolev1.SaveAssertionsResponse, error) {
	value, err := s.toSet(r.Set)
	if err != nil {
		return nil, err
	}
	u := store.DocumentUpdate{
		Key: assertionsPrefix + r.Set.Name, Class: store.ClassOpen, Value: value, IfVersion: toVersion(r.IfVersion),
	}
	result, err := s.proposeOnce(ctx, store.Transaction{Documents: []store.DocumentUpdate{u}}, r.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return &consolev1.SaveAssertionsResponse{WrittenAt: fromToken(result.Token), Version: uint64(result.Revision)}, nil
}

// DeleteAssertions deletes one set.
func (s *assertionService) DeleteAssertions(ctx context.Context, r *consolev1.DeleteAssertionsRequest) (*consolev1.DeleteAssertionsResponse, error) {
	if err := checkSetName(r.Name); err != nil {
		return nil, err
	}
	u := store.DocumentUpdate{Key: assertionsPrefix + r.Name, IfVersion: toVersion(r.IfVersion)}
	result, err := s.proposeOnce(ctx, store.Transaction{Documents: []store.DocumentUpdate{u}}, r.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return &consolev1.DeleteAssertionsResponse{DeletedAt: fromToken(result.Token)}, nil
}

// RunAssertions asks all assertions of some sets at one revision.
func (s *assertionService) RunAssertions(ctx context.Context, r *consolev1.RunAssertionsRequest) (*consolev1.RunAssertionsResponse, error) {
	if len(r.Names) > s.limits.Checks {
		return nil, invalid("the request has %d names; at most %d are allowed", len(r.Names), s.limits.Checks)
	}
	seen := map[string]bool{}
	for i, name := range r.Names {
		if err := checkSetName(name); err != nil {
			return nil, fmt.Errorf("names[%d]: %w", i, err)
		}
		if seen[name] {
			return nil, invalid("names[%d]: %q stands twice", i, name)
		}
		seen[name] = true
	}
	a, err := s.question(ctx, r.Consistency, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	sets, err := s.named(ctx, a, r.Names)
	if err != nil {
		return nil, err
	}
	resp := &consolev1.RunAssertionsResponse{CheckedAt: a.token()}
	for _, set := range sets {
		for i, one := range set.Assertions {
			outcome, err := judgeAssertion(ctx, a.engine, one)
			if err != nil {
				return nil, err
			}
			resp.Results = append(resp.Results, &consolev1.AssertionResult{Set: set.Name, Index: uint32(i), Assertion: one, Outcome: outcome})
			if outcome.Passed {
				resp.Passed++
			} else {
				resp.Failed++
			}
		}
	}
	return resp, nil
}

// named returns sets by their names, all of them for none, with no more assertions
// than one request may ask, and no more bytes than one answer may have.
func (s *Server) named(ctx context.Context, a *asked, names []string) ([]*consolev1.AssertionSet, error) {
	var sets []*consolev1.AssertionSet
	left, bytes := s.limits.Checks, maxRunBytes
	add := func(doc store.Document) error {
		set := s.fromSet(doc)
		if set.Fault != "" {
			return status.Errorf(codes.FailedPrecondition, "the assertions %q cannot be read: %s", set.Name, set.Fault)
		}
		if left -= len(set.Assertions); left < 0 {
			return status.Errorf(codes.ResourceExhausted, "the sets have more than %d assertions, which is the most of one request: name some of them", s.limits.Checks)
		}
		if bytes -= len(doc.Value); bytes < 0 {
			return status.Errorf(codes.ResourceExhausted, "the sets have more than %d bytes, which is the most of one request: name some of them", maxRunBytes)
		}
		sets = append(sets, set)
		return nil
	}
	for _, name := range names {
		doc, ok, err := a.snap.Document(assertionsPrefix + name)
		if err == nil && !ok {
			err = status.Errorf(codes.NotFound, "there are no assertions %q", name)
		}
		if err == nil {
			err = add(doc)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(names) > 0 {
		return sets, nil
	}
	for doc, err := range a.snap.Documents(ctx, assertionsPrefix, "") {
		if err == nil {
			err = add(doc)
		}
		if err != nil {
			return nil, err
		}
	}
	return sets, nil
}

// assertions runs all stored assertions under both schemas, and notes those that
// get another answer or do not hold under the text.
func (v *review) assertions(ctx context.Context, s *Server, resp *consolev1.ReviewSchemaResponse) error {
	sets, err := s.named(ctx, v.asked, nil)
	if err != nil {
		return err
	}
	under := v.under()
	for _, set := range sets {
		for _, one := range set.Assertions {
			resp.AssertionsRun++
			now, err := judgeAssertion(ctx, v.engine, one)
			if err != nil {
				return err
			}
			then, err := judgeAssertion(ctx, under, one)
			if err != nil {
				return err
			}
			if !then.Passed || now.Answer != then.Answer {
				resp.Assertions = append(resp.Assertions, &consolev1.ReviewedAssertion{Set: set.Name, Assertion: one, Now: now, Then: then})
			}
		}
	}
	return nil
}

// fromSet converts a stored set. One that cannot be read has a fault.
func (s *Server) fromSet(doc store.Document) *consolev1.AssertionSet {
	out := &consolev1.AssertionSet{Name: strings.TrimPrefix(doc.Key, assertionsPrefix), Version: uint64(doc.Version)}
	var stored storedSet
	var err error
	switch {
	case doc.Class != store.ClassOpen:
		err = fmt.Errorf("the document is %s", doc.Class)
	case json.Unmarshal(doc.Value, &stored) != nil:
		err = errors.New("the document is no set of assertions")
	default:
		out.Assertions, err = stored.assertions()
	}
	if err == nil {
		out.Description = stored.Description
		_, err = s.toSet(out) // as strict as for a caller
	}
	if err != nil {
		return &consolev1.AssertionSet{Name: out.Name, Version: out.Version, Fault: err.Error()}
	}
	return out
}
