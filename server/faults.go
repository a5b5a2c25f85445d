package server

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pemba-authz/pemba/engine"
)

// fieldError says which field of a request is wrong, and what would be right.
type fieldError struct {
	path string // "updates[2].relationship.resource"
	err  error
}

func (e *fieldError) Error() string {
	if said, ok := e.err.(predicate); ok {
		return e.path + " " + string(said)
	}
	return e.path + ": " + e.err.Error()
}

func (e *fieldError) Unwrap() error { return e.err }

// predicate is a fault that is said of its field: "is missing".
type predicate string

func (p predicate) Error() string { return string(p) }

// ruleError is what the generated rules of a message say of a field. The error
// of a message inside it is its cause.
type ruleError interface {
	error
	Field() string // "ResourceType", "Updates[2]"
	Reason() string
	Cause() error
}

// brokenRule puts into words which field the generated rules of a message refuse:
// they say which pattern it does not match, and not what was meant.
func brokenRule(m protoreflect.Message, err error) error {
	var path []string
	for {
		rule, ok := errors.AsType[ruleError](err)
		if !ok {
			return err
		}
		field, index := fieldOf(m.Descriptor(), rule.Field())
		if field == nil {
			return err
		}
		place := string(field.Name())
		if index >= 0 {
			place += "[" + strconv.Itoa(index) + "]"
		}
		path = append(path, place)
		value := valueOf(m, field, index)
		if rule.Cause() == nil || field.Message() == nil || !value.IsValid() {
			return &fieldError{strings.Join(path, "."), fieldFault(field, value, rule.Reason())}
		}
		m, err = value.Message(), rule.Cause()
	}
}

// fieldOf finds the field that a rule names as Go does, and the index of the
// item that it names, -1 for none.
func fieldOf(d protoreflect.MessageDescriptor, name string) (protoreflect.FieldDescriptor, int) {
	index := -1
	if bare, at, ok := strings.Cut(name, "["); ok {
		n, err := strconv.Atoi(strings.TrimSuffix(at, "]"))
		if err != nil {
			return nil, -1
		}
		name, index = bare, n
	}
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if strings.EqualFold(strings.ReplaceAll(string(f.Name()), "_", ""), name) {
			return f, index
		}
	}
	return nil, -1
}

// valueOf returns the value of a field or of one item of it; an invalid one for a
// message that is missing.
func valueOf(m protoreflect.Message, f protoreflect.FieldDescriptor, index int) protoreflect.Value {
	switch {
	case !f.IsList():
		if f.Message() != nil && !m.Has(f) {
			return protoreflect.Value{}
		}
		return m.Get(f)
	case index < 0 || index >= m.Get(f).List().Len():
		return protoreflect.Value{}
	}
	return m.Get(f).List().Get(index)
}

// fieldFault says what is wrong with the value of a field.
func fieldFault(f protoreflect.FieldDescriptor, value protoreflect.Value, rule string) error {
	switch {
	case !value.IsValid() || f.Message() != nil:
		return predicate("is missing")
	case f.Enum() != nil:
		return fmt.Errorf("%d is none of %s", value.Enum(), strings.Join(choices(f.Enum()), ", "))
	case f.Kind() == protoreflect.BoolKind:
		return predicate("must be true where it is given")
	case f.Kind() == protoreflect.StringKind:
		if err := textFault(f, value.String()); err != nil {
			return err
		}
	}
	return errors.New(rule)
}

// choices returns the names of an enum's values that can be given.
func choices(d protoreflect.EnumDescriptor) []string {
	var names []string
	for i := range d.Values().Len() {
		if v := d.Values().Get(i); v.Number() != 0 {
			names = append(names, string(v.Name()))
		}
	}
	return names
}

// textFault says what is wrong with a text, nil when it does not know.
func textFault(f protoreflect.FieldDescriptor, text string) error {
	name := string(f.Name())
	switch {
	case strings.HasSuffix(name, "_type") || strings.HasSuffix(name, "_types"):
		return engine.CheckTypeName(text)
	case strings.HasSuffix(name, "_id") || strings.HasSuffix(name, "_id_prefix"):
		return engine.CheckObjectID(text)
	case strings.HasSuffix(name, "relation") || name == "permission":
		return engine.CheckRelationName(text)
	case name == "caveat_name":
		return checkCaveatName(text)
	case name == "name":
		if engine.CheckRelationName(text) != nil {
			return fmt.Errorf("%.80q is not a counter name: 3 to 64 lower-case letters, digits and _ that begin with a letter and do not end with _", text)
		}
	case name == "token" && text == "":
		return predicate("is empty; give it back exactly as it was received, or leave the field out")
	case name == "token":
		return predicate(fmt.Sprintf("has %d bytes, which is more than any that was given out", len(text)))
	case name == "schema":
		return predicate(fmt.Sprintf("has %d bytes; at most %d are allowed", len(text), 4<<20))
	}
	return nil
}

// checkedByHand are messages with rules beside the generated ones: all of them
// are about the wildcard.
type checkedByHand interface{ HandwrittenValidate() error }

// misplacedWildcard says where a request has a wildcard that cannot stand there:
// the rules do not name the place.
func misplacedWildcard(m protoreflect.Message, path string) error {
	var found error
	fields := m.Descriptor().Fields()
	for i := 0; i < fields.Len() && found == nil; i++ {
		f := fields.Get(i)
		if f.Message() == nil || f.IsMap() || !m.Has(f) {
			continue
		}
		place := strings.TrimPrefix(path+"."+string(f.Name()), ".")
		if !f.IsList() {
			found = misplacedWildcard(m.Get(f).Message(), place)
			continue
		}
		for k := 0; k < m.Get(f).List().Len() && found == nil; k++ {
			found = misplacedWildcard(m.Get(f).List().Get(k).Message(), place+"["+strconv.Itoa(k)+"]")
		}
	}
	rules, ok := m.Interface().(checkedByHand)
	if found != nil || !ok || rules.HandwrittenValidate() == nil {
		return found
	}
	return &fieldError{strings.TrimPrefix(path+wildcardField(m.Interface()), "."), wildcardFault(m.Interface())}
}

// wildcardField returns where below a message the misplaced wildcard is.
func wildcardField(m proto.Message) string {
	switch m.(type) {
	case *v1.RelationshipFilter:
		return ".optional_resource_id"
	case *v1.SubjectReference, *v1.SubjectFilter:
		return ".optional_relation"
	}
	return ".resource"
}

func wildcardFault(m proto.Message) error {
	switch m := m.(type) {
	case *v1.RelationshipFilter:
		return errors.New("the wildcard * stands only for subjects; leave the field out to select all resources")
	case *v1.SubjectReference:
		return fmt.Errorf("%q is given for a wildcard, which has no relation: leave it out, or name one subject", m.OptionalRelation)
	case *v1.SubjectFilter:
		return fmt.Errorf("%q is given for a wildcard, which has no relation: leave it out, or name one subject", m.OptionalRelation.GetRelation())
	}
	return predicate("must be one object: the wildcard * stands only for subjects")
}
