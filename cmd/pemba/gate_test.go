package main

import (
	"iter"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
)

// What a resource cannot do without comes first and together; what never gets
// that comes at the end; all else keeps its order.
func TestGated(t *testing.T) {
	s, err := schema.Compile(`use constraint
		definition user {}
		definition team {
			relation lead: user
			relation home: user
			relation member: user
			constraint has_lead = at_least_one(lead)
			constraint has_home = at_least_one(home)
		}
		definition note {
			relation author: user
		}`, schema.Options{Caveats: caveat.New()})
	if err != nil {
		t.Fatal(err)
	}
	in := func(yield func(engine.Relationship, error) bool) {
		for _, text := range []string{
			"team:a#member@user:u1", "note:n#author@user:u1", "team:b#member@user:u2", "team:a#lead@user:u3",
			"team:a#member@user:u4", "team:a#home@user:u5", "team:a#member@user:u6",
		} {
			r, err := engine.ParseRelationship(text)
			if !yield(r, err) {
				return
			}
		}
	}
	var got []string
	for group, err := range gated(s, iter.Seq2[engine.Relationship, error](in)) {
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, r := range group {
			texts = append(texts, strings.TrimPrefix(r.String(), "team:"))
		}
		got = append(got, strings.Join(texts, " "))
	}
	want := "note:n#author@user:u1\na#lead@user:u3 a#home@user:u5\na#member@user:u1\na#member@user:u4\na#member@user:u6\nb#member@user:u2"
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}
