package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/store"
)

// permissionCommands repeats the questions under the names that users of zed
// know.
func permissionCommands(a *app) *cobra.Command {
	return group("permission", "Ask about permissions: the same commands as at the top", "",
		checkCommand(a), expandCommand(a), lookupResourcesCommand(a), lookupSubjectsCommand(a))
}

// askFlags are what every question may be given.
type askFlags struct {
	at      uint64
	context string
}

func (f *askFlags) declare(c *cobra.Command) {
	atFlag(c, &f.at)
	c.Flags().StringVar(&f.context, "caveat-context", "", "values for caveats, as a JSON object")
}

func (f *askFlags) values() (map[string]any, error) {
	if f.context == "" {
		return nil, nil
	}
	values, err := parseContext(f.context)
	if err != nil {
		return nil, usagef("--caveat-context: %w", err)
	}
	return values, nil
}

// ask runs f with the engine of the flags.
func (a *app) ask(f *askFlags, use func(engine.Engine, store.Revision) error) error {
	values, err := f.values()
	if err != nil {
		return err
	}
	return a.withSnapshot(f.at, func(snapshot *store.Snapshot, s *schema.Schema) error {
		return use(newEngine(snapshot, s, values), snapshot.Revision())
	})
}

func checkCommand(a *app) *cobra.Command {
	var f askFlags
	var explain, status bool
	c := &cobra.Command{
		Use:   "check RESOURCE PERMISSION SUBJECT",
		Short: "May this subject do that on this resource?",
		Long: `Answers allow, deny or conditional (it depends on caveat values that were not
given). With --explain it shows every step with its relationship, and for a denial
the nearest changes of the relationships that would have turned it.`,
		Example: "  pemba check document:plan view user:ana --explain",
		Args:    exactly(3, "RESOURCE PERMISSION SUBJECT"),
		RunE: func(c *cobra.Command, args []string) error {
			resource, subject, err := parseQuestion(args[0], args[1], args[2])
			if err != nil {
				return usagef("%w", err)
			}
			return a.ask(&f, func(e engine.Engine, rev store.Revision) error {
				q := question{resource, args[1], subject}
				r, err := q.answer(c.Context(), e, explain)
				if err != nil {
					if r.steps != nil {
						a.note("%s", explanation(palette{}, r.steps))
					}
					return err
				}
				if err := a.printAnswer(q, r, rev); err != nil {
					return err
				}
				if status && r.answer.State != engine.Yes {
					return errNegative
				}
				return nil
			})
		},
		ValidArgsFunction: a.completeQuestion(objectArg, permissionArg, subjectArg),
	}
	f.declare(c)
	c.Flags().BoolVar(&explain, "explain", false, "show how the answer was found")
	c.Flags().BoolVar(&status, "exit-status", false, "exit with 3 unless the answer is allow")
	return c
}

// nearestShown is how many changes an explanation of a denial offers.
const nearestShown = 5

type question struct {
	resource   engine.Object
	permission string
	subject    engine.Subject
}

// result is the answer to a question, with its explanation when that was asked.
type result struct {
	answer  engine.Answer
	steps   *engine.Step
	nearest []engine.Remedy
}

func (q question) answer(ctx context.Context, e engine.Engine, explain bool) (r result, err error) {
	if !explain {
		r.answer, err = e.Check(ctx, q.resource, q.permission, q.subject)
		return r, err
	}
	r.answer, r.steps, err = e.Explain(ctx, q.resource, q.permission, q.subject)
	if err == nil && r.answer.State == engine.No {
		r.nearest, err = e.Remedies(ctx, q.resource, q.permission, q.subject, r.steps, nearestShown)
	}
	return r, err
}

// text is the result for people.
func (r result) text(color palette) string {
	paint := map[engine.State]func(string) string{engine.Yes: color.good, engine.No: color.bad, engine.Conditional: color.maybe}
	text := paint[r.answer.State](describe(r.answer))
	if r.steps == nil {
		return text
	}
	text += "\n" + explanation(color, r.steps)
	if r.answer.State != engine.No {
		return text
	}
	if len(r.nearest) == 0 {
		return text + "\nNo few changes to the subject's own relationships would allow it."
	}
	return text + "\nAny of these would allow it:\n" + indent(strings.Join(changeLines(r.nearest), "\n"), "  ")
}

// changeLines says each remedy on a line.
func changeLines(remedies []engine.Remedy) []string {
	lines := make([]string, len(remedies))
	for i, remedy := range remedies {
		changes := make([]string, len(remedy))
		for k, c := range remedy {
			verb := "create "
			if c.Remove {
				verb = "delete "
			}
			changes[k] = verb + c.Relationship.String()
		}
		lines[i] = strings.Join(changes, ", and ")
	}
	return lines
}

// answerJSON is an answer as data.
type answerJSON struct {
	Resource    string         `json:"resource"`
	Permission  string         `json:"permission"`
	Subject     string         `json:"subject"`
	Result      string         `json:"result"` // allow, deny or conditional
	Missing     []string       `json:"missing,omitempty"`
	Until       string         `json:"until,omitempty"` // when an expiration may change it
	Revision    store.Revision `json:"revision"`
	Explanation *stepJSON      `json:"explanation,omitempty"`
	WouldGrant  []string       `json:"wouldGrant,omitempty"`
}

func (a *app) printAnswer(q question, r result, rev store.Revision) error {
	data := answerJSON{
		Resource: q.resource.String(), Permission: q.permission, Subject: q.subject.String(),
		Result: decision(r.answer.State), Missing: r.answer.Missing, Revision: rev,
		Explanation: stepData(r.steps), WouldGrant: changeLines(r.nearest),
	}
	if !r.answer.Until.IsZero() {
		data.Until = r.answer.Until.Format(time.RFC3339Nano)
	}
	return a.one([]string{"resource", "permission", "subject", "result", "missing", "revision"}, item{
		text:  r.text(a.palette()),
		cells: []string{data.Resource, data.Permission, data.Subject, data.Result, strings.Join(data.Missing, " "), fmt.Sprint(rev)},
		value: data,
	})
}

func expandCommand(a *app) *cobra.Command {
	var f askFlags
	var recursive bool
	c := &cobra.Command{
		Use:   "expand RESOURCE PERMISSION",
		Short: "Who is in this set, and by which relationships?",
		Long: `Shows the relationships that make up a relation or permission of a resource, as a
tree. The two arguments may stand in either order. Caveats are shown, not decided.`,
		Args: exactly(2, "RESOURCE PERMISSION"),
		RunE: func(c *cobra.Command, args []string) error {
			if !strings.Contains(args[0], ":") && strings.Contains(args[1], ":") {
				args[0], args[1] = args[1], args[0]
			}
			resource, err := engine.ParseObject(args[0])
			if err != nil {
				return usagef("%w", err)
			}
			return a.ask(&f, func(e engine.Engine, _ store.Revision) error {
				tree, err := e.Expand(c.Context(), resource, args[1], recursive)
				if err != nil {
					return err
				}
				return a.printTree(tree)
			})
		},
		ValidArgsFunction: a.completeQuestion(objectArg, permissionArg),
	}
	atFlag(c, &f.at)
	c.Flags().BoolVar(&recursive, "recursive", false, "follow usersets down to the last subject")
	return c
}
