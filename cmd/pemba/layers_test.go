package main

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pemba-authz/pemba"

// room is what one package may import: of ours, and of others beside the
// standard library (by the beginning of the path).
type room struct {
	ours, others []string
}

// layers is the import table: imports go down only. A package that is missing
// here fails the test, as does a line without a package.
var layers = map[string]room{
	"cmd/pemba": {
		ours: []string{
			"cmd/pemba/modeler",
			"server", "server/api/pemba/console/v1", "server/api/pemba/portal/v1", "server/api/pemba/v1", "server/backup", "server/portal", "server/portal/mail", "server/replica", "server/replica/peer",
			"server/store", "server/suite", "engine", "engine/caveat", "schema", "schema/syntax",
		},
		others: []string{
			"charm.land/lipgloss/v2", "filippo.io/age", "github.com/authzed/authzed-go", "github.com/schollz/progressbar/v3", "github.com/spf13/cobra",
			"github.com/spf13/pflag", "go.yaml.in/yaml/v3", "golang.org/x/term",
			"google.golang.org/genproto/googleapis/rpc", "google.golang.org/grpc", "google.golang.org/protobuf",
		},
	},
	"console": {},
	"cmd/pemba/modeler": { // another program, which reaches Pemba by its APIs alone
		ours: []string{"server/api/pemba/portal/v1"},
		others: []string{
			"github.com/authzed/authzed-go", "github.com/coreos/go-oidc/v3", "golang.org/x/oauth2", "google.golang.org/grpc",
		},
	},
	"server": {
		ours: []string{
			"console", "server/api/pemba/console/v1", "server/api/pemba/portal/v1", "server/api/pemba/v1", "server/portal",
			"server/portal/idp", "server/portal/session", "server/reload", "server/replica", "server/replica/peer",
			"server/backup", "server/store", "server/suite", "engine", "engine/caveat", "schema", "schema/syntax",
		},
		others: []string{
			"filippo.io/age", "github.com/authzed/authzed-go", "github.com/coreos/go-oidc/v3", "github.com/grpc-ecosystem/grpc-gateway/v2",
			"github.com/maypok86/otter/v2", "github.com/prometheus/client_golang", "go.opentelemetry.io", "golang.org/x/time/rate",
			"google.golang.org/genproto/googleapis/rpc", "google.golang.org/grpc", "google.golang.org/protobuf",
		},
	},
	// It says what is written in the store's words.
	"server/portal": {
		ours:   []string{"server/api/pemba/portal/v1", "server/portal/outside", "server/portal/session", "server/replica", "server/store", "engine", "engine/caveat", "schema"},
		others: []string{"github.com/alexedwards/argon2id", "github.com/authzed/authzed-go", "google.golang.org/grpc", "google.golang.org/protobuf"},
	},
	"server/portal/mail":    {others: []string{"github.com/wneessen/go-mail"}},
	"server/portal/outside": {others: []string{"github.com/coreos/go-oidc/v3", "golang.org/x/oauth2"}},
	"server/portal/session": {ours: []string{"server/replica", "server/store"}},
	"server/portal/idp": {
		ours:   []string{"server/portal"},
		others: []string{"github.com/go-jose/go-jose/v4", "github.com/zitadel/oidc/v3"},
	},
	"server/replica": {
		ours: []string{"server/api/pemba/peer/v1", "server/store", "engine", "engine/caveat", "schema", "schema/syntax"},
		others: []string{
			"github.com/hashicorp/raft", "github.com/hashicorp/raft-boltdb/v2", "go.etcd.io/bbolt", "golang.org/x/sync/semaphore",
			"google.golang.org/grpc", "google.golang.org/protobuf",
		},
	},
	"server/replica/peer": {
		ours:   []string{"server/api/pemba/peer/v1", "server/reload"},
		others: []string{"github.com/hashicorp/raft", "google.golang.org/grpc"},
	},
	"server/replica/peer/faulty": {},
	"server/reload":              {},
	"server/chaos":               {}, // tests alone
	"server/api/generate": {
		others: []string{"github.com/authzed/authzed-go", "github.com/bufbuild/protocompile", "google.golang.org/protobuf"},
	},
	"server/api/pemba/peer/v1": {
		others: []string{"google.golang.org/grpc", "google.golang.org/protobuf"},
	},
	"server/api/pemba/v1": {
		others: []string{
			"github.com/authzed/authzed-go", "github.com/grpc-ecosystem/grpc-gateway/v2",
			"google.golang.org/genproto/googleapis/api", "google.golang.org/grpc", "google.golang.org/protobuf",
		},
	},
	"server/api/pemba/portal/v1": {
		others: []string{
			"github.com/authzed/authzed-go", "github.com/grpc-ecosystem/grpc-gateway/v2",
			"google.golang.org/genproto/googleapis/api", "google.golang.org/grpc", "google.golang.org/protobuf",
		},
	},
	"server/api/pemba/console/v1": {
		ours: []string{"server/api/pemba/v1"},
		others: []string{
			"github.com/authzed/authzed-go", "github.com/grpc-ecosystem/grpc-gateway/v2",
			"google.golang.org/genproto/googleapis/api", "google.golang.org/grpc", "google.golang.org/protobuf",
		},
	},
	"server/store": {
		ours:   []string{"engine", "engine/caveat", "schema", "schema/syntax"},
		others: []string{"github.com/dgraph-io/badger/v4", "github.com/dgraph-io/ristretto/v2", "github.com/maypok86/otter/v2"},
	},
	// Records of chains follow each other as the store says.
	"server/backup": {
		ours:   []string{"server/store", "engine", "engine/caveat", "schema"},
		others: []string{"filippo.io/age"},
	},
	"server/suite": {
		ours:   []string{"engine", "schema", "schema/syntax"},
		others: []string{"go.yaml.in/yaml/v3"},
	},
	"engine":            {ours: []string{"schema", "schema/syntax"}},
	"engine/caveat":     {ours: []string{"schema", "schema/syntax"}, others: []string{"cel.dev/cel-go", "google.golang.org/protobuf"}},
	"engine/enginetest": {ours: []string{"engine", "engine/caveat", "schema", "schema/syntax"}},
	"schema":            {ours: []string{"schema/syntax"}},
	"schema/syntax":     {},
}

