package engine_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
)

const portalDir = "../testdata/portal"

var portalNow = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func portal(t testing.TB) *engine.Engine {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(portalDir, "schema.zed"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Compile(string(text), schema.Options{Caveats: caveat.New()})
	if err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile(filepath.Join(portalDir, "relationships.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var rels []engine.Relationship
	for line := range strings.Lines(string(lines)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		r, err := engine.ParseRelationship(line)
		if err != nil {
			t.Fatal(err)
		}
		if err := engine.Validate(s, r); err != nil {
			t.Fatal(err)
		}
		rels = append(rels, r)
	}
	return &engine.Engine{Schema: s, Reader: engine.NewMemory(rels...), Now: portalNow}
}

// The customer's decisions, each asked of Check and of both lookups.
func TestPortalDecisions(t *testing.T) {
	e := portal(t)
	table, err := os.ReadFile(filepath.Join(portalDir, "decisions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	type listKey struct{ typ, permission, subject string }
	resources := map[listKey]map[string]bool{}
	subjects := map[string]map[string]bool{}
	for _, row := range rows[1:] {
		resource, err := engine.ParseObject(row[0])
		if err != nil {
			t.Fatal(err)
		}
		subject, err := engine.ParseSubject(row[2])
		if err != nil {
			t.Fatal(err)
		}
		want := row[3] == "allow"
		a, err := e.Check(ctx, resource, row[1], subject)
		if err != nil {
			t.Fatalf("%v: %v", row, err)
		}
		if (a.State == engine.Yes) != want {
			t.Errorf("%v: check says %v", row, a.State)
		}
		key := listKey{resource.Type, row[1], row[2]}
		if resources[key] == nil {
			resources[key] = map[string]bool{}
			for r, err := range e.LookupResources(ctx, resource.Type, row[1], subject, "") {
				if err != nil {
					t.Fatal(err)
				}
				resources[key][r.ID] = true
			}
		}
		if resources[key][resource.ID] != want {
			t.Errorf("%v: lookup of resources disagrees", row)
		}
		set := row[0] + "#" + row[1]
		if subjects[set] == nil {
			subjects[set] = map[string]bool{}
			for s, err := range e.LookupSubjects(ctx, resource, row[1], subject.Type, subject.Relation, "") {
				if err != nil {
					t.Fatal(err)
				}
				subjects[set][s.ID] = true
			}
		}
		if subjects[set][subject.ID] != want {
			t.Errorf("%v: lookup of subjects disagrees", row)
		}
	}
	if len(rows) != 2267 {
		t.Errorf("%d rows", len(rows))
	}
}

func BenchmarkPortalCheck(b *testing.B) {
	e := portal(b)
	ctx := context.Background()
	for _, q := range []string{
		"diagram:draft#view@user:model_editor",
		"diagram:draft#view@user:company_admin",
		"diagram:draft#view@user:company_user",
		"diagram:draft#view@user:group_editor",
	} {
		r, err := engine.ParseRelationship(q)
		if err != nil {
			b.Fatal(err)
		}
		a, err := e.Check(ctx, r.Resource, r.Relation, r.Subject)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(r.Subject.ID+"/"+a.State.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a, _ = e.Check(ctx, r.Resource, r.Relation, r.Subject)
			}
			b.ReportMetric(float64(a.Reads), "reads/op")
		})
	}
}
