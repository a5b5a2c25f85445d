package engine

import (
	"slices"
	"strings"
)

// Memory is a Reader over relationships held in memory, for tests and offline
// commands. It is immutable.
type Memory struct {
	forward map[forwardKey][]Entry
	reverse map[reverseKey][]Entry
	all     []Relationship
}

type forwardKey struct {
	resource                               Object
	relation, subjectType, subjectRelation string
}

type reverseKey struct {
	subject            Subject
	resourceType, name string
}

// NewMemory returns a Reader of the relationships. Of two with the same key the
// later one counts.
func NewMemory(relationships ...Relationship) *Memory {
	latest := make(map[Relationship]*Trait, len(relationships))
	for _, r := range relationships {
		latest[r.Key()] = r.Trait
	}
	m := &Memory{forward: map[forwardKey][]Entry{}, reverse: map[reverseKey][]Entry{}}
	for r, trait := range latest {
		r.Trait = trait
		m.all = append(m.all, r)
	}
	slices.SortFunc(m.all, Relationship.Compare)
	for _, r := range m.all {
		f := forwardKey{r.Resource, r.Relation, r.Subject.Type, r.Subject.Relation}
		m.forward[f] = append(m.forward[f], Entry{r.Subject.ID, r.Trait})
		b := reverseKey{r.Subject, r.Resource.Type, r.Relation}
		m.reverse[b] = append(m.reverse[b], Entry{r.Resource.ID, r.Trait})
	}
	return m
}

// All returns every relationship in the order of Relationship.Compare. The
// caller must not change the slice.
func (m *Memory) All() []Relationship { return m.all }

// Find implements Reader.
func (m *Memory) Find(resource Object, relation string, subject Subject) (*Trait, bool, error) {
	entries := m.forward[forwardKey{resource, relation, subject.Type, subject.Relation}]
	i, ok := slices.BinarySearchFunc(entries, subject.ID, compareID)
	if !ok {
		return nil, false, nil
	}
	return entries[i].Trait, true, nil
}

// Subjects implements Reader.
func (m *Memory) Subjects(resource Object, relation, subjectType, subjectRelation, after string) ([]Entry, bool, error) {
	return entriesAfter(m.forward[forwardKey{resource, relation, subjectType, subjectRelation}], after), false, nil
}

// Resources implements Reader.
func (m *Memory) Resources(subject Subject, resourceType, relation, after string) ([]Entry, bool, error) {
	return entriesAfter(m.reverse[reverseKey{subject, resourceType, relation}], after), false, nil
}

func compareID(e Entry, id string) int { return strings.Compare(e.ID, id) }

func entriesAfter(entries []Entry, after string) []Entry {
	if after == "" {
		return entries
	}
	i, ok := slices.BinarySearchFunc(entries, after, compareID)
	if ok {
		i++
	}
	return entries[i:]
}
