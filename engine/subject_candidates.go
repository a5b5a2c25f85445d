package engine

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/schema"
)

// SubjectCandidates are the subjects that a set may hold, found for one question
// at one revision. They may be kept to resume a lookup. Immutable.
type SubjectCandidates struct {
	relation *schema.Relation
	resource string
	subject  Subject // its type and relation
	sorted   []subjectCandidate
	bytes    int64
}

type subjectCandidate struct {
	id    string
	level certainty
}

// candidates returns what was found, in order.
func (d *descent) candidates() *SubjectCandidates {
	c := &SubjectCandidates{
		relation: d.root.relation, resource: d.root.id, subject: d.walk.subject,
		sorted: make([]subjectCandidate, 0, len(d.found)), bytes: d.bytes,
	}
	for id, level := range d.found {
		c.sorted = append(c.sorted, subjectCandidate{id, level})
	}
	slices.SortFunc(c.sorted, func(a, b subjectCandidate) int { return strings.Compare(a.id, b.id) })
	return c
}

// Len returns the number of candidates.
func (c *SubjectCandidates) Len() int { return len(c.sorted) }

// Bytes returns how much memory the candidates hold, roughly.
func (c *SubjectCandidates) Bytes() int64 { return c.bytes + int64(len(c.sorted))*candidateSize }

// candidateSize is what one candidate holds beside its id, in bytes.
const candidateSize = 24

// Results checks the candidates after an id and returns those that are in the
// set. The engine must be one that reads the same revision with the same time
// and context as the one that found them.
func (c *SubjectCandidates) Results(ctx context.Context, e *Engine, after string) iter.Seq2[SubjectResult, error] {
	return func(yield func(SubjectResult, error) bool) {
		w := e.walk(ctx, c.subject)
		defer w.release()
		(&subjectResults{SubjectCandidates: c, walk: w}).each(after, yield)
	}
}

// subjectResults checks candidates one by one.
type subjectResults struct {
	*SubjectCandidates
	walk    *walk
	checked map[string]SubjectResult // for the wildcard, before their turn
}

func (s *subjectResults) each(after string, yield func(SubjectResult, error) bool) {
	start, found := slices.BinarySearchFunc(s.sorted, after, func(c subjectCandidate, id string) int {
		return strings.Compare(c.id, id)
	})
	if found {
		start++
	}
	for i, candidate := range s.sorted[start:] {
		if i%ctxEvery == 0 && s.walk.ctx.Err() != nil {
			yield(SubjectResult{}, s.walk.ctx.Err())
			return
		}
		if candidate.level == mentioned {
			continue
		}
		result, err := s.result(candidate)
		if err != nil {
			yield(SubjectResult{}, err)
			return
		}
		if result.State != No && !yield(result, nil) {
			return
		}
	}
}

// result answers for one candidate; for the wildcard with those it does not mean.
func (s *subjectResults) result(c subjectCandidate) (SubjectResult, error) {
	if result, ok := s.checked[c.id]; ok {
		return result, nil
	}
	result, err := s.check(c)
	if err == nil && c.id == Wildcard && result.State != No {
		result.Excluded, err = s.excluded(result.State)
	}
	return result, err
}

// excluded checks every subject that was come across against the wildcard, and
// keeps what it finds in checked.
func (s *subjectResults) excluded(unnamed State) ([]SubjectResult, error) {
	var out []SubjectResult
	s.checked = make(map[string]SubjectResult, len(s.sorted))
	for _, c := range s.sorted {
		if c.id == Wildcard {
			continue
		}
		result, err := s.check(c)
		if err != nil {
			return nil, err
		}
		s.checked[c.id] = result
		if result.State < unnamed {
			out = append(out, result)
		}
	}
	return out, nil
}

// check answers for one subject. The wildcard stands for one that is named nowhere.
func (s *subjectResults) check(c subjectCandidate) (SubjectResult, error) {
	if c.level == certain {
		return SubjectResult{ID: c.id, State: Yes}, nil
	}
	w := s.walk
	w.forget()
	w.reads, w.deepest = 0, 0
	w.subject.ID = c.id
	v, err := w.set(s.relation, s.resource, 0)
	w.engine.Cost.checked(c.id, w.reads)
	if err != nil {
		return SubjectResult{}, err
	}
	a, err := w.answer(v)
	return SubjectResult{ID: c.id, State: a.State, Missing: a.Missing}, err
}
