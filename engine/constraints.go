package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/schema"
)

// Violation is a constraint that the relationships of one resource violate.
type Violation struct {
	Constraint *schema.Constraint
	Resource   Object
	Subjects   []Subject // exclusive: those in more than one relation; at_most_one: those in it; sorted
}

// String says what the constraint demands and who stands against it.
func (v Violation) String() string {
	names := make([]string, len(v.Constraint.Relations))
	for i, r := range v.Constraint.Relations {
		names[i] = r.Name
	}
	subjects := make([]string, len(v.Subjects))
	for i, s := range v.Subjects {
		subjects[i] = s.String()
	}
	who := strings.Join(subjects, ", ")
	demand := fmt.Sprintf("constraint %q of %q is violated by %s: ", v.Constraint.Name, v.Resource.Type, v.Resource)
	switch v.Constraint.Kind {
	case schema.Exclusive:
		return demand + fmt.Sprintf("a subject may be in one of %s only, and %s is in more", strings.Join(names, ", "), who)
	case schema.AtMostOne:
		return demand + fmt.Sprintf("%s holds at most one subject, and would hold %s", names[0], who)
	default:
		return demand + fmt.Sprintf("%s must hold a subject as long as the resource has any relationship", names[0])
	}
}

// ConstraintJudge judges the constraints of a schema over relationships that
// come in the order of Relationship.Compare.
type ConstraintJudge struct {
	Constraints func(t *schema.Type) []*schema.Constraint // those to judge
	Violated    func(Violation)                           // called for each, resource by resource

	resource Object
	typ      *schema.Type
	subjects map[string][]Subject // of the resource, by relation
}

// Add takes the next relationship; t is its resource's type, nil if the schema
// has none.
func (j *ConstraintJudge) Add(t *schema.Type, r Relationship) {
	if r.Resource != j.resource {
		j.Done()
		j.resource, j.typ, j.subjects = r.Resource, t, map[string][]Subject{}
	}
	j.subjects[r.Relation] = append(j.subjects[r.Relation], r.Subject)
}

// Done judges the last resource; it is called after the last relationship.
func (j *ConstraintJudge) Done() {
	if j.typ == nil {
		return
	}
	for _, c := range j.Constraints(j.typ) {
		subjects := j.subjects[c.Relations[0].Name]
		violated := false
		switch c.Kind {
		case schema.Exclusive:
			subjects = shared(c, j.subjects)
			violated = len(subjects) > 0
		case schema.AtMostOne:
			violated = len(subjects) > 1
		case schema.AtLeastOne:
			violated = len(subjects) == 0
		}
		if violated {
			j.Violated(Violation{Constraint: c, Resource: j.resource, Subjects: subjects})
		}
	}
	j.typ = nil
}

// shared returns the subjects that are in more than one of the relations.
func shared(c *schema.Constraint, subjects map[string][]Subject) []Subject {
	seen := map[Subject]bool{}
	var out []Subject
	for _, r := range c.Relations {
		for _, s := range subjects[r.Name] {
			if seen[s] {
				out = append(out, s)
			}
			seen[s] = true
		}
	}
	slices.SortFunc(out, Subject.Compare)
	return slices.Compact(out)
}

// Violations judges all constraints of a schema over the relationships in
// memory.
func (m *Memory) Violations(s *schema.Schema) []Violation {
	var out []Violation
	j := ConstraintJudge{
		Constraints: func(t *schema.Type) []*schema.Constraint { return t.Constraints },
		Violated:    func(v Violation) { out = append(out, v) },
	}
	for _, r := range m.all {
		j.Add(s.Type(r.Resource.Type), r)
	}
	j.Done()
	return out
}
