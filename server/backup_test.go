package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/server"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// exported is what ExportDocuments has sent.
type exported struct {
	sealed []byte
	count  uint64
	open   []*pembav1.StoredDocument
}

func export(t *testing.T, c pembav1.BackupServiceClient, recipient string) (exported, error) {
	t.Helper()
	stream, err := c.ExportDocuments(t.Context(), &pembav1.ExportDocumentsRequest{Recipient: recipient})
	if err != nil {
		t.Fatal(err)
	}
	var out exported
	for {
		page, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if len(page.Sealed) > 0 && len(out.open) > 0 {
			t.Error("a sealed part comes after open documents")
		}
		out.sealed = append(out.sealed, page.Sealed...)
		out.count += page.SealedDocuments
		out.open = append(out.open, page.Documents...)
	}
}

// TestBackupDocuments exports documents of both classes and a chain, and restores
// them into another store, which is the same then.
func TestBackupDocuments(t *testing.T) {
	h := start(t, nil)
	var tx store.Transaction
	for i := range 40 { // of more than one part
		value := fmt.Appendf(nil, `{"n":12345678901234567890,"text":"%s"}`, strings.Repeat("<é>", 2_000))
		tx.Documents = append(tx.Documents, store.DocumentUpdate{Key: fmt.Sprintf("secret/%02d", i), Class: store.ClassSealed, Value: value})
		tx.Documents = append(tx.Documents, store.DocumentUpdate{Key: fmt.Sprintf("open/%02d", i), Class: store.ClassOpen, Value: value})
		tx.Records = append(tx.Records, store.ChainRecord{Chain: "audit", Value: value})
	}
	h.portalWrites(tx)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	from := pembav1.NewBackupServiceClient(h.conn)
	if _, err := export(t, from, ""); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "--backup-key") {
		t.Errorf("without a recipient: %v", err)
	}
	for _, bad := range []string{"age1", key.String(), "age1xyz", "ssh-ed25519 AAAA"} {
		if _, err := export(t, from, bad); status.Code(err) != codes.InvalidArgument || strings.Contains(err.Error(), key.String()) {
			t.Errorf("to %.5s: %v", bad, err)
		}
	}
	got, err := export(t, from, key.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	if got.count != 40 || len(got.open) != 80 || bytes.Contains(got.sealed, []byte("secret")) {
		t.Fatalf("%d sealed documents, %d open ones", got.count, len(got.open))
	}
	all := append(got.open, opened(t, got.sealed, key)...)

	other := start(t, nil)
	to := pembav1.NewBackupServiceClient(other.conn)
	if _, err := to.RestoreDocuments(t.Context(), &pembav1.RestoreDocumentsRequest{Documents: all}); err != nil {
		t.Fatal(err)
	}
	if was, is := h.replica.Status().Store.Hash, other.replica.Status().Store.Hash; was != is {
		t.Errorf("the state hash was %s, and is %s", was, is)
	}
	if _, err := to.RestoreDocuments(t.Context(), &pembav1.RestoreDocumentsRequest{Documents: all[:1]}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a record again: %v", err)
	}
	if _, err := to.RestoreDocuments(t.Context(), &pembav1.RestoreDocumentsRequest{Documents: all[50:51]}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a document again: %v", err)
	}
}

// opened returns the documents of a file of sealed ones.
func opened(t *testing.T, file []byte, key age.Identity) (out []*pembav1.StoredDocument) {
	t.Helper()
	r, err := age.Decrypt(bytes.NewReader(file), key)
	if err != nil {
		t.Fatal(err)
	}
	for lines := json.NewDecoder(r); ; {
		var line struct {
			Key   string
			Value json.RawMessage
		}
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, &pembav1.StoredDocument{Key: line.Key, Value: line.Value, DocumentClass: pembav1.DocumentClass_DOCUMENT_CLASS_SEALED})
	}
}

// TestRestoreRefuses writes nothing of what no backup holds.
func TestRestoreRefuses(t *testing.T) {
	h := start(t, func(c *server.Config) {
		c.Reserved = &server.Reserved{Schema: reservedSchema, Documents: []string{"portal/"}}
	})
	c := pembav1.NewBackupServiceClient(h.conn)
	const openClass, sealedClass = pembav1.DocumentClass_DOCUMENT_CLASS_OPEN, pembav1.DocumentClass_DOCUMENT_CLASS_SEALED
	const record = `{"number":1,"revision":5,"time":"2026-01-02T03:04:05.000Z","previous":"","record":4}`
	before := h.replica.Head()
	for name, d := range map[string]*pembav1.StoredDocument{
		"no class":          {Key: "a", Value: []byte("1")},
		"no value":          {Key: "a", DocumentClass: openClass},
		"no JSON":           {Key: "a", DocumentClass: openClass, Value: []byte("{")},
		"no key":            {DocumentClass: sealedClass, Value: []byte("1")},
		"a sealed record":   {Key: "c/0000000000000001", Chain: "c", DocumentClass: sealedClass, Value: []byte(record)},
		"no record":         {Key: "c/0000000000000001", Chain: "c", DocumentClass: openClass, Value: []byte("1")},
		"another key":       {Key: "c/0000000000000002", Chain: "c", DocumentClass: openClass, Value: []byte(record)},
		"another chain":     {Key: "c/0000000000000001", Chain: "d", DocumentClass: openClass, Value: []byte(record)},
		"a reserved one":    {Key: "portal/x", DocumentClass: sealedClass, Value: []byte("1")},
		"a reserved record": {Key: "portal/audit/0000000000000001", Chain: "portal/audit", DocumentClass: openClass, Value: []byte(record)},
		"nothing":           nil,
	} {
		_, err := c.RestoreDocuments(t.Context(), &pembav1.RestoreDocumentsRequest{Documents: []*pembav1.StoredDocument{
			{Key: "good", DocumentClass: openClass, Value: []byte("1")}, d,
		}})
		want := codes.InvalidArgument
		if strings.Contains(name, "reserved") {
			want = codes.PermissionDenied
		}
		if status.Code(err) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	many := make([]*pembav1.StoredDocument, 1_001)
	for i := range many {
		many[i] = &pembav1.StoredDocument{Key: fmt.Sprint(i), DocumentClass: openClass, Value: []byte("1")}
	}
	if _, err := c.RestoreDocuments(t.Context(), &pembav1.RestoreDocumentsRequest{Documents: many}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("too many: %v", err)
	}
	if h.replica.Head() != before {
		t.Error("something was written")
	}
}
