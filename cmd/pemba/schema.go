package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/schema/syntax"
	"github.com/pemba-authz/pemba/server/suite"
)

func schemaCommands(a *app) *cobra.Command {
	return group("schema", "Read, write, format, check and compare schemas", "",
		schemaReadCommand(a),
		schemaWriteCommand(a),
		schemaFmtCommand(a),
		schemaLintCommand(a),
		schemaDiffCommand(a),
		schemaHistoryCommand(a),
	)
}

func schemaReadCommand(a *app) *cobra.Command {
	var at string
	var source bool
	c := &cobra.Command{
		Use:   "read",
		Short: "Print the stored schema",
		Long: `Prints the schema in its canonical form: sorted by name, partials expanded. With
--source it prints the text as it was written.`,
		Args: exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withClient(c.Context(), func(cl *client) error {
				stored, err := cl.schemaText(c.Context(), at)
				if err != nil {
					return err
				}
				text := stored.text
				if !source {
					compiled, err := stored.compile()
					if err != nil {
						return err
					}
					text = compiled.Canonical()
				}
				written := cl.number(c.Context(), stored.written)
				return a.one([]string{"revision", "schema"}, item{
					text:  strings.TrimSuffix(text, "\n"),
					cells: []string{written, text},
					value: schemaJSON{written, text},
				})
			})
		},
	}
	atFlag(c, &at)
	c.Flags().BoolVar(&source, "source", false, "print the text as it was written")
	return c
}

// schemaJSON is a schema as data.
type schemaJSON struct {
	Revision string `json:"revision"` // that wrote it
	Schema   string `json:"schema"`
}

func schemaWriteCommand(a *app) *cobra.Command {
	var reason string
	var allowEmpty bool
	c := &cobra.Command{
		Use:   "write FILE|-",
		Short: "Replace the stored schema",
		Long: `Replaces the schema, and makes the store when there is none in --data-dir. It is
refused when stored relationships would be left without a place in it. A schema with
imports is stored in its canonical form, which has them resolved. One without a
definition is refused unless --allow-empty says that it is meant: it leaves the store as
if it had no schema.

With --reason the reason is kept in the history of the schema.`,
		Args: exactly(1, "FILE or -"),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := a.readInput(args[0])
			if err != nil {
				return err
			}
			compiled, err := compileSchema(args[0], text)
			if err != nil {
				return a.schemaRefused(args[0], err)
			}
			if len(compiled.Types()) == 0 && !allowEmpty {
				return refusedf("%s defines nothing: written, it would leave the store without a schema; give --allow-empty if that is meant", displayName(args[0]))
			}
			for _, w := range compiled.Warnings() {
				a.note("warning: %s: %s", suite.Place{File: displayName(args[0]), Line: w.Pos.Line, Column: w.Pos.Column}, w.Msg)
			}
			if hasImports(text) {
				text = compiled.Canonical()
			}
			return a.withNewClient(c.Context(), func(cl *client) error {
				if reason != "" {
					written, err := cl.writeSchemaFor(c.Context(), text, reason)
					if err != nil {
						return err
					}
					return a.printRevision(c.Context(), cl, written)
				}
				r, err := cl.schemas.WriteSchema(c.Context(), &v1.WriteSchemaRequest{Schema: text})
				if err != nil {
					return err
				}
				return a.printRevision(c.Context(), cl, r.GetWrittenAt())
			})
		},
	}
	c.Flags().BoolVar(&allowEmpty, "allow-empty", false, "write a schema that defines nothing, too")
	c.Flags().StringVar(&reason, "reason", "", "why, for those who look later; at most 1,000 bytes")
	return c
}

func hasImports(text string) bool {
	file, _ := syntax.Parse(text)
	return slices.ContainsFunc(file.Decls, func(d syntax.Decl) bool {
		_, ok := d.(*syntax.Import)
		return ok
	})
}

func schemaDiffCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "diff [OLD] NEW",
		Short: "Compare two schemas by meaning",
		Long: `Lists what differs in meaning between two schema files, or between the stored schema
and a file. Layout and order do not count. Exit code 3 when anything differs.`,
		Args: between(1, 2, "[OLD] NEW"),
		RunE: func(c *cobra.Command, args []string) error {
			after, err := a.schemaFromFile(args[len(args)-1])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				before, err := a.schemaFromFile(args[0])
				if err != nil {
					return err
				}
				return a.printDiff(before, after)
			}
			return a.withClient(c.Context(), func(cl *client) error {
				before, err := cl.schema(c.Context())
				if err != nil {
					return err
				}
				return a.printDiff(before, after)
			})
		},
	}
}

func (a *app) schemaFromFile(name string) (*schema.Schema, error) {
	text, err := a.readInput(name)
	if err != nil {
		return nil, err
	}
	compiled, err := compileSchema(name, text)
	if err != nil {
		return nil, a.schemaRefused(name, err)
	}
	return compiled, nil
}

