package server

import (
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// ImportBulkRelationships creates what a stream of messages holds, as one
// transaction: all of it when the stream ends, or nothing.
func (p *permissionsService) ImportBulkRelationships(in grpc.ClientStreamingServer[v1.ImportBulkRelationshipsRequest, v1.ImportBulkRelationshipsResponse]) error {
	n, err := p.importAll(in.Context(), func() ([]*v1.Relationship, error) {
		r, err := in.Recv()
		return r.GetRelationships(), err
	})
	if err != nil {
		return err
	}
	return in.SendAndClose(&v1.ImportBulkRelationshipsResponse{NumLoaded: n})
}

// importAll imports what receive gives until it returns io.EOF, and returns how
// many relationships that were.
func (s *Server) importAll(ctx context.Context, receive func() ([]*v1.Relationship, error)) (uint64, error) {
	i := s.replica.Import()
	var first engine.Relationship
	err := s.stage(ctx, i, &first, receive)
	if err == nil && i.Total() == 0 {
		return 0, nil
	}
	if err == nil {
		ctx, end := s.room(ctx, "replica.Commit")
		_, err = i.Commit(ctx, replica.Proposal{
			Tx:       store.Transaction{Actor: caller(ctx)},
			RetryKey: header(ctx, idempotencyKey), Identity: caller(ctx), RequestID: requestID(ctx),
		})
		end()
	}
	if err == nil {
		return uint64(i.Total()), nil
	}
	// The caller may be gone; what it left is dropped all the same.
	if abortErr := i.Abort(context.WithoutCancel(ctx)); abortErr != nil {
		s.log.InfoContext(ctx, "an import is left to be dropped", "request_id", requestID(ctx), "error", abortErr)
	}
	if twice, ok := errors.AsType[*store.DuplicateUpdateError](err); ok {
		// The second one creates what the first one did.
		err = &store.AlreadyExistsError{Relationship: twice.Relationship}
	}
	return 0, withoutSchema(err, first)
}

// stage adds what receive gives to an import, and keeps the first of it.
func (s *Server) stage(ctx context.Context, i *replica.Import, first *engine.Relationship, receive func() ([]*v1.Relationship, error)) error {
	for {
		message, err := receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		batch := make([]engine.Relationship, len(message))
		for k, r := range message {
			if batch[k], err = toRelationship(r); err == nil {
				err = s.reserved.check(&batch[k])
			}
			if err != nil {
				return fmt.Errorf("relationship %d: %w", i.Total()+k, err)
			}
		}
		if i.Total() == 0 && len(batch) > 0 {
			*first = batch[0]
		}
		if err := i.Add(ctx, batch...); err != nil {
			return err
		}
	}
}

const (
	// exportPage is how many relationships a message of an export holds when the
	// request does not say.
	exportPage = 1_000

	// maxExportBytes is from which size on a message is full before it holds as
	// many, as clients accept 4 MiB when they are not told otherwise.
	maxExportBytes = 2 << 20
)

// ExportBulkRelationships streams all relationships of one revision, or those
// that a filter selects, page by page.
func (p *permissionsService) ExportBulkRelationships(r *v1.ExportBulkRelationshipsRequest, out grpc.ServerStreamingServer[v1.ExportBulkRelationshipsResponse]) error {
	if err := checkLimit(r.OptionalLimit, p.limits.ExportPage); err != nil {
		return err
	}
	ctx := out.Context()
	a, cursors, place, err := p.resume(ctx, r, r.Consistency, r.OptionalCursor, nil)
	if err != nil {
		return err
	}
	defer a.Close()
	var filter store.Filter
	if r.OptionalRelationshipFilter != nil {
		if filter, err = filterOf(a.engine.Schema, r.OptionalRelationshipFilter); err != nil {
			return err
		}
	}
	size := int(r.OptionalLimit)
	if size == 0 {
		size = min(exportPage, p.limits.ExportPage)
	}
	var page []*v1.Relationship
	var last engine.Relationship
	bytes := 0
	send := func() error {
		err := out.Send(&v1.ExportBulkRelationshipsResponse{
			Relationships: page, AfterResultCursor: cursors.at(last.Key().String()),
		})
		page, bytes = make([]*v1.Relationship, 0, size), 0
		return err
	}
	err = a.relationships(ctx, filter, place, func(found engine.Relationship) (bool, error) {
		relationship, err := fromRelationship(found)
		if err != nil {
			return false, err
		}
		page, last = append(page, relationship), found
		bytes += proto.Size(relationship)
		if len(page) < size && bytes < maxExportBytes {
			return true, nil
		}
		return true, send()
	})
	if err == nil && len(page) > 0 {
		err = send()
	}
	return err
}
