package enginetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// TestReader is the suite that every engine.Reader must pass. Open returns a
// Reader of exactly the relationships: no two of them have one key, and no schema
// allows them all.
func TestReader(t *testing.T, open func(t *testing.T, rels []engine.Relationship) engine.Reader) {
	for name, rels := range readerCases(t) {
		t.Run(name, func(t *testing.T) {
			c := readerCheck{t, open(t, rels), rels}
			c.find()
			c.subjects()
			c.resources()
		})
	}
}

func readerCases(t *testing.T) map[string][]engine.Relationship {
	parse := func(texts ...string) (rels []engine.Relationship) {
		for _, text := range texts {
			r, err := engine.ParseRelationship(text)
			if err != nil {
				t.Fatal(err)
			}
			rels = append(rels, r)
		}
		return rels
	}
	var wide []engine.Relationship
	for i := range 2500 {
		wide = append(wide, parse(
			fmt.Sprintf("group:wide#member@user:u%d", i),
			fmt.Sprintf("group:g%d#member@group:wide#member", i))...)
	}
	return map[string][]engine.Relationship{
		"empty": nil,
		"one":   parse("group:eng#member@user:ann"),
		"kinds": parse(
			"group:eng#member@user:ann", "group:eng#member@user:*", "group:eng#member@group:eng",
			"group:eng#member@group:ops#member", "group:eng#member@group:ops#members", "group:eng#member@users:ann",
			"group:ops#member@user:*", "group:ops#members@user:ann", "org/group:eng#member@user:ann"),
		"look-alikes": parse(
			"group:a#member@user:a", "group:a#members@user:a", "group:a#member@users:a", "group:aa#member@user:a",
			"group:a#member@user:aa", "group:a#member@user:a|", "group:a#member@user:a/b", "group:a#member@user:a=",
			"group:a/b#member@user:a", "group:A#member@user:a", "group:a#member@user:A", "org/group:a#member@user:a",
			"org/group:a#member@org/group:a#member", "org/group:a#member@group:a#member", "org/group:a#member@org/group:a"),
		"order": parse(
			"group:o#member@user:z", "group:o#member@user:a", "group:o#member@user:*", "group:o#member@user:+",
			"group:o#member@user:-", "group:o#member@user:/", "group:o#member@user:10", "group:o#member@user:9",
			"group:o#member@user:_", "group:o#member@user:|", "group:o#member@user:Z", "group:o#member@user:aa"),
		"traits": parse(
			`group:eng#member@user:ann[cond:{"num": 1}]`, "group:eng#member@user:bob[cond]",
			"group:eng#member@user:*[expiration:2031-01-02T03:04:05.678901234Z]",
			`group:eng#members@user:ann[cond:{"num":"42"}][expiration:2001-01-01T00:00:00Z]`,
			"group:eng#members@group:eng#member[cond]", "group:eng#members@user:bob"),
		"wide": wide,
	}
}

type readerCheck struct {
	t    *testing.T
	r    engine.Reader
	rels []engine.Relationship
}

// find asks for every relationship, and for every combination of a few
// resources, relations and subjects.
func (c readerCheck) find() {
	want := map[engine.Relationship]*engine.Trait{}
	for _, r := range c.rels {
		want[r.Key()] = r.Trait
	}
	ask := func(r engine.Relationship) {
		c.t.Helper()
		trait, ok, err := c.r.Find(r.Resource, r.Relation, r.Subject)
		stored, in := want[r.Key()]
		if err != nil || ok != in || !sameTrait(trait, stored) {
			c.t.Fatalf("Find %s: %v %v %v; want %v %v", r.Key(), traitText(trait), ok, err, traitText(stored), in)
		}
	}
	few := c.rels[:min(len(c.rels), 20)]
	for _, a := range few {
		for _, b := range few {
			ask(engine.Relationship{Resource: a.Resource, Relation: b.Relation, Subject: b.Subject})
			ask(engine.Relationship{Resource: b.Resource, Relation: a.Relation, Subject: b.Subject})
		}
		for _, relation := range []string{"", "member", "members"} {
			r := a
			r.Subject.Relation = relation
			ask(r)
		}
		r := a
		r.Subject.ID = engine.Wildcard
		ask(r)
		r = a
		r.Resource.ID += "x"
		ask(r)
	}
	for _, r := range c.rels {
		ask(r)
	}
	ask(engine.Relationship{
		Resource: engine.Object{Type: "group", ID: Nowhere}, Relation: "member",
		Subject: engine.Subject{Object: engine.Object{Type: "user", ID: Nowhere}},
	})
}

