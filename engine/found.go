package engine

import (
	"context"
	"maps"
	"slices"
)

// FoundSubject is a subject in a set, as recursive expansion finds it: a concrete
// subject, a wildcard or a userset on the way.
type FoundSubject struct {
	Subject     Subject
	Conditional bool           // it depends on a caveat, even one that stored values decide
	Excluded    []FoundSubject // of a wildcard: who is not meant, sorted
	Relations   []string       // where the subject is written directly: "type:id#relation", sorted
}

// Found returns every subject of resource#relation, sorted: what the
// "validation" block of a validation file lists. No caveat is evaluated.
// Errors are those of Expand.
func (e *Engine) Found(ctx context.Context, resource Object, relation string) ([]FoundSubject, error) {
	tree, err := e.Expand(ctx, resource, relation, true)
	if err != nil {
		return nil, err
	}
	return treeSet(tree).list(), nil
}

// subjectSet is a set of subjects, given by what it says of every subject that
// was named and of those that were not. It is three-valued, as answers are.
type subjectSet struct {
	named   map[Subject]member // every subject that was named anywhere below
	unnamed map[string]State   // by type: subjects that were not named (wildcards)
}

type member struct {
	state     State
	listed    bool  // it was written itself, not only meant by a wildcard
	barred    State // how surely the wildcard of its type does not mean it
	relations map[string]bool
}

// of returns what the set says of a subject.
func (s subjectSet) of(subject Subject) member {
	m, ok := s.named[subject]
	if !ok && subject.Relation == "" && subject.ID != Wildcard {
		m.state = s.unnamed[subject.Type]
	}
	return m
}

// treeSet computes the set that a recursive tree shows.
func treeSet(t *Tree) subjectSet {
	s := subjectSet{named: map[Subject]member{}, unnamed: map[string]State{}}
	switch t.Op {
	case TreeLeaf:
		for _, stored := range t.Subjects {
			s.add(stored, t.Resource.String()+"#"+t.Relation)
		}
	case TreeUnion:
		for _, c := range t.Children {
			s = combine(s, treeSet(c), TreeUnion)
		}
	case TreeIntersection:
		for i, c := range t.Children {
			if i == 0 {
				s = treeSet(c)
			} else {
				s = combine(s, treeSet(c), TreeIntersection)
			}
		}
	case TreeExclusion:
		s = treeSet(t.Children[0])
		for _, c := range t.Children[1:] {
			s = combine(s, treeSet(c), TreeExclusion)
		}
	}
	if t.Via != nil && t.Via.Trait != nil && t.Via.Trait.Caveat != "" {
		s.condition()
	}
	return s
}

func (s subjectSet) add(stored StoredSubject, relation string) {
	state := Yes
	if stored.Trait != nil && stored.Trait.Caveat != "" {
		state = Conditional
	}
	if stored.Subject.IsWildcard() {
		s.unnamed[stored.Subject.Type] = state
	}
	s.named[stored.Subject] = member{state: state, listed: true, relations: map[string]bool{relation: true}}
}

// condition makes the whole set depend on a caveat.
func (s subjectSet) condition() {
	for k, m := range s.named {
		m.state = min(m.state, Conditional)
		s.named[k] = m
	}
	for k, state := range s.unnamed {
		s.unnamed[k] = min(state, Conditional)
	}
}

// combine makes one set of two, subject by subject.
func combine(a, b subjectSet, op TreeOp) subjectSet {
	s := subjectSet{named: make(map[Subject]member, len(a.named)+len(b.named)), unnamed: map[string]State{}}
	for _, set := range []subjectSet{a, b} {
		for t := range set.unnamed {
			s.unnamed[t] = combineStates(a.unnamed[t], b.unnamed[t], op)
		}
		for subject := range set.named {
			if _, done := s.named[subject]; !done {
				s.named[subject] = combineMembers(a, b, subject, op)
			}
		}
	}
	return s
}

func combineStates(a, b State, op TreeOp) State {
	switch op {
	case TreeUnion:
		return max(a, b)
	case TreeIntersection:
		return min(a, b)
	default:
		return min(a, Yes-b)
	}
}

func combineMembers(a, b subjectSet, subject Subject, op TreeOp) member {
	ma, mb := a.of(subject), b.of(subject)
	if subject.IsWildcard() {
		ma.state, mb.state = a.unnamed[subject.Type], b.unnamed[subject.Type]
	}
	m := member{state: combineStates(ma.state, mb.state, op), listed: ma.listed, relations: ma.relations}
	switch op {
	case TreeUnion:
		m.barred = min(a.bars(subject, ma), b.bars(subject, mb))
	case TreeIntersection:
		m.barred = max(ma.barred, mb.barred)
	default:
		m.barred = ma.barred
		if mb.listed {
			m.barred = max(m.barred, mb.state)
		}
		return m
	}
	m.listed = ma.listed || mb.listed
	m.relations = maps.Clone(ma.relations)
	if m.relations == nil {
		m.relations = map[string]bool{}
	}
	maps.Copy(m.relations, mb.relations)
	return m
}

// bars returns how surely a subject is left out of one side of a union: of its
// wildcard, or, where there is none, of the set.
func (s subjectSet) bars(subject Subject, m member) State {
	if s.unnamed[subject.Type] == No {
		return Yes - m.state
	}
	return m.barred
}

// list returns the subjects of the set, sorted.
func (s subjectSet) list() []FoundSubject {
	var found []FoundSubject
	for subject, m := range s.named {
		if m.state == No || !m.listed && s.unnamed[subject.Type] >= m.state {
			continue
		}
		f := FoundSubject{
			Subject:     subject,
			Conditional: m.state == Conditional,
			Relations:   slices.Sorted(maps.Keys(m.relations)),
		}
		if subject.IsWildcard() {
			f.Excluded = s.excluded(subject.Type)
		}
		found = append(found, f)
	}
	slices.SortFunc(found, func(a, b FoundSubject) int { return a.Subject.Compare(b.Subject) })
	return found
}

// excluded returns the named subjects of a type that its wildcard does not mean.
func (s subjectSet) excluded(subjectType string) []FoundSubject {
	var out []FoundSubject
	for subject, m := range s.named {
		if subject.Type == subjectType && subject.Relation == "" && !subject.IsWildcard() && m.barred > No {
			out = append(out, FoundSubject{Subject: subject, Conditional: m.barred == Conditional})
		}
	}
	slices.SortFunc(out, func(a, b FoundSubject) int { return a.Subject.Compare(b.Subject) })
	return out
}

func sortStored(s []StoredSubject) {
	slices.SortFunc(s, func(a, b StoredSubject) int { return a.Subject.Compare(b.Subject) })
}
