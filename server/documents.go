package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// documentService is pemba.v1.DocumentService.
type documentService struct {
	pembav1.UnimplementedDocumentServiceServer
	*Server
}

const (
	// defaultDocuments is how many documents a list has when no limit is given.
	defaultDocuments = 100
	// maxDocumentsBytes is how large they may be together as JSON, as clients
	// accept messages of 4 MiB by default.
	maxDocumentsBytes = 1 << 20
)

// GetDocument returns one document.
func (d *documentService) GetDocument(ctx context.Context, r *pembav1.GetDocumentRequest) (*pembav1.GetDocumentResponse, error) {
	a, err := d.question(ctx, r.Consistency, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	doc, ok, err := a.snap.Document(r.Key)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, status.Errorf(codes.NotFound, "there is no document %.1024q", r.Key)
	}
	out, err := fromDocument(doc)
	return &pembav1.GetDocumentResponse{ReadAt: a.token(), Document: out}, err
}

// ListDocuments returns open documents by key.
func (d *documentService) ListDocuments(ctx context.Context, r *pembav1.ListDocumentsRequest) (*pembav1.ListDocumentsResponse, error) {
	if err := checkLimit(r.OptionalLimit, d.limits.PageLimit); err != nil {
		return nil, err
	}
	a, cursors, after, err := d.resume(ctx, r, r.Consistency, r.OptionalCursor, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	limit := int(r.OptionalLimit)
	if limit == 0 {
		limit = defaultDocuments
	}
	resp := &pembav1.ListDocumentsResponse{ReadAt: a.token()}
	size := 0
	for doc, err := range a.snap.Documents(ctx, r.Prefix, after) {
		if err != nil {
			return nil, err
		}
		if doc.Class != store.ClassOpen {
			continue
		}
		size += len(doc.Key) + len(doc.Value)
		if n := len(resp.Documents); n == limit || n > 0 && size > maxDocumentsBytes {
			resp.AfterResultCursor = cursors.at(resp.Documents[n-1].Key)
			break
		}
		out, err := fromDocument(doc)
		if err != nil {
			return nil, err
		}
		resp.Documents = append(resp.Documents, out)
	}
	return resp, nil
}

// WriteDocument writes one document.
func (d *documentService) WriteDocument(ctx context.Context, r *pembav1.WriteDocumentRequest) (*pembav1.WriteDocumentResponse, error) {
	u := store.DocumentUpdate{Key: r.Key, IfVersion: toVersion(r.IfVersion)}
	if err := writeDocument(&u, r.DocumentClass, r.Value); err != nil {
		return nil, err
	}
	result, err := d.proposeOnce(ctx, store.Transaction{Documents: []store.DocumentUpdate{u}}, r.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return &pembav1.WriteDocumentResponse{WrittenAt: fromToken(result.Token), Version: uint64(result.Revision)}, nil
}

// DeleteDocument deletes one document.
func (d *documentService) DeleteDocument(ctx context.Context, r *pembav1.DeleteDocumentRequest) (*pembav1.DeleteDocumentResponse, error) {
	u := store.DocumentUpdate{Key: r.Key, IfVersion: toVersion(r.IfVersion)}
	result, err := d.proposeOnce(ctx, store.Transaction{Documents: []store.DocumentUpdate{u}}, r.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return &pembav1.DeleteDocumentResponse{DeletedAt: fromToken(result.Token)}, nil
}

func toVersion(v *uint64) *store.Revision {
	if v == nil {
		return nil
	}
	return new(store.Revision(*v))
}

// fromDocument converts a document; a sealed one without its value.
func fromDocument(doc store.Document) (*pembav1.Document, error) {
	out := &pembav1.Document{Key: doc.Key, Version: uint64(doc.Version)}
	if doc.Class != store.ClassOpen {
		out.DocumentClass = pembav1.DocumentClass_DOCUMENT_CLASS_SEALED
		return out, nil
	}
	out.DocumentClass = pembav1.DocumentClass_DOCUMENT_CLASS_OPEN
	decoder := json.NewDecoder(bytes.NewReader(doc.Value))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	if err == nil {
		out.Value, err = fromValue(value)
	}
	if err != nil {
		return nil, fmt.Errorf("stored document %q: %w", doc.Key, err)
	}
	return out, nil
}

// schemaTextService is pemba.v1.SchemaService.
type schemaTextService struct {
	pembav1.UnimplementedSchemaServiceServer
	*Server
}

// ReadSchemaText returns the schema as it was written.
func (s *schemaTextService) ReadSchemaText(ctx context.Context, r *pembav1.ReadSchemaTextRequest) (*pembav1.ReadSchemaTextResponse, error) {
	snap, err := s.snapshot(ctx, r.Consistency)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	written, rev, err := snap.SchemaRevision()
	if err != nil {
		return nil, err
	}
	return &pembav1.ReadSchemaTextResponse{
		ReadAt: fromToken(snap.Token()), SchemaText: written.Source(), WrittenAt: fromToken(s.replica.Token(rev)),
	}, nil
}
