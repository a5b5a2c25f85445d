package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
	"golang.org/x/term"
)

var formats = []string{"auto", "table", "json", "jsonl", "yaml", "csv"}

// extraFormat is the annotation of a command that prints one format more.
const extraFormat = "format"

func (a *app) checkFormat(c *cobra.Command) error {
	known := formats
	if extra := c.Annotations[extraFormat]; extra != "" {
		known = append(slices.Clone(known), extra)
	}
	if !slices.Contains(known, a.format) {
		return usagef("-o %s: the formats are %s", a.format, strings.Join(known, ", "))
	}
	return nil
}

// item is one thing that a command answers with, in the three ways it can be
// printed.
type item struct {
	text  string   // -o auto: a line or more, without the last newline
	cells []string // -o table and csv: one a column
	value any      // -o json, jsonl and yaml
}

// printer writes the items of one command to stdout in the chosen format.
// Every command ends with close.
type printer struct {
	format string
	out    *bufio.Writer
	table  *tabwriter.Writer
	csv    *csv.Writer
	items  int
	single bool // the command answers with one thing, not with a list of them
}

// list starts an answer of any number of items.
func (a *app) list(columns ...string) *printer {
	p := &printer{format: a.format, out: bufio.NewWriter(a.stdout)}
	switch a.format {
	case "table":
		p.table = tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		p.cells(strings.Split(strings.ToUpper(strings.Join(columns, "\x00")), "\x00"))
	case "csv":
		p.csv = csv.NewWriter(p.out)
		p.cells(columns)
	}
	return p
}

// one prints an answer that is one thing.
func (a *app) one(columns []string, it item) error {
	p := a.list(columns...)
	p.single = true
	if err := p.add(it); err != nil {
		return err
	}
	return p.close()
}

func (p *printer) cells(cells []string) {
	if p.csv != nil {
		// A csv.Writer keeps its first error; close returns it.
		_ = p.csv.Write(cells)
		return
	}
	_, _ = io.WriteString(p.table, strings.TrimRight(strings.Join(cells, "\t"), "\t")+"\n")
}

// add prints one item. Errors of writing may come only with a later add or
// with close.
func (p *printer) add(it item) error {
	p.items++
	switch p.format {
	case "table", "csv":
		p.cells(it.cells)
		return nil
	case "json", "jsonl":
		return p.addJSON(it.value)
	case "yaml":
		return p.addYAML(it.value)
	}
	if _, err := p.out.WriteString(it.text); err != nil {
		return err
	}
	return p.out.WriteByte('\n')
}

func (p *printer) addJSON(value any) error {
	data, err := compactJSON(value)
	if err != nil {
		return err
	}
	switch {
	case p.format == "json" && p.single:
		var b bytes.Buffer
		if err := json.Indent(&b, data, "", "  "); err != nil {
			return err
		}
		data = b.Bytes()
	case p.format == "json" && p.items == 1:
		_, _ = p.out.WriteString("[\n")
	case p.format == "json":
		_, _ = p.out.WriteString(",\n")
	}
	_, err = p.out.Write(data)
	if err == nil && (p.single || p.format == "jsonl") {
		err = p.out.WriteByte('\n')
	}
	return err
}

// addYAML goes by way of JSON, which is YAML in flow style, so that one set of
// field names serves both.
func (p *printer) addYAML(value any) error {
	if !p.single {
		value = []any{value} // lists of one, one after the other, are a list
	}
	data, err := compactJSON(value)
	if err != nil {
		return err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(data, &node); err != nil {
		return err
	}
	blockStyle(&node)
	enc := yaml.NewEncoder(p.out)
	enc.SetIndent(2)
	if err := enc.Encode(&node); err != nil {
		return err
	}
	return enc.Close()
}

func blockStyle(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		blockStyle(c)
	}
}

// compactJSON encodes without escaping what only HTML needs escaped.
func compactJSON(value any) ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}

// close ends the answer and returns the first error of writing it.
func (p *printer) close() error {
	switch {
	case p.table != nil:
		if err := p.table.Flush(); err != nil {
			return err
		}
	case p.csv != nil:
		p.csv.Flush()
		if err := p.csv.Error(); err != nil {
			return err
		}
	case p.format == "json" && !p.single && p.items == 0:
		_, _ = p.out.WriteString("[]\n")
	case p.format == "json" && !p.single:
		_, _ = p.out.WriteString("\n]\n")
	case p.format == "yaml" && p.items == 0:
		_, _ = p.out.WriteString("[]\n")
	}
	return p.out.Flush()
}

// isTerminal reports whether a stream is a terminal and not a file or a pipe.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
