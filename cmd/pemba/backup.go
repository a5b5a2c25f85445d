package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/backup"
)

func backupCommands(a *app) *cobra.Command {
	return group("backup", "Carry a whole store in one file", `A backup is the schema, all relationships that have not expired and all documents of one
revision. It is text: a line with the schema and where it comes from, a line for each
document and each relationship as NDJSON, and a line with their numbers and the SHA-256
of all lines before. Sealed documents are encrypted to a key (`+"`pemba backup key`"+`) before they
leave the server: a store that has some is backed up with --backup-key, and the backup is
restored with it.`,
		backupCreateCommand(a), backupVerifyCommand(a), backupRestoreCommand(a), backupScheduleCommand(a), backupKeyCommand(a),
		backupListCommand(a), backupTakeCommand(a))
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
	var key func() (backup.Key, error)
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
func (a *app) createBackup(ctx context.Context, cl *client, name, at string, key backup.Key) (backupJSON, error) {
	stored, err := cl.schemaText(ctx, at)
	if err != nil {
		return backupJSON{}, err
	}
	head := backup.Head{
		Format: backup.Format, Revision: stored.readAt, Number: cl.number(ctx, stored.readAt),
		Time: time.Now().UTC().Format(time.RFC3339), Schema: stored.text,
		BackupKey: key.Public,
	}
	status, err := cl.clusters.Status(ctx, &pembav1.StatusRequest{})
	if err != nil && !isCode(err, codes.Unimplemented) { // by a server of before there were clusters
		return backupJSON{}, err
	}
	head.Cluster, head.Epoch = status.GetCluster(), status.GetEpoch()
	bar := a.progress(-1, "exporting")
	defer bar.finish()
	done := backupJSON{Revision: head.Name()}
	err = backup.Whole(name, func(f io.Writer) error {
		w := backup.NewWriter(f)
		w.Each = bar.each
		if err := w.Begin(head); err != nil {
			return err
		}
		for l, err := range cl.documentsAt(ctx, stored.readAt, key) { // first, as they may be refused
			if err == nil {
				err = w.Document(l)
			}
			if err != nil {
				return err
			}
		}
		err := w.Finish(cl.exported(ctx, stored.readAt))
		done.Relationships, done.Documents, done.Sealed = w.End.Relationships, w.End.Documents, w.End.Sealed
		return err
	})
	return done, err
}

// documentsAt gives all documents of a revision: the parts of the sealed ones,
// encrypted to a key, then the open ones.
func (c *client) documentsAt(ctx context.Context, at string, key backup.Key) iter.Seq2[*backup.Line, error] {
	return func(yield func(*backup.Line, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := c.backups.ExportDocuments(ctx, &pembav1.ExportDocumentsRequest{Consistency: consistencyAt(at), Recipient: key.Public})
		for err == nil {
			var page *pembav1.ExportDocumentsResponse
			if page, err = stream.Recv(); err != nil {
				break
			}
			if part := (&backup.Line{Sealed: page.GetSealed(), Count: int64(page.GetSealedDocuments())}); (len(part.Sealed) > 0 || part.Count > 0) && !yield(part, nil) {
				return
			}
			for _, d := range page.GetDocuments() {
				if !yield(&backup.Line{Document: &backup.Document{Key: d.GetKey(), Chain: d.GetChain(), Value: d.GetValue()}}, nil) {
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
func (c *client) listedDocuments(ctx context.Context, at string) iter.Seq2[*backup.Line, error] {
	return func(yield func(*backup.Line, error) bool) {
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
				if !yield(&backup.Line{Document: &backup.Document{Key: d.GetKey(), Value: value}}, err) || err != nil {
					return
				}
			}
			if req.OptionalCursor = page.GetAfterResultCursor(); req.OptionalCursor == nil {
				return
			}
		}
	}
}
