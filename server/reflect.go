package server

import (
	"fmt"
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"

	"github.com/pemba-authz/pemba/schema"
)

// schemaFilters select parts of a schema: what any of them selects. None
// selects everything.
type schemaFilters []*v1.ReflectionSchemaFilter

// toSchemaFilters refuses filters whose parts do not go together.
func toSchemaFilters(filters []*v1.ReflectionSchemaFilter) (schemaFilters, error) {
	for i, f := range filters {
		var why string
		switch {
		case f.GetOptionalCaveatNameFilter() != "" && f.GetOptionalDefinitionNameFilter() != "":
			why = "names a definition and a caveat: write a filter for each"
		case f.GetOptionalRelationNameFilter() != "" && f.GetOptionalPermissionNameFilter() != "":
			why = "names a relation and a permission: write a filter for each"
		case f.GetOptionalDefinitionNameFilter() != "":
		case f.GetOptionalRelationNameFilter() != "":
			why = "names a relation and no definition: name both"
		case f.GetOptionalPermissionNameFilter() != "":
			why = "names a permission and no definition: name both"
		}
		if why != "" {
			return nil, &requestError{
				reason:   v1.ErrorReason_ERROR_REASON_INVALID_FILTER,
				metadata: schemaFilterMetadata(f),
				err:      fmt.Errorf("schema filter %d %s", i, why),
			}
		}
	}
	return filters, nil
}

// schemaFilterMetadata returns the fields of a filter that are set.
func schemaFilterMetadata(f *v1.ReflectionSchemaFilter) map[string]string {
	m := map[string]string{}
	for name, value := range map[string]string{
		"definition": f.GetOptionalDefinitionNameFilter(), "caveat": f.GetOptionalCaveatNameFilter(),
		"relation": f.GetOptionalRelationNameFilter(), "permission": f.GetOptionalPermissionNameFilter(),
	} {
		if value != "" {
			m["optional_"+name+"_name_filter"] = value
		}
	}
	return m
}

// match reports whether there is no filter, or one that f accepts.
func (s schemaFilters) match(f func(*v1.ReflectionSchemaFilter) bool) bool {
	for _, filter := range s {
		if f(filter) {
			return true
		}
	}
	return len(s) == 0
}

func (s schemaFilters) selectType(name string) bool {
	return s.match(func(f *v1.ReflectionSchemaFilter) bool {
		return f.GetOptionalCaveatNameFilter() == "" && strings.HasPrefix(name, f.GetOptionalDefinitionNameFilter())
	})
}

func (s schemaFilters) selectCaveat(name string) bool {
	return s.match(func(f *v1.ReflectionSchemaFilter) bool {
		return f.GetOptionalDefinitionNameFilter() == "" && strings.HasPrefix(name, f.GetOptionalCaveatNameFilter())
	})
}

func (s schemaFilters) selectMember(r *schema.Relation) bool {
	return s.match(func(f *v1.ReflectionSchemaFilter) bool {
		wanted, other := f.GetOptionalRelationNameFilter(), f.GetOptionalPermissionNameFilter()
		if r.IsPermission() {
			wanted, other = other, wanted
		}
		return f.GetOptionalCaveatNameFilter() == "" &&
			strings.HasPrefix(r.Type.Name, f.GetOptionalDefinitionNameFilter()) &&
			(wanted != "" && strings.HasPrefix(r.Name, wanted) || wanted == "" && other == "")
	})
}

// fromType converts a definition with the members that the filters select.
func fromType(t *schema.Type, filters schemaFilters) *v1.ReflectionDefinition {
	d := &v1.ReflectionDefinition{Name: t.Name, Comment: t.Doc}
	for _, r := range t.Members {
		switch {
		case !filters.selectMember(r):
		case r.IsPermission():
			d.Permissions = append(d.Permissions, fromPermission(r))
		default:
			d.Relations = append(d.Relations, fromRelation(r))
		}
	}
	return d
}

func fromRelation(r *schema.Relation) *v1.ReflectionRelation {
	out := &v1.ReflectionRelation{Name: r.Name, Comment: r.Doc, ParentDefinitionName: r.Type.Name}
	for _, a := range r.Allowed {
		out.SubjectTypes = append(out.SubjectTypes, fromAllowed(a))
	}
	return out
}

func fromAllowed(a *schema.Allowed) *v1.ReflectionTypeReference {
	out := &v1.ReflectionTypeReference{SubjectDefinitionName: a.Type.Name}
	if a.Caveat != nil {
		out.OptionalCaveatName = a.Caveat.Name
	}
	switch {
	case a.Wildcard:
		out.Typeref = &v1.ReflectionTypeReference_IsPublicWildcard{IsPublicWildcard: true}
	case a.Relation != nil:
		out.Typeref = &v1.ReflectionTypeReference_OptionalRelationName{OptionalRelationName: a.Relation.Name}
	default:
		out.Typeref = &v1.ReflectionTypeReference_IsTerminalSubject{IsTerminalSubject: true}
	}
	return out
}

