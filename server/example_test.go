package server_test

import (
	"context"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// Write a relationship only if the actor still may share the model: the guard
// is judged at the very revision at which the relationship is written.
func Example_guardedTransaction() {
	share := func(ctx context.Context, conn *grpc.ClientConn, actor, invited string) error {
		user := func(id string) *v1.SubjectReference {
			return &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: "user", ObjectId: id}}
		}
		model := &v1.ObjectReference{ObjectType: "model", ObjectId: "sales"}
		_, err := pembav1.NewTransactionServiceClient(conn).WriteTransaction(ctx, &pembav1.WriteTransactionRequest{
			Guards: []*pembav1.PermissionGuard{{
				Requirement: pembav1.PermissionGuard_REQUIREMENT_MUST_HOLD,
				Resource:    model, Permission: "share", Subject: user(actor),
			}},
			Updates: []*v1.RelationshipUpdate{{
				Operation:    v1.RelationshipUpdate_OPERATION_TOUCH,
				Relationship: &v1.Relationship{Resource: model, Relation: "viewer", Subject: user(invited)},
			}},
		})
		return err // FAILED_PRECONDITION, naming the guard, when the actor may not
	}
	_ = share
}
