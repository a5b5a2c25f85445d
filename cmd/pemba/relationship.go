package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/backup"
	"github.com/pemba-authz/pemba/server/suite"
)

func relationshipCommands(a *app) *cobra.Command {
	c := group("relationship", "Write, read, delete, import and export relationships", "",
		writeCommand(a, v1.RelationshipUpdate_OPERATION_CREATE, "create", "Write relationships that must not exist yet"),
		writeCommand(a, v1.RelationshipUpdate_OPERATION_TOUCH, "touch", "Write relationships, whether they exist or not"),
		writeCommand(a, v1.RelationshipUpdate_OPERATION_DELETE, "delete", "Delete relationships, whether they exist or not"),
		readCommand(a),
		bulkDeleteCommand(a),
		importCommand(a),
		exportCommand(a),
		relationshipHistoryCommand(a),
	)
	c.Aliases = []string{"rel"}
	return c
}

// writeFlags are what a write may be given.
type writeFlags struct {
	caveat, expires         string
	mustMatch, mustNotMatch []string
}

func writeCommand(a *app, op v1.RelationshipUpdate_Operation, name, short string) *cobra.Command {
	var f writeFlags
	c := &cobra.Command{
		Use:   name + " RESOURCE RELATION SUBJECT | RELATIONSHIP… | -",
		Short: short,
		Long: short + `.

The relationships are given in three parts, or in the text form, or on stdin for "-"
(one a line, text or NDJSON). All of them are one transaction: all or nothing.`,
		Example: "  pemba relationship " + name + " document:plan viewer user:ana\n" +
			"  pemba relationship " + name + " 'document:plan#viewer@user:ana' 'document:plan#viewer@group:staff#member'",
		Args: atLeast(1, "RESOURCE RELATION SUBJECT, or relationships, or -"),
		RunE: func(c *cobra.Command, args []string) error {
			relationships, err := a.relationshipArgs(args)
			if err != nil {
				return err
			}
			request, err := f.request(op, relationships)
			if err != nil {
				return err
			}
			return a.withClient(c.Context(), func(cl *client) error {
				r, err := cl.permissions.WriteRelationships(c.Context(), request)
				if err != nil {
					return err
				}
				return a.printRevision(c.Context(), cl, r.GetWrittenAt())
			})
		},
		ValidArgsFunction: a.completeQuestion(objectArg, relationArg, subjectArg),
	}
	if op != v1.RelationshipUpdate_OPERATION_DELETE {
		c.Flags().StringVar(&f.caveat, "caveat", "", `caveat of the relationships, as name or name:{"key":value}`)
		c.Flags().StringVar(&f.expires, "expires-at", "", "when the relationships end, as 2030-01-31T12:00:00Z")
		c.Flags().StringVar(&f.expires, "expiration-time", "", "the same as --expires-at")
		c.MarkFlagsMutuallyExclusive("expires-at", "expiration-time")
	}
	preconditionFlags(c, &f.mustMatch, &f.mustNotMatch)
	return c
}

func preconditionFlags(c *cobra.Command, mustMatch, mustNotMatch *[]string) {
	c.Flags().StringArrayVar(mustMatch, "must-match", nil, "only if a relationship matches, as document:plan#owner@user:ana; parts may be left out (repeatable)")
	c.Flags().StringArrayVar(mustNotMatch, "must-not-match", nil, "only if no relationship matches (repeatable)")
}

// relationshipArgs reads the arguments of a write.
func (a *app) relationshipArgs(args []string) ([]engine.Relationship, error) {
	if len(args) == 1 && args[0] == stdinName {
		return readAllRelationships(a.stdin)
	}
	if len(args) == 3 && !strings.Contains(args[0], "@") {
		r, err := relationshipOf(args[0], args[1], args[2])
		if err != nil {
			return nil, usagef("%w", err)
		}
		return []engine.Relationship{r}, nil
	}
	relationships := make([]engine.Relationship, len(args))
	for i, arg := range args {
		if !strings.Contains(arg, "@") {
			return nil, usagef("%q is no relationship: give RESOURCE RELATION SUBJECT, or type:id#relation@type:id", arg)
		}
		var err error
		if relationships[i], err = engine.ParseRelationship(arg); err != nil {
			return nil, usagef("%w", err)
		}
	}
	return relationships, nil
}

// relationshipOf joins the three parts in which a relationship may be given.
func relationshipOf(resource, relation, subject string) (engine.Relationship, error) {
	o, s, err := parseQuestion(resource, relation, subject)
	return engine.Relationship{Resource: o, Relation: relation, Subject: s}, err
}

// readAllRelationships reads relationships as text or NDJSON, all of them or
// none.
func readAllRelationships(r io.Reader) ([]engine.Relationship, error) {
	var relationships []engine.Relationship
	var faults []error
	for l, err := range readLines(r) {
		if err != nil {
			return nil, usagef("%w", errors.Join(append(faults, err)...))
		}
		rel, err := backup.ParseLine(l.text)
		if err != nil {
			faults = append(faults, l.fault(err))
			continue
		}
		relationships = append(relationships, rel)
	}
	if len(faults) > 0 {
		return nil, usagef("%w", errors.Join(faults...))
	}
	if len(relationships) == 0 {
		return nil, usagef("stdin holds no relationship")
	}
	return relationships, nil
}

