package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/engine/enginetest"
)

// TestChecker asks a Checker for every subject of random worlds, one question
// after the other, and demands what the reference says of each alone.
func TestChecker(t *testing.T) {
	caveats := &cachedCaveats{compiler: caveat.New()}
	for seed := uint64(1); seed <= 300; seed++ {
		w, err := open(enginetest.NewWorld(seed), caveats)
		if err != nil {
			t.Fatal(err)
		}
		checkers := map[engine.Subject]*engine.Checker{}
		for _, q := range w.Questions {
			c := checkers[q.Subject]
			if c == nil {
				c = w.engine.Checker(context.Background(), q.Subject)
				checkers[q.Subject] = c
				defer c.Release()
			}
			a, err := c.Check(q.Resource, q.Relation)
			got := outcome(a.State)
			if err != nil {
				if err := notCycle(err); err != nil {
					t.Fatalf("%s: %v\n%s", q, err, w)
				}
				got = enginetest.Cycle
			}
			if want := w.want(q); got != want {
				t.Fatalf("%s: %s, want %s\n%s", q, got, want, w)
			}
		}
	}
}

// TestCheckerAfterErrors goes on after a question that failed in the middle of
// a walk: what it left unanswered is no answer.
func TestCheckerAfterErrors(t *testing.T) {
	e := portal(t)
	broken := errors.New("the disk is on fire")
	for failAt := 1; failAt < 30; failAt++ {
		reader := &failingReader{Reader: e.Reader, failAt: failAt, err: broken}
		with := *e
		with.Reader = reader
		c := with.Checker(context.Background(), engine.Subject{Object: engine.Object{Type: "user", ID: "company_admin"}})
		resource := engine.Object{Type: "subscription", ID: "modeler"}
		if _, err := c.Check(resource, "remove_user"); err != nil && !errors.Is(err, broken) {
			t.Fatal(err)
		}
		reader.failAt = 0
		a, err := c.Check(resource, "remove_user")
		if err != nil || a.State != engine.Yes {
			t.Errorf("after an error at read %d: %v, %v", failAt, a.State, err)
		}
		c.Release()
	}
}

// failingReader fails at one read.
type failingReader struct {
	engine.Reader
	reads, failAt int
	err           error
}

func (r *failingReader) Find(resource engine.Object, relation string, subject engine.Subject) (*engine.Trait, bool, error) {
	if r.reads++; r.reads == r.failAt {
		return nil, false, r.err
	}
	return r.Reader.Find(resource, relation, subject)
}

func (r *failingReader) Subjects(resource engine.Object, relation, subjectType, subjectRelation, after string) ([]engine.Entry, bool, error) {
	if r.reads++; r.reads == r.failAt {
		return nil, false, r.err
	}
	return r.Reader.Subjects(resource, relation, subjectType, subjectRelation, after)
}
