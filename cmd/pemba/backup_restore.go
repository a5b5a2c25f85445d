package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/backup"
	"github.com/pemba-authz/pemba/server/replica"
)

// restoreFlags say how a directory is restored.
type restoreFlags struct {
	replace, newCluster bool
	epoch               uint64
}

func backupRestoreCommand(a *app) *cobra.Command {
	var f restoreFlags
	var key func() (backup.Key, error)
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Write a backup into a directory or an empty store",
		Long: `Checks a backup to its last line, then writes it into a store that is empty.

With --data-dir it makes the store of a stopped node; --replace puts it in the place of
the data that the directory has. The old data stays until the new one is whole. The new
store is of the same cluster (that of the directory, else that of the backup) with the
next epoch, so that servers know tokens of before for what they are: of another history.
The node is the only member then: the other nodes join again with empty directories.`,
		Example: "  pemba backup restore monday.backup --data-dir new\n  pemba backup restore monday.backup --data-dir /var/lib/pemba --replace",
		Args:    exactly(1, "FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			t, err := a.target()
			if err != nil {
				return err
			}
			if t.dir == "" && (f.replace || f.newCluster || f.epoch > 0) {
				return usagef("--replace, --new-cluster and --epoch are for a directory: give --data-dir DIR")
			}
			k, err := key()
			if err != nil {
				return err
			}
			file, head, end, err := backup.Open(args[0], k)
			if err != nil {
				return err
			}
			defer func() { _ = file.Close() }() // it was only read
			if t.dir != "" {
				return a.restoreDir(c.Context(), t.dir, &backupSource{file, k, head, end}, f)
			}
			return a.withClient(c.Context(), func(cl *client) error {
				done, err := a.restore(c.Context(), cl, &backupSource{file, k, head, end})
				if err != nil {
					return err
				}
				return a.printBackup("restored", done)
			})
		},
	}
	key = backupKeyOf(c, "file with the key that opens sealed documents")
	c.Flags().BoolVar(&f.replace, "replace", false, "put it in the place of what the directory has")
	c.Flags().BoolVar(&f.newCluster, "new-cluster", false, "make another cluster of it, for a copy beside the original")
	c.Flags().Uint64Var(&f.epoch, "epoch", 0, "number of the new history, above all that the cluster has had (default: the one after those of the directory and of the backup)")
	return c
}

// backupSource is a backup that was checked.
type backupSource struct {
	file io.Reader
	key  backup.Key
	head backup.Head
	end  backup.End
}

// restore writes a backup into a store that must be empty.
func (a *app) restore(ctx context.Context, cl *client, b *backupSource) (backupJSON, error) {
	switch stored, err := cl.schemaText(ctx, ""); {
	case isCode(err, codes.NotFound):
	case err != nil:
		return backupJSON{}, err
	default:
		return backupJSON{}, &coded{exitConflict, fmt.Errorf("the store is not empty: it has a schema since revision %s; restore into a new one", cl.number(ctx, stored.written))}
	}
	if b.end.Documents > 0 {
		page, err := cl.documents.ListDocuments(ctx, &pembav1.ListDocumentsRequest{Consistency: consistencyAt(""), OptionalLimit: 1})
		if err != nil {
			return backupJSON{}, err
		}
		if len(page.GetDocuments()) > 0 {
			return backupJSON{}, &coded{exitConflict, errors.New("the store is not empty: it has documents; restore into a new one")}
		}
	}
	return backupJSON{b.head.Name(), b.end.Relationships, b.end.Documents, b.end.Sealed}, a.load(ctx, cl, b)
}

// load writes the schema, the relationships and the documents of a backup.
func (a *app) load(ctx context.Context, cl *client, b *backupSource) error {
	r, err := cl.schemas.WriteSchema(ctx, &v1.WriteSchemaRequest{Schema: b.head.Schema})
	if err != nil {
		return err
	}
	s, err := cl.schema(ctx)
	if err != nil {
		return err
	}
	bar := a.progress(b.end.Relationships+b.end.Documents, "restoring")
	defer bar.finish()
	d := &documentLoader{ctx: ctx, client: cl}
	lines := &backup.Reader{Key: b.key, Documents: d.add, Each: bar.each}
	w := newImporter(cl, importFlags{create: true})
	err = w.write(ctx, gated(s, lines.Relationships(b.file)))
	if err == nil {
		err = d.flush()
	}
	if err != nil {
		return fmt.Errorf("stopped after %s, and the store holds a part of the backup since revision %s: restore it into a new one: %w",
			counted(int(w.done.Relationships), "relationship"), cl.number(ctx, r.GetWrittenAt().GetToken()), err)
	}
	return nil
}

// Bounds of one transaction of documents.
const (
	documentBatch = 100
	documentBytes = 256 << 10
)

