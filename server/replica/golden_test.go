package replica

import (
	"bufio"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

var updateGolden = flag.Bool("update", false, "write the golden log of the present format again")

// goldenFile holds a log: of each entry what it is, its bytes, and what the state
// is after it. Once a version with the format was released, the file of that
// format never changes: every later version must come to the same states.
const goldenFile = "testdata/format1.log"

const goldenSchema = `use constraint
use expiration

caveat in_region(region string, allowed list<string>) {
	region in allowed
}

definition user {}

definition group {
	relation member: user | group#member
}

definition document {
	relation parent: document
	relation owner: user
	relation viewer: user | user:* | group#member | user with in_region | user with expiration
	permission view = viewer + owner + parent->view
	constraint one_owner = at_most_one(owner)
}
`

type goldenEntry struct {
	what string
	data []byte
	then string
}

// goldenLog makes a log that has something of everything.
func goldenLog(t *testing.T) []goldenEntry {
	var log []goldenEntry
	at := int64(1_800_000_000_000)
	add := func(what string, c *command) {
		at += 1000
		if c.time == 0 {
			c.time = at
		}
		data, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, goldenEntry{what: what, data: data})
	}
	tx := func(what string, tx store.Transaction) { add(what, &command{kind: kindTransaction, tx: tx}) }
	update := func(op store.Op, texts ...string) store.Transaction {
		tx := touch(t, texts...)
		for i := range tx.Updates {
			tx.Updates[i].Op = op
		}
		return tx
	}
	view := func(document, user string, must bool) []store.Guard {
		return []store.Guard{{
			Resource: engine.Object{Type: "document", ID: document}, Permission: "view",
			Subject: engine.Subject{Object: engine.Object{Type: "user", ID: user}}, Must: must,
		}}
	}
	add("the cluster is named", &command{kind: kindFound, cluster: 0x1234567890abcdef})
	tx("refused: no schema yet", update(store.Touch, "document:a#owner@user:anne"))
	tx("a schema that does not compile", schemaOf("definition {"))
	tx("the schema", schemaOf(goldenSchema))
	first := update(store.Create, "document:a#owner@user:anne", "document:b#parent@document:a", "group:g#member@user:bob",
		"group:h#member@group:g#member", "document:a#viewer@group:h#member", "document:c#viewer@user:*")
	first.Actor, first.Metadata = "anne", map[string]any{"ticket": "P-1", "deep": map[string]any{"n": 1.5}}
	tx("relationships, with metadata", first)
	tx("refused: exists", update(store.Create, "document:a#owner@user:anne"))
	tx("refused: two owners", update(store.Touch, "document:a#owner@user:bob"))
	tx("refused: not allowed", update(store.Touch, "document:a#owner@group:g#member"))
	tx("a caveat and an expiration", update(store.Touch,
		`document:d#viewer@user:carl[in_region:{"allowed":["eu","us"]}]`, "document:d#viewer@user:dora[expiration:2027-01-15T08:00:30Z]"))
	guarded := update(store.Touch, "document:e#viewer@user:bob")
	guarded.Guards = view("b", "bob", true)
	tx("a guard through a parent and nested groups", guarded)
	guarded.Guards = view("e", "carl", true)
	tx("refused: a guard", guarded)
	late := update(store.Delete, "document:e#viewer@user:bob")
	late.Preconditions = []store.Precondition{{Filter: store.Filter{ResourceType: "document", ResourceID: "e"}, MustMatch: true}}
	add("a clock that went back, and a precondition", &command{kind: kindTransaction, tx: late, time: at - 100_000})
	tx("refused: the precondition does not hold any more", late)
	counters := store.Transaction{Counters: []store.CounterUpdate{
		{Name: "viewers", Filter: &store.Filter{ResourceType: "document", Relation: "viewer"}},
		{Name: "of-a", Filter: &store.Filter{ResourceType: "document", ResourceID: "a"}},
	}}
	tx("counters", counters)
	tx("refused: counters that exist", counters)
	tx("a counter goes", store.Transaction{Counters: []store.CounterUpdate{{Name: "of-a"}}})
	zero := store.Revision(0)
	tx("documents", store.Transaction{Documents: []store.DocumentUpdate{
		{Key: "user/anne", Class: store.ClassOpen, Value: []byte(`{"name":"Anne"}`), IfVersion: &zero},
		{Key: "session/1", Class: store.ClassSealed, Value: []byte(`{"user":"anne"}`)},
	}})
	tx("refused: a document's version", store.Transaction{Documents: []store.DocumentUpdate{{Key: "user/anne", IfVersion: &zero}}})
	for range 2 {
		add("a write with a retry key, twice", &command{kind: kindTransaction, key: newRetryKey("anne", "k1"), tx: update(store.Create, "document:f#owner@user:anne")})
	}
	add("refused: its key with another write", &command{kind: kindTransaction, key: newRetryKey("anne", "k1"), tx: update(store.Touch, "document:f#owner@user:anne")})
	for range 2 {
		add("refused, and remembered as that", &command{kind: kindTransaction, key: newRetryKey("anne", "k2"), tx: update(store.Create, "document:f#owner@user:anne")})
	}
	add("a part of an import", &command{kind: kindStage, stage: 7, updates: []engine.Relationship{relationship(t, "document:g#owner@user:anne")}})
	add("another part", &command{kind: kindStage, stage: 7, part: 1, updates: []engine.Relationship{relationship(t, "document:h#owner@user:anne")}})
	add("a part of an import that will be dropped", &command{kind: kindStage, stage: 8, updates: []engine.Relationship{relationship(t, "document:i#owner@user:anne")}})
	add("a part that is left", &command{kind: kindStage, stage: 9, updates: []engine.Relationship{relationship(t, "document:j#owner@user:anne")}})
	add("the import", &command{kind: kindImport, stage: 7, part: 2, tx: store.Transaction{Actor: "import"}})
	add("a drop", &command{kind: kindDrop, drops: []uint64{8}})
	add("refused: an import that was dropped", &command{kind: kindImport, stage: 8, part: 1})
	expired := store.Transaction{Expired: []engine.Relationship{relationship(t, "document:d#viewer@user:dora"), relationship(t, "document:a#owner@user:anne")}}
	add("what has expired", &command{kind: kindTransaction, tx: expired, time: 1_800_000_100_000})
	tx("a delete by filter, in part", store.Transaction{Deletes: []store.FilterDelete{{Filter: store.Filter{ResourceType: "group"}, Limit: 1, Partial: true}}})
	tx("refused: a delete by filter, above its limit", store.Transaction{Deletes: []store.FilterDelete{{Filter: store.Filter{ResourceType: "document"}, Limit: 1}}})
	tx("refused: a schema that stored relationships need", schemaOf(strings.Replace(goldenSchema, "relation parent: document", "relation parent: user", 1)))
	stricter := strings.Replace(goldenSchema, "\tconstraint", "\tconstraint some = at_least_one(owner)\n\tconstraint", 1)
	add("refused: a schema judged before much was written", &command{kind: kindTransaction, judged: 1, tx: schemaOf(stricter)})
	tx("refused: a schema with a constraint that does not hold", schemaOf(stricter))
	tx("a schema", schemaOf(goldenSchema+"\ndefinition other {}\n"))
	tx("the floor", store.Transaction{Floor: 6})
	return log
}

