package server

import (
	"github.com/pemba-authz/pemba/schema"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
)

// fromSchemaChange converts a difference, without its class.
func fromSchemaChange(c *schema.Change) *consolev1.SchemaChange {
	out := &consolev1.SchemaChange{
		Kind: consolev1.SchemaChange_Kind(c.Kind) + consolev1.SchemaChange_KIND_DEFINITION_ADDED, Text: c.String(), Before: c.Before,
	}
	if c.Type != nil {
		out.Definition = c.Type.Name
	}
	switch c.Kind {
	case schema.RelationAdded, schema.PermissionAdded:
		out.Name, out.After = c.Relation.Name, c.Relation.Declaration()
	case schema.RelationRemoved, schema.PermissionRemoved:
		out.Name, out.Before = c.Relation.Name, c.Relation.Declaration()
	case schema.RelationDocChanged, schema.PermissionDocChanged:
		out.Name = c.Relation.Name
	case schema.SubjectTypeAdded:
		out.Name, out.After = c.Relation.Name, c.Allowed.String()
	case schema.SubjectTypeRemoved:
		out.Name, out.Before = c.Relation.Name, c.Allowed.String()
	case schema.PermissionExprChanged:
		out.Name, out.After = c.Relation.Name, schema.ExprString(c.Relation.Expr)
	case schema.ConstraintAdded, schema.ConstraintChanged:
		out.Name, out.After = c.Constraint.Name, c.Constraint.String()
	case schema.ConstraintRemoved:
		out.Name, out.Before = c.Constraint.Name, c.Constraint.String()
	case schema.CaveatAdded, schema.CaveatRemoved, schema.CaveatDocChanged:
		out.Name = c.Caveat.Name
	case schema.CaveatExprChanged:
		out.Name, out.After = c.Caveat.Name, c.Caveat.Program.Canonical()
	case schema.ParameterAdded, schema.ParameterTypeChanged:
		out.Name, out.After = c.Caveat.Name, c.Param.Name+" "+c.Param.Type.String()
		if c.Before != "" {
			out.Before = c.Param.Name + " " + c.Before
		}
	case schema.ParameterRemoved:
		out.Name, out.Before = c.Caveat.Name, c.Param.Name+" "+c.Param.Type.String()
	}
	return out
}