// testsOnly may be imported by tests alone.
var testsOnly = []string{"engine/enginetest"}

// listed is what `go list` says of a package.
type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func TestLayers(t *testing.T) {
	packages := goList(t, module+"/...")
	known := standard(t)
	missing := maps.Clone(layers)
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		r, ok := layers[name]
		if !ok {
			t.Errorf("%s stands in no line of the import table: say what it may import", name)
			continue
		}
		delete(missing, name)
		for _, path := range p.Imports {
			if known[path] {
				continue
			}
			if why := r.refuses(path); why != "" {
				t.Errorf("%s imports %s: %s", name, path, why)
			}
		}
	}
	for name := range missing {
		t.Errorf("the import table has %s, which is no package", name)
	}
}

// refuses returns why a room may not import a path, "" when it may.
func (r room) refuses(path string) string {
	ours, ok := strings.CutPrefix(path, module+"/")
	switch {
	case ok && slices.Contains(testsOnly, ours):
		return "only tests may"
	case ok && !slices.Contains(r.ours, ours):
		return "imports go down only"
	case !ok && !slices.ContainsFunc(r.others, func(o string) bool { return path == o || strings.HasPrefix(path, o+"/") }):
		return "not a dependency of this room"
	}
	return ""
}

// TestLayersRefuse makes sure that the table can say no.
func TestLayersRefuse(t *testing.T) {
	for _, c := range []struct {
		room, path string
		allowed    bool
	}{
		{"engine", module + "/schema", true},
		{"engine", module + "/server/store", false},
		{"engine", module + "/engine/caveat", false},
		{"engine", "cel.dev/cel-go/cel", false},
		{"engine/caveat", "cel.dev/cel-go/cel", true},
		{"schema", module + "/engine", false},
		{"server/store", module + "/engine/enginetest", false},
		{"server/store", module + "/cmd/pemba", false},
		{"cmd/pemba", "github.com/spf13/cobra", true},
		{"cmd/pemba", "github.com/dgraph-io/badger/v4", false},
	} {
		if why := layers[c.room].refuses(c.path); (why == "") != c.allowed {
			t.Errorf("%s importing %s: allowed %t, want %t (%s)", c.room, c.path, why == "", c.allowed, why)
		}
	}
}

func standard(t *testing.T) map[string]bool {
	known := map[string]bool{"C": true}
	for _, p := range goList(t, "std") {
		known[p.ImportPath] = true
	}
	return known
}

func goList(t *testing.T, pattern string) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Standard", pattern).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pattern, err)
	}
	var packages []listed
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
