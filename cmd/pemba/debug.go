package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/backup"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

func debugCommands(a *app) *cobra.Command {
	return group("debug", "Look inside a store or a cluster", "", verifyCommand(a), stateHashCommand(a), logCommand(a), exportOldCommand(a))
}

// verifiedJSON is what a store that fits together holds.
type verifiedJSON struct {
	Revision      string `json:"revision"`
	Oldest        string `json:"oldest"` // revision that can be read
	Relationships int64  `json:"relationships"`
	Hash          string `json:"hash"` // of the state, the same wherever the same is stored
	Bytes         int64  `json:"bytes"`
}

func verifyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Recompute what follows from the stored relationships and compare",
		Long: `Recomputes the reverse index, the counters and the state hash from the stored
relationships, checks checksums and records, and says what differs.`,
		Args: exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := a.directory("debug verify looks into a directory, not at a server")
			if err != nil {
				return err
			}
			return a.withNode(c.Context(), dir, false, func(n *node) error {
				bar := a.progress(-1, "verifying")
				err := n.replica.Verify(c.Context(), bar.set)
				bar.finish()
				if err != nil {
					return err
				}
				return a.printVerified(n.replica)
			})
		},
	}
}

func (a *app) printVerified(r *replica.Replica) error {
	status := r.Status()
	data := verifiedJSON{
		Revision: fmt.Sprint(status.Head), Oldest: fmt.Sprint(status.Floor), Relationships: status.Store.Relationships,
		Hash: status.Store.Hash.String(), Bytes: status.Store.Bytes,
	}
	return a.one([]string{"revision", "oldest", "relationships", "hash", "bytes"}, item{
		text:  fmt.Sprintf("the store is whole: %s at revision %s, state hash %s", counted(int(data.Relationships), "relationship"), data.Revision, data.Hash),
		cells: []string{data.Revision, data.Oldest, fmt.Sprint(data.Relationships), data.Hash, fmt.Sprint(data.Bytes)},
		value: data,
	})
}

func exportOldCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "export-old DIR FILE",
		Short: "Write a backup of a directory from before there was a log",
		Long: `Reads a data directory that a version without the replicated log has written, and
writes a backup of its newest revision. ` + "`pemba backup restore FILE --data-dir NEW`" + `
carries it into a new directory. The old one stays as it is.`,
		Example: "  pemba debug export-old data old.backup\n  pemba backup restore old.backup --data-dir new",
		Args:    exactly(2, "DIR FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); err != nil {
				return err
			}
			return a.exportOld(c.Context(), args[0], args[1])
		},
	}
}

func (a *app) exportOld(ctx context.Context, dir, name string) error {
	config, err := a.storeConfig()
	if err != nil {
		return err
	}
	config.Dir = dir
	st, err := store.Open(config)
	if is[*store.FormatError](err) {
		return fmt.Errorf("%w (what this version has written needs no carrying over: `pemba backup create`)", err)
	}
	if err != nil {
		return err
	}
	err = a.backupOf(ctx, st, name)
	return errors.Join(err, st.Close())
}

// backupOf writes a backup of the newest revision of an old store, without what
// has expired.
func (a *app) backupOf(ctx context.Context, st *store.Store, name string) error {
	snapshot, err := st.Snapshot(0)
	if err != nil {
		return err
	}
	defer snapshot.Close()
	s, err := snapshot.Schema()
	if err != nil {
		return err
	}
	now := time.Now()
	alive := func(yield func(engine.Relationship, error) bool) {
		for r, err := range snapshot.Relationships(ctx, store.Filter{}, nil) {
			if (err != nil || r.Trait.Alive(now)) && !yield(r, err) {
				return
			}
		}
	}
	b := backupJSON{Revision: fmt.Sprint(snapshot.Revision())}
	err = backup.Whole(name, func(f io.Writer) error { // there were no documents then
		w := backup.NewWriter(f)
		if err := w.Begin(backup.Head{Format: backup.Format, Revision: b.Revision, Schema: s.Source()}); err != nil {
			return err
		}
		err := w.Finish(alive)
		b.Relationships = w.End.Relationships
		return err
	})
	if err != nil {
		return err
	}
	return a.printBackup("saved", b)
}
