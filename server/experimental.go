package server

import (
	"context"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
)

// experimentalService is authzed.api.v1.ExperimentalService: the deprecated
// names of methods that have a home elsewhere now, and relationship counters.
type experimentalService struct {
	v1.UnimplementedExperimentalServiceServer
	*Server
	permissions *permissionsService
	schemas     *schemaService
}

// BulkCheckPermission is CheckBulkPermissions.
func (e *experimentalService) BulkCheckPermission(ctx context.Context, r *v1.BulkCheckPermissionRequest) (*v1.BulkCheckPermissionResponse, error) {
	request := &v1.CheckBulkPermissionsRequest{Consistency: r.Consistency}
	for _, item := range r.Items {
		request.Items = append(request.Items, &v1.CheckBulkPermissionsRequestItem{
			Resource: item.Resource, Permission: item.Permission, Subject: item.Subject, Context: item.Context,
		})
	}
	checked, err := e.permissions.CheckBulkPermissions(ctx, request)
	if err != nil {
		return nil, err
	}
	resp := &v1.BulkCheckPermissionResponse{CheckedAt: checked.CheckedAt}
	for i, pair := range checked.Pairs {
		out := &v1.BulkCheckPermissionPair{Request: r.Items[i]}
		if failed := pair.GetError(); failed != nil {
			out.Response = &v1.BulkCheckPermissionPair_Error{Error: failed}
		} else {
			out.Response = &v1.BulkCheckPermissionPair_Item{Item: &v1.BulkCheckPermissionResponseItem{
				Permissionship: pair.GetItem().GetPermissionship(), PartialCaveatInfo: pair.GetItem().GetPartialCaveatInfo(),
			}}
		}
		resp.Pairs = append(resp.Pairs, out)
	}
	return resp, nil
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
