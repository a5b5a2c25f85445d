package main

import (
	"encoding/json"
	"strings"
	"testing"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// TestMemberTerm shows the terms of a member that says it, of one whose program is
// older and does not, and of one that does not answer. What is not known is missing:
// 0 would be read as a term.
func TestMemberTerm(t *testing.T) {
	for _, test := range []struct {
		name       string
		m          *pembav1.Member
		cell, data string
	}{
		{"says it", &pembav1.Member{Reachable: true, Healthy: true, Term: 12, Lag: 3}, "12", `"term":12,`},
		{"older", &pembav1.Member{Reachable: true, Healthy: true, Lag: 3}, "", ""},
		{"silent", &pembav1.Member{Lag: 3}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			cells := statusCells(test.m, true)
			if len(cells) != len(statusColumns) {
				t.Fatalf("%d cells under %d columns", len(cells), len(statusColumns))
			}
			for i, column := range statusColumns {
				if column == "term" && cells[i] != test.cell {
					t.Errorf("the cell is %q, not %q", cells[i], test.cell)
				}
			}
			data, err := json.Marshal(memberData(test.m))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(data); strings.Contains(got, `"term"`) != (test.data != "") || !strings.Contains(got, test.data) {
				t.Errorf("%s", got)
			}
		})
	}
}
