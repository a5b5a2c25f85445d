package engine

import (
	"fmt"
	"strings"

	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// UnknownTypeError says that the schema does not define a type.
type UnknownTypeError struct {
	Type    string
	Nearest string // a defined type of a similar name; may be empty
}

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("the schema defines no %q%s", e.Type, didYouMean(e.Nearest))
}

// UnknownRelationError says that a type has no such relation or permission.
type UnknownRelationError struct {
	Type, Relation string
	Nearest        string // a member of the type with a similar name; may be empty
}

func (e *UnknownRelationError) Error() string {
	return fmt.Sprintf("%q has no relation or permission %q%s", e.Type, e.Relation, didYouMean(e.Nearest))
}

func didYouMean(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", name)
}

// PermissionWriteError says that a relationship names a permission where it
// must name a relation.
type PermissionWriteError struct{ Type, Permission string }

func (e *PermissionWriteError) Error() string {
	return fmt.Sprintf("%q of %q is a permission: it is computed, relationships are written to relations", e.Permission, e.Type)
}

// SubjectTypeError says that a relation does not allow a subject of this kind.
type SubjectTypeError struct {
	Type, Relation string
	Subject        string   // the kind of subject that was given: "user:* with c"
	Allowed        []string // what the relation allows
}

func (e *SubjectTypeError) Error() string {
	return fmt.Sprintf("relation %q of %q does not allow %s: it allows %s", e.Relation, e.Type, e.Subject, strings.Join(e.Allowed, ", "))
}

// Resolve returns the relation or permission of a type, or an
// *UnknownTypeError or *UnknownRelationError.
func Resolve(s *schema.Schema, typeName, relation string) (*schema.Relation, error) {
	t := s.Type(typeName)
	if t == nil {
		return nil, unknownType(s, typeName)
	}
	r := t.Relation(relation)
	if r == nil {
		known := make([]string, len(t.Members))
		for i, m := range t.Members {
			known[i] = m.Name
		}
		return nil, &UnknownRelationError{Type: typeName, Relation: relation, Nearest: syntax.Nearest(relation, known)}
	}
	return r, nil
}

// CheckType returns an *UnknownTypeError for a type that the schema does not
// define.
func CheckType(s *schema.Schema, name string) error {
	if s.Type(name) == nil {
		return unknownType(s, name)
	}
	return nil
}

func unknownType(s *schema.Schema, name string) error {
	known := make([]string, 0, len(s.Types()))
	for _, t := range s.Types() {
		known = append(known, t.Name)
	}
	return &UnknownTypeError{Type: name, Nearest: syntax.Nearest(name, known)}
}

// Validate returns why the schema does not allow the relationship to be
// written, nil when it does: an *UnknownTypeError, *UnknownRelationError,
// *PermissionWriteError, *SubjectTypeError, or the caveat's own error for a
// context that does not fit its parameters.
func Validate(s *schema.Schema, r Relationship) error {
	relation, err := Resolve(s, r.Resource.Type, r.Relation)
	if err != nil {
		return err
	}
	if relation.IsPermission() {
		return &PermissionWriteError{Type: r.Resource.Type, Permission: r.Relation}
	}
	if s.Type(r.Subject.Type) == nil {
		return unknownType(s, r.Subject.Type)
	}
	if r.Subject.Relation != "" {
		if _, err := Resolve(s, r.Subject.Type, r.Subject.Relation); err != nil {
			return err
		}
	}
	var caveatName string
	var expires bool
	if r.Trait != nil {
		caveatName, expires = r.Trait.Caveat, !r.Trait.Expires.IsZero()
	}
	if !relation.Allows(r.Subject.Type, r.Subject.Relation, r.Subject.IsWildcard(), caveatName, expires) {
		return subjectTypeError(relation, r.Subject, caveatName, expires)
	}
	if caveatName == "" || len(r.Trait.Context) == 0 {
		return nil
	}
	if err := s.Caveat(caveatName).Program.CheckContext(r.Trait.Context, true); err != nil {
		return fmt.Errorf("%s: %w", r.Key(), err)
	}
	return nil
}

func subjectTypeError(r *schema.Relation, subject Subject, caveatName string, expires bool) error {
	kind := subject.Type
	switch {
	case subject.IsWildcard():
		kind += ":*"
	case subject.Relation != "":
		kind += "#" + subject.Relation
	}
	switch {
	case caveatName != "" && expires:
		kind += " with " + caveatName + " and expiration"
	case caveatName != "":
		kind += " with " + caveatName
	case expires:
		kind += " with expiration"
	}
	allowed := make([]string, len(r.Allowed))
	for i, a := range r.Allowed {
		allowed[i] = a.String()
	}
	return &SubjectTypeError{Type: r.Type.Name, Relation: r.Name, Subject: kind, Allowed: allowed}
}
