package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/pemba-authz/pemba/engine"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

func backupCommands(a *app) *cobra.Command {
	return group("backup", "Carry a whole store in one file", `A backup is the schema, all relationships that have not expired and all open documents
of one revision. It is text: a line with the schema and where it comes from, a line for
each relationship and each document as NDJSON, and a line with their numbers and the
SHA-256 of all lines before. Sealed documents are not in it.`,
		backupCreateCommand(a), backupVerifyCommand(a), backupRestoreCommand(a), backupScheduleCommand(a))
}

// backupFormat is the number of the format that this version writes. It reads
// those before it as well: format 1 had no documents and no history.
const backupFormat = 2

// backupHead is the first line of a backup.
type backupHead struct {
	Format   int    `json:"pembaBackup"`
	Revision string `json:"revision"`          // its token
	Number   string `json:"number,omitempty"`  // the revision as people say it
	Cluster  string `json:"cluster,omitempty"` // that it is of
	Epoch    uint64 `json:"epoch,omitempty"`
	Time     string `json:"time,omitempty"` // when it was made
	Schema   string `json:"schema"`
}

// number is the revision for people.
func (h *backupHead) number() string {
	if h.Number != "" {
		return h.Number
	}
	return h.Revision
}

// backupDocument is the line of a document.
type backupDocument struct {
	Document *documentJSON `json:"document"`
}

// documentJSON is a document, as data.
type documentJSON struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// backupEnd is the last line of a backup.
type backupEnd struct {
	Relationships int64  `json:"relationships"`
	Documents     int64  `json:"documents,omitempty"`
	SHA256        string `json:"sha256"` // of all lines before
}

// backupJSON is what the commands answer with.
type backupJSON struct {
	Revision      string `json:"revision"`
	Relationships int64  `json:"relationships"`
	Documents     int64  `json:"documents"`
}

func (b backupJSON) text(did string) string {
	what := counted(int(b.Relationships), "relationship")
	if b.Documents > 0 {
		what += " and " + counted(int(b.Documents), "document")
	}
	return fmt.Sprintf("%s %s of revision %s", did, what, b.Revision)
}

func (a *app) printBackup(did string, b backupJSON) error {
	return a.one([]string{"revision", "relationships", "documents"}, item{
		text:  b.text(did),
		cells: []string{b.Revision, fmt.Sprint(b.Relationships), fmt.Sprint(b.Documents)},
		value: b,
	})
}

func backupCreateCommand(a *app) *cobra.Command {
	var at string
	c := &cobra.Command{
		Use:     "create FILE",
		Short:   "Write a backup of one revision into a file",
		Long:    `Writes a backup. It gets its name when it is whole, and only its owner can read it.`,
		Example: "  pemba backup create monday.backup",
		Args:    exactly(1, "FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withClient(c.Context(), func(cl *client) error {
				done, err := a.createBackup(c.Context(), cl, args[0], at)
				if err != nil {
					return err
				}
				return a.printBackup("saved", done)
			})
		},
	}
	atFlag(c, &at)
	return c
}

// createBackup writes a backup of a revision, "" meaning the newest.
func (a *app) createBackup(ctx context.Context, cl *client, name, at string) (backupJSON, error) {
	stored, err := cl.schemaText(ctx, at)
	if err != nil {
		return backupJSON{}, err
	}
	head := backupHead{
		Format: backupFormat, Revision: stored.readAt, Number: cl.number(ctx, stored.readAt),
		Time: time.Now().UTC().Format(time.RFC3339), Schema: stored.text,
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
		err := w.write(head, cl.exported(ctx, stored.readAt), cl.documentsAt(ctx, stored.readAt))
		done.Relationships, done.Documents = w.end.Relationships, w.end.Documents
		return err
	})
	return done, err
}

// documentsAt gives all open documents of a revision.
func (c *client) documentsAt(ctx context.Context, at string) iter.Seq2[*documentJSON, error] {
	return func(yield func(*documentJSON, error) bool) {
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
				if !yield(&documentJSON{d.GetKey(), value}, err) || err != nil {
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
func (w *backupWriter) write(head backupHead, relationships iter.Seq2[engine.Relationship, error], documents iter.Seq2[*documentJSON, error]) error {
	if err := w.line(head); err != nil {
		return err
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
	for d, err := range documents {
		if err != nil {
			return err
		}
		if err := w.line(backupDocument{d}); err != nil {
			return err
		}
		w.end.Documents++
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
