package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/types/known/structpb"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// transactionService is pemba.v1.TransactionService.
type transactionService struct {
	pembav1.UnimplementedTransactionServiceServer
	*Server
}

// WriteTransaction writes relationships and documents, if everything that the
// request relies on holds when it is applied.
func (t *transactionService) WriteTransaction(ctx context.Context, r *pembav1.WriteTransactionRequest) (*pembav1.WriteTransactionResponse, error) {
	tx, err := t.guarded(r)
	if err != nil {
		return nil, err
	}
	if err := t.checkFilters(ctx, &tx); err != nil {
		return nil, err
	}
	result, err := t.proposeOnce(ctx, tx, r.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	resp := &pembav1.WriteTransactionResponse{WrittenAt: fromToken(result.Token), Repeated: result.Repeated}
	for _, u := range tx.Documents {
		if u.Value != nil {
			resp.DocumentVersion = uint64(result.Revision)
		}
	}
	return resp, nil
}

// guarded converts a guarded transaction.
func (t *transactionService) guarded(r *pembav1.WriteTransactionRequest) (store.Transaction, error) {
	shared := &v1.WriteRelationshipsRequest{
		Updates: r.Updates, OptionalPreconditions: r.Preconditions, OptionalTransactionMetadata: r.OptionalTransactionMetadata,
	}
	if err := validate(shared); err != nil {
		if fault, ok := errors.AsType[*fieldError](err); ok { // its own fields have other names
			fault.path = strings.TrimPrefix(fault.path, "optional_")
		}
		return store.Transaction{}, err
	}
	tx, err := t.writeTransaction(shared)
	if err != nil {
		return tx, err
	}
	if tx.Guards, err = t.toGuards(r.Guards); err != nil {
		return tx, err
	}
	if tx.DocumentPreconditions, err = toDocumentPreconditions(r.DocumentPreconditions, t.limits.Preconditions); err != nil {
		return tx, err
	}
	if len(r.DocumentUpdates) > t.limits.Updates {
		return tx, tooMany(v1.ErrorReason_ERROR_REASON_TOO_MANY_UPDATES_IN_REQUEST, "update", len(r.DocumentUpdates), t.limits.Updates)
	}
	for i, u := range r.DocumentUpdates {
		update, err := toDocumentUpdate(u)
		if err != nil {
			return tx, fmt.Errorf("document update %d: %w", i, err)
		}
		tx.Documents = append(tx.Documents, update)
	}
	return tx, nil
}

// toGuards converts permissions that must or must not hold.
func (t *transactionService) toGuards(guards []*pembav1.PermissionGuard) ([]store.Guard, error) {
	out := make([]store.Guard, len(guards))
	for i, g := range guards {
		var err error
		if out[i], err = t.toGuard(g); err != nil {
			return nil, fmt.Errorf("guard %d: %w", i, err)
		}
	}
	return out, nil
}

func (t *transactionService) toGuard(g *pembav1.PermissionGuard) (out store.Guard, err error) {
	switch g.GetRequirement() {
	case pembav1.PermissionGuard_REQUIREMENT_MUST_HOLD:
		out.Must = true
	case pembav1.PermissionGuard_REQUIREMENT_MUST_NOT_HOLD:
	default:
		return out, invalid("requirement %d is none of MUST_HOLD and MUST_NOT_HOLD", g.GetRequirement())
	}
	if out.Resource, err = toObject(g.Resource, "resource"); err != nil {
		return out, err
	}
	if err = checkPermissionName(g.Permission); err != nil {
		return out, err
	}
	out.Permission = g.Permission
	if out.Subject, err = toSubject(g.Subject, "subject"); err != nil {
		return out, err
	}
	out.Context, err = toContext(g.Context, t.limits.Context)
	return out, err
}

// toDocumentPreconditions converts versions that documents must have.
func toDocumentPreconditions(all []*pembav1.DocumentPrecondition, limit int) ([]store.DocumentPrecondition, error) {
	if len(all) > limit {
		return nil, tooMany(v1.ErrorReason_ERROR_REASON_TOO_MANY_PRECONDITIONS_IN_REQUEST, "precondition", len(all), limit)
	}
	out := make([]store.DocumentPrecondition, len(all))
	for i, p := range all {
		if p == nil || p.Version == nil {
			return nil, invalid("document precondition %d: the version is missing; 0 says that the document must not exist", i)
		}
		out[i] = store.DocumentPrecondition{Key: p.Key, Version: store.Revision(*p.Version)}
	}
	return out, nil
}

func toDocumentUpdate(u *pembav1.DocumentUpdate) (store.DocumentUpdate, error) {
	if u == nil {
		return store.DocumentUpdate{}, invalid("the update is missing")
	}
	out := store.DocumentUpdate{Key: u.Key, IfVersion: toVersion(u.IfVersion)}
	switch u.GetOperation() {
	case pembav1.DocumentUpdate_OPERATION_WRITE:
		err := writeDocument(&out, u.DocumentClass, u.Value)
		return out, err
	case pembav1.DocumentUpdate_OPERATION_DELETE:
		if u.Value != nil || u.DocumentClass != pembav1.DocumentClass_DOCUMENT_CLASS_UNSPECIFIED {
			return out, invalid("a delete gives no value and no class; leave them out")
		}
		return out, nil
	}
	return out, invalid("operation %d is none of WRITE and DELETE", u.GetOperation())
}

// writeDocument makes u write a value.
func writeDocument(u *store.DocumentUpdate, class pembav1.DocumentClass, v *structpb.Value) error {
	switch class {
	case pembav1.DocumentClass_DOCUMENT_CLASS_OPEN:
		u.Class = store.ClassOpen
	case pembav1.DocumentClass_DOCUMENT_CLASS_SEALED:
		u.Class = store.ClassSealed
	default:
		return invalid("document class %d is none of OPEN and SEALED", class)
	}
	if v.GetKind() == nil {
		return invalid("the value is missing; null is one")
	}
	value, err := toValue(v)
	if err != nil {
		return fmt.Errorf("value: %w", err)
	}
	if u.Value, err = json.Marshal(value); err != nil {
		return invalid("value: %w", err)
	}
	return nil
}

// maxIdempotencyKey bounds the name of a write, in bytes.
const maxIdempotencyKey = 128

// proposeOnce is propose for a request that can name itself in a field too.
func (s *Server) proposeOnce(ctx context.Context, tx store.Transaction, key string) (replica.Result, error) {
	switch named := header(ctx, idempotencyKey); {
	case key == "":
		key = named
	case named != "" && named != key:
		return replica.Result{}, invalid("the request has the idempotency key %.80q in a field and %.80q in its header; give one of them", key, named)
	}
	if len(key) > maxIdempotencyKey {
		return replica.Result{}, invalid("the idempotency key has %d bytes; at most %d are allowed", len(key), maxIdempotencyKey)
	}
	return s.proposeKeyed(ctx, tx, key)
}
