package replica

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

func drawText(rt *rapid.T) string { return rapid.StringN(0, 8, 16).Draw(rt, "text") }

func drawTrait(rt *rapid.T) *engine.Trait {
	if rapid.Bool().Draw(rt, "bare") {
		return nil
	}
	tr := &engine.Trait{Caveat: drawText(rt)}
	if rapid.Bool().Draw(rt, "context") {
		tr.Context = map[string]any{"a": "x", "b": []any{true, nil}, drawText(rt): map[string]any{"<&>": "é"}}
	}
	if rapid.Bool().Draw(rt, "expires") {
		tr.Expires = time.Unix(rapid.Int64Range(-1e10, 1e11).Draw(rt, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(rt, "nanos")).UTC()
	}
	return tr
}

func drawRelationship(rt *rapid.T) engine.Relationship {
	return engine.Relationship{
		Resource: engine.Object{Type: drawText(rt), ID: drawText(rt)}, Relation: drawText(rt),
		Subject: engine.Subject{Object: engine.Object{Type: drawText(rt), ID: drawText(rt)}, Relation: drawText(rt)},
		Trait:   drawTrait(rt),
	}
}

func drawFilter(rt *rapid.T) store.Filter {
	f := store.Filter{ResourceType: drawText(rt), ResourceID: drawText(rt), ResourceIDPrefix: drawText(rt), Relation: drawText(rt)}
	if rapid.Bool().Draw(rt, "subject") {
		f.Subject = &store.SubjectFilter{Type: drawText(rt), ID: drawText(rt)}
		if rapid.Bool().Draw(rt, "relation") {
			relation := drawText(rt)
			f.Subject.Relation = &relation
		}
	}
	return f
}

// several draws zero to three of something.
func several[T any](rt *rapid.T, draw func(*rapid.T) T) []T {
	var all []T
	for range rapid.IntRange(0, 3).Draw(rt, "n") {
		all = append(all, draw(rt))
	}
	return all
}

func drawTransaction(rt *rapid.T) store.Transaction {
	tx := store.Transaction{Actor: drawText(rt), Floor: store.Revision(rapid.Uint64().Draw(rt, "floor"))}
	if rapid.Bool().Draw(rt, "schema") {
		text := drawText(rt)
		tx.Schema = &text
	}
	tx.Preconditions = several(rt, func(rt *rapid.T) store.Precondition {
		return store.Precondition{Filter: drawFilter(rt), MustMatch: rapid.Bool().Draw(rt, "must")}
	})
	tx.Deletes = several(rt, func(rt *rapid.T) store.FilterDelete {
		return store.FilterDelete{Filter: drawFilter(rt), Limit: rapid.IntRange(0, 100_000).Draw(rt, "limit"), Partial: rapid.Bool().Draw(rt, "partial")}
	})
	tx.Updates = several(rt, func(rt *rapid.T) store.Update {
		return store.Update{Op: store.Op(rapid.Byte().Draw(rt, "op")), Relationship: drawRelationship(rt)}
	})
	tx.Documents = several(rt, func(rt *rapid.T) store.DocumentUpdate {
		u := store.DocumentUpdate{Key: drawText(rt), Class: store.Class(rapid.Byte().Draw(rt, "class"))}
		if rapid.Bool().Draw(rt, "value") {
			u.Value = append([]byte{}, drawText(rt)...)
		}
		if rapid.Bool().Draw(rt, "version") {
			rev := store.Revision(rapid.Uint64().Draw(rt, "if"))
			u.IfVersion = &rev
		}
		return u
	})
	tx.Guards = several(rt, func(rt *rapid.T) store.Guard {
		r := drawRelationship(rt)
		g := store.Guard{Resource: r.Resource, Permission: r.Relation, Subject: r.Subject, Must: rapid.Bool().Draw(rt, "must")}
		if rapid.Bool().Draw(rt, "context") {
			g.Context = map[string]any{"ip": drawText(rt)}
		}
		return g
	})
	tx.Counters = several(rt, func(rt *rapid.T) store.CounterUpdate {
		u := store.CounterUpdate{Name: drawText(rt)}
		if rapid.Bool().Draw(rt, "register") {
			f := drawFilter(rt)
			u.Filter = &f
		}
		return u
	})
	tx.Expired = several(rt, drawRelationship)
	if rapid.Bool().Draw(rt, "metadata") {
		tx.Metadata = map[string]any{"why": drawText(rt)}
	}
	return tx
}

func drawSettings(rt *rapid.T) settings {
	duration := func(what string) time.Duration { return time.Duration(rapid.Int64().Draw(rt, what)) }
	return settings{
		autopilot: Autopilot{
			CleanupDeadAfter: duration("cleanup"), MinQuorum: rapid.Int().Draw(rt, "quorum"), Stabilization: duration("stabilization"),
			MaxLastContact: duration("contact"), MaxTrailing: rapid.Uint64().Draw(rt, "trailing"),
		},
		held: several(rt, drawText), removed: several(rt, drawText),
	}
}

func drawCommand(rt *rapid.T) *command {
	c := &command{kind: kind(rapid.IntRange(int(kindFound), int(kindSettings)).Draw(rt, "kind")), time: rapid.Int64().Draw(rt, "time")}
	if rapid.Bool().Draw(rt, "origin") {
		number := func(what string) uint64 { return rapid.Uint64Min(1).Draw(rt, what) }
		c.origin = origin{number("session"), number("sequence"), number("settled")}
	}
	key := func() { copy(c.key[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "key")) }
	switch c.kind {
	case kindFound:
		c.cluster = rapid.Uint64().Draw(rt, "cluster")
		if c.origin.session != 0 {
			c.version = rapid.IntRange(0, 9).Draw(rt, "version")
		}
	case kindVersion:
		c.version = rapid.IntRange(0, 9).Draw(rt, "version")
	case kindEpoch:
		c.epoch = rapid.Uint64().Draw(rt, "epoch")
	case kindSettings:
		c.settings = drawSettings(rt)
	case kindTransaction:
		key()
		c.tx = drawTransaction(rt)
		c.tx.DocumentPreconditions = several(rt, func(rt *rapid.T) store.DocumentPrecondition {
			return store.DocumentPrecondition{Key: drawText(rt), Version: store.Revision(rapid.Uint64().Draw(rt, "of"))}
		})
		c.tx.Records = several(rt, func(rt *rapid.T) store.ChainRecord {
			return store.ChainRecord{Chain: drawText(rt), Value: append([]byte{}, drawText(rt)...), Stored: rapid.Bool().Draw(rt, "stored")}
		})
		c.tx.Forget = several(rt, func(rt *rapid.T) store.ForgetRecords {
			return store.ForgetRecords{Chain: drawText(rt), Through: rapid.Uint64().Draw(rt, "through")}
		})
		if rapid.Bool().Draw(rt, "seen") {
			c.tx.SchemaSeen = new(store.Revision(rapid.Uint64().Draw(rt, "schema seen")))
		}
		c.judged = store.Revision(rapid.Uint64().Draw(rt, "judged"))
		c.tx.Judged = c.judged
	case kindStage:
		c.stage, c.part = rapid.Uint64().Draw(rt, "stage"), rapid.IntRange(0, 1000).Draw(rt, "part")
		c.updates = several(rt, drawRelationship)
	case kindImport:
		key()
		c.stage, c.part = rapid.Uint64().Draw(rt, "stage"), rapid.IntRange(0, 1000).Draw(rt, "part")
		c.tx = drawTransaction(rt)
	case kindDrop:
		c.drops = several(rt, func(rt *rapid.T) uint64 { return rapid.Uint64().Draw(rt, "id") })
	}
	return c
}

func TestCommandRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCommand(rt)
		data, err := c.encode()
		if err != nil {
			rt.Fatal(err)
		}
		got, err := decodeCommand(data)
		if err != nil {
			rt.Fatal(err)
		}
		if !reflect.DeepEqual(got, c) {
			rt.Errorf("got  %+v\nwant %+v", got, c)
		}
		for n := range data { // no beginning of a command is one
			if _, err := decodeCommand(data[:n]); err == nil {
				rt.Errorf("the first %d of %d bytes are a command, too", n, len(data))
			}
		}
		if _, err := decodeCommand(append(data, 0)); err == nil {
			rt.Error("a byte more is a command, too")
		}
	})
}

