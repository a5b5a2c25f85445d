package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/backup"
)

// importFlags are what an import may be given.
type importFlags struct {
	create, touch, resume bool
	batch                 int
}

const (
	touchBatch  = 1_000  // relationships in one transaction: what a write may have
	createBatch = 10_000 // and with --create
)

func importCommand(a *app) *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Write many relationships, from text or NDJSON",
		Long: fmt.Sprintf(`Reads one relationship a line, in the text form or as NDJSON, and writes them in
many transactions. When it ends early it says what was written by then, and
--resume goes on: what is stored already is no fault. A transaction has %d
relationships, with --create %d.`, touchBatch, createBatch),
		Example: "  pemba relationship import relationships.txt\n  pemba relationship import big.ndjson --resume",
		Args:    exactly(1, "FILE or -"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.batch < 0 {
				return usagef("--batch %d: it cannot be negative", f.batch)
			}
			return a.withClient(c.Context(), func(cl *client) error {
				return a.importFrom(c.Context(), cl, args[0], f)
			})
		},
	}
	c.Flags().BoolVar(&f.touch, "touch", false, "replace relationships that exist (the default)")
	c.Flags().BoolVar(&f.create, "create", false, "refuse relationships that exist")
	c.MarkFlagsMutuallyExclusive("touch", "create")
	c.Flags().BoolVar(&f.resume, "resume", false, "go on with an import that was interrupted")
	c.Flags().IntVar(&f.batch, "batch", 0, "relationships in one transaction")
	return c
}

func (a *app) importFrom(ctx context.Context, cl *client, name string, f importFlags) error {
	in, size, err := a.openInput(name)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	s, err := cl.schema(ctx)
	if err != nil {
		return err
	}
	bar := a.byteProgress(size, "importing")
	source := &source{in: &countedReader{Reader: in, bar: bar}, schema: s}
	w := newImporter(cl, f)
	err = w.write(ctx, gated(s, source.relationships()))
	bar.finish()
	switch {
	case err != nil && w.done.Transactions > 0:
		return fmt.Errorf("stopped after %s in %s: %w (go on with --resume)",
			counted(int(w.done.Relationships), "relationship"), counted(w.done.Transactions, "transaction"), err)
	case err != nil:
		return fmt.Errorf("nothing was written: %w", err)
	case source.lines == 0:
		return refusedf("%s is empty: it holds no relationship", displayName(name))
	}
	if w.done.Revision == "" { // bulk imports do not tell theirs
		stored, err := cl.schemaText(ctx, "")
		if err != nil {
			return err
		}
		w.done.Revision = stored.readAt
	}
	w.done.Revision = cl.number(ctx, w.done.Revision)
	return a.printImported(w.done)
}

// importedJSON is what an import answers with.
type importedJSON struct {
	Revision      string `json:"revision"` // has all that was imported
	Transactions  int    `json:"transactions"`
	Relationships int64  `json:"relationships"`
	Unchanged     int64  `json:"unchanged"` // that --create --resume found stored
}

func (a *app) printImported(done importedJSON) error {
	text := fmt.Sprintf("revision %s: %s imported in %s", done.Revision,
		counted(int(done.Relationships), "relationship"), counted(done.Transactions, "transaction"))
	if done.Unchanged > 0 {
		text += fmt.Sprintf(", %d stored before", done.Unchanged)
	}
	return a.one([]string{"revision", "transactions", "relationships", "unchanged"}, item{
		text:  text,
		cells: []string{done.Revision, fmt.Sprint(done.Transactions), fmt.Sprint(done.Relationships), fmt.Sprint(done.Unchanged)},
		value: done,
	})
}

// source gives the relationships of an input, each checked, so that a fault
// names its line.
type source struct {
	in     io.Reader
	schema *schema.Schema
	lines  int64 // that held a relationship
}

func (s *source) relationships() iter.Seq2[engine.Relationship, error] {
	return func(yield func(engine.Relationship, error) bool) {
		for l, err := range readLines(s.in) {
			if err != nil {
				yield(engine.Relationship{}, err)
				return
			}
			s.lines++
			r, err := backup.ParseLine(l.text)
			if err == nil {
				err = engine.Validate(s.schema, r)
			}
			if err != nil {
				yield(engine.Relationship{}, refusedf("%w", l.fault(err)))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// countedReader moves a bar by what is read.
type countedReader struct {
	io.Reader
	bar *progress
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.bar.add(int64(n))
	return n, err
}

func exportCommand(a *app) *cobra.Command {
	var at string
	c := &cobra.Command{
		Use:   "export [FILE]",
		Short: "Print all relationships of a revision",
		Long: `Prints every stored relationship that has not expired, in the text form or with
-o jsonl as NDJSON; import reads both. Into a FILE it is written whole or not at all.`,
		Example: "  pemba relationship export relationships.txt\n  pemba relationship export -o jsonl",
		Args:    between(0, 1, "at most one FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withClient(c.Context(), func(cl *client) error {
				if len(args) == 0 {
					return a.export(c.Context(), cl, at)
				}
				return backup.Whole(args[0], func(f io.Writer) error {
					into := *a
					into.stdout = f
					return into.export(c.Context(), cl, at)
				})
			})
		},
	}
	atFlag(c, &at)
	return c
}

func (a *app) export(ctx context.Context, cl *client, at string) error {
	stored, err := cl.schemaText(ctx, at) // and the revision, which exports do not tell
	if err != nil {
		return err
	}
	var bar *progress
	if !isTerminal(a.stdout) { // else the relationships themselves show it
		bar = a.progress(-1, "exporting")
	}
	defer bar.finish()
	p := a.list(relationshipColumns...)
	for r, err := range cl.exported(ctx, stored.readAt) {
		if err != nil {
			return err
		}
		if err := p.add(relationshipItem(r)); err != nil {
			return err
		}
		bar.add(1)
	}
	if err := p.close(); err != nil {
		return err
	}
	bar.finish()
	a.note("exported %s at revision %s", counted(p.items, "relationship"), cl.number(ctx, stored.readAt))
	return nil
}

// exported gives all relationships of a revision.
func (c *client) exported(ctx context.Context, at string) iter.Seq2[engine.Relationship, error] {
	return func(yield func(engine.Relationship, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := c.permissions.ExportBulkRelationships(ctx, &v1.ExportBulkRelationshipsRequest{Consistency: consistencyAt(at)})
		for err == nil {
			var page *v1.ExportBulkRelationshipsResponse
			page, err = stream.Recv()
			for _, r := range page.GetRelationships() {
				if !yield(relationshipFrom(r), nil) {
					return
				}
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(engine.Relationship{}, err)
		}
	}
}
