package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scrape reads the metrics as Prometheus does.
func scrape(t *testing.T, p *port) map[string]*dto.MetricFamily {
	t.Helper()
	out := httptest.NewRecorder()
	p.MetricsHandler().ServeHTTP(out, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(out.Body)
	if err != nil || out.Code != http.StatusOK {
		t.Fatalf("%d, %v", out.Code, err)
	}
	return families
}

// allowedLabels are all labels, each with few values.
var allowedLabels = map[string]bool{
	"grpc_type": true, "grpc_service": true, "grpc_method": true, "grpc_code": true,
	"result": true, "reason": true, "kind": true, "version": true, "quantile": true,
	"check": true, "cause": true, "member": true, "node": true, "name": true, "cluster": true, "state": true, "level": true,
}

func TestMetrics(t *testing.T) {
	p := listen(t, withKeys(t, "the-key-of-the-test"))
	conn := p.dial(t)
	ctx := as(t.Context(), "the-key-of-the-test")
	if _, err := v1.NewSchemaServiceClient(conn).WriteSchema(ctx, &v1.WriteSchemaRequest{
		Schema: "definition user {}\ndefinition document {\n\trelation viewer: user\n}",
	}); err != nil {
		t.Fatal(err)
	}
	check := func(id string) {
		t.Helper()
		if _, err := v1.NewPermissionsServiceClient(conn).CheckPermission(ctx, &v1.CheckPermissionRequest{
			Resource: &v1.ObjectReference{ObjectType: "document", ObjectId: id}, Permission: "viewer",
			Subject: &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: "user", ObjectId: "u" + id}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	check("first")
	if _, err := v1.NewSchemaServiceClient(conn).ReadSchema(t.Context(), &v1.ReadSchemaRequest{}); err == nil {
		t.Fatal("it was let in without a token")
	}
	before := series(scrape(t, p))
	for range 50 { // new objects make no new series
		check(strings.Repeat("x", len(before)%7+1) + "_other")
	}
	families := scrape(t, p)
	if after := series(families); len(after) != len(before) {
		t.Errorf("%d series became %d", len(before), len(after))
	}
	for _, f := range families {
		for _, m := range f.Metric {
			for _, l := range m.Label {
				if !allowedLabels[l.GetName()] {
					t.Errorf("%s has the label %s", f.GetName(), l.GetName())
				}
			}
		}
	}
	for name, want := range map[string]float64{
		"pemba_check_results_total{no}": 51, "pemba_auth_failures_total{missing_token}": 1,
		"pemba_ready{}": 1, "pemba_raft_leader{}": 1, "pemba_raft_apply_lag{}": 0, "pemba_relationships{}": 0,
		"grpc_server_handled_total{OK CheckPermission authzed.api.v1.PermissionsService unary}": 51,
		"grpc_server_handled_total{OK WriteSchema authzed.api.v1.SchemaService unary}":          1,
	} {
		if got, ok := series(families)[name]; !ok || got != want {
			t.Errorf("%s is %v (%t), want %v", name, got, ok, want)
		}
	}
	for _, name := range []string{
		"grpc_server_handling_seconds", "pemba_check_reads", "pemba_check_depth", "pemba_cache_hits_total", "pemba_cache_misses_total",
		"pemba_cache_evictions_total", "pemba_cache_bytes", "pemba_revision_head", "pemba_revision_floor",
		"pemba_badger_size_bytes", "pemba_badger_tables", "pemba_badger_compaction_score", "pemba_badger_memtables", "pemba_badger_stalled",
		"pemba_raft_log_seconds", "pemba_raft_log_entries", "pemba_apply_seconds", "pemba_apply_entries", "pemba_cache_answer_hits_total",
		"pemba_lookup_reads", "pemba_watch_readers", "pemba_snapshot_wait_seconds", "go_goroutines",
	} {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

// series returns the values by name and label values.
func series(families map[string]*dto.MetricFamily) map[string]float64 {
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetValue())
			}
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
			all[f.GetName()+"{"+strings.Join(labels, " ")+"}"] = value
		}
	}
	return all
}

func TestProfiles(t *testing.T) {
	p := listen(t, nil)
	out := httptest.NewRecorder()
	p.MetricsHandler().ServeHTTP(out, httptest.NewRequest(http.MethodGet, "/debug/pprof/goroutine?debug=1", nil))
	if out.Code != http.StatusOK || !strings.Contains(out.Body.String(), "goroutine profile") {
		t.Errorf("%d %.200s", out.Code, out.Body)
	}
}

// Results of lookups are counted as they are sent.
func TestMetricsOfLookups(t *testing.T) {
	p := listen(t, withKeys(t, "the-key-of-the-test"))
	conn := p.dial(t)
	ctx := as(t.Context(), "the-key-of-the-test")
	if _, err := v1.NewSchemaServiceClient(conn).WriteSchema(ctx, &v1.WriteSchemaRequest{
		Schema: "definition user {}\ndefinition document {\n\trelation viewer: user\n}",
	}); err != nil {
		t.Fatal(err)
	}
	client := v1.NewPermissionsServiceClient(conn)
	document := &v1.ObjectReference{ObjectType: "document", ObjectId: "plan"}
	user := &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: "user", ObjectId: "ana"}}
	written, err := client.WriteRelationships(ctx, &v1.WriteRelationshipsRequest{Updates: []*v1.RelationshipUpdate{{
		Operation: v1.RelationshipUpdate_OPERATION_TOUCH, Relationship: &v1.Relationship{Resource: document, Relation: "viewer", Subject: user},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	fresh := &v1.Consistency{Requirement: &v1.Consistency_AtLeastAsFresh{AtLeastAsFresh: written.WrittenAt}}
	resources, err := client.LookupResources(ctx, &v1.LookupResourcesRequest{
		Consistency: fresh, ResourceObjectType: "document", Permission: "viewer", Subject: user,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := resources.Recv(); err != nil {
		t.Fatal(err)
	}
	subjects, err := client.LookupSubjects(ctx, &v1.LookupSubjectsRequest{
		Consistency: fresh, Resource: document, Permission: "viewer", SubjectObjectType: "user",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := subjects.Recv(); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []interface{ RecvMsg(any) error }{resources, subjects} {
		if err := stream.RecvMsg(&v1.LookupResourcesResponse{}); err != io.EOF {
			t.Fatal(err)
		}
	}
	if sent := scrape(t, p)["pemba_lookup_results_total"].GetMetric()[0].GetCounter().GetValue(); sent != 2 {
		t.Errorf("%v results of lookups", sent)
	}
}

// Probes find the state of health beside the metrics.
func TestHealthBesideMetrics(t *testing.T) {
	p := listen(t, nil)
	ask := func(path string) int {
		out := httptest.NewRecorder()
		p.MetricsHandler().ServeHTTP(out, httptest.NewRequest(http.MethodGet, path, nil))
		return out.Code
	}
	for _, path := range []string{"/livez", "/readyz", "/healthz"} {
		if code := ask(path); code != http.StatusOK {
			t.Errorf("%s: %d", path, code)
		}
	}
	p.Drain()
	if live, ready := ask("/livez"), ask("/readyz"); live != http.StatusOK || ready != http.StatusServiceUnavailable {
		t.Errorf("while it drains: /livez %d, /readyz %d", live, ready)
	}
}
