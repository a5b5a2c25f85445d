package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/store"
)

func relationshipCommands(a *app) *cobra.Command {
	c := group("relationship", "Write, read, delete, import and export relationships", "",
		writeCommand(a, store.Create, "create", "Write relationships that must not exist yet"),
		writeCommand(a, store.Touch, "touch", "Write relationships, whether they exist or not"),
		writeCommand(a, store.Delete, "delete", "Delete relationships, whether they exist or not"),
		readCommand(a),
		bulkDeleteCommand(a),
		importCommand(a),
		exportCommand(a),
	)
	c.Aliases = []string{"rel"}
	return c
}

// writeFlags are what a write may be given.
type writeFlags struct {
	caveat, expires         string
	mustMatch, mustNotMatch []string
}

func writeCommand(a *app, op store.Op, name, short string) *cobra.Command {
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
		RunE: func(_ *cobra.Command, args []string) error {
			relationships, err := a.relationshipArgs(args)
			if err != nil {
				return err
			}
			tx, err := f.transaction(op, relationships)
			if err != nil {
				return err
			}
			return a.withStore(false, func(st *store.Store) error { return a.apply(st, tx) })
		},
		ValidArgsFunction: a.completeQuestion(objectArg, relationArg, subjectArg),
	}
	if op != store.Delete {
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
		rel, err := parseLine(l.text)
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

// transaction makes the transaction that writes relationships with what the
// flags add to them.
func (f *writeFlags) transaction(op store.Op, relationships []engine.Relationship) (store.Transaction, error) {
	var tx store.Transaction
	trait, err := f.trait()
	if err != nil {
		return tx, err
	}
	for _, r := range relationships {
		if trait != nil {
			if r.Trait != nil {
				return tx, usagef("%s has its own caveat or expiration: leave out --caveat and --expires-at", r)
			}
			r.Trait = trait
		}
		tx.Updates = append(tx.Updates, store.Update{Op: op, Relationship: r})
	}
	tx.Preconditions, err = preconditions(f.mustMatch, f.mustNotMatch)
	return tx, err
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
		if t.Context, err = parseContext(values); err != nil {
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

func preconditions(mustMatch, mustNotMatch []string) ([]store.Precondition, error) {
	var all []store.Precondition
	for i, text := range append(append([]string{}, mustMatch...), mustNotMatch...) {
		f, err := parseFilter(text)
		if err != nil {
			return nil, err
		}
		all = append(all, store.Precondition{Filter: f, MustMatch: i < len(mustMatch)})
	}
	return all, nil
}

const filterArgs = "RESOURCE_TYPE[:ID] [RELATION] [SUBJECT_TYPE[:ID[#RELATION]]]"

func readCommand(a *app) *cobra.Command {
	var at uint64
	var limit int
	var subject string
	var expired bool
	c := &cobra.Command{
		Use:   "read " + filterArgs,
		Short: "Print stored relationships",
		Long: `Prints the stored relationships that match, with --expired also those that no longer
count. An ID that ends with % matches every id that begins so.`,
		Example: "  pemba relationship read document:plan\n  pemba relationship read document viewer user:ana",
		Args:    between(1, 3, filterArgs),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := filterOf(args, subject)
			if err != nil {
				return err
			}
			return a.withSnapshot(at, func(snapshot *store.Snapshot, s *schema.Schema) error {
				if err := checkFilter(s, f); err != nil {
					return err
				}
				p := a.list(relationshipColumns...)
				for r, err := range matching(c.Context(), snapshot, f, expired) {
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
	c.Flags().BoolVar(&expired, "expired", false, "print relationships that have expired, too")
	return c
}

// matching gives the relationships that a filter selects, with those that have
// expired only if they are asked for.
func matching(ctx context.Context, snapshot *store.Snapshot, f store.Filter, expired bool) iter.Seq2[engine.Relationship, error] {
	now := time.Now()
	return func(yield func(engine.Relationship, error) bool) {
		for r, err := range snapshot.Relationships(ctx, f, nil) {
			if err == nil && !expired && !r.Trait.Alive(now) {
				continue
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

var relationshipColumns = []string{"resource", "relation", "subject", "caveat", "context", "expires"}

func relationshipItem(r engine.Relationship) item {
	data := relationshipData(r)
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
