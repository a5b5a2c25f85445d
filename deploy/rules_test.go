package deploy

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"sigs.k8s.io/yaml"
)

const rulesFile = "prometheus/rules.yaml"

// ruleTests is a file of unit tests as promtool reads it, as far as ours use it.
type ruleTests struct {
	RuleFiles []string       `json:"rule_files"`
	Every     model.Duration `json:"evaluation_interval"`
	Tests     []ruleTest     `json:"tests"`
}

type ruleTest struct {
	Name     string         `json:"name"`
	Interval model.Duration `json:"interval"`
	Series   []struct {
		Series string `json:"series"`
		Values string `json:"values"`
	} `json:"input_series"`
	Alerts []alertTest `json:"alert_rule_test"`
}

type alertTest struct {
	At    model.Duration `json:"eval_time"`
	Alert string         `json:"alertname"`
	Want  []firing       `json:"exp_alerts"`
}

type firing struct {
	Labels      map[string]string `json:"exp_labels"`
	Annotations map[string]string `json:"exp_annotations"`
}

// TestRules runs the unit tests of the rules: every alert has to be seen both
// firing and not.
func TestRules(t *testing.T) {
	text, err := os.ReadFile("prometheus/rules_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file ruleTests
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		t.Fatal(err)
	}
	fired, silent := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		t.Run(test.Name, func(t *testing.T) { test.run(t, file) })
		for _, a := range test.Alerts {
			fired[a.Alert] = fired[a.Alert] || len(a.Want) > 0
			silent[a.Alert] = silent[a.Alert] || len(a.Want) == 0
		}
	}
	for name := range alerts(t) {
		if !fired[name] || !silent[name] {
			t.Errorf("%s: tests see it firing: %t, silent: %t", name, fired[name], silent[name])
		}
	}
}

func (test *ruleTest) run(t *testing.T, file ruleTests) {
	load := fmt.Sprintf("load %v\n", test.Interval)
	for _, s := range test.Series {
		load += fmt.Sprintf("  %s %s\n", s.Series, s.Values)
	}
	samples, err := promqltest.NewLazyLoader(load, promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := samples.Close(); err != nil {
			t.Error(err)
		}
	}()
	samples.SubqueryInterval = time.Duration(file.Every)
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:  rules.EngineQueryFunc(samples.QueryEngine(), samples.Storage()),
		Appendable: samples.Storage(), Context: t.Context(), Logger: promslog.NewNopLogger(),
		NotifyFunc: func(context.Context, string, ...*rules.Alert) {}, Parser: parser.NewParser(parser.Options{}),
	})
	var paths []string
	for _, name := range file.RuleFiles {
		paths = append(paths, filepath.Join("prometheus", name))
	}
	groups, faults := manager.LoadGroups(time.Duration(file.Every), labels.EmptyLabels(), "", nil, false, paths...)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	slices.SortFunc(test.Alerts, func(a, b alertTest) int { return int(a.At - b.At) })
	next := 0
	for now := time.Unix(0, 0).UTC(); next < len(test.Alerts); now = now.Add(time.Duration(file.Every)) {
		samples.WithSamplesTill(now, func(err error) {
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range groups {
				g.Eval(t.Context(), now)
				for _, r := range g.Rules() {
					if err := r.LastError(); err != nil {
						t.Fatalf("%s: %v", r.Name(), err)
					}
				}
			}
		})
		for ; next < len(test.Alerts) && time.Duration(test.Alerts[next].At) < now.Add(time.Duration(file.Every)).Sub(time.Unix(0, 0)); next++ {
			a := test.Alerts[next]
			if diff := cmp.Diff(sorted(a.Want), sorted(firingNow(groups, a.Alert)), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s at %v (- want, + got):\n%s", a.Alert, a.At, diff)
			}
		}
	}
}

// firingNow returns the alerts of a name that fire, without the label of the name.
func firingNow(groups map[string]*rules.Group, name string) []firing {
	var now []firing
	for _, g := range groups {
		for _, r := range g.Rules() {
			alerting, ok := r.(*rules.AlertingRule)
			if !ok || alerting.Name() != name {
				continue
			}
			for _, a := range alerting.ActiveAlerts() {
				if a.State != rules.StateFiring {
					continue
				}
				f := firing{a.Labels.Map(), a.Annotations.Map()}
				delete(f.Labels, "alertname")
				now = append(now, f)
			}
		}
	}
	return now
}

func sorted(all []firing) []firing {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b firing) int { return strings.Compare(fmt.Sprint(a.Labels), fmt.Sprint(b.Labels)) })
	return all
}

// ruleFile is a file of rules, as far as its alerts go.
type ruleFile struct {
	Groups []struct {
		Name  string `json:"name"`
		Rules []rule `json:"rules"`
	} `json:"groups"`
}

type rule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         model.Duration    `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

func alerts(t *testing.T) map[string]rule {
	t.Helper()
	var file ruleFile
	if err := yaml.UnmarshalStrict([]byte(read(t, "deploy/"+rulesFile)), &file); err != nil {
		t.Fatal(err)
	}
	all := map[string]rule{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if _, twice := all[r.Alert]; twice {
				t.Errorf("%s stands there twice", r.Alert)
			}
			all[r.Alert] = r
		}
	}
	return all
}

// TestAlertsAreExplained finds for every alert its section of the runbook, and
// for every such section its alert.
func TestAlertsAreExplained(t *testing.T) {
	known := alerts(t)
	for name, r := range known {
		if severity := r.Labels["severity"]; severity != "critical" && severity != "warning" {
			t.Errorf("%s has the severity %q", name, severity)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s lacks summary or description", name)
		}
	}
	explained := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (Pemba\w+)$`).FindAllStringSubmatch(read(t, "RUNBOOK.md"), -1) {
		explained[m[1]] = true
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if !explained[name] {
			t.Errorf("RUNBOOK.md has no section %s", name)
		}
	}
	for name := range explained {
		if _, ok := known[name]; !ok {
			t.Errorf("RUNBOOK.md explains %s, which is no alert", name)
		}
	}
}

// TestRulesUseMetricsThatExist holds rules and dashboard against what a server
// exports.
func TestRulesUseMetricsThatExist(t *testing.T) {
	exported := exportedMetrics(t)
	queries := map[string][]string{}
	for name, r := range alerts(t) {
		queries[name] = []string{r.Expr}
	}
	maps.Copy(queries, panelQueries(t))
	used := 0
	for where, exprs := range queries {
		for _, expr := range exprs {
			for _, name := range metricsOf(t, where, expr) {
				used++
				if !exported[name] {
					t.Errorf("%s: the server exports no %s", where, name)
				}
			}
		}
	}
	if used < 40 {
		t.Errorf("only %d uses of metrics were found: are they still read right?", used)
	}
}

// metricsOf returns the metrics that an expression reads.
func metricsOf(t *testing.T, where, expr string) []string {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %s: %v", where, expr, err)
		return nil
	}
	var names []string
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok && v.Name != "up" { // Prometheus's own
			names = append(names, v.Name)
		}
		return nil
	})
	return names
}