func TestUnknownCommands(t *testing.T) {
	data, err := (&command{kind: kindFound, cluster: 1}).encode()
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range []string{"format 9", "kind 9"} {
		other := bytes.Clone(data)
		other[at] = 9
		if _, err := decodeCommand(other); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error about %s", err, want)
		}
	}
	if _, err := (&command{kind: 9}).encode(); err == nil {
		t.Error("a command of an unknown kind was encoded")
	}
	for _, tx := range []store.Transaction{
		{DocumentPreconditions: []store.DocumentPrecondition{{Key: "a"}}},
		{Records: []store.ChainRecord{{Chain: "a", Value: []byte("1")}}},
		{Forget: []store.ForgetRecords{{Chain: "a"}}},
		{SchemaSeen: new(store.Revision(1))},
	} {
		if _, err := (&command{kind: kindImport, tx: tx}).encode(); err == nil {
			t.Errorf("an import with %+v was encoded", tx)
		}
	}
	for kind, format := range map[kind]byte{kindSeen: formatOrigins, kindChaining: formatOrigins, kindRelying: minFormat} {
		if _, err := decodeCommand(append([]byte{format, byte(kind)}, make([]byte, 100)...)); err == nil || !strings.Contains(err.Error(), "does not have") {
			t.Errorf("kind %d in format %d: %v", kind, format, err)
		}
	}
	bad := &command{kind: kindTransaction, tx: store.Transaction{Metadata: map[string]any{"f": func() {}}}}
	if _, err := bad.encode(); err == nil {
		t.Error("metadata that is no JSON was encoded")
	}
}

