package main

import (
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"

	"github.com/pemba-authz/pemba/engine"
)

// filter selects relationships.
type filter struct {
	*v1.RelationshipFilter
	text string // as it was given
}

// filterOf makes a filter of the arguments RESOURCE_TYPE[:ID] [RELATION]
// [SUBJECT_TYPE[:ID[#RELATION]]].
func filterOf(args []string, subject string) (filter, error) {
	text := args[0]
	if len(args) > 1 {
		text += "#" + args[1]
	}
	if len(args) > 2 {
		if subject != "" {
			return filter{}, usagef("the subject is given twice: as an argument and as --subject-filter")
		}
		subject = args[2]
	}
	if subject != "" {
		text += "@" + subject
	}
	return parseFilter(text)
}

// parseFilter reads a relationship of which parts may be left out:
// "document", "document:plan", "document#viewer", "document:pl%@user",
// "@user:ana", "@group:staff#member".
func parseFilter(text string) (filter, error) {
	resource, subject, hasSubject := strings.Cut(text, "@")
	resource, relation, hasRelation := strings.Cut(resource, "#")
	typeName, id, hasID := strings.Cut(resource, ":")
	f := filter{&v1.RelationshipFilter{ResourceType: typeName, OptionalRelation: relation}, text}
	fault := func(err error) (filter, error) { return filter{}, usagef("%q: %w", text, err) }
	if err := checkNames(typeName, relation, hasRelation); err != nil {
		return fault(err)
	}
	prefix, hasPrefix := strings.CutSuffix(id, "%")
	if prefix != "" || hasID && !hasPrefix {
		if err := engine.CheckObjectID(prefix); err != nil {
			return fault(err)
		}
	}
	if hasPrefix {
		f.OptionalResourceIdPrefix = prefix
	} else {
		f.OptionalResourceId = id
	}
	if hasSubject {
		s, err := parseSubjectFilter(subject)
		if err != nil {
			return fault(err)
		}
		f.OptionalSubjectFilter = s
	}
	if text == "" || typeName == "" && !hasSubject {
		return filter{}, usagef("%q selects nothing: a filter is like document:plan#viewer@user:ana, with parts left out", text)
	}
	return f, nil
}

func parseSubjectFilter(text string) (*v1.SubjectFilter, error) {
	object, relation, hasRelation := strings.Cut(text, "#")
	typeName, id, hasID := strings.Cut(object, ":")
	f := &v1.SubjectFilter{SubjectType: typeName, OptionalSubjectId: id}
	if relation == "..." {
		relation = ""
	} else if err := checkNames("", relation, hasRelation); err != nil {
		return nil, err
	}
	if hasRelation {
		f.OptionalRelation = &v1.SubjectFilter_RelationFilter{Relation: relation}
	}
	if err := engine.CheckTypeName(typeName); err != nil {
		return nil, err
	}
	if hasID && id != engine.Wildcard {
		return f, engine.CheckObjectID(id)
	}
	return f, nil
}

// checkNames checks the form of the names that are there.
func checkNames(typeName, relation string, hasRelation bool) error {
	if typeName != "" {
		if err := engine.CheckTypeName(typeName); err != nil {
			return err
		}
	}
	if hasRelation {
		return engine.CheckRelationName(relation)
	}
	return nil
}
