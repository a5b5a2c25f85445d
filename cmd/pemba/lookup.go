package main

import (
	"context"
	"errors"
	"io"
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/suite"
)

func lookupResourcesCommand(a *app) *cobra.Command {
	var f lookupFlags
	c := &cobra.Command{
		Use:     "lookup-resources TYPE PERMISSION SUBJECT",
		Short:   "On which resources may this subject do that?",
		Example: "  pemba lookup-resources document view user:ana --limit 10",
		Args:    exactly(3, "TYPE PERMISSION SUBJECT"),
		RunE: func(c *cobra.Command, args []string) error {
			subject, err := engine.ParseSubject(args[2])
			if err != nil {
				return usagef("%w", err)
			}
			values, err := f.values()
			if err != nil {
				return err
			}
			return a.lookup(c.Context(), &f, func(ctx context.Context, cl *client) (func() (lookupResult, error), error) {
				stream, err := cl.permissions.LookupResources(ctx, &v1.LookupResourcesRequest{
					Consistency: consistencyAt(f.at), ResourceObjectType: args[0], Permission: args[1],
					Subject: wireSubject(subject), Context: values, OptionalCursor: f.from(),
				})
				return func() (lookupResult, error) {
					r, err := stream.Recv()
					return lookupResult{
						id: r.GetResourceObjectId(), name: args[0] + ":" + r.GetResourceObjectId(),
						state: foundState(r.GetPermissionship()), missing: r.GetPartialCaveatInfo().GetMissingRequiredContext(),
						cursor: r.GetAfterResultCursor().GetToken(),
					}, err
				}, err
			})
		},
		ValidArgsFunction: a.completeQuestion(typeArg, permissionArg, subjectArg),
	}
	f.declare(c)
	return c
}

func lookupSubjectsCommand(a *app) *cobra.Command {
	var f lookupFlags
	c := &cobra.Command{
		Use:     "lookup-subjects RESOURCE PERMISSION SUBJECT_TYPE[#RELATION]",
		Short:   "Which subjects may do that on this resource?",
		Example: "  pemba lookup-subjects document:plan view user",
		Args:    exactly(3, "RESOURCE PERMISSION SUBJECT_TYPE[#RELATION]"),
		RunE: func(c *cobra.Command, args []string) error {
			resource, err := engine.ParseObject(args[0])
			if err != nil {
				return usagef("%w", err)
			}
			subjectType, relation, _ := strings.Cut(args[2], "#")
			values, err := f.values()
			if err != nil {
				return err
			}
			kind := engine.Subject{Object: engine.Object{Type: subjectType}, Relation: relation}
			return a.lookup(c.Context(), &f, func(ctx context.Context, cl *client) (func() (lookupResult, error), error) {
				stream, err := cl.permissions.LookupSubjects(ctx, &v1.LookupSubjectsRequest{
					Consistency: consistencyAt(f.at), Resource: wireObject(resource), Permission: args[1],
					SubjectObjectType: subjectType, OptionalSubjectRelation: relation, Context: values, OptionalCursor: f.from(),
				})
				return func() (lookupResult, error) {
					r, err := stream.Recv()
					return foundSubject(kind, r), err
				}, err
			})
		},
		ValidArgsFunction: a.completeQuestion(objectArg, permissionArg, subjectTypeArg),
	}
	f.declare(c)
	return c
}

// foundSubject names the results of a lookup; kind is a subject without an id.
func foundSubject(kind engine.Subject, r *v1.LookupSubjectsResponse) lookupResult {
	out := resolvedSubject(kind, r.GetSubject())
	out.cursor = r.GetAfterResultCursor().GetToken()
	for _, x := range r.GetExcludedSubjects() {
		excluded := resolvedSubject(kind, x)
		if excluded.state == engine.Yes { // left out in any case
			excluded.state = engine.No
		}
		out.excluded = append(out.excluded, excluded)
	}
	return out
}

func resolvedSubject(kind engine.Subject, s *v1.ResolvedSubject) lookupResult {
	if kind.ID = s.GetSubjectObjectId(); kind.IsWildcard() {
		kind.Relation = ""
	}
	return lookupResult{
		id: kind.ID, name: kind.String(),
		state: foundState(s.GetPermissionship()), missing: s.GetPartialCaveatInfo().GetMissingRequiredContext(),
	}
}

// lookupResult is one thing a lookup found.
type lookupResult struct {
	id, name string
	state    engine.State
	missing  []string
	excluded []lookupResult // of a wildcard
	cursor   string         // goes on after it
}

func (r lookupResult) text() string {
	text := r.name
	if r.state == engine.Conditional {
		text += " (conditional: needs " + strings.Join(r.missing, ", ") + ")"
	}
	if len(r.excluded) > 0 {
		parts := make([]string, len(r.excluded))
		for i, x := range r.excluded {
			parts[i] = x.text()
		}
		text += " except " + strings.Join(parts, ", ")
	}
	return text
}

// lookupJSON is a lookupResult as data.
type lookupJSON struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	Result   string       `json:"result"` // allow or conditional; of an exclusion: deny or conditional
	Missing  []string     `json:"missing,omitempty"`
	Excluded []lookupJSON `json:"excluded,omitempty"`
}

func (r lookupResult) data() lookupJSON {
	data := lookupJSON{ID: r.id, Name: r.name, Result: suite.Word(r.state), Missing: r.missing}
	for _, x := range r.excluded {
		data.Excluded = append(data.Excluded, x.data())
	}
	return data
}

type lookupFlags struct {
	askFlags
	limit  int
	cursor string
}

func (f *lookupFlags) declare(c *cobra.Command) {
	f.askFlags.declare(c)
	c.Flags().IntVar(&f.limit, "limit", 0, "stop after so many results and print a cursor to go on (0: all)")
	c.Flags().StringVar(&f.cursor, "cursor", "", "go on where a limited lookup of the same question stopped")
}

// from is where the lookup goes on, nil for the beginning.
func (f *lookupFlags) from() *v1.Cursor {
	if f.cursor == "" {
		return nil
	}
	return &v1.Cursor{Token: f.cursor}
}

// lookup prints what a lookup finds, up to the limit. The server is asked
// without one: a cursor goes on with the request that it came from, so the limit
// may differ from page to page.
func (a *app) lookup(ctx context.Context, f *lookupFlags, open func(context.Context, *client) (func() (lookupResult, error), error)) error {
	switch {
	case f.limit < 0:
		return usagef("--limit %d: it cannot be negative", f.limit)
	case f.cursor != "" && f.at != "":
		return usagef("--cursor goes on at the revision it came from: leave --at out")
	}
	return a.withClient(ctx, func(cl *client) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // ends a stream that the limit cuts off
		next, err := open(ctx, cl)
		if err != nil {
			return err
		}
		p := a.list("id", "name", "result", "missing")
		var last lookupResult
		for {
			r, err := next()
			if errors.Is(err, io.EOF) {
				return p.close()
			}
			if err != nil {
				_ = p.close() // what was found stands; why it ended counts more
				return err
			}
			if f.limit > 0 && p.items == f.limit {
				if err := p.close(); err != nil {
					return err
				}
				a.note("more after %q: --cursor %s", last.id, last.cursor)
				return nil
			}
			last = r
			if err := p.add(item{text: r.text(), cells: []string{r.id, r.name, suite.Word(r.state), strings.Join(r.missing, " ")}, value: r.data()}); err != nil {
				return err
			}
		}
	})
}
