package server

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// idempotencyKey is the request header by which a client names a write, so that
// sending it again does not write it again.
const idempotencyKey = "idempotency-key"

// fullyConsistent asks for everything that was written before the question.
var fullyConsistent = &v1.Consistency{Requirement: &v1.Consistency_FullyConsistent{FullyConsistent: true}}

// propose writes a transaction on behalf of the request of ctx.
func (s *Server) propose(ctx context.Context, tx store.Transaction) (replica.Result, error) {
	return s.proposeKeyed(ctx, tx, header(ctx, idempotencyKey))
}

// proposeKeyed is propose under an idempotency key, "" for none.
func (s *Server) proposeKeyed(ctx context.Context, tx store.Transaction, key string) (replica.Result, error) {
	tx.Actor = caller(ctx)
	seen := tx.SchemaSeen
	for range reservedTries {
		tx.SchemaSeen = seen
		if err := s.checkReserved(ctx, &tx); err != nil {
			return replica.Result{}, err
		}
		result, err := s.proposeChecked(ctx, tx, key)
		if _, replaced := errors.AsType[*store.SchemaVersionError](err); !replaced || seen != nil {
			return result, err
		}
	}
	return replica.Result{}, errSchemaChanges
}

// proposeChecked proposes a transaction that writes nothing that is reserved.
func (s *Server) proposeChecked(ctx context.Context, tx store.Transaction, key string) (replica.Result, error) {
	ctx, end := s.room(ctx, "replica.Propose")
	defer end()
	result, err := s.replica.Propose(ctx, replica.Proposal{Tx: tx, RetryKey: key, Identity: tx.Actor, RequestID: requestID(ctx)})
	if len(tx.Updates) > 0 {
		err = withoutSchema(err, tx.Updates[0].Relationship)
	}
	return result, err
}

// withoutSchema says of a write that was refused for want of any schema what is
// said of one whose type is not in the schema.
func withoutSchema(err error, first engine.Relationship) error {
	if errors.Is(err, store.ErrNoSchema) {
		return &engine.UnknownTypeError{Type: first.Resource.Type}
	}
	return err
}

// checkFilter refuses a filter with names that the schema does not have, or
// with a permission where only relations are stored.
func checkFilter(s *schema.Schema, f store.Filter) error {
	if f.ResourceType != "" {
		if err := checkFilterNames(s, f.ResourceType, f.Relation, true); err != nil {
			return err
		}
	}
	if sub := f.Subject; sub != nil {
		relation := ""
		if sub.Relation != nil {
			relation = *sub.Relation
		}
		return checkFilterNames(s, sub.Type, relation, false)
	}
	return nil
}

// checkFilterNames looks up a type and, unless it is empty, its relation.
func checkFilterNames(s *schema.Schema, typeName, relation string, stored bool) error {
	if relation == "" {
		return engine.CheckType(s, typeName)
	}
	r, err := engine.Resolve(s, typeName, relation)
	if err != nil {
		return err
	}
	if stored && r.IsPermission() {
		return &notRelationError{typeName, relation}
	}
	return nil
}

// filterOf converts a request's filter and holds it against the schema.
func filterOf(s *schema.Schema, f *v1.RelationshipFilter) (store.Filter, error) {
	out, err := toFilter(f)
	if err == nil {
		err = checkFilter(s, out)
	}
	return out, err
}

// ReadRelationships streams the stored relationships that a filter selects and
// that have not expired, in the order of the index that serves the filter.
func (p *permissionsService) ReadRelationships(r *v1.ReadRelationshipsRequest, out grpc.ServerStreamingServer[v1.ReadRelationshipsResponse]) error {
	if err := checkLimit(r.OptionalLimit, p.limits.PageLimit); err != nil {
		return err
	}
	if _, err := toFilter(r.RelationshipFilter); err != nil {
		return err
	}
	a, cursors, place, err := p.resume(out.Context(), r, r.Consistency, r.OptionalCursor, nil)
	if err != nil {
		return err
	}
	defer a.Close()
	filter, err := filterOf(a.engine.Schema, r.RelationshipFilter)
	if err != nil {
		return err
	}
	sent, token := uint32(0), a.token()
	return a.relationships(out.Context(), filter, place, func(found engine.Relationship) (bool, error) {
		relationship, err := fromRelationship(found)
		if err != nil {
			return false, err
		}
		sent++
		return sent != r.OptionalLimit, out.Send(&v1.ReadRelationshipsResponse{
			ReadAt: token, Relationship: relationship, AfterResultCursor: cursors.at(found.Key().String()),
		})
	})
}

// relationships calls each for what a filter selects and has not expired, after
// the place of a cursor, until it returns false or an error.
func (a *asked) relationships(ctx context.Context, f store.Filter, place string, each func(engine.Relationship) (bool, error)) error {
	var after *engine.Relationship
	if place != "" {
		last, err := engine.ParseRelationship(place)
		if err != nil {
			return errMalformedCursor
		}
		after = &last
	}
	for r, err := range a.snap.Relationships(ctx, f, after) {
		if err != nil {
			return err
		}
		if !r.Trait.Alive(a.engine.Now) {
			continue
		}
		if more, err := each(r); err != nil || !more {
			return err
		}
	}
	return nil
}

