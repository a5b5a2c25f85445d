package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
)

const (
	// deleteWhole is how many relationships are deleted in one transaction;
	// where there are more, each of several deletes deleteBatch.
	deleteWhole = 100_000
	deleteBatch = 1_000
)

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
%d of them are one transaction unless it were too big; more are several.`, deleteWhole),
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
			return a.withClient(c.Context(), func(cl *client) error {
				n, err := a.confirmDeletion(c, cl, f, count, force)
				if err != nil {
					return err
				}
				return a.deleteMatching(c.Context(), cl, f, conditions, n)
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
func (a *app) confirmDeletion(c *cobra.Command, cl *client, f filter, count int64, force bool) (int64, error) {
	var n int64
	for _, err := range cl.matching(c.Context(), f, "") {
		if err != nil {
			return 0, err
		}
		n++
	}
	what := fmt.Sprintf("%s match %s", counted(int(n), "relationship"), f.text)
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

// deleteMatching deletes in one transaction, or in several where it were too big.
func (a *app) deleteMatching(ctx context.Context, cl *client, f filter, conditions []*v1.Precondition, n int64) error {
	bar := a.progress(n, "deleting")
	defer bar.finish()
	request := &v1.DeleteRelationshipsRequest{RelationshipFilter: f.RelationshipFilter, OptionalPreconditions: conditions}
	if n > deleteWhole {
		request.OptionalLimit, request.OptionalAllowPartialDeletions = deleteBatch, true
	}
	var done deletedJSON // by all transactions
	for {
		r, err := cl.permissions.DeleteRelationships(ctx, request)
		switch {
		case isCode(err, codes.ResourceExhausted) && request.OptionalLimit != 1: // fewer may fit
			request.OptionalLimit, request.OptionalAllowPartialDeletions = fewer(request.OptionalLimit), true
			continue
		case err != nil && done.Deleted > 0:
			return fmt.Errorf("stopped after %s, the last at revision %s: %w", counted(int(done.Deleted), "deletion"), cl.number(ctx, done.Revision), err)
		case err != nil:
			return err
		}
		done.Revision, done.Deleted = r.GetDeletedAt().GetToken(), done.Deleted+int64(r.GetRelationshipsDeletedCount())
		bar.add(int64(r.GetRelationshipsDeletedCount()))
		if r.GetDeletionProgress() != v1.DeleteRelationshipsResponse_DELETION_PROGRESS_PARTIAL {
			bar.finish()
			done.Revision = cl.number(ctx, done.Revision)
			return a.printDeleted(done)
		}
		request.OptionalPreconditions = nil // they held when the first was written
	}
}

// fewer is the limit to try after one that was too much; 0 is none.
func fewer(limit uint32) uint32 {
	if limit == 0 {
		return deleteBatch
	}
	return limit / 2
}

// deletedJSON is what a bulk deletion answers with.
type deletedJSON struct {
	Revision string `json:"revision"` // the last
	Deleted  int64  `json:"deleted"`
}

func (a *app) printDeleted(d deletedJSON) error {
	return a.one([]string{"revision", "deleted"}, item{
		text:  fmt.Sprintf("revision %s: %d deleted", d.Revision, d.Deleted),
		cells: []string{d.Revision, fmt.Sprint(d.Deleted)},
		value: d,
	})
}
