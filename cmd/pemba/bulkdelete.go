package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/server/store"
)

// deleteBatch is how many relationships one transaction of a bulk deletion
// removes at most.
const deleteBatch = 10_000

func bulkDeleteCommand(a *app) *cobra.Command {
	var force bool
	var count int64
	var subject string
	var mustMatch, mustNotMatch []string
	c := &cobra.Command{
		Use:   "bulk-delete " + filterArgs,
		Short: "Delete all relationships that match",
		Long: fmt.Sprintf(`Counts the relationships that match and have not expired, and deletes them once that is
confirmed: by a "y" on a terminal, by --count with their number, or by --force. Up to
%d of them are one transaction unless it were too big; more are several.`, deleteBatch),
		Example: "  pemba relationship bulk-delete document:plan --count 3",
		Args:    between(1, 3, filterArgs),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := filterOf(args, subject)
			if err != nil {
				return err
			}
			conditions, err := preconditions(mustMatch, mustNotMatch)
			if err != nil {
				return err
			}
			return a.withStore(false, func(st *store.Store) error {
				n, err := a.confirmDeletion(c, st, f, count, force)
				if err != nil {
					return err
				}
				return a.deleteMatching(c, st, f, conditions, n)
			})
		},
		ValidArgsFunction: a.completeQuestion(objectArg, relationArg, subjectArg),
	}
	c.Flags().BoolVar(&force, "force", false, "delete without asking")
	c.Flags().Int64Var(&count, "count", 0, "delete only if so many match")
	c.Flags().StringVar(&subject, "subject-filter", "", "SUBJECT_TYPE[:ID[#RELATION]] without naming a relation")
	preconditionFlags(c, &mustMatch, &mustNotMatch)
	return c
}

// confirmDeletion counts what matches and makes sure that the user means it.
func (a *app) confirmDeletion(c *cobra.Command, st *store.Store, f store.Filter, count int64, force bool) (int64, error) {
	snapshot, err := st.Snapshot(0)
	if err != nil {
		return 0, err
	}
	defer snapshot.Close()
	s, err := snapshot.Schema()
	if err != nil {
		return 0, err
	}
	if err := checkFilter(s, f); err != nil {
		return 0, err
	}
	var n int64
	for _, err := range matching(c.Context(), snapshot, f, false) {
		if err != nil {
			return 0, err
		}
		n++
	}
	what := fmt.Sprintf("%s match %s", counted(int(n), "relationship"), f)
	switch {
	case c.Flags().Changed("count"):
		if n != count {
			return 0, &coded{exitConflict, fmt.Errorf("%s, --count says %d: nothing was deleted", what, count)}
		}
	case force || n == 0:
	case isTerminal(a.stdin) && isTerminal(a.stderr):
		a.note("%s. Delete? [y/N]", what)
		answer, err := bufio.NewReader(a.stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if strings.TrimSpace(strings.ToLower(answer)) != "y" {
			return 0, errors.New("nothing was deleted")
		}
	default:
		return 0, usagef("%s: confirm with --count %d or --force", what, n)
	}
	return n, nil
}

// deleteMatching deletes in transactions of at most deleteBatch, and of fewer
// where so many are too big for one.
func (a *app) deleteMatching(c *cobra.Command, st *store.Store, f store.Filter, conditions []store.Precondition, n int64) error {
	bar := a.progress(n, "deleting")
	defer bar.finish()
	batch := deleteBatch
	var done store.Outcome // of all transactions
	for {
		err := c.Context().Err()
		var out *store.Outcome
		if err == nil {
			out, err = write(st, store.Transaction{
				Preconditions: conditions,
				Deletes:       []store.FilterDelete{{Filter: f, Limit: batch, Partial: n > int64(batch)}},
			})
		}
		switch {
		case is[*store.TransactionTooBigError](err) && batch > 1:
			batch /= 2
			continue
		case err != nil && done.Deleted > 0:
			return fmt.Errorf("stopped after %s, the last at revision %d: %w", counted(done.Deleted, "deletion"), done.Revision, err)
		case err != nil:
			return err
		}
		done.Revision, done.Deleted = out.Revision, done.Deleted+out.Deleted
		bar.add(int64(out.Deleted))
		if !out.More {
			bar.finish()
			return a.printOutcome(done)
		}
		conditions = nil // they held when the first was written
	}
}
