package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/pemba-authz/pemba/engine"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

func backupCommands(a *app) *cobra.Command {
	return group("backup", "Carry a whole store in one file", `A backup is the schema, all relationships that have not expired and all documents of one
revision. It is text: a line with the schema and where it comes from, a line for each
document and each relationship as NDJSON, and a line with their numbers and the SHA-256
of all lines before. Sealed documents are encrypted to a key (`+"`pemba backup key`"+`) before they
leave the server: a store that has some is backed up with --backup-key, and the backup is
restored with it.`,
		backupCreateCommand(a), backupVerifyCommand(a), backupRestoreCommand(a), backupScheduleCommand(a), backupKeyCommand(a))
}

// backupFormat is the number of the format that this version writes. It reads
// those before it as well: format 1 had no documents and no history, format 2 no
// sealed documents and no chains.
const backupFormat = 3

// backupHead is the first line of a backup.
type backupHead struct {
	Format   int    `json:"pembaBackup"`
	Revision string `json:"revision"`          // its token
	Number   string `json:"number,omitempty"`  // the revision as people say it
	Cluster  string `json:"cluster,omitempty"` // that it is of
	Epoch    uint64 `json:"epoch,omitempty"`
	Time     string `json:"time,omitempty"` // when it was made
	Schema   string `json:"schema"`

	BackupKey string `json:"backupKey,omitempty"` // the public half of the key that opens its sealed documents
}

// number is the revision for people.
func (h *backupHead) number() string {
	if h.Number != "" {
		return h.Number
	}
	return h.Revision
}

// backupLine is the line of a document, or of a part of the sealed ones, which are a
// file of age that lies in several lines.
type backupLine struct {
	Document *documentJSON `json:"document,omitempty"`
	Sealed   []byte        `json:"sealed,omitempty"`

	sealed int64 // on the way into a backup: documents that the parts so far hold
}

// documentJSON is a document, as data.
type documentJSON struct {
	Key   string          `json:"key"`
	Chain string          `json:"chain,omitempty"` // of which it is a record
	Value json.RawMessage `json:"value"`

	sealed bool
}

// backupEnd is the last line of a backup.
type backupEnd struct {
	Relationships int64  `json:"relationships"`
	Documents     int64  `json:"documents,omitempty"` // open ones
	Sealed        int64  `json:"sealed,omitempty"`    // sealed documents
	SHA256        string `json:"sha256"`              // of all lines before
}

// backupJSON is what the commands answer with.
type backupJSON struct {
	Revision      string `json:"revision"`
	Relationships int64  `json:"relationships"`
	Documents     int64  `json:"documents"`
	Sealed        int64  `json:"sealed"`
}

func (b backupJSON) text(did string) string {
	what := []string{counted(int(b.Relationships), "relationship")}
	if b.Documents > 0 {
		what = append(what, counted(int(b.Documents), "document"))
	}
	if b.Sealed > 0 {
		what = append(what, counted(int(b.Sealed), "sealed document"))
	}
	last := len(what) - 1
	if last > 0 {
		what = []string{strings.Join(what[:last], ", "), what[last]}
	}
	return fmt.Sprintf("%s %s of revision %s", did, strings.Join(what, " and "), b.Revision)
}

func (a *app) printBackup(did string, b backupJSON) error {
	return a.one([]string{"revision", "relationships", "documents", "sealed"}, item{
		text:  b.text(did),
		cells: []string{b.Revision, fmt.Sprint(b.Relationships), fmt.Sprint(b.Documents), fmt.Sprint(b.Sealed)},
		value: b,
	})
}

func backupCreateCommand(a *app) *cobra.Command {
	var at string
	var key func() (backupKey, error)
	c := &cobra.Command{
		Use:   "create FILE",
		Short: "Write a backup of one revision into a file",
		Long: `Writes a backup. It gets its name when it is whole, and only its owner can read it.

Sealed documents, which the Customer Portal keeps accounts and sessions in, are encrypted
to the key of --backup-key; its public half is enough. A store that has some is refused
without one.`,
		Example: "  pemba backup create monday.backup\n  pemba backup create monday.backup --backup-key backup.key",
		Args:    exactly(1, "FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			k, err := key()
			if err != nil {
				return err
			}
			return a.withClient(c.Context(), func(cl *client) error {
				done, err := a.createBackup(c.Context(), cl, args[0], at, k)
				if err != nil {
					return err
				}
				return a.printBackup("saved", done)
			})
		},
	}
	key = backupKeyOf(c, "file with the key, or its public half, that sealed documents are encrypted to")
	atFlag(c, &at)
	return c
}

