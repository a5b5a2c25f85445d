package engine

import "github.com/pemba-authz/pemba/schema"

// Keeping is what a Reader may be beside: one that has a Keeper, nil for none.
type Keeping interface{ Keeper() Keeper }

// Keeper holds sets in memory, as they are at the Reader's revision, and keeps
// answers from one question to the next. A walk that is given one reads a set
// once where it would put several questions, and looks for an answer before it
// walks.
//
// An answer is kept with the marks of all it rests on. It may be recalled only
// if nothing changed under any of them between the revision that it was found at
// and the Reader's own. A Keeper is safe for concurrent use.
type Keeper interface {
	// Set returns the subjects of resource#relation, nil if the Keeper does not
	// hold them and has to be asked by Find and Subjects, and the set's mark.
	Set(resource Object, relation string) (*Set, Mark, error)

	// Mark returns the mark of a subject.
	Mark(subject *Subject) Mark

	// Recall returns the answer to whether the subject, whose mark is given, is
	// in the relation of the object with this id, if it is kept and holds.
	Recall(r *schema.Relation, id string, subject *Subject, mark Mark) (Kept, bool)

	// Keep keeps the answer to such a question. Neither the strings nor the marks
	// are the Keeper's: it copies what it keeps.
	Keep(r *schema.Relation, id string, subject *Subject, mark Mark, answer Kept)
}

// Kept is an answer that rests on nothing but which relationships there are: on
// no caveat, no expiration and no limit.
type Kept struct {
	Yes    bool
	Height int    // hops from the object to the furthest that was looked into
	Marks  []Mark // what the answer rests on, each once; nobody changes them
}

// Mark stands for some relationships: of those under it, any may change where
// one does. Sets and subjects have a mark, and from these follow the marks of
// what is read.
type Mark uint32

// Of returns the mark of one subject, which has the mark subject, in the set
// with mark m: of whether it is there, and what it carries.
func (m Mark) Of(subject Mark) Mark { return m ^ subject }

// All returns the mark of all subjects in the set with mark m that have a
// relation, or of all that have none.
func (m Mark) All(withRelation bool) Mark {
	if withRelation {
		return ^m
	}
	return m
}

// Set is the subjects of one resource#relation. It is immutable.
type Set struct {
	Sections []Section // of those that have subjects, each kind once
}

// Section is the subjects of one type and relation in a set.
type Section struct {
	Type, Relation string
	// Whole is whether Entries has all of them. Otherwise it has only the
	// wildcard, if there is one.
	Whole   bool
	Entries []Entry // by ascending id
}

// Section returns the section of a type and relation, nil when the set has none.
func (s *Set) Section(subjectType, relation string) *Section {
	for i := range s.Sections {
		if c := &s.Sections[i]; c.Type == subjectType && c.Relation == relation {
			return c
		}
	}
	return nil
}

// Search returns where an id is among the entries, or would be.
func (c *Section) Search(id string) int {
	from, to := 0, len(c.Entries)
	for from < to {
		if middle := int(uint(from+to) / 2); c.Entries[middle].ID < id {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return from
}

// Find looks for one subject; known is false where the set does not say.
func (s *Set) Find(subject *Subject) (t *Trait, ok, known bool) {
	c := s.Section(subject.Type, subject.Relation)
	if c == nil {
		return nil, false, true
	}
	i := c.Search(subject.ID)
	if i < len(c.Entries) && c.Entries[i].ID == subject.ID {
		return c.Entries[i].Trait, true, true
	}
	return nil, false, c.Whole || subject.IsWildcard()
}
