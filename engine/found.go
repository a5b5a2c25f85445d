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
// "validation" block of a validation file lists. Whoever depends on a caveat is
// conditional, whatever its values are. Errors are those of Check.
func (e *Engine) Found(ctx context.Context, resource Object, relation string) ([]FoundSubject, error) {
	tree, err := e.Expand(ctx, resource, relation, true)
	if err != nil {
		return nil, err
	}
	if r := e.Schema.Relation(resource.Type, relation); r.Unstratified {
		w := e.walk(ctx, Subject{})
		defer w.release()
		if err := w.stratified(node{r, resource.ID}); err != nil {
			return nil, err
		}
	}
	return treeSet(tree).list(), nil
}

// subjectSet is a set of subjects: of every subject that was named anywhere
// below, what the set says of it. It is three-valued, as answers are.
type subjectSet map[Subject]member

// member is a named subject. A wildcard's states are those of the subjects that
// were not named.
type member struct {
	own    State // how surely it is in the set by itself, not as one of a wildcard's
	barred State // how surely the wildcard of its type does not mean it

	// relations are where it is written, as far as that brings it into the set by
	// itself; if nothing does, where an exclusion named it.
	relations map[string]bool
}

// wildcard returns how surely the set has everyone of a type who is not named.
func (s subjectSet) wildcard(subjectType string) State {
	return s[Subject{Object: Object{Type: subjectType, ID: Wildcard}}].own
}

// meant returns how surely a wildcard in the set means the subject.
func (s subjectSet) meant(subject Subject) State {
	if subject.Relation != "" || subject.ID == Wildcard {
		return No
	}
	return min(s.wildcard(subject.Type), Yes-s[subject].barred)
}

// outside returns how surely no wildcard in the set means the subject.
func (s subjectSet) outside(subject Subject) State {
	if s.wildcard(subject.Type) == No {
		return Yes
	}
	return s[subject].barred
}

// treeSet computes the set that a recursive tree shows.
func treeSet(t *Tree) subjectSet {
	s := treeSets(t.Children, t.Op)
	for _, stored := range t.Subjects {
		s.add(stored, t.Resource.String()+"#"+t.Relation)
	}
	if t.Via != nil && t.Via.Trait != nil && t.Via.Trait.Caveat != "" {
		s.condition()
	}
	return s
}

// treeSets combines the sets of several trees. It halves them, so that large
// sets are copied a few times only; an exclusion has two.
func treeSets(trees []*Tree, op TreeOp) subjectSet {
	switch half := len(trees) / 2; len(trees) {
	case 0:
		return subjectSet{}
	case 1:
		return treeSet(trees[0])
	default:
		return combine(treeSets(trees[:half], op), treeSets(trees[half:], op), op)
	}
}

func (s subjectSet) add(stored StoredSubject, relation string) {
	state := Yes
	if stored.Trait != nil && stored.Trait.Caveat != "" {
		state = Conditional
	}
	s[stored.Subject] = member{own: state, relations: map[string]bool{relation: true}}
}

// condition makes the whole set depend on a caveat.
func (s subjectSet) condition() {
	for k, m := range s {
		m.own = min(m.own, Conditional)
		s[k] = m
	}
}

// combine makes one set of two, subject by subject.
func combine(a, b subjectSet, op TreeOp) subjectSet {
	s := make(subjectSet, len(a)+len(b))
	for _, side := range []subjectSet{a, b} {
		for subject := range side {
			if _, done := s[subject]; !done {
				s[subject] = combineMembers(a, b, subject, op)
			}
		}
	}
	return s
}

func combineMembers(a, b subjectSet, subject Subject, op TreeOp) member {
	ma, mb := a[subject], b[subject]
	m := member{relations: writtenIn(ma, mb, op)}
	switch op {
	case TreeIntersection:
		m.own = max(min(ma.own, mb.own), min(ma.own, b.meant(subject)), min(a.meant(subject), mb.own))
		m.barred = max(ma.barred, mb.barred)
	case TreeExclusion:
		m.own = min(ma.own, Yes-max(mb.own, b.meant(subject)))
		m.barred = max(ma.barred, mb.own)
		if b.wildcard(subject.Type) > No { // whom that does not mean stays, whatever a's wildcard becomes
			m.own = max(m.own, min(a.meant(subject), mb.barred, Yes-mb.own))
		}
	default:
		m.own = max(ma.own, mb.own)
		m.barred = min(a.outside(subject), b.outside(subject), Yes-m.own)
		whole := max(m.own, a.meant(subject), b.meant(subject))
		if whole < max(a.wildcard(subject.Type), b.wildcard(subject.Type)) {
			m.barred = max(m.barred, Yes-whole) // the surer wildcard does not mean it, the other one does
		}
	}
	return m
}

// writtenIn returns where the two sides have a subject written. A side that does
// not have it by itself counts only when neither has, and what is taken away not
// where it is taken from.
func writtenIn(a, b member, op TreeOp) map[string]bool {
	switch {
	case a.own > No && (op == TreeExclusion || b.own == No):
		return a.relations
	case b.own > No && a.own == No && op != TreeExclusion:
		return b.relations
	}
	relations := map[string]bool{}
	maps.Copy(relations, a.relations)
	maps.Copy(relations, b.relations)
	return relations
}

// list returns the subjects of the set, sorted.
func (s subjectSet) list() []FoundSubject {
	var found []FoundSubject
	for subject, m := range s {
		if m.own == No {
			continue
		}
		f := FoundSubject{
			Subject:     subject,
			Conditional: m.own == Conditional,
			Relations:   slices.Sorted(maps.Keys(m.relations)),
		}
		if subject.IsWildcard() {
			f.Excluded = s.excluded(subject.Type)
		}
		found = append(found, f)
	}
	sortFound(found)
	return found
}

// excluded returns the named subjects of a type that its wildcard does not mean.
func (s subjectSet) excluded(subjectType string) []FoundSubject {
	var out []FoundSubject
	for subject, m := range s {
		if subject.Type == subjectType && subject.Relation == "" && !subject.IsWildcard() && m.barred > No {
			out = append(out, FoundSubject{Subject: subject, Conditional: m.barred == Conditional})
		}
	}
	sortFound(out)
	return out
}

func sortFound(s []FoundSubject) {
	slices.SortFunc(s, func(a, b FoundSubject) int { return a.Subject.Compare(b.Subject) })
}

func sortStored(s []StoredSubject) {
	slices.SortFunc(s, func(a, b StoredSubject) int { return a.Subject.Compare(b.Subject) })
}