func fromPermission(r *schema.Relation) *v1.ReflectionPermission {
	return &v1.ReflectionPermission{Name: r.Name, Comment: r.Doc, ParentDefinitionName: r.Type.Name}
}

func fromCaveat(c *schema.Caveat) *v1.ReflectionCaveat {
	out := &v1.ReflectionCaveat{Name: c.Name, Comment: c.Doc, Expression: c.Program.Canonical()}
	for i := range c.Params {
		out.Parameters = append(out.Parameters, fromParam(c, &c.Params[i]))
	}
	return out
}

func fromParam(c *schema.Caveat, p *schema.Param) *v1.ReflectionCaveatParameter {
	return &v1.ReflectionCaveatParameter{Name: p.Name, Type: p.Type.String(), ParentCaveatName: c.Name}
}

// fromRelationNames converts the names of those whose definition has the prefix.
func fromRelationNames(relations []*schema.Relation, prefix string) []*v1.ReflectionRelationReference {
	var out []*v1.ReflectionRelationReference
	for _, r := range relations {
		if strings.HasPrefix(r.Type.Name, prefix) {
			out = append(out, &v1.ReflectionRelationReference{
				DefinitionName: r.Type.Name, RelationName: r.Name, IsPermission: r.IsPermission(),
			})
		}
	}
	return out
}

func notPermission(r *schema.Relation) error {
	return &requestError{
		reason:   v1.ErrorReason_ERROR_REASON_UNKNOWN_RELATION_OR_PERMISSION,
		metadata: map[string]string{"definition_name": r.Type.Name, "relation_name": r.Name},
		err:      fmt.Errorf("%q of %q is a relation; name a permission", r.Name, r.Type.Name),
	}
}

// fromChange converts one difference; nil for those that the API has no word
// for: it knows no constraints.
func fromChange(c schema.Change) *v1.ReflectionSchemaDiff {
	switch c.Kind {
	case schema.DefinitionAdded:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_DefinitionAdded{DefinitionAdded: fromType(c.Type, nil)}}
	case schema.DefinitionRemoved:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_DefinitionRemoved{DefinitionRemoved: fromType(c.Type, nil)}}
	case schema.DefinitionDocChanged:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_DefinitionDocCommentChanged{DefinitionDocCommentChanged: fromType(c.Type, nil)}}
	case schema.RelationAdded:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_RelationAdded{RelationAdded: fromRelation(c.Relation)}}
	case schema.RelationRemoved:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_RelationRemoved{RelationRemoved: fromRelation(c.Relation)}}
	case schema.RelationDocChanged:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_RelationDocCommentChanged{RelationDocCommentChanged: fromRelation(c.Relation)}}
	case schema.SubjectTypeAdded:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_RelationSubjectTypeAdded{RelationSubjectTypeAdded: fromSubjectTypeChange(c)}}
	case schema.SubjectTypeRemoved:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_RelationSubjectTypeRemoved{RelationSubjectTypeRemoved: fromSubjectTypeChange(c)}}
	case schema.PermissionAdded:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_PermissionAdded{PermissionAdded: fromPermission(c.Relation)}}
	case schema.PermissionRemoved:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_PermissionRemoved{PermissionRemoved: fromPermission(c.Relation)}}
	case schema.PermissionDocChanged:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_PermissionDocCommentChanged{PermissionDocCommentChanged: fromPermission(c.Relation)}}
	case schema.PermissionExprChanged:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_PermissionExprChanged{PermissionExprChanged: fromPermission(c.Relation)}}
	}
	return fromCaveatChange(c)
}

func fromCaveatChange(c schema.Change) *v1.ReflectionSchemaDiff {
	switch c.Kind {
	case schema.CaveatAdded:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_CaveatAdded{CaveatAdded: fromCaveat(c.Caveat)}}
	case schema.CaveatRemoved:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_CaveatRemoved{CaveatRemoved: fromCaveat(c.Caveat)}}
	case schema.CaveatDocChanged:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_CaveatDocCommentChanged{CaveatDocCommentChanged: fromCaveat(c.Caveat)}}
	case schema.CaveatExprChanged:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_CaveatExprChanged{CaveatExprChanged: fromCaveat(c.Caveat)}}
	case schema.ParameterAdded:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_CaveatParameterAdded{CaveatParameterAdded: fromParam(c.Caveat, c.Param)}}
	case schema.ParameterRemoved:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_CaveatParameterRemoved{CaveatParameterRemoved: fromParam(c.Caveat, c.Param)}}
	case schema.ParameterTypeChanged:
		return &v1.ReflectionSchemaDiff{Diff: &v1.ReflectionSchemaDiff_CaveatParameterTypeChanged{
			CaveatParameterTypeChanged: &v1.ReflectionCaveatParameterTypeChange{
				Parameter: fromParam(c.Caveat, c.Param), PreviousType: c.Before,
			},
		}}
	}
	return nil
}

func fromSubjectTypeChange(c schema.Change) *v1.ReflectionRelationSubjectTypeChange {
	return &v1.ReflectionRelationSubjectTypeChange{Relation: fromRelation(c.Relation), ChangedSubjectType: fromAllowed(c.Allowed)}
}
