package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pemba-authz/pemba/engine"
)

// model is what a store must hold at one revision.
type model struct {
	relationships map[engine.Relationship]string // key to text form
	documents     map[string]string
}

func (m model) clone() model {
	return model{maps.Clone(m.relationships), maps.Clone(m.documents)}
}

// modelWorld applies random transactions to a store and to models, and compares
// them at random revisions that are still kept.
type modelWorld struct {
	t      *testing.T
	config Config
	s      *Store
	models map[Revision]model
	now    time.Time
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &modelWorld{t: t, config: Config{InMemory: true, memTable: smallMemTable}, models: map[Revision]model{}, now: testTime}
		if rapid.IntRange(0, 9).Draw(rt, "store") == 0 { // those on disk are slower
			w.config = Config{Dir: t.TempDir(), MinFree: 1, memTable: smallMemTable}
		}
		w.s = open(t, w.config)
		defer func() { shut(t, w.s) }()
		text := testSchema
		apply(t, w.s, &Transaction{Schema: &text})
		w.models[0] = model{map[engine.Relationship]string{}, map[string]string{}}
		w.models[1] = w.models[0]
		rt.Repeat(map[string]func(*rapid.T){
			"apply":  w.apply,
			"read":   w.read,
			"lookup": w.lookup,
			"floor":  w.floor,
			"reopen": w.reopen,
		})
	})
}

func (w *modelWorld) apply(rt *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 5).Draw(rt, "seconds")) * time.Second)
	m := w.models[w.s.Head()].clone()
	tx := &Transaction{Time: w.now}
	var want error
	seen := map[engine.Relationship]bool{}
	for range rapid.IntRange(0, 6).Draw(rt, "updates") {
		u := Update{rapid.SampledFrom([]Op{Create, Touch, Delete}).Draw(rt, "op"), drawRelationship(rt, w.now)}
		tx.Updates = append(tx.Updates, u)
		key := u.Relationship.Key()
		if seen[key] && want == nil {
			want = &DuplicateUpdateError{}
		}
		seen[key] = true
		if text, ok := m.relationships[key]; ok && u.Op == Create && want == nil {
			if r, err := engine.ParseRelationship(text); err != nil || r.Trait.Alive(w.now) {
				want = &AlreadyExistsError{}
			}
		}
		if u.Op == Delete {
			delete(m.relationships, key)
		} else {
			m.relationships[key] = u.Relationship.String()
		}
	}
	if rapid.Bool().Draw(rt, "document") {
		key, value := fmt.Sprint(rapid.IntRange(0, 3).Draw(rt, "key")), fmt.Sprint(rapid.IntRange(0, 3).Draw(rt, "value"))
		u := DocumentUpdate{Key: key, Class: ClassOpen, Value: []byte(value)}
		m.documents[key] = value
		if value == "0" {
			u.Value = nil
			delete(m.documents, key)
		}
		tx.Documents = append(tx.Documents, u)
	}
	rev := w.s.Head() + Revision(rapid.IntRange(1, 3).Draw(rt, "step"))
	for _, chain := range rapid.SampledFrom([][]string{nil, nil, {"log"}, {"log", "log2", "log"}}).Draw(rt, "chains") {
		m.chain(rt, tx, chain, rev)
	}
	_, err := w.s.Apply(rev, tx)
	if fmt.Sprintf("%T", err) != fmt.Sprintf("%T", want) {
		rt.Fatalf("apply: got %v, want %T", err, want)
	}
	if err == nil {
		for gap := w.lastModel() + 1; gap < rev; gap++ {
			w.models[gap] = w.models[gap-1]
		}
		w.models[rev] = m
	}
}

