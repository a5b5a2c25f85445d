package server

import (
	"context"
	"fmt"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// experimentalService is authzed.api.v1.ExperimentalService: the deprecated
// names of methods that have a home elsewhere now, and relationship counters
// (counters.go).
type experimentalService struct {
	v1.UnimplementedExperimentalServiceServer
	*Server
	permissions *permissionsService
	schemas     *schemaService
}

// alias answers a request under its deprecated name: it has the same fields as
// asked, and so have the responses. A test holds that.
func alias[Asked, Answered proto.Message](ctx context.Context, request proto.Message, asked Asked,
	call func(context.Context, Asked) (Answered, error), response proto.Message) error {
	if err := transcode(request, asked); err != nil {
		return err
	}
	answered, err := call(ctx, asked)
	if err != nil {
		return err
	}
	return transcode(answered, response)
}

// transcode makes to a copy of from, a message of another name.
func transcode(from, to proto.Message) error {
	buf, err := proto.Marshal(from)
	if err == nil {
		err = proto.Unmarshal(buf, to)
	}
	if err != nil {
		return fmt.Errorf("a %s as a %s: %w", from.ProtoReflect().Descriptor().Name(), to.ProtoReflect().Descriptor().Name(), err)
	}
	return nil
}

// BulkCheckPermission is CheckBulkPermissions.
func (e *experimentalService) BulkCheckPermission(ctx context.Context, r *v1.BulkCheckPermissionRequest) (*v1.BulkCheckPermissionResponse, error) {
	resp := &v1.BulkCheckPermissionResponse{}
	return resp, alias(ctx, r, &v1.CheckBulkPermissionsRequest{}, e.permissions.CheckBulkPermissions, resp)
}

// ExperimentalReflectSchema is ReflectSchema.
func (e *experimentalService) ExperimentalReflectSchema(ctx context.Context, r *v1.ExperimentalReflectSchemaRequest) (*v1.ExperimentalReflectSchemaResponse, error) {
	resp := &v1.ExperimentalReflectSchemaResponse{}
	return resp, alias(ctx, r, &v1.ReflectSchemaRequest{}, e.schemas.ReflectSchema, resp)
}

// ExperimentalComputablePermissions is ComputablePermissions.
func (e *experimentalService) ExperimentalComputablePermissions(ctx context.Context, r *v1.ExperimentalComputablePermissionsRequest) (*v1.ExperimentalComputablePermissionsResponse, error) {
	resp := &v1.ExperimentalComputablePermissionsResponse{}
	return resp, alias(ctx, r, &v1.ComputablePermissionsRequest{}, e.schemas.ComputablePermissions, resp)
}

// ExperimentalDependentRelations is DependentRelations.
func (e *experimentalService) ExperimentalDependentRelations(ctx context.Context, r *v1.ExperimentalDependentRelationsRequest) (*v1.ExperimentalDependentRelationsResponse, error) {
	resp := &v1.ExperimentalDependentRelationsResponse{}
	return resp, alias(ctx, r, &v1.DependentRelationsRequest{}, e.schemas.DependentRelations, resp)
}

// ExperimentalDiffSchema is DiffSchema.
func (e *experimentalService) ExperimentalDiffSchema(ctx context.Context, r *v1.ExperimentalDiffSchemaRequest) (*v1.ExperimentalDiffSchemaResponse, error) {
	resp := &v1.ExperimentalDiffSchemaResponse{}
	return resp, alias(ctx, r, &v1.DiffSchemaRequest{}, e.schemas.DiffSchema, resp)
}

// BulkImportRelationships is ImportBulkRelationships.
func (e *experimentalService) BulkImportRelationships(in grpc.ClientStreamingServer[v1.BulkImportRelationshipsRequest, v1.BulkImportRelationshipsResponse]) error {
	n, err := e.importAll(in.Context(), func() ([]*v1.Relationship, error) {
		r, err := in.Recv()
		return r.GetRelationships(), err
	})
	if err != nil {
		return err
	}
	return in.SendAndClose(&v1.BulkImportRelationshipsResponse{NumLoaded: n})
}

// BulkExportRelationships is ExportBulkRelationships.
func (e *experimentalService) BulkExportRelationships(r *v1.BulkExportRelationshipsRequest, out grpc.ServerStreamingServer[v1.BulkExportRelationshipsResponse]) error {
	return e.permissions.ExportBulkRelationships(&v1.ExportBulkRelationshipsRequest{
		Consistency: r.Consistency, OptionalLimit: r.OptionalLimit, OptionalCursor: r.OptionalCursor,
		OptionalRelationshipFilter: r.OptionalRelationshipFilter,
	}, bulkExportStream{out})
}

// bulkExportStream sends the messages of an export under their deprecated name.
type bulkExportStream struct {
	grpc.ServerStreamingServer[v1.BulkExportRelationshipsResponse]
}

func (s bulkExportStream) Send(m *v1.ExportBulkRelationshipsResponse) error {
	return s.ServerStreamingServer.Send(&v1.BulkExportRelationshipsResponse{
		AfterResultCursor: m.AfterResultCursor, Relationships: m.Relationships,
	})
}