// documentLoader writes documents, several in one transaction.
type documentLoader struct {
	ctx    context.Context
	client *client
	batch  []*pembav1.StoredDocument
	bytes  int
}

func (d *documentLoader) add(doc *backup.Document) error {
	class := pembav1.DocumentClass_DOCUMENT_CLASS_OPEN
	if doc.Sealed {
		class = pembav1.DocumentClass_DOCUMENT_CLASS_SEALED
	}
	d.batch = append(d.batch, &pembav1.StoredDocument{Key: doc.Key, DocumentClass: class, Value: doc.Value, Chain: doc.Chain})
	if d.bytes += len(doc.Key) + len(doc.Value); len(d.batch) < documentBatch && d.bytes < documentBytes {
		return nil
	}
	return d.flush()
}

func (d *documentLoader) flush() error {
	if len(d.batch) == 0 {
		return nil
	}
	_, err := d.client.backups.RestoreDocuments(d.ctx, &pembav1.RestoreDocumentsRequest{Documents: d.batch})
	d.batch, d.bytes = nil, 0
	return err
}

// restoredJSON is what a restored directory is.
type restoredJSON struct {
	backupJSON
	Cluster string `json:"cluster"`
	Epoch   uint64 `json:"epoch"`
}

// restoreDir makes the directory of a stopped node of a backup.
func (a *app) restoreDir(ctx context.Context, dir string, b *backupSource, flags restoreFlags) (err error) {
	s, err := openSwap(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if s.resumed {
		a.note("a restore of %s that was interrupted when its data was whole has been completed", dir)
	}
	if s.held && !flags.replace {
		return &coded{exitConflict, fmt.Errorf("the store in %s is not empty: --replace puts the backup in its place, or restore into a new directory", dir)}
	}
	config, err := a.restoreConfig(dir, s, b.head, flags)
	if err != nil {
		return err
	}
	var done backupJSON
	n, err := a.startNodeOf(ctx, config)
	if err == nil {
		done, err = a.restore(ctx, newClient(n.conn), b)
		err = errors.Join(err, n.stop())
	}
	if err != nil {
		return errors.Join(err, s.discard())
	}
	if err := s.swap(); err != nil {
		return fmt.Errorf("the backup is restored into %s and could not be put in its place: %w", s.next, err)
	}
	d := restoredJSON{done, fmt.Sprintf("%016x", config.Cluster), config.Epoch}
	if d.Epoch > 1 {
		a.note("the directory is of the only member of cluster %s, epoch %d: other nodes join it with empty directories", d.Cluster, d.Epoch)
	}
	return a.one([]string{"revision", "relationships", "documents", "sealed", "cluster", "epoch"}, item{
		text:  done.text("restored"),
		cells: []string{d.Revision, fmt.Sprint(d.Relationships), fmt.Sprint(d.Documents), fmt.Sprint(d.Sealed), d.Cluster, fmt.Sprint(d.Epoch)},
		value: d,
	})
}

// restoreConfig says of which cluster and history the new store is.
func (a *app) restoreConfig(dir string, s *swap, head backup.Head, flags restoreFlags) (replica.Config, error) {
	store, err := a.storeConfig()
	if err != nil {
		return replica.Config{}, err
	}
	c := replica.Config{Dir: s.next, Store: store, Logger: a.quietLog()}
	found, err := replica.Inspect(dir)
	if err != nil {
		return c, err
	}
	saved := uint64(0)
	if head.Cluster != "" {
		if saved, err = strconv.ParseUint(head.Cluster, 16, 64); err != nil {
			return c, fmt.Errorf("the backup names the cluster %q, which is none", head.Cluster)
		}
	}
	last := uint64(0) // epoch of the cluster so far
	if found.Cluster != 0 {
		last = found.Epoch
	}
	if saved != 0 && (saved == found.Cluster || found.Cluster == 0) {
		last = max(last, head.Epoch)
	}
	c.Cluster, c.Epoch = cmp.Or(found.Cluster, saved), last+1
	switch {
	case flags.newCluster && flags.epoch > 0:
		return c, usagef("--epoch is for the same cluster, and --new-cluster makes another: give one of them")
	case flags.newCluster || c.Cluster == 0:
		c.Cluster, c.Epoch = max(rand.Uint64(), 1), 1
	case flags.epoch > 0 && flags.epoch <= last:
		return c, usagef("--epoch %d: the cluster has had epoch %d; a new history needs a greater number", flags.epoch, last)
	case flags.epoch > 0:
		c.Epoch = flags.epoch
	}
	return c, nil
}

// isStore reports whether a directory holds anything but what every disk has.
func isStore(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	for _, e := range entries {
		if !spared(e.Name()) {
			return true, nil
		}
	}
	return false, err
}
