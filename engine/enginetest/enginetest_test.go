package enginetest

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// TestReference holds the reference to answers that were worked out by hand.
func TestReference(t *testing.T) {
	const schema = `
		use self
		use expiration
		caveat small(num int) { num < 3 }
		definition user {}
		definition group {
			relation member: user | user:* | group#member
			relation banned: user with small
			permission active = member - banned
		}
		definition doc {
			relation parent: doc | group | doc with small
			relation viewer: user with expiration | group#active | user with small
			relation staff: user
			permission view = viewer + parent->view
			permission both = viewer & staff
			permission every = parent.all(view)
			permission own = self + nil
			permission odd = staff - parent->odd
		}`
	for _, c := range []struct {
		question string
		want     Outcome
		rels     string
	}{
		{"doc:d#view@user:ann", No, ""},
		{"doc:d#viewer@user:ann", Yes, "doc:d#viewer@user:ann[expiration:2031-07-01T12:00:00.000000001Z]"},
		{"doc:d#viewer@user:ann", No, "doc:d#viewer@user:ann[expiration:2031-07-01T12:00:00Z]"},
		{"doc:d#viewer@user:ann", Conditional, "doc:d#viewer@user:ann[small]"},
		{"doc:d#viewer@user:ann", Yes, `doc:d#viewer@user:ann[small:{"num":2}]`},
		{"doc:d#viewer@user:ann", No, `doc:d#viewer@user:ann[small:{"num":3}]`},
		{"doc:d#both@user:ann", Conditional, "doc:d#viewer@user:ann[small] doc:d#staff@user:ann"},
		{"doc:d#both@user:ann", No, "doc:d#viewer@user:ann[small]"},
		{"doc:d#view@user:ann", Yes, "doc:d#parent@doc:e doc:e#parent@doc:f doc:f#viewer@group:g#active group:g#member@user:ann"},
		{"doc:d#view@user:ann", No, "doc:d#parent@doc:e doc:e#parent@doc:d"},
		{"doc:d#view@group:g#active", Yes, "doc:d#viewer@group:g#active"},
		{"doc:d#view@group:g#member", Yes, "doc:d#viewer@group:g#active"},
		{"doc:d#view@group:g", No, "doc:d#viewer@group:g#active"},
		{"group:g#member@user:zoe", Yes, "group:g#member@user:*"},
		{"group:g#member@group:h", No, "group:g#member@user:*"},
		{"group:g#active@user:zoe", Yes, "group:g#member@user:*"},
		{"group:g#active@user:bob", Conditional, "group:g#member@user:* group:g#banned@user:bob[small]"},
		{"group:g#active@user:bob", No, `group:g#member@user:* group:g#banned@user:bob[small:{"num":0}]`},
		{"group:g#member@group:g#member", Yes, ""},
		{"group:g#member@user:ann", Yes, "group:g#member@group:h#member group:h#member@group:g#member group:h#member@user:ann"},
		{"doc:d#every@user:ann", No, ""},
		{"doc:d#every@user:ann", No, "doc:d#parent@doc:e doc:d#parent@doc:f doc:e#viewer@user:ann[expiration:2032-01-01T00:00:00Z]"},
		{"doc:d#every@user:ann", No, "doc:d#parent@doc:e doc:d#parent@group:g doc:e#viewer@group:g#active group:g#member@user:ann"},
		{"doc:d#every@user:ann", Conditional, "doc:d#parent@doc:e[small] doc:e#viewer@group:g#active group:g#member@user:ann"},
		{"doc:d#every@user:ann", No, `doc:d#parent@doc:e[small:{"num":9}] doc:e#viewer@group:g#active group:g#member@user:ann`},
		{"doc:d#own@doc:d", Yes, ""},
		{"doc:d#own@doc:e", No, ""},
		{"doc:d#own@doc:d#view", No, ""},
		{"doc:d#odd@user:ann", No, "doc:d#parent@doc:e doc:d#staff@user:ann doc:e#staff@user:ann"},
		{"doc:d#odd@user:ann", Cycle, "doc:d#parent@doc:e doc:e#parent@doc:d"},
		{"doc:f#odd@user:ann", Cycle, "doc:f#parent@doc:d doc:d#parent@doc:d"},
		{"doc:d#odd@user:ann", No, `doc:d#parent@doc:d[small:{"num":9}]`},
		{"doc:d#odd@user:ann", Cycle, "doc:d#parent@doc:d[small]"},
	} {
		w := World{Schema: schema, Now: time.Date(2031, 7, 1, 12, 0, 0, 0, time.UTC)}
		for text := range strings.FieldsSeq(c.rels) {
			w.Relationships = append(w.Relationships, relationship(t, text))
		}
		ref, err := w.Reference()
		if err != nil {
			t.Fatal(err)
		}
		q := relationship(t, c.question)
		if got := ref.Check(q.Resource, q.Relation, q.Subject); got != c.want {
			t.Errorf("%s with %s: %s, want %s", c.question, c.rels, got, c.want)
		}
	}
}

