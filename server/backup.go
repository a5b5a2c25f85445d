package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// backupService is pemba.v1.BackupService. Values of sealed documents leave it
// encrypted to a key that the caller names, and in no other way.
type backupService struct {
	pembav1.UnimplementedBackupServiceServer
	*Server
}

// errNoRecipient refuses a backup of sealed documents without a key.
var errNoRecipient = status.Error(codes.FailedPrecondition,
	"the store has sealed documents, which leave it only encrypted: give --backup-key FILE, with a key that `pemba backup key` makes")

// ExportDocuments streams all documents of one revision.
func (b *backupService) ExportDocuments(r *pembav1.ExportDocumentsRequest, out grpc.ServerStreamingServer[pembav1.ExportDocumentsResponse]) error {
	to, err := recipient(r.Recipient)
	if err != nil {
		return err
	}
	snap, err := b.snapshot(out.Context(), r.Consistency)
	if err != nil {
		return err
	}
	defer snap.Close()
	e := &documentExport{ctx: out.Context(), send: out.Send, at: fromToken(snap.Token()), snap: snap}
	if err := e.sealed(to); err != nil {
		return err
	}
	return e.open()
}

// recipient reads the public half of a key; nil for "".
func recipient(public string) (*age.X25519Recipient, error) {
	if public == "" {
		return nil, nil
	}
	to, err := age.ParseX25519Recipient(public)
	if err != nil { // whose text may hold a secret key
		return nil, invalid("the recipient is no public key, age1…, of `pemba backup key`")
	}
	return to, nil
}

// maxSealedPart bounds a part of the file of sealed documents, in bytes.
const maxSealedPart = 48 << 10

// documentExport sends the documents of one revision.
type documentExport struct {
	ctx  context.Context
	send func(*pembav1.ExportDocumentsResponse) error
	at   *v1.ZedToken
	snap *replica.Snapshot
}

// sealedDocument is a line of the file of sealed documents.
type sealedDocument struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// sealed sends the file of the sealed documents, if there are any.
func (e *documentExport) sealed(to *age.X25519Recipient) error {
	var file io.WriteCloser
	parts := bufio.NewWriterSize(e, maxSealedPart)
	n := uint64(0)
	for doc, err := range e.snap.Documents(e.ctx, "", "") {
		if err != nil {
			return err
		}
		if doc.Class != store.ClassSealed {
			continue
		}
		if to == nil {
			return errNoRecipient
		}
		if file == nil {
			if file, err = age.Encrypt(parts, to); err != nil {
				return fmt.Errorf("encrypting the sealed documents: %w", err)
			}
		}
		lines := json.NewEncoder(file)
		lines.SetEscapeHTML(false)
		if err := lines.Encode(sealedDocument{doc.Key, doc.Value}); err != nil {
			return fmt.Errorf("stored document %q: %w", doc.Key, err)
		}
		n++
	}
	if file == nil {
		return nil
	}
	if err := errors.Join(file.Close(), parts.Flush()); err != nil {
		return err
	}
	return e.send(&pembav1.ExportDocumentsResponse{ReadAt: e.at, SealedDocuments: n})
}

// Write sends the next part of the file.
func (e *documentExport) Write(part []byte) (int, error) {
	return len(part), e.send(&pembav1.ExportDocumentsResponse{ReadAt: e.at, Sealed: part})
}

// open sends the open documents.
func (e *documentExport) open() error {
	page, size := &pembav1.ExportDocumentsResponse{ReadAt: e.at}, 0
	for doc, err := range e.snap.Documents(e.ctx, "", "") {
		if err != nil {
			return err
		}
		if doc.Class != store.ClassOpen {
			continue
		}
		page.Documents = append(page.Documents, &pembav1.StoredDocument{
			Key: doc.Key, DocumentClass: pembav1.DocumentClass_DOCUMENT_CLASS_OPEN, Value: doc.Value, Chain: doc.Chain(),
		})
		if size += len(doc.Key) + len(doc.Value); size < maxDocumentsBytes {
			continue
		}
		if err := e.send(page); err != nil {
			return err
		}
		page, size = &pembav1.ExportDocumentsResponse{ReadAt: e.at}, 0
	}
	if len(page.Documents) == 0 {
		return nil
	}
	return e.send(page)
}

// RestoreDocuments writes documents of a backup.
func (b *backupService) RestoreDocuments(ctx context.Context, r *pembav1.RestoreDocumentsRequest) (*pembav1.RestoreDocumentsResponse, error) {
	if len(r.Documents) > b.limits.Updates {
		return nil, tooMany(v1.ErrorReason_ERROR_REASON_TOO_MANY_UPDATES_IN_REQUEST, "update", len(r.Documents), b.limits.Updates)
	}
	var tx store.Transaction
	for i, d := range r.Documents {
		if err := restoreDocument(&tx, d); err != nil {
			return nil, fmt.Errorf("document %d: %w", i, err)
		}
	}
	result, err := b.propose(ctx, tx)
	if err != nil {
		return nil, err
	}
	return &pembav1.RestoreDocumentsResponse{WrittenAt: fromToken(result.Token)}, nil
}

func restoreDocument(tx *store.Transaction, d *pembav1.StoredDocument) error {
	u := store.DocumentUpdate{Key: d.GetKey(), Value: d.GetValue(), IfVersion: new(store.Revision)}
	switch d.GetDocumentClass() {
	case pembav1.DocumentClass_DOCUMENT_CLASS_OPEN:
		u.Class = store.ClassOpen
	case pembav1.DocumentClass_DOCUMENT_CLASS_SEALED:
		u.Class = store.ClassSealed
	default:
		return invalid("document class %d is none of OPEN and SEALED", d.GetDocumentClass())
	}
	switch {
	case len(u.Value) == 0:
		return invalid("the value is missing; null is one")
	case d.GetChain() == "":
		tx.Documents = append(tx.Documents, u)
		return nil
	case u.Class != store.ClassOpen:
		return invalid("a record of a chain is open")
	}
	record := store.ChainRecord{Chain: d.Chain, Value: d.Value, Stored: true}
	if l, err := store.ParseLink(d.Value); err != nil {
		return invalid("value: %w", err)
	} else if key := record.Chain + fmt.Sprintf("/%016x", l.Number); key != d.Key {
		return invalid("the record's key is %q, and its value says that it is %q", d.Key, key)
	}
	tx.Records = append(tx.Records, record)
	return nil
}
