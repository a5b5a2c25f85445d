package replica

import (
	"bufio"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

var updateGolden = flag.Bool("update", false, "write the golden log of the present format again")

// A golden file holds a log: of each entry what it is, its bytes, and what the
// state is after it. Once a version with the format was released, the file of
// that format never changes: every later version must come to the same states.
const goldenFile = "testdata/format%d.log"

// goldenLogs make the logs, by format.
func goldenLogs() map[int]func(*testing.T) []goldenEntry {
	return map[int]func(*testing.T) []goldenEntry{1: goldenLog, 2: goldenLog2, 3: goldenLog3}
}

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

// goldenWriter makes a log, an entry each second.
type goldenWriter struct {
	t   *testing.T
	at  int64
	log []goldenEntry
}

func (w *goldenWriter) add(what string, c *command) {
	w.at += 1000
	if c.time == 0 {
		c.time = w.at
	}
	data, err := c.encode()
	if err != nil {
		w.t.Fatal(err)
	}
	w.log = append(w.log, goldenEntry{what: what, data: data})
}

// goldenLog makes a log that has something of everything.
func goldenLog(t *testing.T) []goldenEntry {
	w := &goldenWriter{t: t, at: 1_800_000_000_000}
	add := w.add
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
	add("a clock that went back, and a precondition", &command{kind: kindTransaction, tx: late, time: w.at - 100_000})
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
	return w.log
}

// goldenLog2 makes a log that has what format 2 brought.
func goldenLog2(t *testing.T) []goldenEntry {
	w := &goldenWriter{t: t, at: 1_800_000_000_000}
	create := func(text string) store.Transaction {
		return store.Transaction{Updates: []store.Update{{Op: store.Create, Relationship: relationship(t, text)}}}
	}
	from := func(session, sequence, settled uint64, tx store.Transaction) *command {
		return &command{kind: kindTransaction, origin: origin{session, sequence, settled}, tx: tx}
	}
	w.add("the cluster is named", &command{kind: kindFound, cluster: 0x1234567890abcdef, version: 2})
	w.add("a schema, in the first format", &command{kind: kindTransaction, tx: schemaOf(goldenSchema)})
	for range 2 {
		w.add("a create with an origin, twice", from(7, 1, 0, create("document:a#owner@user:anne")))
		w.add("refused: exists, twice", from(7, 2, 0, create("document:a#owner@user:anne")))
	}
	w.add("another node's", from(8, 1, 0, create("document:b#owner@user:anne")))
	w.add("the later one comes first", from(8, 3, 1, create("document:d#owner@user:anne")))
	w.add("the one before it", from(8, 2, 1, create("document:c#owner@user:anne")))
	w.add("settled", from(7, 5, 4, create("document:e#owner@user:anne")))
	w.add("given up: its node waits no more", from(7, 3, 0, create("document:f#owner@user:anne")))
	key := newRetryKey("anne", "k")
	w.add("a retry key, in the first format", &command{kind: kindTransaction, key: key, tx: create("document:g#owner@user:anne")})
	again := from(8, 4, 3, create("document:g#owner@user:anne"))
	again.key = key
	w.add("the same, with an origin", again)
	w.add("the same, twice", again)
	for range 2 {
		w.add("a part of an import, twice", &command{kind: kindStage, origin: origin{8, 5, 4}, stage: 9, updates: []engine.Relationship{relationship(t, "document:h#owner@user:anne")}})
	}
	for range 2 {
		w.add("the import, twice", &command{kind: kindImport, origin: origin{8, 6, 5}, stage: 9, part: 1})
	}
	zero := store.Revision(0)
	document := store.Transaction{Documents: []store.DocumentUpdate{{Key: "user/anne", Class: store.ClassOpen, Value: []byte(`{"name":"Anne"}`), IfVersion: &zero}}}
	w.add("a document", from(8, 7, 6, document))
	needs := func(version store.Revision) store.Transaction {
		tx := create("document:i#owner@user:anne")
		tx.DocumentPreconditions = []store.DocumentPrecondition{{Key: "user/anne", Version: version}, {Key: "user/bob"}}
		return tx
	}
	w.add("refused: the document has another version", from(8, 8, 7, needs(3)))
	w.add("the document has the version", from(8, 9, 8, needs(19)))
	w.add("the same without an origin: exists", &command{kind: kindTransaction, tx: needs(19)})
	w.add("settings", &command{kind: kindSettings, origin: origin{8, 10, 9}, settings: settings{
		autopilot: Autopilot{CleanupDeadAfter: 72 * time.Hour, MinQuorum: 3, Stabilization: time.Minute, MaxTrailing: 100, MaxLastContact: time.Second},
		held:      []string{"0123456789abcdef"}, removed: []string{"fedcba9876543210", "node"},
	}})
	w.add("a version that is not above", &command{kind: kindVersion, version: 1})
	late := from(9, 1, 0, create("document:j#owner@user:anne"))
	late.time = w.at + 1000 + sessionAge.Milliseconds()
	w.add("a new node, long after the others: few enough are remembered", late)
	w.add("a new history", &command{kind: kindEpoch, epoch: 2, time: late.time + 1})
	w.add("and no older one", &command{kind: kindEpoch, epoch: 1, time: late.time + 2})
	return w.log
}

// goldenLog3 makes a log that has what format 3 brought.
func goldenLog3(t *testing.T) []goldenEntry {
	w := &goldenWriter{t: t, at: 1_800_000_000_000}
	tx := func(what string, tx store.Transaction) { w.add(what, &command{kind: kindTransaction, tx: tx}) }
	records := func(chain string, values ...string) store.Transaction {
		var tx store.Transaction
		for _, v := range values {
			tx.Records = append(tx.Records, store.ChainRecord{Chain: chain, Value: []byte(v)})
		}
		return tx
	}
	forget := func(chain string, through uint64) store.Transaction {
		return store.Transaction{Forget: []store.ForgetRecords{{Chain: chain, Through: through}}}
	}
	w.add("the cluster is named", &command{kind: kindFound, cluster: 0x1234567890abcdef, version: 3})
	tx("a schema", schemaOf(goldenSchema))
	mixed := records("audit/acme", `{"action": "share", "n": 1.50}`)
	mixed.Updates = touch(t, "document:a#owner@user:anne").Updates
	mixed.Documents = []store.DocumentUpdate{{Key: "user/anne", Class: store.ClassOpen, Value: []byte(`{"name":"Anne"}`)}}
	tx("a record with what it is of", mixed)
	tx("several records", records("audit/acme", `2`, `"three"`, `null`))
	tx("another chain", records("audit/other", `1`))
	needs := records("audit/acme", `5`)
	needs.DocumentPreconditions = []store.DocumentPrecondition{{Key: "user/anne", Version: 3}}
	tx("a record that relies on a document", needs)
	needs.DocumentPreconditions[0].Version = 4
	tx("refused: the document has another version", needs)
	tx("refused: no JSON", records("audit/acme", `{`))
	tx("refused: a chain in a chain", records("audit/acme/x", `1`))
	tx("refused: a document in a chain", store.Transaction{Documents: []store.DocumentUpdate{{Key: "audit/acme/0000000000000001"}}})
	for range 2 {
		keyed := &command{kind: kindTransaction, key: newRetryKey("anne", "k"), tx: records("audit/acme", `"once"`)}
		w.add("a record with a retry key, twice", keyed)
	}
	for range 2 {
		w.add("a record with an origin, twice", &command{kind: kindTransaction, origin: origin{7, 1, 0}, tx: records("audit/acme", `"once more"`)})
	}
	tx("the oldest go", forget("audit/acme", 3))
	tx("all but the newest go", forget("audit/other", 99))
	tx("refused: no such chain", forget("audit", 1))
	stored := records("audit/copy", `{"number":4,"revision":5,"time":"2026-01-02T03:04:05.000Z","previous":"0101010101010101010101010101010101010101010101010101010101010101","record":4}`)
	stored.Records[0].Stored = true
	tx("a stored record", stored)
	tx("refused: it does not follow", stored)
	tx("one that follows it", records("audit/copy", `"next"`))
	seen := schemaOf(goldenSchema + "definition folder {}\n")
	seen.SchemaSeen = new(store.Revision(1))
	tx("refused: the schema is newer than the one that was seen", seen)
	seen.SchemaSeen = new(store.Revision(2))
	tx("a schema in the place of the one that was seen", seen)
	seen = schemaOf(goldenSchema)
	seen.SchemaSeen, seen.Records = new(store.Revision(99)), records("audit/acme", `"a schema"`).Records
	tx("and one with a record", seen)
	return w.log
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
	for format, make := range goldenLogs() {
		name := fmt.Sprintf(goldenFile, format)
		t.Run(name, func(t *testing.T) {
			if *updateGolden {
				writeGolden(t, name, format, make(t))
			}
			log := readGolden(t, name)
			b := newBench(t)
			for i, e := range log {
				if got := goldenState(b, b.raw(raft.LogCommand, e.data)); got != e.then {
					t.Errorf("entry %d, %s:\n got %s\nwant %s", i+1, e.what, got, e.then)
				}
			}
			for i, e := range make(t) { // what is proposed today has these bytes
				if i >= len(log) || string(e.data) != string(log[i].data) {
					t.Errorf("entry %d, %s, is encoded in another way", i+1, e.what)
				}
			}
			if err := b.m.store.Verify(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func writeGolden(t *testing.T, name string, format int, log []goldenEntry) {
	t.Helper()
	ordinal := map[int]string{1: "first", 2: "second", 3: "third"}
	b := newBench(t)
	var text strings.Builder
	fmt.Fprintf(&text, "# A log in the %s format. See golden_test.go.\n", ordinal[format])
	for _, e := range log {
		fmt.Fprintf(&text, "\n# %s\n%x\n%s\n", e.what, e.data, goldenState(b, b.raw(raft.LogCommand, e.data)))
	}
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readGolden(t *testing.T, name string) []goldenEntry {
	t.Helper()
	f, err := os.Open(name)
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