// FuzzState reads damaged snapshots of the log.
func FuzzState(f *testing.F) {
	b := newBench(f)
	b.must(schemaOf(testSchema))
	b.enter(&command{kind: kindStage, stage: 3, updates: []engine.Relationship{relationship(f, "document:a#viewer@user:anne")}})
	b.enter(&command{kind: kindTransaction, key: newRetryKey("a", "b"), tx: touch(f, "document:a#viewer@user:anne")})
	b.enter(&command{kind: kindTransaction, key: newRetryKey("a", "c"), tx: touch(f, "nothing:a#viewer@user:anne")})
	f.Add(b.snapshot())
	b.enter(&command{kind: kindVersion, version: maxFormat})
	b.enter(&command{kind: kindTransaction, origin: origin{7, 1, 0}, tx: store.Transaction{Records: []store.ChainRecord{{Chain: "audit", Value: []byte("1")}}}})
	f.Add(b.snapshot())
	f.Fuzz(func(t *testing.T, data []byte) {
		s, stored, err := decodeState(data)
		if err != nil {
			return
		}
		if _, err := s.encode(stored); err != nil {
			t.Error(err)
		}
	})
}

func FuzzCommand(f *testing.F) {
	for i := range 20 {
		c := rapid.Custom(drawCommand).Example(i)
		data, err := c.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeCommand(data)
		if err != nil {
			return
		}
		again, err := c.encode()
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		back, err := decodeCommand(again)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if stable, err := back.encode(); err != nil || !bytes.Equal(stable, again) {
			t.Errorf("%+v became %+v (%v)", c, back, err)
		}
	})
}