// chain adds a record of a chain to a transaction and to the model, and sometimes
// removes old ones.
func (m model) chain(rt *rapid.T, tx *Transaction, chain string, rev Revision) {
	keys := m.chainKeys(chain)
	l := Link{Number: 1, Revision: rev, Time: tx.Time, Record: []byte(fmt.Sprint(rapid.IntRange(0, 3).Draw(rt, "record")))}
	if n := len(keys); n > 0 {
		last, err := ParseLink([]byte(m.documents[keys[n-1]]))
		if err != nil {
			rt.Fatal(err)
		}
		l.Number, l.Previous = last.Number+1, last.Hash()
		if removed := rapid.IntRange(0, 4*n).Draw(rt, "removed"); removed < n && len(tx.Records) == 0 {
			tx.Forget = append(tx.Forget, ForgetRecords{chain, last.Number + 1 - uint64(n) + uint64(removed)})
			for _, key := range keys[:min(removed+1, n-1)] {
				delete(m.documents, key)
			}
		}
	}
	m.documents[recordKey(chain, l.Number)] = string(l.encode())
	tx.Records = append(tx.Records, ChainRecord{Chain: chain, Value: append(l.Record, ' ')})
}

// chainKeys returns the keys of a chain's documents, sorted.
func (m model) chainKeys(chain string) []string {
	keys := slices.Sorted(maps.Keys(m.documents))
	return slices.DeleteFunc(keys, func(key string) bool { return !strings.HasPrefix(key, chain+"/") })
}

// readChain compares the state of a chain with the model.
func (m model) readChain(rt *rapid.T, sn *Snapshot, chain string) {
	var want ChainState
	keys := m.chainKeys(chain)
	for i, key := range keys {
		l, err := ParseLink([]byte(m.documents[key]))
		if err != nil {
			rt.Fatal(err)
		}
		if i == 0 {
			want.First, want.FloorHash = l.Number, l.Previous
		}
		want.Next, want.LastHash = l.Number+1, l.Hash()
	}
	if got, ok, err := sn.Chain(chain); err != nil || ok != (len(keys) > 0) || got != want {
		rt.Fatalf("chain %s at %d: got %+v (%v, %v), want %+v", chain, sn.Revision(), got, ok, err, want)
	}
	slices.Reverse(keys)
	for doc, err := range sn.DocumentsBackward(context.Background(), chain+"/", "") {
		if err != nil || len(keys) == 0 || doc.Key != keys[0] {
			rt.Fatalf("backward at %d: got %q (%v), want %q", sn.Revision(), doc.Key, err, keys)
		}
		keys = keys[1:]
	}
	if len(keys) > 0 {
		rt.Fatalf("backward at %d: %q are not found", sn.Revision(), keys)
	}
}

func (w *modelWorld) lastModel() Revision { return slices.Max(slices.Collect(maps.Keys(w.models))) }

func drawRelationship(rt *rapid.T, now time.Time) engine.Relationship {
	r := engine.Relationship{
		Resource: engine.Object{Type: "document", ID: rapid.SampledFrom([]string{"a", "aa", "a|", "b"}).Draw(rt, "id")},
		Relation: rapid.SampledFrom([]string{"viewer", "editor"}).Draw(rt, "relation"),
		Subject:  engine.Subject{Object: engine.Object{Type: "user", ID: rapid.SampledFrom([]string{"a", "aa", "b"}).Draw(rt, "subject")}},
	}
	if r.Relation == "editor" {
		return r
	}
	switch rapid.IntRange(0, 5).Draw(rt, "kind") {
	case 0:
		r.Subject.ID = engine.Wildcard
	case 1:
		r.Subject = engine.Subject{Object: engine.Object{Type: "group", ID: r.Subject.ID}, Relation: "member"}
	case 2:
		r.Trait = &engine.Trait{Expires: now.Add(time.Duration(rapid.IntRange(-2, 10).Draw(rt, "left")) * time.Second)}
	case 3:
		r.Trait = &engine.Trait{Caveat: "on_day", Context: map[string]any{"day": rapid.SampledFrom([]string{"<", "é", "x"}).Draw(rt, "day")}}
	}
	return r
}

