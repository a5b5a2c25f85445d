package store

import (
	"bytes"
	"slices"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
)

// Bounds of what errors name.
const (
	maxExamples        = 10 // resources that violate a new constraint
	maxExampleSubjects = 10
)

// constraints judges the resources that the transaction touches, on the state
// it leaves.
func (j *judge) constraints() error {
	g := j.db.backend.gaps(j.view.revision(), len(j.changes))
	defer g.close()
	for from := 0; from < len(j.changes); {
		resource := j.changes[from].Relationship.Resource
		to := from + 1
		for to < len(j.changes) && j.changes[to].Relationship.Resource == resource {
			to++
		}
		if err := j.constrain(g, resource, j.changes[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// constrain judges one resource, given what changes on it.
func (j *judge) constrain(g *gaps, resource engine.Object, changes []*change) error {
	if j.schema == nil {
		return nil
	}
	t := j.schema.Type(resource.Type)
	if t == nil || len(t.Constraints) == 0 {
		return nil
	}
	j.bare = g.freePrefix(resourcePrefix(nil, resource))
	defer func() { j.bare = false }()
	for _, c := range t.Constraints {
		var subjects []engine.Subject
		var violated bool
		var err error
		switch c.Kind {
		case schema.Exclusive:
			subjects, err = j.sharedBy(c, changes)
			violated = len(subjects) > 0
		case schema.AtMostOne:
			if adds(changes, c.Relations[0].Name) {
				subjects, err = j.subjectsAfter(resource, c.Relations[0].Name)
				violated = len(subjects) > 1
			}
		case schema.AtLeastOne:
			gains := func(ch *change) bool { return ch.has && ch.Relationship.Relation == c.Relations[0].Name }
			if !slices.ContainsFunc(changes, gains) {
				violated, err = j.lacks(resource, c.Relations[0].Name)
			}
		}
		if err != nil {
			return err
		}
		if violated {
			return newConstraintError(c, resource, subjects)
		}
	}
	return nil
}

func newConstraintError(c *schema.Constraint, resource engine.Object, subjects []engine.Subject) *ConstraintError {
	e := &ConstraintError{Constraint: c.Name, Kind: c.Kind, Resource: resource, Subjects: subjects}
	for _, r := range c.Relations {
		e.Relations = append(e.Relations, r.Name)
	}
	return e
}

// adds reports whether a relationship of the relation is new.
func adds(changes []*change, relation string) bool {
	return slices.ContainsFunc(changes, func(c *change) bool { return c.Op == Create && c.Relationship.Relation == relation })
}

// sharedBy returns the subjects that changes put into one of the constraint's
// relations while they are in another.
func (j *judge) sharedBy(c *schema.Constraint, changes []*change) ([]engine.Subject, error) {
	var shared []engine.Subject
	for _, ch := range changes {
		r := ch.Relationship
		if ch.Op != Create || !slices.ContainsFunc(c.Relations, func(x *schema.Relation) bool { return x.Name == r.Relation }) {
			continue
		}
		for _, other := range c.Relations {
			if other.Name == ch.Relationship.Relation {
				continue
			}
			r.Relation = other.Name
			has, err := j.hasAfter(&r)
			if err != nil {
				return nil, err
			}
			if has {
				shared = append(shared, r.Subject)
				break
			}
		}
	}
	return tidySubjects(shared), nil
}

func tidySubjects(subjects []engine.Subject) []engine.Subject {
	slices.SortFunc(subjects, engine.Subject.Compare)
	subjects = slices.Compact(subjects)
	return subjects[:min(len(subjects), maxExampleSubjects)]
}

// subjectsAfter returns some subjects of a set, in order.
func (j *judge) subjectsAfter(resource engine.Object, relation string) ([]engine.Subject, error) {
	var subjects []engine.Subject
	err := j.walkAfter(setPrefix(nil, resource, relation), func(r engine.Relationship) bool {
		subjects = append(subjects, r.Subject)
		return len(subjects) < maxExampleSubjects
	})
	return subjects, err
}

// lacks reports whether a resource has relationships, and none in relation.
func (j *judge) lacks(resource engine.Object, relation string) (bool, error) {
	subjects, err := j.subjectsAfter(resource, relation)
	if err != nil || len(subjects) > 0 {
		return false, err
	}
	any := false
	err = j.walkAfter(resourcePrefix(nil, resource), func(engine.Relationship) bool {
		any = true
		return false
	})
	return any, err
}

// hasAfter reports whether a relationship is stored after the transaction.
func (j *judge) hasAfter(r *engine.Relationship) (bool, error) {
	key := forwardKey(nil, r)
	if c := j.byKey[string(key)]; c != nil {
		return c.has, nil
	}
	c := change{key: key}
	err := j.stored(&c, j.bare)
	return c.had, err
}

// walkAfter visits what the forward keys with a prefix hold after the
// transaction, in order, without traits, until visit returns false.
func (j *judge) walkAfter(prefix []byte, visit func(engine.Relationship) bool) error {
	own := withPrefix(j.changes, prefix)
	var flying []*change // over what is stored, and under own
	if j.in != nil {
		flying = withPrefix(j.in.judge.changes, prefix)
	}
	var s *scan
	if !j.bare {
		s = j.view.scan(prefix)
		defer s.close()
		s.seek(nil)
	}
	for {
		var key []byte // the least
		if s != nil && s.valid() {
			key = s.key()
		}
		stored := key != nil
		for _, layer := range [][]*change{flying, own} {
			if len(layer) > 0 && (key == nil || bytes.Compare(layer[0].key, key) < 0) {
				key, stored = layer[0].key, false
			}
		}
		if key == nil {
			return nil
		}
		var c *change // that decides
		for _, layer := range []*[]*change{&flying, &own} {
			if l := *layer; len(l) > 0 && bytes.Equal(l[0].key, key) {
				c, *layer = l[0], l[1:]
			}
		}
		if c != nil && c.has && !visit(c.Relationship) {
			return nil
		}
		if c == nil {
			r, err := splitForward(key)
			if err != nil || !visit(r) {
				return err
			}
		}
		if stored {
			s.next()
		}
	}
}

// withPrefix returns those of sorted changes whose keys have a prefix.
func withPrefix(changes []*change, prefix []byte) []*change {
	from, _ := slices.BinarySearchFunc(changes, prefix, func(c *change, key []byte) int { return bytes.Compare(c.key, key) })
	to := from
	for to < len(changes) && bytes.HasPrefix(changes[to].key, prefix) {
		to++
	}
	return changes[from:to]
}

// newConstraints judges constraints that the schema before did not guarantee, on
// everything that is stored after the transaction.
func (j *judge) newConstraints(constraints []*schema.Constraint) error {
	refusal := &ConstraintsError{}
	for len(constraints) > 0 {
		t := constraints[0].Relations[0].Type
		others := func(c *schema.Constraint) bool { return c.Relations[0].Type != t }
		some := constraints
		if i := slices.IndexFunc(constraints, others); i > 0 {
			some = constraints[:i]
		}
		constraints = constraints[len(some):]
		if err := j.judgeStored(appendParts([]byte{tableForward}, t.Name), some, refusal); err != nil {
			return err
		}
	}
	if len(refusal.Examples) > 0 {
		return refusal
	}
	return nil
}

// judgeStored judges constraints of one type on the relationships that are
// stored under a prefix after the transaction.
func (j *judge) judgeStored(prefix []byte, constraints []*schema.Constraint, refusal *ConstraintsError) error {
	if len(constraints) == 0 {
		return nil
	}
	t := constraints[0].Relations[0].Type
	w := engine.ConstraintJudge{
		Constraints: func(*schema.Type) []*schema.Constraint { return constraints },
		Violated:    refusal.add,
	}
	err := j.walkAfter(prefix, func(r engine.Relationship) bool {
		w.Add(t, r)
		return !refusal.More
	})
	w.Done()
	return err
}

// add keeps a violation as an example, as long as there are few.
func (e *ConstraintsError) add(v engine.Violation) {
	if len(e.Examples) == maxExamples {
		e.More = true
		return
	}
	e.Examples = append(e.Examples, newConstraintError(v.Constraint, v.Resource, v.Subjects[:min(len(v.Subjects), maxExampleSubjects)]))
}