// createBackup writes a backup of a revision, "" meaning the newest.
func (a *app) createBackup(ctx context.Context, cl *client, name, at string, key backupKey) (backupJSON, error) {
	stored, err := cl.schemaText(ctx, at)
	if err != nil {
		return backupJSON{}, err
	}
	head := backupHead{
		Format: backupFormat, Revision: stored.readAt, Number: cl.number(ctx, stored.readAt),
		Time: time.Now().UTC().Format(time.RFC3339), Schema: stored.text,
		BackupKey: key.public,
	}
	status, err := cl.clusters.Status(ctx, &pembav1.StatusRequest{})
	if err != nil && !isCode(err, codes.Unimplemented) { // by a server of before there were clusters
		return backupJSON{}, err
	}
	head.Cluster, head.Epoch = status.GetCluster(), status.GetEpoch()
	bar := a.progress(-1, "exporting")
	defer bar.finish()
	done := backupJSON{Revision: head.number()}
	err = writeWhole(name, func(f io.Writer) error {
		w := newBackupWriter(f, bar)
		err := w.write(head, cl.exported(ctx, stored.readAt), cl.documentsAt(ctx, stored.readAt, key))
		done.Relationships, done.Documents, done.Sealed = w.end.Relationships, w.end.Documents, w.end.Sealed
		return err
	})
	return done, err
}

// documentsAt gives all documents of a revision: the parts of the sealed ones,
// encrypted to a key, then the open ones.
func (c *client) documentsAt(ctx context.Context, at string, key backupKey) iter.Seq2[*backupLine, error] {
	return func(yield func(*backupLine, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := c.backups.ExportDocuments(ctx, &pembav1.ExportDocumentsRequest{Consistency: consistencyAt(at), Recipient: key.public})
		for err == nil {
			var page *pembav1.ExportDocumentsResponse
			if page, err = stream.Recv(); err != nil {
				break
			}
			if part := (&backupLine{Sealed: page.GetSealed(), sealed: int64(page.GetSealedDocuments())}); (len(part.Sealed) > 0 || part.sealed > 0) && !yield(part, nil) {
				return
			}
			for _, d := range page.GetDocuments() {
				if !yield(&backupLine{Document: &documentJSON{Key: d.GetKey(), Chain: d.GetChain(), Value: d.GetValue()}}, nil) {
					return
				}
			}
		}
		switch {
		case isCode(err, codes.Unimplemented): // by a server of before there were sealed documents
			c.listedDocuments(ctx, at)(yield)
		case !errors.Is(err, io.EOF):
			yield(nil, err)
		}
	}
}

// listedDocuments gives all open documents of a revision.
func (c *client) listedDocuments(ctx context.Context, at string) iter.Seq2[*backupLine, error] {
	return func(yield func(*backupLine, error) bool) {
		req := &pembav1.ListDocumentsRequest{Consistency: consistencyAt(at), OptionalLimit: 1_000}
		for {
			page, err := c.documents.ListDocuments(ctx, req)
			if isCode(err, codes.Unimplemented) { // a server that has none
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, d := range page.GetDocuments() {
				value, err := protojson.Marshal(d.GetValue())
				if !yield(&backupLine{Document: &documentJSON{Key: d.GetKey(), Value: value}}, err) || err != nil {
					return
				}
			}
			if req.OptionalCursor = page.GetAfterResultCursor(); req.OptionalCursor == nil {
				return
			}
		}
	}
}

// backupWriter writes the lines of a backup.
type backupWriter struct {
	out *bufio.Writer // into the file and the checksum
	bar *progress
	end backupEnd
	sum interface{ Sum([]byte) []byte }
}

func newBackupWriter(f io.Writer, bar *progress) *backupWriter {
	sum := sha256.New()
	return &backupWriter{out: bufio.NewWriter(io.MultiWriter(f, sum)), bar: bar, sum: sum}
}

func (w *backupWriter) line(value any) error {
	data, err := compactJSON(value)
	if err != nil {
		return err
	}
	_, err = w.out.Write(append(data, '\n'))
	return err
}

// write writes everything, and counts it.
func (w *backupWriter) write(head backupHead, relationships iter.Seq2[engine.Relationship, error], documents iter.Seq2[*backupLine, error]) error {
	if err := w.line(head); err != nil {
		return err
	}
	for l, err := range documents { // first, as they may be refused
		if err == nil {
			err = w.document(l)
		}
		if err != nil {
			return err
		}
	}
	for r, err := range relationships {
		if err != nil {
			return err
		}
		if err := w.line(relationshipData(r)); err != nil {
			return err
		}
		w.end.Relationships++
		w.bar.add(1)
	}
	if err := w.out.Flush(); err != nil { // into the checksum
		return err
	}
	w.end.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	if err := w.line(w.end); err != nil {
		return err
	}
	return w.out.Flush()
}

func (w *backupWriter) document(l *backupLine) error {
	w.end.Sealed += l.sealed
	if l.Document != nil {
		w.end.Documents++
	} else if len(l.Sealed) == 0 {
		return nil
	}
	return w.line(l)
}
