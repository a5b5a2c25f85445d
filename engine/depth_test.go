package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/engine/enginetest"
)

// TestCheckerAtTheDepthLimit asks the questions of random worlds one after the
// other, within depth limits that many of them reach: whatever was asked before,
// the answer or the error is that of the question alone.
func TestCheckerAtTheDepthLimit(t *testing.T) {
	caveats := &cachedCaveats{compiler: caveat.New()}
	asked, deep, shared := 0, 0, 0
	for seed := uint64(1); seed <= 150; seed++ {
		w, err := open(enginetest.NewWorld(seed), caveats)
		if err != nil {
			t.Fatal(err)
		}
		for depth := 1; depth <= 6; depth++ {
			e := *w.engine
			e.Limits.Depth = depth
			checkers := map[engine.Subject]*engine.Checker{}
			for _, q := range w.Questions {
				c := checkers[q.Subject]
				if c == nil {
					c = e.Checker(context.Background(), q.Subject)
					checkers[q.Subject] = c
				}
				alone, aloneErr := e.Check(context.Background(), q.Resource, q.Relation, q.Subject)
				a, err := c.Check(q.Resource, q.Relation)
				if text(err) != text(aloneErr) || a.State != alone.State {
					t.Fatalf("depth %d: %s: %v, %v after other questions, %v, %v alone\n%s", depth, q, a.State, err, alone.State, aloneErr, w)
				}
				if asked++; a.Reads < alone.Reads {
					shared++
				}
				if tooDeep := (*engine.DepthError)(nil); errors.As(err, &tooDeep) {
					deep++
				}
			}
			for _, c := range checkers {
				c.Release()
			}
		}
	}
	if deep*200 < asked || shared*50 < asked {
		t.Errorf("of %d questions %d were too deep and %d shared work: too few to tell", asked, deep, shared)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
