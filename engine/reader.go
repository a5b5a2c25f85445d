package engine

// Reader answers what a walk asks of the stored relationships, at one revision.
// A Reader is safe for concurrent use, and its answers never change.
//
// Expired relationships are still given back: the engine knows the time, the
// Reader does not.
type Reader interface {
	// Find returns whether subject stands in resource#relation, and what that
	// relationship carries. Only the very relationship counts: no wildcard
	// stands in for the subject, no userset is followed.
	Find(resource Object, relation string, subject Subject) (*Trait, bool, error)

	// Subjects returns those subjects of resource#relation that have the given
	// type and relation ("" for objects and the wildcard), by ascending id, from
	// the first id greater than after. It returns a page of any length that is
	// not empty unless nothing is left; more says whether asking again after
	// the last id of the page may give more.
	Subjects(resource Object, relation, subjectType, subjectRelation, after string) (page []Entry, more bool, err error)

	// Resources returns the objects of resourceType whose relation holds
	// exactly subject, by ascending id, in pages as Subjects does.
	Resources(subject Subject, resourceType, relation, after string) (page []Entry, more bool, err error)
}

// Entry is one id of a page, and what its relationship carries. Pages are
// shared: nobody changes them.
type Entry struct {
	ID    string
	Trait *Trait // nil when it carries neither caveat nor expiration
}
