package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
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
			return a.lookup(c, &f, args, func(e engine.Engine, after string, found func(lookupResult) bool) error {
				for r, err := range e.LookupResources(c.Context(), args[0], args[1], subject, after) {
					if err != nil {
						return err
					}
					if !found(lookupResult{id: r.ID, name: args[0] + ":" + r.ID, state: r.State, missing: r.Missing}) {
						return nil
					}
				}
				return nil
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
			return a.lookup(c, &f, args, func(e engine.Engine, after string, found func(lookupResult) bool) error {
				for s, err := range e.LookupSubjects(c.Context(), resource, args[1], subjectType, relation, after) {
					if err != nil {
						return err
					}
					if !found(subjectResult(engine.Subject{Object: engine.Object{Type: subjectType}, Relation: relation}, s)) {
						return nil
					}
				}
				return nil
			})
		},
		ValidArgsFunction: a.completeQuestion(objectArg, permissionArg, subjectTypeArg),
	}
	f.declare(c)
	return c
}

// subjectResult names the results of a lookup; kind is a subject without an id.
func subjectResult(kind engine.Subject, s engine.SubjectResult) lookupResult {
	if kind.ID = s.ID; kind.IsWildcard() {
		kind.Relation = ""
	}
	r := lookupResult{id: s.ID, name: kind.String(), state: s.State, missing: s.Missing}
	for _, x := range s.Excluded {
		r.excluded = append(r.excluded, subjectResult(kind, x))
	}
	return r
}

// lookupResult is one thing a lookup found.
type lookupResult struct {
	id, name string
	state    engine.State
	missing  []string
	excluded []lookupResult // of a wildcard
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
	data := lookupJSON{ID: r.id, Name: r.name, Result: decision(r.state), Missing: r.missing}
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

// lookup prints what a lookup finds, up to the limit.
func (a *app) lookup(c *cobra.Command, f *lookupFlags, args []string, run func(engine.Engine, string, func(lookupResult) bool) error) error {
	if f.limit < 0 {
		return usagef("--limit %d: it cannot be negative", f.limit)
	}
	from := cursor{Question: questionHash(c.Name(), args, f.context), At: f.at}
	if f.cursor != "" {
		var err error
		if from, err = parseCursor(f.cursor, from); err != nil {
			return err
		}
		f.at = from.At
	}
	return a.ask(&f.askFlags, func(e engine.Engine, rev store.Revision) error {
		from.At = uint64(rev)
		if from.Time.IsZero() {
			from.Time = e.Now
		}
		e.Now = from.Time
		p := a.list("id", "name", "result", "missing")
		last, more := "", false
		var broken error
		err := run(e, from.After, func(r lookupResult) bool {
			if f.limit > 0 && p.items == f.limit {
				more = true
				return false
			}
			last = r.id
			broken = p.add(item{text: r.text(), cells: []string{r.id, r.name, decision(r.state), strings.Join(r.missing, " ")}, value: r.data()})
			return broken == nil
		})
		if err == nil {
			err = broken
		}
		if closeErr := p.close(); err == nil {
			err = closeErr
		}
		if err == nil && more {
			from.After = last
			a.note("more after %q: --cursor %s", last, from)
		}
		return err
	})
}