// WriteRelationships writes all updates, or none.
func (p *permissionsService) WriteRelationships(ctx context.Context, r *v1.WriteRelationshipsRequest) (*v1.WriteRelationshipsResponse, error) {
	tx, err := p.writeTransaction(r)
	if err != nil {
		return nil, err
	}
	if err := p.checkFilters(ctx, &tx); err != nil {
		return nil, err
	}
	result, err := p.propose(ctx, tx)
	if err != nil {
		return nil, err
	}
	return &v1.WriteRelationshipsResponse{WrittenAt: fromToken(result.Token)}, nil
}

func (s *Server) writeTransaction(r *v1.WriteRelationshipsRequest) (store.Transaction, error) {
	var tx store.Transaction
	if len(r.Updates) > s.limits.Updates {
		return tx, tooMany(v1.ErrorReason_ERROR_REASON_TOO_MANY_UPDATES_IN_REQUEST, "update", len(r.Updates), s.limits.Updates)
	}
	var err error
	if tx.Preconditions, err = toPreconditions(r.OptionalPreconditions, s.limits.Preconditions); err != nil {
		return tx, err
	}
	if tx.Metadata, err = toMetadata(r.OptionalTransactionMetadata, s.limits.Metadata); err != nil {
		return tx, err
	}
	tx.Updates = make([]store.Update, len(r.Updates))
	for i, u := range r.Updates {
		if tx.Updates[i], err = toUpdate(u); err != nil {
			return tx, fmt.Errorf("update %d: %w", i, err)
		}
	}
	return tx, nil
}

// checkFilters refuses filters that the newest schema cannot match. What they
// select is judged when the transaction is applied.
func (s *Server) checkFilters(ctx context.Context, tx *store.Transaction) error {
	if len(tx.Preconditions)+len(tx.Deletes) == 0 {
		return nil
	}
	a, err := s.question(ctx, fullyConsistent, nil)
	if err != nil {
		return err
	}
	defer a.Close()
	for _, d := range tx.Deletes {
		if err := checkFilter(a.engine.Schema, d.Filter); err != nil {
			return err
		}
	}
	for i, p := range tx.Preconditions {
		if err := checkFilter(a.engine.Schema, p.Filter); err != nil {
			return fmt.Errorf("precondition %d: %w", i, err)
		}
	}
	return nil
}

// DeleteRelationships deletes what a filter selects when it is applied.
func (p *permissionsService) DeleteRelationships(ctx context.Context, r *v1.DeleteRelationshipsRequest) (*v1.DeleteRelationshipsResponse, error) {
	tx, err := p.deleteTransaction(r)
	if err != nil {
		return nil, err
	}
	if err := p.checkFilters(ctx, &tx); err != nil {
		return nil, err
	}
	result, err := p.propose(ctx, tx)
	if err != nil {
		return nil, err
	}
	resp := &v1.DeleteRelationshipsResponse{
		DeletedAt: fromToken(result.Token), RelationshipsDeletedCount: uint64(result.Deleted),
		DeletionProgress: v1.DeleteRelationshipsResponse_DELETION_PROGRESS_COMPLETE,
	}
	if result.More {
		resp.DeletionProgress = v1.DeleteRelationshipsResponse_DELETION_PROGRESS_PARTIAL
		resp.AfterResultCursor = newCursors(r, p.now(), result.Token).at("")
	}
	return resp, nil
}

func (p *permissionsService) deleteTransaction(r *v1.DeleteRelationshipsRequest) (store.Transaction, error) {
	var tx store.Transaction
	if err := checkLimit(r.OptionalLimit, p.limits.PageLimit); err != nil {
		return tx, err
	}
	if err := checkDeleteCursor(r); err != nil {
		return tx, err
	}
	var err error
	if tx.Preconditions, err = toPreconditions(r.OptionalPreconditions, p.limits.Preconditions); err != nil {
		return tx, err
	}
	if tx.Metadata, err = toMetadata(r.OptionalTransactionMetadata, p.limits.Metadata); err != nil {
		return tx, err
	}
	d := store.FilterDelete{Limit: p.limits.Delete}
	if r.OptionalLimit > 0 {
		d.Limit, d.Partial = int(r.OptionalLimit), r.OptionalAllowPartialDeletions
	}
	d.Filter, err = toFilter(r.RelationshipFilter)
	tx.Deletes = []store.FilterDelete{d}
	return tx, err
}

// checkDeleteCursor refuses a cursor that another request was given. Its place
// does not count: what earlier calls deleted is no longer there to be passed.
func checkDeleteCursor(r *v1.DeleteRelationshipsRequest) error {
	if r.OptionalCursor == nil {
		return nil
	}
	if r.OptionalLimit == 0 || !r.OptionalAllowPartialDeletions {
		return invalid("a cursor needs optional_limit and optional_allow_partial_deletions: only partial deletions go on")
	}
	_, _, err := parseCursor(r, r.OptionalCursor.Token)
	return err
}
