package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"os"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/pemba-authz/pemba/engine"
)

func backupCommands(a *app) *cobra.Command {
	return group("backup", "Carry a whole store in one file", `A backup is the schema and all relationships of one revision. It is text: a line with
the schema, a line for each relationship as NDJSON, and a line with their number and
the SHA-256 of all lines before.`,
		backupCreateCommand(a), backupRestoreCommand(a))
}

// backupFormat is the number of the format that this version reads and writes.
const backupFormat = 1

// backupHead is the first line of a backup.
type backupHead struct {
	Format   int    `json:"pembaBackup"`
	Revision string `json:"revision"`
	Schema   string `json:"schema"`
}

// backupEnd is the last line of a backup.
type backupEnd struct {
	Relationships int64  `json:"relationships"`
	SHA256        string `json:"sha256"` // of all lines before
}

// backupJSON is what the commands answer with.
type backupJSON struct {
	Revision      string `json:"revision"`
	Relationships int64  `json:"relationships"`
}

func (a *app) printBackup(did string, b backupJSON) error {
	return a.one([]string{"revision", "relationships"}, item{
		text:  fmt.Sprintf("%s %s of revision %s", did, counted(int(b.Relationships), "relationship"), b.Revision),
		cells: []string{b.Revision, fmt.Sprint(b.Relationships)},
		value: b,
	})
}

func backupCreateCommand(a *app) *cobra.Command {
	var at string
	c := &cobra.Command{
		Use:     "create FILE",
		Short:   "Write the schema and all relationships of one revision into a file",
		Long:    `Writes a backup. It gets its name when it is whole, and only its owner can read it.`,
		Example: "  pemba backup create monday.backup",
		Args:    exactly(1, "FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withClient(c.Context(), func(cl *client) error {
				stored, err := cl.schemaText(c.Context(), at)
				if err != nil {
					return err
				}
				head := backupHead{backupFormat, stored.readAt, stored.text}
				bar := a.progress(-1, "exporting")
				defer bar.finish()
				var n int64
				err = writeWhole(args[0], func(f io.Writer) error {
					n, err = writeBackup(f, head, cl.exported(c.Context(), stored.readAt), bar)
					return err
				})
				if err != nil {
					return err
				}
				bar.finish()
				return a.printBackup("saved", backupJSON{cl.number(c.Context(), stored.readAt), n})
			})
		},
	}
	atFlag(c, &at)
	return c
}

// writeBackup writes a backup and returns how many relationships it holds.
func writeBackup(f io.Writer, head backupHead, relationships iter.Seq2[engine.Relationship, error], bar *progress) (int64, error) {
	sum := sha256.New()
	out := bufio.NewWriter(f)
	line := func(value any) error {
		data, err := compactJSON(value)
		if err != nil {
			return err
		}
		data = append(data, '\n')
		sum.Write(data)
		_, err = out.Write(data)
		return err
	}
	if err := line(head); err != nil {
		return 0, err
	}
	var n int64
	for r, err := range relationships {
		if err != nil {
			return n, err
		}
		if err := line(relationshipData(r)); err != nil {
			return n, err
		}
		n++
		bar.add(1)
	}
	if err := line(backupEnd{n, hex.EncodeToString(sum.Sum(nil))}); err != nil {
		return n, err
	}
	return n, out.Flush()
}

func backupRestoreCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Write a backup into an empty store",
		Long: `Checks a backup to its last line, then writes its schema and its relationships into a
store that has neither. With --data-dir it makes the store.`,
		Example: "  pemba backup restore monday.backup --data-dir new",
		Args:    exactly(1, "FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer func() { _ = f.Close() }() // it was only read
			head, n, err := checkBackup(f)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				return err
			}
			return a.withNewClient(c.Context(), func(cl *client) error {
				done, err := a.restore(c.Context(), cl, f, head, n)
				if err != nil {
					return err
				}
				return a.printBackup("restored", done)
			})
		},
	}
}

// restore writes a backup that was checked.
func (a *app) restore(ctx context.Context, cl *client, f io.Reader, head backupHead, n int64) (backupJSON, error) {
	switch stored, err := cl.schemaText(ctx, ""); {
	case isCode(err, codes.NotFound):
	case err != nil:
		return backupJSON{}, err
	default:
		return backupJSON{}, &coded{exitConflict, fmt.Errorf("the store is not empty: it has a schema since revision %s; restore into a new one", cl.number(ctx, stored.written))}
	}
	return backupJSON{head.Revision, n}, a.load(ctx, cl, f, head, n)
}

// load writes the schema and the relationships of a backup.
func (a *app) load(ctx context.Context, cl *client, f io.Reader, head backupHead, n int64) error {
	r, err := cl.schemas.WriteSchema(ctx, &v1.WriteSchemaRequest{Schema: head.Schema})
	if err != nil {
		return err
	}
	s, err := cl.schema(ctx)
	if err != nil {
		return err
	}
	bar := a.progress(n, "restoring")
	defer bar.finish()
	lines := &backupLines{}
	w := newImporter(cl, importFlags{create: true})
	if err := w.write(ctx, gated(s, lines.relationships(f, bar))); err != nil {
		return fmt.Errorf("stopped after %s, and the store holds a part of the backup since revision %s: restore it into a new one: %w",
			counted(int(w.done.Relationships), "relationship"), cl.number(ctx, r.GetWrittenAt().GetToken()), err)
	}
	return nil
}
