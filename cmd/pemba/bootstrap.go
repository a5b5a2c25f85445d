package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
	"github.com/pemba-authz/pemba/server/suite"
)

// bootstrapTime bounds how long a first schema and its relationships take.
const bootstrapTime = 10 * time.Minute

// bootstrapImport is how many relationships are imported at once, all or none.
const bootstrapImport = 100_000

// first is what a new store begins with.
type first struct {
	schema        string
	relationships []engine.Relationship
}

// readBootstrap reads files of all kinds: .zed holds a schema, .txt
// relationships, .yaml both. Together they must be what a store would take. It
// names every fault.
func readBootstrap(files []string) (first, error) {
	r := bootstrapReader{Suite: newSuite("")}
	for _, name := range files {
		r.read(name)
	}
	s := r.Suite
	text := strings.Join(r.schemas, "\n")
	if len(s.Errors) == 0 {
		s.Schema = nil
		compileFile(s, "the schemas together", text)
	}
	if s.Schema != nil {
		for _, read := range r.later {
			read()
		}
		s.JudgeConstraints()
	}
	faults := make([]error, len(s.Errors))
	for i, p := range s.Errors {
		faults[i] = errors.New(p.String())
	}
	return first{text, s.Relationships}, errors.Join(faults...)
}

// bootstrapReader reads the schemas of all files, and then their relationships.
type bootstrapReader struct {
	*suite.Suite
	schemas []string
	later   []func()
}

func (r *bootstrapReader) read(name string) {
	r.File = name
	data, err := os.ReadFile(name)
	if err != nil {
		r.Fail(suite.Place{File: name}, "--bootstrap: %v", err)
		return
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
		v, ok := r.OpenValidation(data)
		if !ok {
			return
		}
		r.Schema = nil
		v.ReadSchema()
		r.takeSchema()
		r.later = append(r.later, func() {
			v.File = name
			v.ReadRelationships()
		})
	case ".zed":
		r.Schema = nil
		compileFile(r.Suite, name, string(data))
		r.takeSchema()
	case ".txt":
		r.later = append(r.later, func() { r.Files.ReadRelationships(r.Suite, name, data) })
	default:
		r.Fail(suite.Place{File: name}, "--bootstrap takes files that end in .yaml, .zed or .txt")
	}
}

// takeSchema keeps the text of the schema that was read last, as a store takes
// it.
func (r *bootstrapReader) takeSchema() {
	s := r.Schema
	switch {
	case s == nil:
	case hasImports(s.Source()):
		r.schemas = append(r.schemas, s.Canonical())
	default:
		r.schemas = append(r.schemas, s.Source())
	}
}

// bootstrap writes what a new store begins with. It reports false, and writes
// nothing, if the store holds a schema already.
func bootstrap(ctx context.Context, r *replica.Replica, f first) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, bootstrapTime)
	defer cancel()
	if has, err := hasSchema(ctx, r); has || err != nil {
		return false, err
	}
	if _, err := r.Propose(ctx, replica.Proposal{Tx: store.Transaction{Schema: &f.schema, Actor: "bootstrap"}}); err != nil {
		return false, fmt.Errorf("bootstrap: writing the schema: %w", err)
	}
	for rest := f.relationships; len(rest) > 0; {
		part := rest[:min(len(rest), bootstrapImport)]
		rest = rest[len(part):]
		i := r.Import()
		err := i.Add(ctx, part...)
		if err == nil {
			_, err = i.Commit(ctx, replica.Proposal{})
		}
		if err != nil {
			return false, fmt.Errorf("bootstrap: writing the relationships: %w", err)
		}
	}
	return true, nil
}

// hasSchema reports whether the newest revision has a schema.
func hasSchema(ctx context.Context, r *replica.Replica) (bool, error) {
	snap, err := r.Snapshot(ctx, replica.Consistency{Mode: replica.FullyConsistent})
	if err != nil {
		return false, fmt.Errorf("bootstrap: %w", err)
	}
	defer snap.Close()
	if _, err = snap.Schema(); errors.Is(err, store.ErrNoSchema) {
		return false, nil
	}
	return err == nil, err
}
