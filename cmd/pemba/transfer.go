package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/store"
)

// importFlags are what an import may be given.
type importFlags struct {
	create, touch, resume bool
	batch                 int
}

func importCommand(a *app) *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Write many relationships, from text or NDJSON",
		Long: `Reads one relationship a line, in the text form or as NDJSON, and writes them in
many transactions. When it ends early it says what was written by then, and
--resume goes on: what is stored already as it stands in the input is passed over.`,
		Example: "  pemba relationship import relationships.txt\n  pemba relationship import big.ndjson --resume",
		Args:    exactly(1, "FILE or -"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withStore(false, func(st *store.Store) error {
				return a.importFrom(c.Context(), st, args[0], f)
			})
		},
	}
	c.Flags().BoolVar(&f.touch, "touch", false, "replace relationships that exist (the default)")
	c.Flags().BoolVar(&f.create, "create", false, "refuse relationships that exist")
	c.MarkFlagsMutuallyExclusive("touch", "create")
	c.Flags().BoolVar(&f.resume, "resume", false, "go on with an import that was interrupted")
	c.Flags().IntVar(&f.batch, "batch", 0, "relationships in one transaction, at most 10000 (default 4000)")
	return c
}

// importedJSON is store.Imported as data.
type importedJSON struct {
	Revision      store.Revision `json:"revision"`
	Transactions  int            `json:"transactions"`
	Relationships int64          `json:"relationships"`
	Unchanged     int64          `json:"unchanged"` // were stored before, as they are
}

func (a *app) importFrom(ctx context.Context, st *store.Store, name string, f importFlags) error {
	if f.batch < 0 {
		return usagef("--batch %d: it cannot be negative", f.batch)
	}
	in, size, err := a.openInput(name)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	snapshot, err := st.Snapshot(0)
	if err != nil {
		return err
	}
	defer snapshot.Close()
	s, err := snapshot.Schema()
	if err != nil {
		return err
	}
	bar := a.progress(size, "importing")
	source := &source{in: &countedReader{Reader: in, bar: bar}, schema: s}
	if f.resume {
		source.stored = snapshot
	}
	options := store.ImportOptions{Op: store.Touch, Time: time.Now(), Batch: f.batch}
	if f.create {
		options.Op = store.Create
	}
	done, err := st.Import(ctx, source.relationships(), options)
	bar.finish()
	if err != nil {
		if done.Transactions > 0 {
			err = fmt.Errorf("%w (go on with --resume)", err)
		}
		return err
	}
	if source.lines == 0 {
		return refusedf("%s is empty: it holds no relationship", displayName(name))
	}
	if done.Transactions == 0 {
		done.Revision = st.Head()
	}
	done.Unchanged += source.passed
	return a.printImported(done)
}

func (a *app) printImported(done store.Imported) error {
	text := fmt.Sprintf("revision %d: %s imported in %s", done.Revision,
		counted(int(done.Relationships), "relationship"), counted(done.Transactions, "transaction"))
	if done.Unchanged > 0 {
		text += fmt.Sprintf(", %d stored before", done.Unchanged)
	}
	return a.one([]string{"revision", "transactions", "relationships", "unchanged"}, item{
		text: text,
		cells: []string{
			fmt.Sprint(done.Revision), fmt.Sprint(done.Transactions),
			fmt.Sprint(done.Relationships), fmt.Sprint(done.Unchanged),
		},
		value: importedJSON{done.Revision, done.Transactions, done.Relationships, done.Unchanged},
	})
}

// source gives the relationships of an input, each checked, so that a fault
// names its line.
type source struct {
	in     io.Reader
	schema *schema.Schema
	stored engine.Reader // with --resume: what it has is passed over
	lines  int64         // that held a relationship
	passed int64
}

func (s *source) relationships() iter.Seq2[engine.Relationship, error] {
	return func(yield func(engine.Relationship, error) bool) {
		for l, err := range readLines(s.in) {
			if err != nil {
				yield(engine.Relationship{}, err)
				return
			}
			s.lines++
			r, err := parseLine(l.text)
			if err == nil {
				err = engine.Validate(s.schema, r)
			}
			if err != nil {
				yield(engine.Relationship{}, refusedf("%w", l.fault(err)))
				return
			}
			has, err := s.has(r)
			switch {
			case err != nil:
				yield(r, err)
				return
			case has:
				s.passed++
			case !yield(r, nil):
				return
			}
		}
	}
}

// has reports whether a resumed import finds the relationship as it is.
func (s *source) has(r engine.Relationship) (bool, error) {
	if s.stored == nil {
		return false, nil
	}
	trait, ok, err := s.stored.Find(r.Resource, r.Relation, r.Subject)
	if !ok || err != nil {
		return false, err
	}
	found := r.Key()
	found.Trait = trait
	return found.String() == r.String(), nil
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
	var at uint64
	c := &cobra.Command{
		Use:   "export [FILE]",
		Short: "Print all relationships of a revision",
		Long: `Prints every stored relationship, in the text form or with -o jsonl as NDJSON; import
reads both. Into a FILE it is written whole or not at all.`,
		Example: "  pemba relationship export backup.txt\n  pemba relationship export -o jsonl --at 12",
		Args:    between(0, 1, "at most one FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withSnapshot(at, func(snapshot *store.Snapshot, _ *schema.Schema) error {
				if len(args) == 0 {
					return a.export(c.Context(), snapshot)
				}
				return a.exportFile(c.Context(), snapshot, args[0])
			})
		},
	}
	atFlag(c, &at)
	return c
}

func (a *app) export(ctx context.Context, snapshot *store.Snapshot) error {
	total, err := snapshot.Count(ctx, store.Filter{})
	if err != nil {
		return err
	}
	var bar *progress
	if !isTerminal(a.stdout) { // else the relationships themselves show it
		bar = a.progress(total, "exporting")
	}
	defer bar.finish()
	p := a.list(relationshipColumns...)
	for r, err := range snapshot.Relationships(ctx, store.Filter{}, nil) {
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
	a.note("exported %s at revision %d", counted(int(total), "relationship"), snapshot.Revision())
	return nil
}

// exportFile exports into a new file and gives it its name when it is whole.
func (a *app) exportFile(ctx context.Context, snapshot *store.Snapshot, name string) error {
	next := name + ".pemba-new"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	into := *a
	into.stdout = f
	err = into.export(ctx, snapshot)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return os.Rename(next, name)
}
