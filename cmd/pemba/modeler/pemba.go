package modeler

import (
	"context"
	"errors"
	"io"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// pemba asks Pemba: what people may do, with the key of the service; and does what
// they do, with their tokens.
type pemba struct {
	key         string
	permissions v1.PermissionsServiceClient
	workspaces  portalv1.WorkspaceServiceClient
	diagrams    portalv1.DiagramServiceClient
}

func newPemba(conn grpc.ClientConnInterface, key string) *pemba {
	return &pemba{key, v1.NewPermissionsServiceClient(conn), portalv1.NewWorkspaceServiceClient(conn), portalv1.NewDiagramServiceClient(conn)}
}

// bearing is a context whose calls show a token.
func bearing(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

// as is a context whose calls somebody makes himself.
func (s *session) as(ctx context.Context) (context.Context, error) {
	token, err := s.tokens.Token()
	if err != nil {
		return nil, err
	}
	return bearing(ctx, token.AccessToken), nil
}

// fresh asks for the state with everything that was written before the question: on
// Pemba it costs what a stale one costs elsewhere.
func fresh() *v1.Consistency {
	return &v1.Consistency{Requirement: &v1.Consistency_FullyConsistent{FullyConsistent: true}}
}

func person(user string) *v1.SubjectReference {
	return &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: "user", ObjectId: user}}
}

// readable returns the ids of the models that somebody may read.
func (p *pemba) readable(ctx context.Context, user string) ([]string, error) {
	stream, err := p.permissions.LookupResources(bearing(ctx, p.key), &v1.LookupResourcesRequest{
		Consistency: fresh(), ResourceObjectType: "model", Permission: "read", Subject: person(user),
	})
	if err != nil {
		return nil, err
	}
	var ids []string
	for {
		found, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return ids, nil
		}
		if err != nil {
			return nil, err
		}
		if found.Permissionship == v1.LookupPermissionship_LOOKUP_PERMISSIONSHIP_HAS_PERMISSION {
			ids = append(ids, found.ResourceObjectId)
		}
	}
}

// mostRows is how many rows one page of a list has.
const mostRows = 1_000

// diagramsOf returns all diagrams of a model that somebody may see.
func (p *pemba) diagramsOf(ctx context.Context, model string) ([]*portalv1.Diagram, error) {
	return whole(func(at *portalv1.Paging) ([]*portalv1.Diagram, *portalv1.Page, error) {
		got, err := p.diagrams.ListDiagrams(ctx, &portalv1.ListDiagramsRequest{WorkspaceId: model, Paging: at})
		return got.GetDiagrams(), got.GetPage(), err
	})
}

// commentsOf returns all comments on a diagram.
func (p *pemba) commentsOf(ctx context.Context, diagram string) ([]*portalv1.Comment, error) {
	return whole(func(at *portalv1.Paging) ([]*portalv1.Comment, *portalv1.Page, error) {
		got, err := p.diagrams.ListComments(ctx, &portalv1.ListCommentsRequest{Id: diagram, Paging: at})
		return got.GetComments(), got.GetPage(), err
	})
}

// whole reads a list page by page.
func whole[T any](ask func(at *portalv1.Paging) ([]T, *portalv1.Page, error)) ([]T, error) {
	var all []T
	at := &portalv1.Paging{Size: mostRows}
	for {
		rows, page, err := ask(at)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if at.Cursor = page.GetNext(); at.Cursor == "" {
			return all, nil
		}
	}
}

// may says which of some permissions somebody has on a diagram, all at one revision.
func (p *pemba) may(ctx context.Context, user, diagram string, permissions ...string) (map[string]bool, error) {
	r := &v1.CheckBulkPermissionsRequest{Consistency: fresh()}
	for _, permission := range permissions {
		r.Items = append(r.Items, &v1.CheckBulkPermissionsRequestItem{
			Resource: &v1.ObjectReference{ObjectType: "diagram", ObjectId: diagram}, Permission: permission, Subject: person(user),
		})
	}
	resp, err := p.permissions.CheckBulkPermissions(bearing(ctx, p.key), r)
	if err != nil {
		return nil, err
	}
	holds := map[string]bool{}
	for i, pair := range resp.Pairs {
		holds[permissions[i]] = pair.GetItem().GetPermissionship() == v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION
	}
	return holds, nil
}