// changeJSON is a schema.Change as data.
type changeJSON struct {
	Change string `json:"change"`
}

func (a *app) printDiff(before, after *schema.Schema) error {
	changes := schema.Diff(before, after)
	p := a.list("change")
	for _, c := range changes {
		if err := p.add(item{text: c.String(), cells: []string{c.String()}, value: changeJSON{c.String()}}); err != nil {
			return err
		}
	}
	if err := p.close(); err != nil {
		return err
	}
	if len(changes) > 0 {
		return errNegative
	}
	return nil
}

func schemaFmtCommand(a *app) *cobra.Command {
	var write, check bool
	c := &cobra.Command{
		Use:   "fmt FILE…|-",
		Short: "Format schemas: one true layout",
		Long: `Prints schemas in their one true layout. The order, the comments and the text of
caveats are the author's.`,
		Example: "  pemba schema fmt -w schema.zed\n  pemba schema fmt --check *.zed",
		Args:    atLeast(1, "FILE… or -"),
		RunE: func(_ *cobra.Command, args []string) error {
			if write && check {
				return usagef("--write and --check exclude each other")
			}
			return a.formatFiles(args, write, check)
		},
	}
	c.Flags().BoolVarP(&write, "write", "w", false, "write the result back to the files")
	c.Flags().BoolVar(&check, "check", false, "list the files whose layout differs and exit with 3 if there are any")
	return c
}

func (a *app) formatFiles(names []string, write, check bool) error {
	differs := false
	for _, name := range names {
		text, err := a.readInput(name)
		if err != nil {
			return err
		}
		formatted, err := syntax.Format(text)
		if err != nil {
			return a.schemaRefused(name, err)
		}
		switch {
		case check:
			if formatted != text {
				differs = true
				if _, err := fmt.Fprintln(a.stdout, displayName(name)); err != nil {
					return err
				}
			}
		case write && name != stdinName:
			if formatted != text {
				if err := replaceFile(name, formatted); err != nil {
					return err
				}
			}
		default:
			if _, err := fmt.Fprint(a.stdout, formatted); err != nil {
				return err
			}
		}
	}
	if differs {
		return errNegative
	}
	return nil
}

// replaceFile writes a file by way of another one, so that a full disk or an
// interruption leaves the old text.
func replaceFile(name, text string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	next := name + ".pemba-new"
	if err := os.WriteFile(next, []byte(text), info.Mode().Perm()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, name); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return nil
}

// schemaRefused prints what is wrong with a schema text and returns the error
// that says how much it is.
func (a *app) schemaRefused(name string, err error) error {
	var list syntax.ErrorList
	if !errors.As(err, &list) {
		return err
	}
	a.note("%s", schemaFault(name, list))
	return refusedf("%s is not a schema: %s", displayName(name), counted(len(list), "error"))
}

// finding is one thing that lint found.
type finding struct {
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Severity string `json:"severity"` // error or warning
	Message  string `json:"message"`
}

func schemaLintCommand(a *app) *cobra.Command {
	var strict bool
	c := &cobra.Command{
		Use:   "lint FILE…|-",
		Short: "Check schemas: errors, and what is probably not meant",
		Long: `Reports every error of a schema, and as warnings what is allowed but probably not
meant. Exit code 3 when there are errors, with --strict also for warnings.`,
		Args: atLeast(1, "FILE… or -"),
		RunE: func(_ *cobra.Command, args []string) error { return a.lint(args, strict) },
	}
	c.Flags().BoolVar(&strict, "strict", false, "count warnings as errors")
	return c
}

func (a *app) lint(names []string, strict bool) error {
	p := a.list("file", "line", "column", "severity", "message")
	bad := false
	for _, name := range names {
		text, err := a.readInput(name)
		if err != nil {
			return err
		}
		severity := "error"
		compiled, err := compileSchema(name, text)
		var list syntax.ErrorList
		if err != nil {
			list = schemaErrors(err)
		} else {
			severity, list = "warning", compiled.Warnings()
		}
		bad = bad || len(list) > 0 && (err != nil || strict)
		for _, e := range list {
			if err := p.add(lintItem(name, severity, e)); err != nil {
				return err
			}
		}
	}
	if err := p.close(); err != nil {
		return err
	}
	if bad {
		return errNegative
	}
	return nil
}

func lintItem(name, severity string, e *syntax.Error) item {
	at := suite.Place{File: displayName(name), Line: e.Pos.Line, Column: e.Pos.Column}
	return item{
		text:  at.String() + ": " + severity + ": " + e.Msg + sourceMark(e),
		cells: []string{at.File, fmt.Sprint(at.Line), fmt.Sprint(at.Column), severity, e.Msg},
		value: finding{at.File, at.Line, at.Column, severity, e.Msg},
	}
}
