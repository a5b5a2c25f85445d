package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/schema/syntax"
	"github.com/pemba-authz/pemba/server/suite"
)

// stdinName is the argument that stands for stdin.
const stdinName = "-"

// readInput reads a whole file, or stdin for "-".
func (a *app) readInput(name string) (string, error) {
	if name == stdinName {
		data, err := io.ReadAll(a.stdin)
		return string(data), err
	}
	data, err := os.ReadFile(name)
	return string(data), err
}

// openInput opens a file, or stdin for "-", and returns its size in bytes, -1
// when it is not known.
func (a *app) openInput(name string) (io.ReadCloser, int64, error) {
	if name == stdinName {
		return io.NopCloser(a.stdin), -1, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f, -1, nil
	}
	return f, info.Size(), nil
}

// compileSchema compiles the text of the file name; imports are relative to it.
func compileSchema(name, text string) (*schema.Schema, error) {
	return schema.Compile(text, schema.Options{
		Caveats: caveat.New(),
		Import: func(path string) (string, error) {
			data, err := os.ReadFile(filepath.Join(filepath.Dir(name), filepath.FromSlash(path)))
			return string(data), err
		},
	})
}

// schemaErrors returns the faults of an error from compiling one by one.
func schemaErrors(err error) syntax.ErrorList {
	var list syntax.ErrorList
	if errors.As(err, &list) {
		return list
	}
	return syntax.ErrorList{{Msg: err.Error()}}
}

// displayName is what messages call an input.
func displayName(name string) string {
	if name == stdinName {
		return "stdin"
	}
	return name
}

// schemaFault says all that is wrong with a schema text, as compilers do.
func schemaFault(name string, list syntax.ErrorList) string {
	lines := make([]string, len(list))
	for i, e := range list {
		at := suite.Place{File: displayName(name), Line: e.Pos.Line, Column: e.Pos.Column}
		lines[i] = at.String() + ": " + e.Msg + sourceMark(e)
	}
	return strings.Join(lines, "\n")
}

// sourceMark shows the source line of a fault with a mark below its column.
func sourceMark(e *syntax.Error) string {
	if e.Source == "" {
		return ""
	}
	return "\n  " + strings.ReplaceAll(e.Source, "\t", " ") + "\n" + strings.Repeat(" ", max(e.Pos.Column, 1)+1) + "^"
}