// goldenState says what an entry came to and what the state is after it.
func goldenState(b *bench, a *applied) string {
	st := b.m.store.Stats()
	what := fmt.Sprintf("revision %d created %d touched %d deleted %d unchanged %d", a.outcome.Revision, a.outcome.Created, a.outcome.Touched, a.outcome.Deleted, a.outcome.Unchanged)
	if a.refusal != nil {
		what = "refused " + refusalKind(a.refusal)
	}
	if a.repeated {
		what += " repeated"
	}
	return fmt.Sprintf("%s; head %d floor %d time %d hash %s memory %x", what, st.Head, st.Floor, b.m.state.time, st.Hash, digest(append(make([]byte, commandHeader), b.snapshot()...)))
}

func TestGoldenLog(t *testing.T) {
	if *updateGolden {
		b := newBench(t)
		var text strings.Builder
		text.WriteString("# A log in the first format. See golden_test.go.\n")
		for _, e := range goldenLog(t) {
			fmt.Fprintf(&text, "\n# %s\n%x\n%s\n", e.what, e.data, goldenState(b, b.raw(raft.LogCommand, e.data)))
		}
		if err := os.WriteFile(goldenFile, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log := readGolden(t)
	b := newBench(t)
	for i, e := range log {
		if got := goldenState(b, b.raw(raft.LogCommand, e.data)); got != e.then {
			t.Errorf("entry %d, %s:\n got %s\nwant %s", i+1, e.what, got, e.then)
		}
	}
	for i, e := range goldenLog(t) { // what is proposed today has these bytes
		if i >= len(log) || string(e.data) != string(log[i].data) {
			t.Errorf("entry %d, %s, is encoded in another way", i+1, e.what)
		}
	}
	if err := b.m.store.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func readGolden(t *testing.T) []goldenEntry {
	t.Helper()
	f, err := os.Open(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	var log []goldenEntry
	var e goldenEntry
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case line == "":
			e = goldenEntry{}
		case strings.HasPrefix(line, "# "):
			e.what = line[2:]
		case e.data == nil:
			if e.data, err = hex.DecodeString(line); err != nil {
				t.Fatal(err)
			}
		default:
			e.then = line
			log = append(log, e)
		}
	}
	if err := lines.Err(); err != nil || len(log) == 0 {
		t.Fatal(len(log), err)
	}
	return log
}
