package main

import (
	"strings"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/store"
)

// filterOf makes a filter of the arguments RESOURCE_TYPE[:ID] [RELATION]
// [SUBJECT_TYPE[:ID[#RELATION]]].
func filterOf(args []string, subject string) (store.Filter, error) {
	text := args[0]
	if len(args) > 1 {
		text += "#" + args[1]
	}
	if len(args) > 2 {
		if subject != "" {
			return store.Filter{}, usagef("the subject is given twice: as an argument and as --subject-filter")
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
func parseFilter(text string) (store.Filter, error) {
	resource, subject, hasSubject := strings.Cut(text, "@")
	resource, relation, hasRelation := strings.Cut(resource, "#")
	var f store.Filter
	var hasID bool
	f.ResourceType, f.ResourceID, hasID = strings.Cut(resource, ":")
	f.Relation = relation
	if prefix, ok := strings.CutSuffix(f.ResourceID, "%"); ok {
		f.ResourceID, f.ResourceIDPrefix = "", prefix
	}
	fault := func(err error) (store.Filter, error) { return store.Filter{}, usagef("%q: %w", text, err) }
	if err := checkNames(f.ResourceType, f.Relation, hasRelation); err != nil {
		return fault(err)
	}
	if id := f.ResourceID + f.ResourceIDPrefix; id != "" || hasID && !strings.HasSuffix(resource, "%") {
		if err := engine.CheckObjectID(id); err != nil {
			return fault(err)
		}
	}
	if hasSubject {
		s, err := parseSubjectFilter(subject)
		if err != nil {
			return fault(err)
		}
		f.Subject = &s
	}
	if text == "" || f.ResourceType == "" && f.Subject == nil {
		return store.Filter{}, usagef("%q selects nothing: a filter is like document:plan#viewer@user:ana, with parts left out", text)
	}
	return f, nil
}

func parseSubjectFilter(text string) (store.SubjectFilter, error) {
	object, relation, hasRelation := strings.Cut(text, "#")
	var f store.SubjectFilter
	var hasID bool
	f.Type, f.ID, hasID = strings.Cut(object, ":")
	if relation == "..." {
		relation = ""
	} else if err := checkNames("", relation, hasRelation); err != nil {
		return f, err
	}
	if hasRelation {
		f.Relation = &relation
	}
	if err := engine.CheckTypeName(f.Type); err != nil {
		return f, err
	}
	if hasID && f.ID != engine.Wildcard {
		return f, engine.CheckObjectID(f.ID)
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

// checkFilter makes sure that the schema knows the names of a filter: a
// mistyped one would quietly select nothing.
func checkFilter(s *schema.Schema, f store.Filter) error {
	known := func(typeName, relation string) error {
		switch {
		case typeName == "":
			return nil
		case relation == "":
			return engine.CheckType(s, typeName)
		}
		r, err := engine.Resolve(s, typeName, relation)
		if err == nil && r.IsPermission() && typeName == f.ResourceType && relation == f.Relation {
			err = &engine.PermissionWriteError{Type: typeName, Permission: relation}
		}
		return err
	}
	if err := known(f.ResourceType, f.Relation); err != nil || f.Subject == nil {
		return err
	}
	relation := ""
	if f.Subject.Relation != nil {
		relation = *f.Subject.Relation
	}
	return known(f.Subject.Type, relation)
}
