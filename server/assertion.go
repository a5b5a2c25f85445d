package server

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// Bounds of a set of assertions.
const (
	maxSetName        = 64 // bytes
	maxSetDescription = 1_000
	maxAssertions     = 1_000 // of one set
	maxAssertionText  = 3_000 // bytes
	maxNote           = 500
)

// storedSet is a set as its document has it.
type storedSet struct {
	Description string            `json:"description,omitempty"`
	Assertions  []storedAssertion `json:"assertions"`
}

type storedAssertion struct {
	Text    string         `json:"text"`
	Expect  string         `json:"expect"` // "yes", "no" or "conditional"
	Context map[string]any `json:"context,omitempty"`
	Note    string         `json:"note,omitempty"`
}

// checkSetName refuses what cannot be the name of a set.
func checkSetName(name string) error {
	ok := name != "" && len(name) <= maxSetName
	for i := 0; ok && i < len(name); i++ {
		c := name[i]
		ok = 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || i > 0 && (c == '-' || c == '_' || c == '.')
	}
	if !ok {
		return invalid("%.80q is no name of assertions: 1 to %d of a to z, 0 to 9, -, _ and ., the first one a letter or a digit", name, maxSetName)
	}
	return nil
}

// toSet judges a set and returns its document.
func (s *Server) toSet(set *consolev1.AssertionSet) ([]byte, error) {
	if set == nil {
		return nil, invalid("set is missing")
	}
	if err := checkSetName(set.Name); err != nil {
		return nil, err
	}
	switch {
	case len(set.Description) > maxSetDescription:
		return nil, invalid("the description has %d bytes; at most %d are allowed", len(set.Description), maxSetDescription)
	case len(set.Assertions) > maxAssertions:
		return nil, invalid("the set has %d assertions; at most %d are allowed: make several sets", len(set.Assertions), maxAssertions)
	}
	stored := storedSet{Description: set.Description, Assertions: make([]storedAssertion, len(set.Assertions))}
	for i, one := range set.Assertions {
		to, err := s.toAssertion(one)
		if err != nil {
			return nil, fmt.Errorf("assertions[%d]: %w", i, err)
		}
		stored.Assertions[i] = to
	}
	value, err := json.Marshal(stored)
	if err != nil {
		return nil, invalid("the set: %w", err)
	}
	if len(value) > store.MaxDocument {
		return nil, invalid("the set has %d bytes as JSON; at most %d are allowed: make several sets", len(value), store.MaxDocument)
	}
	return value, nil
}

func (s *Server) toAssertion(one *consolev1.Assertion) (storedAssertion, error) {
	if one == nil {
		return storedAssertion{}, invalid("it is missing")
	}
	if _, err := parseAssertion(one.Text); err != nil {
		return storedAssertion{}, err
	}
	if one.Expected < consolev1.Answer_ANSWER_NO || one.Expected > consolev1.Answer_ANSWER_YES {
		return storedAssertion{}, invalid("expected: %d is none of ANSWER_NO, ANSWER_CONDITIONAL, ANSWER_YES", one.Expected)
	}
	if len(one.Note) > maxNote {
		return storedAssertion{}, invalid("the note has %d bytes; at most %d are allowed", len(one.Note), maxNote)
	}
	values, err := toContext(one.Context, s.limits.Context)
	if err != nil {
		return storedAssertion{}, err
	}
	return storedAssertion{Text: one.Text, Expect: toAnswer(one.Expected).String(), Context: values, Note: one.Note}, nil
}

// assertions converts those of a stored set.
func (s *storedSet) assertions() ([]*consolev1.Assertion, error) {
	out := make([]*consolev1.Assertion, len(s.Assertions))
	for i, a := range s.Assertions {
		out[i] = &consolev1.Assertion{Text: a.Text, Note: a.Note}
		for state := engine.No; state <= engine.Yes; state++ {
			if state.String() == a.Expect {
				out[i].Expected = fromAnswer(state)
			}
		}
		var err error
		if out[i].Context, err = fromMap(a.Context); err != nil {
			return nil, fmt.Errorf("assertions[%d]: context: %w", i, err)
		}
	}
	return out, nil
}

func fromAnswer(s engine.State) consolev1.Answer {
	return consolev1.Answer(s) + consolev1.Answer_ANSWER_NO
}

func toAnswer(a consolev1.Answer) engine.State {
	return engine.State(a - consolev1.Answer_ANSWER_NO)
}

// parseAssertion reads "document:readme#view@user:anne".
func parseAssertion(text string) (checkQuestion, error) {
	if len(text) > maxAssertionText {
		return checkQuestion{}, invalid("the text has %d bytes; at most %d are allowed", len(text), maxAssertionText)
	}
	r, err := engine.ParseRelationship(strings.TrimSpace(text))
	switch {
	case err != nil:
		return checkQuestion{}, invalid("%w", err)
	case r.Trait != nil:
		return checkQuestion{}, invalid("%.200q: a caveat or an expiration says nothing in a question: give values in context", text)
	case r.Resource.ID == engine.Wildcard || r.Subject.IsWildcard():
		return checkQuestion{}, invalid("%.200q: %w", text, engine.ErrWildcardSubject)
	}
	return checkQuestion{r.Resource, r.Relation, r.Subject}, nil
}

// judgeAssertion answers an assertion. The error is that of a context that has
// ended: a question that cannot be answered is an outcome.
func judgeAssertion(ctx context.Context, e engine.Engine, a *consolev1.Assertion) (*consolev1.AssertionOutcome, error) {
	out := &consolev1.AssertionOutcome{}
	q, err := parseAssertion(a.Text)
	if err == nil {
		e.Context, err = toMap(a.Context)
	}
	if err == nil {
		var answer engine.Answer
		if answer, err = e.Check(ctx, q.resource, q.permission, q.subject); err == nil {
			out.Answer, out.Missing = fromAnswer(answer.State), answer.Missing
			out.Passed = out.Answer == a.Expected
			return out, nil
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if _, known := classify(err); !known {
		return nil, err // it is the store's
	}
	out.Error = err.Error()
	return out, nil
}