// request makes the request that writes relationships with what the flags add to
// them.
func (f *writeFlags) request(op v1.RelationshipUpdate_Operation, relationships []engine.Relationship) (*v1.WriteRelationshipsRequest, error) {
	trait, err := f.trait()
	if err != nil {
		return nil, err
	}
	for i, r := range relationships {
		if trait == nil {
			break
		}
		if r.Trait != nil {
			return nil, usagef("%s has its own caveat or expiration: leave out --caveat and --expires-at", r)
		}
		relationships[i].Trait = trait
	}
	request := &v1.WriteRelationshipsRequest{}
	if request.Updates, err = updatesOf(op, relationships); err != nil {
		return nil, err
	}
	request.OptionalPreconditions, err = preconditions(f.mustMatch, f.mustNotMatch)
	return request, err
}

func updatesOf(op v1.RelationshipUpdate_Operation, relationships []engine.Relationship) ([]*v1.RelationshipUpdate, error) {
	updates := make([]*v1.RelationshipUpdate, len(relationships))
	for i, r := range relationships {
		wire, err := wireRelationship(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r, err)
		}
		updates[i] = &v1.RelationshipUpdate{Operation: op, Relationship: wire}
	}
	return updates, nil
}

// revisionJSON is what a write answers with.
type revisionJSON struct {
	Revision string `json:"revision"`
	Token    string `json:"token"`
}

// printRevision prints the revision that a write made.
func (a *app) printRevision(ctx context.Context, cl *client, at *v1.ZedToken) error {
	number := cl.number(ctx, at.GetToken())
	return a.one([]string{"revision", "token"}, item{
		text: "revision " + number, cells: []string{number, at.GetToken()}, value: revisionJSON{number, at.GetToken()},
	})
}

// trait returns what --caveat and --expires-at say, nil for neither.
func (f *writeFlags) trait() (*engine.Trait, error) {
	if f.caveat == "" && f.expires == "" {
		return nil, nil
	}
	var t engine.Trait
	var err error
	name, values, hasValues := strings.Cut(f.caveat, ":")
	if t.Caveat = name; name == "" && hasValues {
		return nil, usagef("--caveat %s: the name is missing before the colon", f.caveat)
	}
	if hasValues {
		if t.Context, err = suite.ParseContext(values); err != nil {
			return nil, usagef("--caveat: %w", err)
		}
	}
	if f.expires != "" {
		if t.Expires, err = engine.ParseTime(f.expires); err != nil {
			return nil, usagef("--expires-at: %w", err)
		}
	}
	return &t, nil
}

func preconditions(mustMatch, mustNotMatch []string) ([]*v1.Precondition, error) {
	var all []*v1.Precondition
	for i, text := range slices.Concat(mustMatch, mustNotMatch) {
		f, err := parseFilter(text)
		if err != nil {
			return nil, err
		}
		p := &v1.Precondition{Operation: v1.Precondition_OPERATION_MUST_MATCH, Filter: f.RelationshipFilter}
		if i >= len(mustMatch) {
			p.Operation = v1.Precondition_OPERATION_MUST_NOT_MATCH
		}
		all = append(all, p)
	}
	return all, nil
}

const filterArgs = "RESOURCE_TYPE[:ID] [RELATION] [SUBJECT_TYPE[:ID[#RELATION]]]"

func readCommand(a *app) *cobra.Command {
	var at, subject string
	var limit int
	c := &cobra.Command{
		Use:   "read " + filterArgs,
		Short: "Print stored relationships",
		Long: `Prints the stored relationships that match and have not expired. An ID that ends with %
matches every id that begins so.`,
		Example: "  pemba relationship read document:plan\n  pemba relationship read document viewer user:ana",
		Args:    between(1, 3, filterArgs),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := filterOf(args, subject)
			if err != nil {
				return err
			}
			return a.withClient(c.Context(), func(cl *client) error {
				p := a.list(relationshipColumns...)
				for r, err := range cl.matching(c.Context(), f, at) {
					if err != nil {
						return err
					}
					if limit > 0 && p.items == limit {
						a.note("there are more than %d: --limit shows only the first", limit)
						break
					}
					if err := p.add(relationshipItem(r)); err != nil {
						return err
					}
				}
				return p.close()
			})
		},
		ValidArgsFunction: a.completeQuestion(objectArg, relationArg, subjectArg),
	}
	atFlag(c, &at)
	c.Flags().IntVar(&limit, "limit", 0, "print at most so many (0: all)")
	c.Flags().StringVar(&subject, "subject-filter", "", "SUBJECT_TYPE[:ID[#RELATION]] without naming a relation")
	return c
}

// matching gives the relationships that a filter selects, as long as it is asked
// for them.
func (c *client) matching(ctx context.Context, f filter, at string) iter.Seq2[engine.Relationship, error] {
	return func(yield func(engine.Relationship, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := c.permissions.ReadRelationships(ctx, &v1.ReadRelationshipsRequest{
			Consistency: consistencyAt(at), RelationshipFilter: f.RelationshipFilter,
		})
		for err == nil {
			var r *v1.ReadRelationshipsResponse
			if r, err = stream.Recv(); err == nil && !yield(relationshipFrom(r.GetRelationship()), nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(engine.Relationship{}, err)
		}
	}
}

var relationshipColumns = []string{"resource", "relation", "subject", "caveat", "context", "expires"}

func relationshipItem(r engine.Relationship) item {
	data := backup.RelationshipData(r)
	context := ""
	if len(data.Context) > 0 {
		// What came out of a JSON decoder goes into one.
		text, _ := compactJSON(data.Context)
		context = string(text)
	}
	return item{
		text:  r.String(),
		cells: []string{data.Resource, data.Relation, data.Subject, data.Caveat, context, data.Expires},
		value: data,
	}
}
