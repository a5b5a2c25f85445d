package main

import (
	"context"
	"strings"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/suite"
)

// permissionCommands repeats the questions under the names that users of zed
// know.
func permissionCommands(a *app) *cobra.Command {
	return group("permission", "Ask about permissions: the same commands as at the top", "",
		checkCommand(a), expandCommand(a), lookupResourcesCommand(a), lookupSubjectsCommand(a))
}

// askFlags are what every question may be given.
type askFlags struct {
	at      string
	context string
}

func (f *askFlags) declare(c *cobra.Command) {
	atFlag(c, &f.at)
	c.Flags().StringVar(&f.context, "caveat-context", "", "values for caveats, as a JSON object")
}

// values returns the values for caveats, nil for none.
func (f *askFlags) values() (*structpb.Struct, error) {
	if f.context == "" {
		return nil, nil
	}
	values, err := suite.ParseContext(f.context)
	if err == nil {
		var out *structpb.Struct
		if out, err = structOf(values); err == nil {
			return out, nil
		}
	}
	return nil, usagef("--caveat-context: %w", err)
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
			values, err := f.values()
			if err != nil {
				return err
			}
			q := question{resource, args[1], subject}
			return a.withClient(c.Context(), func(cl *client) error {
				r, err := cl.answer(c.Context(), q, f.at, values, explain)
				if err != nil {
					return err
				}
				if r.undecided != "" {
					a.note("%s", explanation(palette{}, r.steps))
					return refusedf("%s", r.undecided)
				}
				if err := a.printAnswer(q, r); err != nil {
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
	answer    engine.Answer
	revision  string
	undecided string // why there is no answer; the steps show how far it came
	steps     *engine.Step
	nearest   []engine.Remedy
}

// answer asks a question.
func (c *client) answer(ctx context.Context, q question, at string, values *structpb.Struct, explain bool) (result, error) {
	if explain {
		return c.explain(ctx, q, at, values)
	}
	r, err := c.permissions.CheckPermission(ctx, &v1.CheckPermissionRequest{
		Consistency: consistencyAt(at), Resource: wireObject(q.resource), Permission: q.permission,
		Subject: wireSubject(q.subject), Context: values,
	})
	if err != nil {
		return result{}, err
	}
	answer := engine.Answer{State: stateOf(r.GetPermissionship()), Missing: r.GetPartialCaveatInfo().GetMissingRequiredContext()}
	if until := r.GetOptionalExpiresAt(); until != nil {
		answer.Until = until.AsTime()
	}
	return result{answer: answer, revision: c.number(ctx, r.GetCheckedAt().GetToken())}, nil
}

// text is the result for people.
func (r result) text(color palette) string {
	paint := map[engine.State]func(string) string{engine.Yes: color.good, engine.No: color.bad, engine.Conditional: color.maybe}
	text := paint[r.answer.State](suite.Describe(r.answer))
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
	Resource    string    `json:"resource"`
	Permission  string    `json:"permission"`
	Subject     string    `json:"subject"`
	Result      string    `json:"result"` // allow, deny or conditional
	Missing     []string  `json:"missing,omitempty"`
	Until       string    `json:"until,omitempty"` // when an expiration may change it
	Revision    string    `json:"revision"`
	Explanation *stepJSON `json:"explanation,omitempty"`
	WouldGrant  []string  `json:"wouldGrant,omitempty"`
}

func (a *app) printAnswer(q question, r result) error {
	data := answerJSON{
		Resource: q.resource.String(), Permission: q.permission, Subject: q.subject.String(),
		Result: suite.Word(r.answer.State), Missing: r.answer.Missing, Revision: r.revision,
		Explanation: stepData(r.steps), WouldGrant: changeLines(r.nearest),
	}
	if !r.answer.Until.IsZero() {
		data.Until = r.answer.Until.Format(time.RFC3339Nano)
	}
	return a.one([]string{"resource", "permission", "subject", "result", "missing", "revision"}, item{
		text:  r.text(a.palette()),
		cells: []string{data.Resource, data.Permission, data.Subject, data.Result, strings.Join(data.Missing, " "), data.Revision},
		value: data,
	})
}