// snapshot opens a random revision that is kept; below the floor it checks that
// it is refused.
func (w *modelWorld) snapshot(rt *rapid.T) (*Snapshot, model) {
	rev := Revision(rapid.Uint64Range(1, uint64(w.s.Head())).Draw(rt, "revision"))
	sn, err := w.s.Snapshot(rev)
	var expired *ExpiredRevisionError
	if rev < w.s.Floor() {
		if !errors.As(err, &expired) {
			rt.Fatalf("revision %d below the floor: %v", rev, err)
		}
		return nil, model{}
	}
	if err != nil {
		rt.Fatal(err)
	}
	return sn, w.models[rev]
}

func (w *modelWorld) read(rt *rapid.T) {
	sn, m := w.snapshot(rt)
	if sn == nil {
		return
	}
	defer sn.Close()
	want := slices.Sorted(maps.Values(m.relationships))
	filters := []Filter{
		{},
		{ResourceType: "document"},
		{Subject: &SubjectFilter{Type: "user"}},
		{ResourceIDPrefix: "a"},
		{Subject: &SubjectFilter{Type: "user", ID: "a"}},
		{ResourceType: "document", ResourceID: "a", Relation: "viewer", Subject: &SubjectFilter{Type: "user", ID: "b"}},
	}
	f := rapid.SampledFrom(filters).Draw(rt, "filter")
	want = slices.DeleteFunc(want, func(text string) bool {
		r := parse(w.t, text)
		return !f.Matches(&r)
	})
	var got []string
	var after *engine.Relationship
	for more := true; more; { // in pages, so that going on is tested too
		more = false
		n := 0
		for r, err := range sn.Relationships(context.Background(), f, after) {
			if err != nil {
				rt.Fatal(err)
			}
			got, after = append(got, r.String()), &r
			if n++; n == 3 {
				more = true
				break
			}
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		rt.Fatalf("revision %d, filter %s:\ngot  %q\nwant %q", sn.Revision(), f, got, want)
	}
	docs := map[string]string{}
	for doc, err := range sn.Documents(context.Background(), "", "") {
		if err != nil {
			rt.Fatal(err)
		}
		docs[doc.Key] = string(doc.Value)
	}
	if !maps.Equal(docs, m.documents) {
		rt.Fatalf("documents at %d: got %v, want %v", sn.Revision(), docs, m.documents)
	}
	m.readChain(rt, sn, "log")
	m.readChain(rt, sn, "log2")
}

func (w *modelWorld) lookup(rt *rapid.T) {
	sn, m := w.snapshot(rt)
	if sn == nil {
		return
	}
	defer sn.Close()
	for range 4 {
		r := drawRelationship(rt, w.now).Key()
		trait, ok, err := sn.Find(r.Resource, r.Relation, r.Subject)
		if err != nil {
			rt.Fatal(err)
		}
		want, has := m.relationships[r]
		got := r
		got.Trait = trait
		if ok != has || ok && got.String() != want {
			rt.Fatalf("revision %d: found %v %s; want %v %s", sn.Revision(), ok, got, has, want)
		}
	}
}

func (w *modelWorld) floor(rt *rapid.T) {
	floor := Revision(rapid.Uint64Range(1, uint64(w.s.Head())).Draw(rt, "floor"))
	w.models[w.s.Head()+1] = w.models[w.s.Head()]
	apply(w.t, w.s, &Transaction{Time: w.now, Floor: floor})
}

func (w *modelWorld) reopen(rt *rapid.T) {
	if w.config.InMemory {
		rt.Skip("nothing is kept")
	}
	before := w.s.Stats()
	shut(w.t, w.s)
	w.s = open(w.t, w.config)
	after := w.s.Stats()
	if before.Hash != after.Hash || before.Head != after.Head || before.Floor != after.Floor || !maps.Equal(before.Counts, after.Counts) {
		w.t.Fatalf("after opening again: %+v, before %+v", after, before)
	}
}
