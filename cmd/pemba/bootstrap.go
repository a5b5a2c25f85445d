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
	r := bootstrapReader{suite: &suite{}}
	for _, name := range files {
		r.read(name)
	}
	s := r.suite
	text := strings.Join(r.schemas, "\n")
	if len(s.errors) == 0 {
		s.schema = nil
		s.compile("the schemas together", text, func(line, column int) place { return place{"the schemas together", line, column} })
	}
	if s.schema != nil {
		for _, read := range r.later {
			read()
		}
		s.judgeConstraints()
	}
	faults := make([]error, len(s.errors))
	for i, p := range s.errors {
		faults[i] = errors.New(p.String())
	}
	return first{text, s.relationships}, errors.Join(faults...)
}

// bootstrapReader reads the schemas of all files, and then their relationships.
type bootstrapReader struct {
	*suite
	schemas []string
	later   []func()
}

func (r *bootstrapReader) read(name string) {
	r.suite.file = name
	data, err := os.ReadFile(name)
	if err != nil {
		r.fail(place{file: name}, "--bootstrap: %v", err)
		return
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
		v := &validationFile{suite: r.suite, lines: strings.Split(string(data), "\n")}
		root, ok := v.document(data)
		if !ok {
			return
		}
		keys := v.mapping(root, "schema", "schemaFile", "relationships", "relationshipsFile", "assertions", "validation")
		r.suite.schema = nil
		v.readSchema(keys["schema"], keys["schemaFile"])
		r.takeSchema()
		r.later = append(r.later, func() {
			v.suite.file = name
			v.readRelationships(keys["relationships"], keys["relationshipsFile"])
		})
	case ".zed":
		r.suite.schema = nil
		r.compile(name, string(data), func(line, column int) place { return place{name, line, column} })
		r.takeSchema()
	case ".txt":
		r.later = append(r.later, func() { r.readRelationshipText(name, data) })
	default:
		r.fail(place{file: name}, "--bootstrap takes files that end in .yaml, .zed or .txt")
	}
}

// takeSchema keeps the text of the schema that was read last, as a store takes
// it.
func (r *bootstrapReader) takeSchema() {
	s := r.suite.schema
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
