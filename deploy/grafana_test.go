package deploy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// dashboard is what tests look at in a dashboard of Grafana.
type dashboard struct {
	UID        string  `json:"uid"`
	Title      string  `json:"title"`
	Panels     []panel `json:"panels"`
	Templating struct {
		List []struct {
			Name       string `json:"name"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
}

type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Grid        struct {
		X, Y, W, H int
	} `json:"gridPos"`
	Targets []struct {
		RefID  string `json:"refId"`
		Expr   string `json:"expr"`
		Legend string `json:"legendFormat"`
	} `json:"targets"`
}

func loadDashboard(t *testing.T) *dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/pemba.json")), &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// variables are what Grafana puts in before it asks.
var variables = regexp.MustCompile(`\$(\w+)`)

// panelQueries returns the queries of the dashboard by panel, with its variables
// filled in.
func panelQueries(t *testing.T) map[string][]string {
	t.Helper()
	d := loadDashboard(t)
	known := map[string]bool{"__rate_interval": true, "__range": true}
	for _, v := range d.Templating.List {
		known[v.Name] = true
	}
	queries := map[string][]string{}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			expr := variables.ReplaceAllStringFunc(target.Expr, func(v string) string {
				if !known[v[1:]] {
					t.Errorf("%s: %s is no variable of the dashboard", p.Title, v)
				}
				return map[bool]string{true: "5m", false: "x"}[strings.HasPrefix(v, "$__")]
			})
			queries["panel "+p.Title] = append(queries["panel "+p.Title], expr)
		}
	}
	return queries
}

func TestDashboard(t *testing.T) {
	d := loadDashboard(t)
	if d.UID == "" || d.Title == "" || len(d.Panels) < 15 {
		t.Errorf("uid %q, title %q, %d panels", d.UID, d.Title, len(d.Panels))
	}
	ids := map[int]bool{}
	taken := map[string]string{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s: the id %d is taken", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := p.Grid.X; x < p.Grid.X+p.Grid.W; x++ {
			for y := p.Grid.Y; y < p.Grid.Y+p.Grid.H; y++ {
				at := fmt.Sprintf("%d,%d", x, y)
				if other, ok := taken[at]; ok || x >= 24 {
					t.Fatalf("%s lies over %s at %s, or beyond the edge", p.Title, other, at)
				}
				taken[at] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Title == "" || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d (%s) lacks title, description or query", p.ID, p.Title)
		}
		for _, target := range p.Targets {
			if !strings.Contains(target.Expr, "$job") {
				t.Errorf("%s: %s looks at every job", p.Title, target.Expr)
			}
		}
	}
}
