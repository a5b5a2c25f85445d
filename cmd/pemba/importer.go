package main

import (
	"context"
	"errors"
	"io"
	"iter"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc/codes"

	"github.com/pemba-authz/pemba/engine"
)

// importer writes relationships in batches, each one transaction.
type importer struct {
	client *client
	size   int // of a batch
	create bool
	resume bool // create: what is stored as it is given is no fault
	done   importedJSON
}

func newImporter(cl *client, f importFlags) *importer {
	w := &importer{client: cl, size: f.batch, create: f.create, resume: f.resume}
	switch {
	case w.size > 0:
	case w.create:
		w.size = createBatch
	default:
		w.size = touchBatch
	}
	return w
}

// write writes groups of relationships, each in one transaction. When that
// fails, the batch that was not full is not written.
func (w *importer) write(ctx context.Context, groups iter.Seq2[[]engine.Relationship, error]) error {
	var batch []engine.Relationship
	for group, err := range groups {
		if err != nil {
			return err
		}
		if len(batch) > 0 && len(batch)+len(group) > w.size {
			if err := w.flush(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
		batch = append(batch, group...)
	}
	return w.flush(ctx, batch)
}

// flush writes one batch, in parts where it is too large for one transaction.
func (w *importer) flush(ctx context.Context, batch []engine.Relationship) error {
	if len(batch) == 0 {
		return nil
	}
	token, err := w.send(ctx, batch)
	switch {
	case isCode(err, codes.ResourceExhausted) && len(batch) > 1 && !retryable(err):
		half := len(batch) / 2
		if err := w.flush(ctx, batch[:half]); err != nil {
			return err
		}
		return w.flush(ctx, batch[half:])
	case isCode(err, codes.AlreadyExists) && w.resume:
		missing, err := w.missing(ctx, batch)
		if err != nil {
			return err
		}
		if len(missing) < len(batch) {
			w.done.Unchanged += int64(len(batch) - len(missing))
			return w.flush(ctx, missing)
		}
	}
	if err != nil {
		return err
	}
	w.done.Revision = token
	w.done.Transactions++
	w.done.Relationships += int64(len(batch))
	return nil
}

// send writes one transaction and returns its revision.
func (w *importer) send(ctx context.Context, batch []engine.Relationship) (string, error) {
	if w.create {
		return w.load(ctx, batch)
	}
	updates, err := updatesOf(v1.RelationshipUpdate_OPERATION_TOUCH, distinct(batch))
	if err != nil {
		return "", err
	}
	r, err := w.client.permissions.WriteRelationships(ctx, &v1.WriteRelationshipsRequest{Updates: updates})
	return r.GetWrittenAt().GetToken(), err
}

// distinct leaves out what is replaced by a later relationship of the same
// batch: one transaction writes each once.
func distinct(batch []engine.Relationship) []engine.Relationship {
	places := make(map[string]int, len(batch))
	out := batch[:0:0]
	for _, r := range batch {
		key := r.Key().String()
		if at, ok := places[key]; ok {
			out[at] = r
			continue
		}
		places[key] = len(out)
		out = append(out, r)
	}
	return out
}

// loadMessage is how many relationships one message of a bulk import has.
const loadMessage = 1_000

// load writes one transaction as a bulk import. Those do not tell their revision.
func (w *importer) load(ctx context.Context, batch []engine.Relationship) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := w.client.permissions.ImportBulkRelationships(ctx)
	if err != nil {
		return "", err
	}
	message := &v1.ImportBulkRelationshipsRequest{}
	for i, r := range batch {
		wire, err := wireRelationship(r)
		if err != nil {
			return "", err
		}
		message.Relationships = append(message.Relationships, wire)
		if len(message.Relationships) < loadMessage && i < len(batch)-1 {
			continue
		}
		if err := stream.Send(message); err != nil {
			if errors.Is(err, io.EOF) { // the reason comes with the answer
				break
			}
			return "", err
		}
		message = &v1.ImportBulkRelationshipsRequest{}
	}
	_, err = stream.CloseAndRecv()
	return "", err
}

// missing returns what of a batch is not stored as it is given.
func (w *importer) missing(ctx context.Context, batch []engine.Relationship) ([]engine.Relationship, error) {
	var out []engine.Relationship
	for _, r := range batch {
		stored := false
		for found, err := range w.client.matching(ctx, filterFor(r), "") {
			if err != nil {
				return nil, err
			}
			stored = stored || found.String() == r.String()
		}
		if !stored {
			out = append(out, r)
		}
	}
	return out, nil
}

// filterFor selects one relationship, whatever it carries.
func filterFor(r engine.Relationship) filter {
	return filter{&v1.RelationshipFilter{
		ResourceType: r.Resource.Type, OptionalResourceId: r.Resource.ID, OptionalRelation: r.Relation,
		OptionalSubjectFilter: &v1.SubjectFilter{
			SubjectType: r.Subject.Type, OptionalSubjectId: r.Subject.ID,
			OptionalRelation: &v1.SubjectFilter_RelationFilter{Relation: r.Subject.Relation},
		},
	}, r.Key().String()}
}
