package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/engine"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/suite"
)

func assertionCommands(a *app) *cobra.Command {
	return group("assertion", "Expected answers that a server keeps", `Sets of expected answers that are kept beside the relationships, as the workbench saves
them. What a file expects is held against the data in the file by pemba validate; what a
set expects, against the data of the server by pemba assertion run.`,
		assertionListCommand(a),
		assertionRunCommand(a),
		assertionSaveCommand(a),
		assertionDeleteCommand(a),
	)
}

// setJSON is a set, as data.
type setJSON struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Assertions  int    `json:"assertions"`
	Version     uint64 `json:"version"`         // revision that wrote it
	Fault       string `json:"fault,omitempty"` // why it cannot be read
}

func assertionListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the sets, by name",
		Args:  exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withClient(c.Context(), func(cl *client) error {
				out := a.list("name", "assertions", "description", "version", "fault")
				return errors.Join(a.printSets(c.Context(), cl, out), out.close())
			})
		},
	}
}

func (a *app) printSets(ctx context.Context, cl *client, out *printer) error {
	req := &consolev1.ListAssertionsRequest{Consistency: consistencyAt("")}
	for {
		page, err := cl.assertions.ListAssertions(ctx, req)
		if err != nil {
			return err
		}
		for _, s := range page.GetSets() {
			d := setJSON{s.GetName(), s.GetDescription(), len(s.GetAssertions()), s.GetVersion(), s.GetFault()}
			n, version := strconv.Itoa(d.Assertions), strconv.FormatUint(d.Version, 10)
			it := item{text: words(d.Name, n, d.Description, d.Fault), cells: []string{d.Name, n, d.Description, version, d.Fault}, value: d}
			if err := out.add(it); err != nil {
				return err
			}
		}
		if req.OptionalCursor = page.GetAfterResultCursor(); req.OptionalCursor == nil {
			return nil
		}
	}
}

// resultJSON is what became of an assertion, as data.
type resultJSON struct {
	Set      string   `json:"set"`
	Text     string   `json:"text"`
	Context  any      `json:"context,omitempty"`
	Expected string   `json:"expected"`
	Answer   string   `json:"answer,omitempty"`
	Missing  []string `json:"missing,omitempty"`
	Error    string   `json:"error,omitempty"`
	Passed   bool     `json:"passed"`
}

// answers are what the answers of the console's API mean; the rest is denied.
var answers = map[consolev1.Answer]engine.State{
	consolev1.Answer_ANSWER_NO: engine.No, consolev1.Answer_ANSWER_CONDITIONAL: engine.Conditional, consolev1.Answer_ANSWER_YES: engine.Yes,
}

func assertionRunCommand(a *app) *cobra.Command {
	var at string
	c := &cobra.Command{
		Use:   "run [NAME...]",
		Short: "Ask the assertions of sets, all at one revision",
		Long: `Asks the assertions of the sets that are named, or of all, and prints those that fail;
with -o another than auto, every one. It exits with 3 when one failed.`,
		Example: "  pemba assertion run\n  pemba assertion run release -o json",
		RunE: func(c *cobra.Command, names []string) error {
			return a.withClient(c.Context(), func(cl *client) error {
				r, err := cl.assertions.RunAssertions(c.Context(), &consolev1.RunAssertionsRequest{Consistency: consistencyAt(at), Names: names})
				if err != nil {
					return err
				}
				if err := a.printResults(r.GetResults()); err != nil {
					return err
				}
				a.note("%d passed, %d failed", r.GetPassed(), r.GetFailed())
				if r.GetFailed() > 0 {
					return errNegative
				}
				return nil
			})
		},
	}
	atFlag(c, &at)
	return c
}

func (a *app) printResults(results []*consolev1.AssertionResult) error {
	out := a.list("set", "assertion", "expected", "answer", "passed")
	for _, r := range results {
		o := r.GetOutcome()
		d := resultJSON{
			Set: r.GetSet(), Text: r.GetAssertion().GetText(), Expected: suite.Word(answers[r.GetAssertion().GetExpected()]),
			Missing: o.GetMissing(), Error: o.GetError(), Passed: o.GetPassed(),
		}
		if values := r.GetAssertion().GetContext(); values != nil {
			d.Context = values.AsMap()
		}
		got := d.Error
		if o.GetAnswer() != consolev1.Answer_ANSWER_UNSPECIFIED {
			d.Answer = suite.Word(answers[o.GetAnswer()])
			if got = d.Answer; len(d.Missing) > 0 {
				got += ": " + strings.Join(d.Missing, ", ") + " missing"
			}
		}
		if a.format == "auto" && d.Passed {
			continue
		}
		text := fmt.Sprintf("%s: %s: expected %s, got %s", d.Set, d.Text, d.Expected, got)
		if err := out.add(item{text: text, cells: []string{d.Set, d.Text, d.Expected, got, strconv.FormatBool(d.Passed)}, value: d}); err != nil {
			return err
		}
	}
	return out.close()
}

func assertionSaveCommand(a *app) *cobra.Command {
	var description string
	c := &cobra.Command{
		Use:   "save NAME FILE",
		Short: "Save what a validation file or a decision table expects as a set",
		Long: `Replaces a set, or makes it, by what a validation file (.yaml) or a decision table (.csv)
expects of single answers. The schema and the relationships of the file stay where they
are.`,
		Example: "  pemba assertion save release checks.yaml",
		Args:    exactly(2, "NAME FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			set, err := a.setOf(args[0], description, args[1])
			if err != nil {
				return err
			}
			return a.withClient(c.Context(), func(cl *client) error {
				if _, err := cl.assertions.SaveAssertions(c.Context(), &consolev1.SaveAssertionsRequest{Set: set}); err != nil {
					return err
				}
				a.note("saved %d assertions as %s", len(set.Assertions), set.Name)
				return nil
			})
		},
	}
	c.Flags().StringVar(&description, "description", "", "of the set, for people")
	return c
}

// setOf reads a set from a file.
func (a *app) setOf(name, description, file string) (*consolev1.AssertionSet, error) {
	s, err := readSuite(file, validateFlags{})
	if err != nil {
		return nil, err
	}
	for _, p := range s.Errors {
		a.note("%s", p)
	}
	if len(s.Errors) > 0 {
		return nil, errNegative
	}
	if len(s.Claims) == 0 {
		return nil, usagef("%s expects no single answers", file)
	}
	set := &consolev1.AssertionSet{Name: name, Description: description}
	for _, claim := range s.Claims {
		to := &consolev1.Assertion{Text: fmt.Sprintf("%s#%s@%s", claim.Resource, claim.Permission, claim.Subject)}
		for answer, state := range answers {
			if state == claim.Want {
				to.Expected = answer
			}
		}
		if to.Context, err = structOf(claim.Context); err != nil {
			return nil, fmt.Errorf("%s: %w", claim.At, err)
		}
		set.Assertions = append(set.Assertions, to)
	}
	return set, nil
}

func assertionDeleteCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a set; one that does not exist is no fault",
		Args:  exactly(1, "NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withClient(c.Context(), func(cl *client) error {
				_, err := cl.assertions.DeleteAssertions(c.Context(), &consolev1.DeleteAssertionsRequest{Name: args[0]})
				return err
			})
		},
	}
}
