package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pemba-authz/pemba/server/suite"
)

// validateFlags are what decision tables need besides themselves.
type validateFlags struct {
	schema, relationships string
}

func validateCommand(a *app) *cobra.Command {
	var f validateFlags
	c := &cobra.Command{
		Use:   "validate FILE…",
		Short: "Check expectations: validation files, decision tables, schemas, relationships",
		Long: `Checks what files expect against what Pemba answers, without a store:

  *.yaml, *.yml   validation files: schema, relationships, assertions and expected sets
  *.csv           decision tables: resource,permission,subject,expected (allow, deny or
                  conditional); the schema and the relationships stand beside them in
                  schema.zed and relationships.txt, or are named by flags
  *.zed           schemas: do they compile
  *.txt           relationships: does the schema beside them allow them
  a directory     all of these in it

Prints what does not hold, with the explanation. Exit code 3 when anything does not.`,
		Example:     "  pemba validate testdata/portal\n  pemba validate access.yaml -o junit",
		Args:        atLeast(1, "FILE…"),
		Annotations: map[string]string{extraFormat: "junit"},
		RunE: func(c *cobra.Command, args []string) error {
			return a.validate(c.Context(), args, f)
		},
	}
	c.Flags().StringVar(&f.schema, "schema", "", "schema for decision tables and relationships (default: schema.zed beside each)")
	c.Flags().StringVar(&f.relationships, "relationships", "", "relationships for decision tables (default: relationships.txt beside each)")
	return c
}

func (a *app) validate(ctx context.Context, args []string, f validateFlags) error {
	files, err := expandFiles(args)
	if err != nil {
		return err
	}
	var reports []report
	for _, file := range files {
		s, err := readSuite(file, f)
		if err != nil {
			return err
		}
		for _, w := range s.Warnings {
			a.note("warning: %s", w)
		}
		r, err := reportOn(ctx, s)
		if err != nil {
			return err
		}
		reports = append(reports, r)
	}
	if err := a.printReports(reports); err != nil {
		return err
	}
	for _, r := range reports {
		if r.tally().bad() {
			return errNegative
		}
	}
	return nil
}

var suiteExtensions = []string{".yaml", ".yml", ".csv", ".zed", ".txt"}

// expandFiles replaces directories by what can be validated in them.
func expandFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			if ext := filepath.Ext(arg); !slices.Contains(suiteExtensions, ext) {
				return nil, usagef("%s: a file to validate ends with %s", arg, strings.Join(suiteExtensions, ", "))
			}
			files = append(files, arg)
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			return nil, err
		}
		before := len(files)
		for _, e := range entries {
			if !e.IsDir() && slices.Contains(suiteExtensions, filepath.Ext(e.Name())) {
				files = append(files, filepath.Join(arg, e.Name()))
			}
		}
		if len(files) == before {
			return nil, usagef("%s: the directory holds nothing to validate (%s)", arg, strings.Join(suiteExtensions, ", "))
		}
	}
	return files, nil
}

// readSuite reads a file and what it refers to. The error is for a file that
// cannot be read; what is wrong inside it is in the suite.
func readSuite(file string, f validateFlags) (*suite.Suite, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := newSuite(file)
	switch filepath.Ext(file) {
	case ".yaml", ".yml":
		s.ReadValidation(data)
	case ".zed":
		compileFile(s, file, string(data))
	case ".txt":
		readSchemaFile(s, beside(file, f.schema, "schema.zed"))
		s.Files.ReadRelationships(s, file, data)
	case ".csv":
		readSchemaFile(s, beside(file, f.schema, "schema.zed"))
		name := beside(file, f.relationships, "relationships.txt")
		text, err := os.ReadFile(name)
		if err != nil {
			s.Fail(suite.Place{File: file}, "no relationships for this table: %v (name them with --relationships)", err)
		} else {
			s.Files.ReadRelationships(s, name, text)
		}
		(&decisionTable{s}).read(data)
	}
	s.JudgeConstraints()
	return s, nil
}

// beside returns the file that a flag names, else the one beside file.
func beside(file, flag, name string) string {
	if flag != "" {
		return flag
	}
	return filepath.Join(filepath.Dir(file), name)
}

