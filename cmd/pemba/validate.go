package main

import (
	"bytes"
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

	"github.com/pemba-authz/pemba/engine"
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
		for _, w := range s.warnings {
			a.note("warning: %s", w)
		}
		r, err := s.report(ctx)
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
func readSuite(file string, f validateFlags) (*suite, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := &suite{file: file}
	switch filepath.Ext(file) {
	case ".yaml", ".yml":
		s.readValidation(data)
	case ".zed":
		s.compile(file, string(data), func(line, column int) place { return place{file, line, column} })
	case ".txt":
		s.readSchemaFile(beside(file, f.schema, "schema.zed"))
		s.readRelationshipText(file, data)
	case ".csv":
		s.readSchemaFile(beside(file, f.schema, "schema.zed"))
		name := beside(file, f.relationships, "relationships.txt")
		text, err := os.ReadFile(name)
		if err != nil {
			s.fail(place{file: file}, "no relationships for this table: %v (name them with --relationships)", err)
		} else {
			s.readRelationshipText(name, text)
		}
		s.readTable(data)
	}
	s.judgeConstraints()
	return s, nil
}

// beside returns the file that a flag names, else the one beside file.
func beside(file, flag, name string) string {
	if flag != "" {
		return flag
	}
	return filepath.Join(filepath.Dir(file), name)
}

func (s *suite) readSchemaFile(name string) {
	data, err := os.ReadFile(name)
	if err != nil {
		s.fail(place{file: s.file}, "no schema for this file: %v (name it with --schema)", err)
		return
	}
	s.compile(name, string(data), func(line, column int) place { return place{name, line, column} })
}

// compile compiles the schema of the suite; file is where imports are relative
// to, at turns a position of the text into a place.
func (s *suite) compile(file, text string, at func(line, column int) place) {
	compiled, err := compileSchema(file, text)
	if err != nil {
		for _, e := range schemaErrors(err) {
			s.fail(at(e.Pos.Line, e.Pos.Column), "%s", e.Msg)
		}
		return
	}
	for _, w := range compiled.Warnings() {
		s.warn(at(w.Pos.Line, w.Pos.Column), "%s", w.Msg)
	}
	s.schema = compiled
}

// readRelationshipText reads a file of relationships, one a line.
func (s *suite) readRelationshipText(file string, data []byte) {
	for l, err := range readLines(bytes.NewReader(data)) {
		at := place{file, l.number, 0}
		var r engine.Relationship
		if err == nil {
			r, err = parseLine(l.text)
		}
		if err != nil {
			s.fail(at, "%v", err)
			continue
		}
		s.addRelationship(at, r)
	}
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

// report runs a suite. A suite with errors runs nothing: they are its outcomes.
func (s *suite) report(ctx context.Context) (report, error) {
	r := report{file: s.file}
	for _, p := range s.errors {
		r.outcomes = append(r.outcomes, outcome{at: p.at, failure: p.msg})
	}
	if len(s.errors) > 0 {
		return r, nil
	}
	start := time.Now()
	var err error
	r.outcomes, err = s.run(ctx, start)
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
				cells: []string{o.at.file, strconv.Itoa(o.at.line), o.name, o.result(), o.failure},
				value: outcomeJSON{o.at.file, o.at.line, o.at.column, o.name, o.result(), o.failure, o.detail},
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
