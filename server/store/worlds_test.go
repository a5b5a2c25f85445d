package store_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/enginetest"
	"github.com/pemba-authz/pemba/server/store"
)

var (
	worlds = flag.Int("worlds", 60, "how many random worlds TestWorlds writes and asks")
	seed   = flag.Uint64("seed", 1, "the seed of the first of them; the others follow")
)

// TestWorlds writes random worlds, one after the other into the same two stores,
// one with a cache and one without, and demands of both what the reference
// evaluator says: cold and warm, after a part of a world is deleted, after it is
// written again, and at the revisions of worlds long gone. PEMBA_SOAK, a
// duration, makes it run that long, from a seed of its own.
func TestWorlds(t *testing.T) {
	first, count, until := *seed, *worlds, time.Time{}
	if soak := os.Getenv("PEMBA_SOAK"); soak != "" {
		d, err := time.ParseDuration(soak)
		if err != nil {
			t.Fatalf("PEMBA_SOAK: %v", err)
		}
		first, until = uint64(time.Now().UnixNano()), time.Now().Add(d)
		t.Logf("soaking for %s from -seed %d", d, first)
	}
	s := openStores(t)
	for i := 0; i < count || time.Now().Before(until); i++ {
		w := enginetest.NewWorld(first + uint64(i))
		if err := s.live(w); err != nil {
			report(t, w, err)
		}
	}
	if err := s.verify(); err != nil {
		t.Error(err)
	}
}

// report shrinks a world that went wrong in stores of its own, and fails.
func report(t *testing.T, w enginetest.World, fault error) {
	t.Helper()
	fails := func(w enginetest.World) bool {
		s := openStores(t)
		defer s.close(t)
		err := s.live(w)
		var wrong *wrongError
		if errors.As(err, &wrong) {
			fault = err
		}
		return wrong != nil
	}
	if !fails(w) {
		t.Fatalf("%v\n\nOnly with the worlds before it, not by itself:\n%s", fault, w)
	}
	small := enginetest.Shrink(w, fails)
	t.Fatalf("%v\n\nWith this world:\n%s", fault, small)
}

// wrongError is an answer that is not the reference's.
type wrongError struct {
	store    string
	moment   string
	question enginetest.Question
	got      string
	want     enginetest.Outcome
}

func (e *wrongError) Error() string {
	return fmt.Sprintf("%s, %s: %s: %s, want %s", e.store, e.moment, e.question, e.got, e.want)
}

// stores are two stores that get the same transactions.
type stores struct {
	named map[string]*store.Store
	past  []moment // to be asked again
	lived int
}

// moment is a world at a revision. Both stores have the same revisions.
type moment struct {
	world    enginetest.World
	ref      *enginetest.Reference
	revision store.Revision
}

func openStores(t *testing.T) *stores {
	t.Helper()
	s := &stores{named: map[string]*store.Store{}}
	for name, bytes := range map[string]int64{"with a cache": 0, "without a cache": -1} {
		opened, err := store.Open(store.Config{InMemory: true, CacheBytes: bytes})
		if err != nil {
			t.Fatal(err)
		}
		s.named[name] = opened
	}
	t.Cleanup(func() { s.close(t) })
	return s
}

func (s *stores) close(t *testing.T) {
	for name, opened := range s.named {
		if err := opened.Close(); err != nil {
			t.Errorf("closing the store %s: %v", name, err)
		}
	}
	s.named = nil
}

func (s *stores) verify() error {
	for name, opened := range s.named {
		if err := opened.Verify(context.Background(), nil); err != nil {
			return fmt.Errorf("the store %s: %w", name, err)
		}
	}
	return nil
}

// apply gives both stores a transaction.
func (s *stores) apply(tx store.Transaction) error {
	tx.Time = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) // before anything expires
	for name, opened := range s.named {
		own := tx
		if _, err := opened.Apply(opened.Head()+1, &own); err != nil {
			return fmt.Errorf("the store %s: %w", name, err)
		}
	}
	return nil
}