func readSchemaFile(s *suite.Suite, name string) {
	data, err := os.ReadFile(name)
	if err != nil {
		s.Fail(suite.Place{File: s.File}, "no schema for this file: %v (name it with --schema)", err)
		return
	}
	compileFile(s, name, string(data))
}

// report is what became of one file.
type report struct {
	file     string
	outcomes []outcome
	took     time.Duration
}

// tally counts outcomes.
type tally struct{ expectations, failed, errors int }

func (r report) tally() tally {
	var t tally
	for _, o := range r.outcomes {
		switch o.result() {
		case "error":
			t.errors++
			continue
		case "fail":
			t.failed++
		}
		t.expectations++
	}
	return t
}

func (t tally) bad() bool { return t.failed+t.errors > 0 }

func (t tally) String() string {
	switch {
	case t.errors > 0 && t.expectations == 0:
		return counted(t.errors, "error")
	case t.errors > 0:
		return fmt.Sprintf("%s, %d not met, %s", counted(t.expectations, "expectation"), t.failed, counted(t.errors, "error"))
	case t.failed > 0:
		return fmt.Sprintf("%s, %d not met", counted(t.expectations, "expectation"), t.failed)
	}
	return counted(t.expectations, "expectation")
}

// reportOn runs a suite. A suite with errors runs nothing: they are its outcomes.
func reportOn(ctx context.Context, s *suite.Suite) (report, error) {
	r := report{file: s.File}
	for _, p := range s.Errors {
		r.outcomes = append(r.outcomes, outcome{at: p.At, failure: p.Msg})
	}
	if len(s.Errors) > 0 {
		return r, nil
	}
	start := time.Now()
	var err error
	r.outcomes, err = runSuite(ctx, s, start)
	r.took = time.Since(start)
	return r, err
}

// outcomeJSON is an outcome as data.
type outcomeJSON struct {
	File        string `json:"file"`
	Line        int    `json:"line,omitempty"`
	Column      int    `json:"column,omitempty"`
	Expectation string `json:"expectation,omitempty"`
	Result      string `json:"result"` // pass, fail or error
	Message     string `json:"message,omitempty"`
	Explanation string `json:"explanation,omitempty"`
}

// result is "error" for what is wrong with the file itself.
func (o outcome) result() string {
	switch {
	case o.failure == "":
		return "pass"
	case o.name == "":
		return "error"
	}
	return "fail"
}

func (a *app) printReports(reports []report) error {
	switch a.format {
	case "junit":
		return printJUnit(a.stdout, reports)
	case "auto":
		return a.printFailures(reports)
	}
	p := a.list("file", "line", "expectation", "result", "message")
	for _, r := range reports {
		for _, o := range r.outcomes {
			it := item{
				cells: []string{o.at.File, strconv.Itoa(o.at.Line), o.name, o.result(), o.failure},
				value: outcomeJSON{o.at.File, o.at.Line, o.at.Column, o.name, o.result(), o.failure, o.detail},
			}
			if err := p.add(it); err != nil {
				return err
			}
		}
	}
	return p.close()
}

// printFailures is for people: what does not hold and why, then a summary.
func (a *app) printFailures(reports []report) error {
	var out strings.Builder
	color := a.palette()
	var all tally
	for _, r := range reports {
		for _, o := range r.outcomes {
			switch o.result() {
			case "error":
				fmt.Fprintf(&out, "%s %s: %s\n", color.bad("ERROR"), o.at, o.failure)
			case "fail":
				fmt.Fprintf(&out, "%s %s: %s: %s\n", color.bad("FAIL"), o.at, o.name, o.failure)
				if o.detail != "" {
					fmt.Fprintln(&out, indent(o.detail, "     "))
				}
			}
		}
		t := r.tally()
		word := color.good("ok")
		if t.bad() {
			word = color.bad("failed")
		}
		fmt.Fprintf(&out, "%s: %s (%s)\n", r.file, word, t)
		all.expectations += t.expectations
		all.failed += t.failed
		all.errors += t.errors
	}
	if len(reports) > 1 {
		fmt.Fprintf(&out, "%s: %s\n", counted(len(reports), "file"), all)
	}
	_, err := io.WriteString(a.stdout, out.String())
	return err
}

// counted returns "1 file", "2 files".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func indent(text, prefix string) string {
	return prefix + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+prefix)
}