// subjects reads every list of subjects that exists and some that do not.
func (c readerCheck) subjects() {
	type list struct {
		resource                    engine.Object
		relation, typeName, subject string
	}
	want := map[list][]engine.Entry{{engine.Object{Type: "group", ID: Nowhere}, "member", "user", ""}: nil}
	for _, r := range c.rels {
		l := list{r.Resource, r.Relation, r.Subject.Type, r.Subject.Relation}
		want[l] = append(want[l], engine.Entry{ID: r.Subject.ID, Trait: r.Trait})
		for _, near := range []list{
			{l.resource, l.relation, l.typeName, "members"}, {l.resource, l.relation, "users", l.subject},
			{l.resource, "members", l.typeName, l.subject}, {engine.Object{Type: "org/group", ID: l.resource.ID}, l.relation, l.typeName, l.subject},
		} {
			want[near] = append(want[near], []engine.Entry(nil)...)
		}
	}
	for l, entries := range want {
		c.pages(fmt.Sprintf("Subjects of %s#%s of kind %s#%s", l.resource, l.relation, l.typeName, l.subject), entries,
			func(after string) ([]engine.Entry, bool, error) {
				return c.r.Subjects(l.resource, l.relation, l.typeName, l.subject, after)
			})
	}
}

// resources reads every list of resources that exists and some that do not.
func (c readerCheck) resources() {
	type list struct {
		subject            engine.Subject
		typeName, relation string
	}
	want := map[list][]engine.Entry{{engine.Subject{Object: engine.Object{Type: "user", ID: Nowhere}}, "group", "member"}: nil}
	for _, r := range c.rels {
		l := list{r.Subject, r.Resource.Type, r.Relation}
		want[l] = append(want[l], engine.Entry{ID: r.Resource.ID, Trait: r.Trait})
		everyone := engine.Subject{Object: engine.Object{Type: r.Subject.Type, ID: engine.Wildcard}}
		for _, near := range []list{
			{engine.Subject{Object: r.Subject.Object}, l.typeName, l.relation}, {everyone, l.typeName, l.relation},
			{l.subject, "org/group", l.relation}, {l.subject, l.typeName, "members"},
		} {
			want[near] = append(want[near], []engine.Entry(nil)...)
		}
	}
	for l, entries := range want {
		c.pages(fmt.Sprintf("Resources of %s in %s#%s", l.subject, l.typeName, l.relation), entries,
			func(after string) ([]engine.Entry, bool, error) {
				return c.r.Resources(l.subject, l.typeName, l.relation, after)
			})
	}
}

// pages reads a list from the start and from after a number of ids.
func (c readerCheck) pages(what string, want []engine.Entry, read func(after string) ([]engine.Entry, bool, error)) {
	c.t.Helper()
	want = slices.Clone(want)
	slices.SortFunc(want, func(a, b engine.Entry) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	starts := []string{"", "!", "m", "zzzz"}
	for i, e := range want {
		if i < 10 || i%500 == 0 || i >= len(want)-2 {
			starts = append(starts, e.ID, e.ID+"+")
		}
	}
	for _, start := range starts {
		expected := want[len(want):]
		for i, e := range want {
			if e.ID > start {
				expected = want[i:]
				break
			}
		}
		got, ok := c.walk(what, start, read)
		if ok && !slices.EqualFunc(got, expected, func(a, b engine.Entry) bool { return a.ID == b.ID && sameTrait(a.Trait, b.Trait) }) {
			c.t.Errorf("%s after %q: %s; want %s", what, start, entriesText(got), entriesText(expected))
		}
	}
}

// walk reads all pages from after start, and checks that paging itself is right.
func (c readerCheck) walk(what, start string, read func(after string) ([]engine.Entry, bool, error)) (all []engine.Entry, ok bool) {
	c.t.Helper()
	for after, more := start, true; more; {
		var page []engine.Entry
		var err error
		page, more, err = read(after)
		switch {
		case err != nil:
			c.t.Errorf("%s after %q: %v", what, after, err)
			return nil, false
		case len(page) == 0 && more:
			c.t.Errorf("%s after %q: an empty page that says there is more", what, after)
			return nil, false
		}
		for _, e := range page {
			if e.ID <= after {
				c.t.Errorf("%s after %q: %q is not greater", what, after, e.ID)
				return nil, false
			}
			after = e.ID
		}
		all = append(all, page...)
	}
	return all, true
}

func sameTrait(a, b *engine.Trait) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Caveat == b.Caveat && a.Expires.Equal(b.Expires) && reflect.DeepEqual(plain(a.Context), plain(b.Context))
}

// plain returns a context as any JSON decoder would give it.
func plain(context map[string]any) (out map[string]any) {
	text, err := json.Marshal(context)
	if err != nil || len(context) == 0 || json.Unmarshal(text, &out) != nil {
		return nil
	}
	return out
}

func traitText(t *engine.Trait) string {
	if t == nil {
		return "no trait"
	}
	return fmt.Sprintf("[%s:%v][%s]", t.Caveat, t.Context, t.Expires.Format(time.RFC3339Nano))
}

func entriesText(entries []engine.Entry) string {
	var s []string
	for _, e := range entries[:min(len(entries), 12)] {
		s = append(s, e.ID+" "+traitText(e.Trait))
	}
	return fmt.Sprintf("%d entries %q", len(entries), s)
}
