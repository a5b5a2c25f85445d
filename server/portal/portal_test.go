package portal

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"

	"os"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// open returns a portal over a new node in memory. Its state is verified at the
// end.
func open(t testing.TB) *Portal {
	t.Helper()
	return openAt(t, time.Now)
}

// openAt is open with a clock, which the node's log reads too.
func openAt(t testing.TB, now func() time.Time) *Portal {
	t.Helper()
	log := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	r, err := replica.Open(t.Context(), replica.Config{InMemory: true, Logger: log, Now: now, Store: store.Config{CacheBytes: 16 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(Config{Replica: r, Logger: log, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		if err := r.Verify(context.Background(), nil); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := p.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", b)
	return len(b), nil
}

// as is the context of a call that a user of a company makes.
func as(t testing.TB, company, user string) context.Context {
	return WithCaller(t.Context(), &Caller{Company: company, User: user, Address: "192.0.2.1", RequestID: "r-" + user})
}

// operator is the context of a call that an operator with a key makes.
func operator(t testing.TB) context.Context {
	return WithCaller(t.Context(), &Caller{Operator: "ops", Admin: true})
}

// TestSchema holds the customer's files to the schema that is built in.
func TestSchema(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "portal", "schema.zed"))
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != Schema {
		t.Error("testdata/portal/schema.zed and server/portal/schema.zed differ: change both")
	}
}

// TestMerged puts the portal's definitions beside others, in place of older ones.
func TestMerged(t *testing.T) {
	compile := func(text string) *schema.Schema {
		s, err := schema.Compile(text, schema.Options{Caveats: caveat.New()})
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		return s
	}
	ours := compiled()
	others := "use expiration\n\ncaveat soon(x int) {\n\tx < 3\n}\n\ndefinition empty {}\n\ndefinition document {\n\trelation reader: empty with expiration | empty with soon\n\tpermission read = reader\n}"
	for name, text := range map[string]string{
		"none":   "",
		"others": others,
		"older":  others + "\n\ndefinition user {\n\trelation friend: user\n}\n\ndefinition zebra {\n\trelation owner: user\n}",
	} {
		t.Run(name, func(t *testing.T) {
			present := compile(text)
			merged1, ok := merged(present, ours)
			if !ok {
				t.Fatal("nothing to do")
			}
			result := compile(merged1)
			if text, ok := merged(result, ours); ok {
				t.Errorf("merging again changes it to:\n%s", text)
			}
			for _, want := range []*schema.Schema{ours, present} {
				for _, block := range blocks(want) {
					if name := defined(block); want == present && name != "" && ours.Type(name) != nil {
						continue
					}
					if !slices.Contains(blocks(result), block) {
						t.Errorf("this is missing or changed:\n%s", block)
					}
				}
			}
		})
	}
}

// propose writes a transaction past the portal.
func propose(t testing.TB, p *Portal, tx store.Transaction) {
	t.Helper()
	if _, err := p.replica.Propose(t.Context(), replica.Proposal{Tx: tx}); err != nil {
		t.Fatal(err)
	}
}

// makeGroup writes a group of a company with its direct members, as subjects.
func makeGroup(t testing.TB, p *Portal, company, id string, members ...string) {
	t.Helper()
	tx := store.Transaction{Documents: []store.DocumentUpdate{put(groupKey(company, id), groupDoc{Name: id})}}
	texts := []string{"group:" + id + "#company@company:" + company}
	for _, m := range members {
		texts = append(texts, "group:"+id+"#direct_member@"+m)
	}
	for _, text := range texts {
		r, err := engine.ParseRelationship(text)
		if err != nil {
			t.Fatal(err)
		}
		tx.Updates = append(tx.Updates, store.Update{Op: store.Create, Relationship: r})
	}
	propose(t, p, tx)
}

// administrator writes a user of a company who administers it, and returns his id.
func administrator(t testing.TB, p *Portal, of, name string) string {
	t.Helper()
	id := newID()
	v, err := p.read(as(t, of, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()
	a := &action{}
	if err := v.addPerson(a, of, id, &userDoc{Email: name + "@" + of + ".example", GivenName: name}); err != nil {
		t.Fatal(err)
	}
	a.relation(store.Create, company(of), "administrator", subject(user(id), ""))
	propose(t, p, a.tx)
	return id
}

// deactivate writes that a user of a company is deactivated.
func deactivate(t testing.TB, p *Portal, of, id string) {
	t.Helper()
	a := &action{}
	a.relation(store.Create, company(of), "deactivated", subject(user(id), ""))
	propose(t, p, a.tx)
}