// write gives both stores the relationships.
func (s *stores) write(op store.Op, rels []engine.Relationship) error {
	var tx store.Transaction
	for _, r := range rels {
		tx.Updates = append(tx.Updates, store.Update{Op: op, Relationship: r})
	}
	return s.apply(tx)
}

// live writes a world, asks, deletes a part of it, asks, writes it again, asks,
// and looks back.
func (s *stores) live(w enginetest.World) error {
	s.lived++
	if err := s.apply(store.Transaction{Deletes: []store.FilterDelete{{}}}); err != nil {
		return err
	}
	if err := s.apply(store.Transaction{Schema: &w.Schema}); err != nil {
		return err
	}
	part, rest := split(w)
	less := w
	less.Relationships = rest
	for _, step := range []struct {
		what  string
		op    store.Op
		rels  []engine.Relationship
		world enginetest.World
	}{
		{"written", store.Create, w.Relationships, w},
		{"with a part deleted", store.Delete, part, less},
		{"written again", store.Touch, w.Relationships, w},
	} {
		if err := s.write(step.op, step.rels); err != nil {
			return err
		}
		if err := s.ask(step.what, step.world); err != nil {
			return err
		}
	}
	if err := s.flicker(w); err != nil {
		return err
	}
	return s.lookBack()
}

