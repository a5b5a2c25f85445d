package server

import (
	"context"
	"errors"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/schema/syntax"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// schemaService is authzed.api.v1.SchemaService; reflect.go has the shapes of
// what it answers.
type schemaService struct {
	v1.UnimplementedSchemaServiceServer
	*Server
	caveats schema.CaveatCompiler // for schemas to compare with
}

func newSchemaService(s *Server) *schemaService {
	return &schemaService{Server: s, caveats: caveat.New()}
}

// ReadSchema returns the newest schema in its normal form.
func (s *schemaService) ReadSchema(ctx context.Context, _ *v1.ReadSchemaRequest) (*v1.ReadSchemaResponse, error) {
	snap, err := s.replica.Snapshot(ctx, replica.Consistency{Mode: replica.FullyConsistent})
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	current, err := snap.Schema()
	if err != nil {
		return nil, err
	}
	if len(current.Types())+len(current.Caveats()) == 0 {
		return nil, store.ErrNoSchema
	}
	return &v1.ReadSchemaResponse{SchemaText: current.Canonical(), ReadAt: fromToken(snap.Token())}, nil
}

// WriteSchema replaces the schema.
func (s *schemaService) WriteSchema(ctx context.Context, r *v1.WriteSchemaRequest) (*v1.WriteSchemaResponse, error) {
	result, err := s.propose(ctx, store.Transaction{Schema: &r.Schema})
	if faults, ok := errors.AsType[syntax.ErrorList](err); ok {
		err = &schemaTextError{faults, r.Schema}
	}
	if err != nil {
		return nil, err
	}
	return &v1.WriteSchemaResponse{WrittenAt: fromToken(result.Token)}, nil
}

// ReflectSchema describes the schema, as far as the filters select it.
func (s *schemaService) ReflectSchema(ctx context.Context, r *v1.ReflectSchemaRequest) (*v1.ReflectSchemaResponse, error) {
	filters, err := toSchemaFilters(r.OptionalFilters)
	if err != nil {
		return nil, err
	}
	a, err := s.question(ctx, r.Consistency, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	resp := &v1.ReflectSchemaResponse{ReadAt: a.token()}
	for _, t := range a.engine.Schema.Types() {
		if filters.selectType(t.Name) {
			resp.Definitions = append(resp.Definitions, fromType(t, filters))
		}
	}
	for _, c := range a.engine.Schema.Caveats() {
		if filters.selectCaveat(c.Name) {
			resp.Caveats = append(resp.Caveats, fromCaveat(c))
		}
	}
	return resp, nil
}

// ComputablePermissions returns what may change when relationships of a
// relation do; without a relation, when a subject of the definition comes or goes.
func (s *schemaService) ComputablePermissions(ctx context.Context, r *v1.ComputablePermissionsRequest) (*v1.ComputablePermissionsResponse, error) {
	a, err := s.question(ctx, r.Consistency, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	var users []*schema.Relation
	if r.RelationName == "" {
		if err := engine.CheckType(a.engine.Schema, r.DefinitionName); err != nil {
			return nil, err
		}
		users = a.engine.Schema.NeededByType(a.engine.Schema.Type(r.DefinitionName))
	} else {
		relation, err := engine.Resolve(a.engine.Schema, r.DefinitionName, r.RelationName)
		if err != nil {
			return nil, err
		}
		users = a.engine.Schema.NeededBy(relation)
	}
	return &v1.ComputablePermissionsResponse{
		Permissions: fromRelationNames(users, r.OptionalDefinitionNameFilter), ReadAt: a.token(),
	}, nil
}

// DependentRelations returns what the answer for a permission can depend on.
func (s *schemaService) DependentRelations(ctx context.Context, r *v1.DependentRelationsRequest) (*v1.DependentRelationsResponse, error) {
	a, err := s.question(ctx, r.Consistency, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	permission, err := engine.Resolve(a.engine.Schema, r.DefinitionName, r.PermissionName)
	if err != nil {
		return nil, err
	}
	if !permission.IsPermission() {
		return nil, notPermission(permission)
	}
	return &v1.DependentRelationsResponse{
		Relations: fromRelationNames(a.engine.Schema.Needs(permission), ""), ReadAt: a.token(),
	}, nil
}

// DiffSchema tells how a schema, which need not be sound, differs from the
// stored one.
func (s *schemaService) DiffSchema(ctx context.Context, r *v1.DiffSchemaRequest) (*v1.DiffSchemaResponse, error) {
	other, err := schema.Compile(r.ComparisonSchema, schema.Options{Caveats: s.caveats, Lenient: true})
	if err != nil {
		return nil, err
	}
	a, err := s.question(ctx, r.Consistency, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	resp := &v1.DiffSchemaResponse{ReadAt: a.token()}
	for _, c := range schema.Diff(a.engine.Schema, other) {
		if d := fromChange(c); d != nil {
			resp.Diffs = append(resp.Diffs, d)
		}
	}
	return resp, nil
}