func relationship(t *testing.T, text string) engine.Relationship {
	t.Helper()
	r, err := engine.ParseRelationship(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestConditions(t *testing.T) {
	values := map[string]any{"two": json.Number("2"), "red": "red", "on": true, "off": false}
	for body, want := range map[string]Outcome{
		"two == 2": Yes, "two != 2": No, "two < 2": No, "two <= 2": Yes, "two > 1": Yes, "two >= 3": No, "3 > two": Yes,
		`red == "red"`: Yes, `red != "red"`: No, "on": Yes, "!on": No, "on && off": No, "on || off": Yes,
		"what == 2": Conditional, "what": Conditional, "!what": Conditional,
		"what && off": No, "off && what": No, "what && on": Conditional, "what || on": Yes, "what || off": Conditional,
		"(what || on) && two == 2": Yes, "!(on && off) && !off": Yes, "off && on || on": Yes, "on || on && off": Yes,
	} {
		if got, err := decide(body, values); err != nil || got != want {
			t.Errorf("%s: %s %v, want %s", body, got, err, want)
		}
	}
	for _, body := range []string{"", "two", "on &&", "(on", "on on", `"red`, `red < "s"`, "two + 1 == 3"} {
		if got, err := decide(body, values); err == nil {
			t.Errorf("%s: %s, want an error", body, got)
		}
	}
}

// TestPrint demands that what Print prints of a tree parses to the same tree.
func TestPrint(t *testing.T) {
	for _, expr := range []string{"aaa - (bbb - ccc)", "(aaa - bbb) & ccc", "aaa & (bbb & ccc)", "aaa + (bbb & ccc)", "aaa & bbb + ccc - ddd", "(aaa) + xxx.all(yyy) + zzz->aaa"} {
		text := "definition thing {\n\tpermission perm = " + expr + "\n}\n"
		file, errs := syntax.Parse(text)
		if errs != nil {
			t.Fatal(errs)
		}
		if got := Print(file); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
	for seed := range uint64(300) {
		w := NewWorld(seed)
		file, errs := syntax.Parse(w.Schema)
		if errs != nil {
			t.Fatalf("world %d: %v\n%s", seed, errs, w.Schema)
		}
		if got := Print(file); got != w.Schema {
			t.Fatalf("world %d: printed again its schema is\n%s\nnot\n%s", seed, got, w.Schema)
		}
	}
}

func TestSeedsDecide(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(50) {
		a, b := NewWorld(seed), NewWorld(seed)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d makes two worlds", seed)
		}
		seen[a.Schema] = true
	}
	if len(seen) < 45 {
		t.Errorf("50 seeds make only %d schemas", len(seen))
	}
}

// TestShrink shrinks a world under a failure that needs two relationships, an
// exclusion and a caveat, and demands that little else is left.
func TestShrink(t *testing.T) {
	shrunk := 0
	for seed := range uint64(40) {
		w := NewWorld(seed)
		if !needy(w) {
			continue
		}
		shrunk++
		small := Shrink(w, needy)
		if !needy(small) || len(small.Relationships) != 2 || len(small.Questions) != 1 || len(small.Context) != 0 || strings.Count(small.Schema, "permission") != 1 {
			t.Errorf("world %d shrinks to\n%s", seed, small)
		}
	}
	if shrunk < 5 {
		t.Errorf("only %d worlds were shrunk", shrunk)
	}
}

func needy(w World) bool {
	file, errs := syntax.Parse(w.Schema)
	caveated := slices.ContainsFunc(w.Relationships, func(r engine.Relationship) bool { return r.Trait != nil && r.Trait.Caveat != "" })
	return errs == nil && len(file.Decls) > 0 && len(w.Relationships) >= 2 && len(w.Questions) > 0 && caveated && strings.Contains(w.Schema, " - ")
}

// TestWorldString demands that what a world prints reads back.
func TestWorldString(t *testing.T) {
	w := NewWorld(3)
	text := w.String()
	for _, r := range w.Relationships {
		if !strings.Contains(text, "\n"+r.String()+"\n") {
			t.Errorf("%s is missing", r)
		}
	}
	if !strings.Contains(text, strings.TrimSpace(w.Schema)) || !strings.Contains(text, "-seed 3 ") {
		t.Errorf("the schema or the seed is missing:\n%s", text)
	}
}