// flicker deletes some relationships one at a time, and writes each again, so
// that nearly all that was answered before still holds, and the rest must not be
// answered from memory.
func (s *stores) flicker(w enginetest.World) error {
	random := rand.New(rand.NewPCG(w.Seed, 3))
	for _, i := range random.Perm(len(w.Relationships))[:min(len(w.Relationships), 4)] {
		one := w.Relationships[i : i+1]
		less := w
		less.Relationships = slices.Delete(slices.Clone(w.Relationships), i, i+1)
		for _, step := range []struct {
			what  string
			op    store.Op
			world enginetest.World
		}{{"without", store.Delete, less}, {"again with", store.Touch, w}} {
			if err := s.write(step.op, one); err != nil {
				return err
			}
			ref, err := step.world.Reference()
			if err != nil {
				return err
			}
			for name, opened := range s.named {
				m := moment{world: step.world, ref: ref, revision: opened.Head()}
				if err := m.askTogether(name, fmt.Sprintf("%s %s", step.what, one[0]), opened); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// split parts the relationships of a world at random.
func split(w enginetest.World) (part, rest []engine.Relationship) {
	random := rand.New(rand.NewPCG(w.Seed, 2))
	for _, r := range w.Relationships {
		if random.IntN(3) == 0 {
			part = append(part, r)
		} else {
			rest = append(rest, r)
		}
	}
	return part, rest
}

// ask asks both stores at their heads, twice, and remembers the moment.
func (s *stores) ask(what string, w enginetest.World) error {
	ref, err := w.Reference()
	if err != nil {
		return err
	}
	m := moment{world: w, ref: ref}
	for name, opened := range s.named {
		m.revision = opened.Head()
		for _, again := range []string{"", ", asked again"} {
			if err := m.ask(name, what+again, opened); err != nil {
				return err
			}
		}
	}
	s.past = append(s.past, m)
	return nil
}

// lookBack asks again about one of the last few moments, and about an old one.
func (s *stores) lookBack() error {
	for _, ago := range []int{2 + s.lived%3, s.lived * 7 % len(s.past)} {
		m := s.past[max(0, len(s.past)-1-ago)]
		for name, opened := range s.named {
			if err := m.ask(name, fmt.Sprintf("looking back to revision %d from %d", m.revision, opened.Head()), opened); err != nil {
				return err
			}
		}
	}
	return nil
}

// ask compares the answers of a store at the moment's revision with the
// reference's: checks, and lookups for some of them.
func (m moment) ask(name, what string, from *store.Store) error {
	snapshot, err := from.Snapshot(m.revision)
	if err != nil {
		return err
	}
	defer snapshot.Close()
	e, err := m.engine(snapshot)
	if err != nil {
		return err
	}
	for i, q := range m.questions() {
		wrong := &wrongError{store: name, moment: what, question: q, want: m.ref.Check(q.Resource, q.Relation, q.Subject)}
		a, err := e.Check(context.Background(), q.Resource, q.Relation, q.Subject)
		if err := wrong.judge(a, err); err != nil {
			return err
		}
		if i < 10 && wrong.want != enginetest.Cycle {
			if err := m.lookUp(e, wrong); err != nil {
				return err
			}
		}
	}
	return nil
}

// askTogether is ask for checks alone: those about one subject share their work.
func (m moment) askTogether(name, what string, from *store.Store) error {
	snapshot, err := from.Snapshot(m.revision)
	if err != nil {
		return err
	}
	defer snapshot.Close()
	e, err := m.engine(snapshot)
	if err != nil {
		return err
	}
	checkers := map[engine.Subject]*engine.Checker{}
	defer func() {
		for _, c := range checkers {
			c.Release()
		}
	}()
	for _, q := range m.questions() {
		wrong := &wrongError{store: name, moment: what, question: q, want: m.ref.Check(q.Resource, q.Relation, q.Subject)}
		c := checkers[q.Subject]
		if c == nil {
			c = e.Checker(context.Background(), q.Subject)
			checkers[q.Subject] = c
		}
		a, err := c.Check(q.Resource, q.Relation)
		if err := wrong.judge(a, err); err != nil {
			return err
		}
	}
	return nil
}

// questions returns those that are asked of a world.
func (m moment) questions() []enginetest.Question {
	return m.world.Questions[:min(len(m.world.Questions), 60)]
}

func (m moment) engine(snapshot *store.Snapshot) (*engine.Engine, error) {
	compiled, err := snapshot.Schema()
	return &engine.Engine{Schema: compiled, Reader: snapshot, Now: m.world.Now, Context: m.world.Context, Limits: engine.Limits{Depth: 1000}}, err
}

// judge returns the error itself if an answer is not the one that is wanted, or
// what kept it from being given.
func (e *wrongError) judge(a engine.Answer, err error) error {
	e.got = a.State.String()
	if cycle := (*engine.CycleError)(nil); errors.As(err, &cycle) {
		e.got = enginetest.Cycle.String()
	} else if err != nil {
		return err
	}
	if e.got != e.want.String() {
		return e
	}
	return nil
}

// lookUp demands that the lookup of resources says the same as the check.
func (m moment) lookUp(e *engine.Engine, wrong *wrongError) error {
	q, listed := wrong.question, "no"
	for r, err := range e.LookupResources(context.Background(), q.Resource.Type, q.Relation, q.Subject, "") {
		switch cycle := (*engine.CycleError)(nil); {
		case errors.As(err, &cycle):
			return nil // another resource has no answer
		case err != nil:
			return err
		case r.ID == q.Resource.ID:
			listed = r.State.String()
		}
	}
	if listed != wrong.want.String() {
		wrong.got = listed + " by LookupResources"
		return wrong
	}
	return nil
}

// TestWorldsDiffer proves that split parts a world, so that something is
// deleted.
func TestWorldsDiffer(t *testing.T) {
	parted := 0
	for seed := range uint64(100) {
		w := enginetest.NewWorld(seed)
		part, rest := split(w)
		if all := slices.Concat(part, rest); len(all) != len(w.Relationships) {
			t.Fatalf("world %d: %d of %d relationships are left", seed, len(all), len(w.Relationships))
		}
		if len(part) > 0 && len(rest) > 0 {
			parted++
		}
	}
	if parted < 80 {
		t.Errorf("only %d of 100 worlds are parted", parted)
	}
}
