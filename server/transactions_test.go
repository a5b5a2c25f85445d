package server_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// TestDocumentPreconditions relies on the version of a document that a write
// answered with, until somebody writes the document again.
func TestDocumentPreconditions(t *testing.T) {
	h := start(t, nil)
	documents, transactions := pembav1.NewDocumentServiceClient(h.conn), pembav1.NewTransactionServiceClient(h.conn)
	write := func() uint64 {
		t.Helper()
		resp, err := documents.WriteDocument(t.Context(), &pembav1.WriteDocumentRequest{
			Key: "settings", DocumentClass: pembav1.DocumentClass_DOCUMENT_CLASS_OPEN, Value: structpb.NewNumberValue(1),
		})
		if err != nil {
			t.Fatal(err)
		}
		return resp.Version
	}
	version := write()
	relying := &pembav1.WriteTransactionRequest{
		DocumentPreconditions: []*pembav1.DocumentPrecondition{{Key: "settings", Version: &version}},
		DocumentUpdates: []*pembav1.DocumentUpdate{{
			Operation: pembav1.DocumentUpdate_OPERATION_WRITE, Key: "other",
			DocumentClass: pembav1.DocumentClass_DOCUMENT_CLASS_OPEN, Value: structpb.NewNumberValue(2),
		}},
	}
	for range 2 { // relying on a document does not write it
		if _, err := transactions.WriteTransaction(t.Context(), relying); err != nil {
			t.Fatal(err)
		}
	}
	write()
	if _, err := transactions.WriteTransaction(t.Context(), relying); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("relying on a version that is gone: %v", err)
	}
	relying.DocumentPreconditions = make([]*pembav1.DocumentPrecondition, 1_001)
	if _, err := transactions.WriteTransaction(t.Context(), relying); status.Code(err) != codes.InvalidArgument {
		t.Errorf("1,001 preconditions: %v", err)
	}
}
