package suite

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// Outcome is what became of one claim.
type Outcome struct {
	At      Place
	Name    string // the claim's text, or the set
	Failure string // what does not hold; "": nothing
	Took    time.Duration

	Claim    *Claim // nil for a set
	Answered bool   // the claim has an answer
	Answer   engine.Answer

	Set             *SetClaim // nil for a claim
	Found           []string  // the lines of the set as it is
	Absent, Surplus []string  // lines that were expected and not found, and the other way round
}

// Run answers the claims of a suite without errors one after the other. The engine
// is that of its schema and relationships. The error, which ends it, is that of a
// context that has ended: a question that cannot be answered fails its claim.
func (s *Suite) Run(ctx context.Context, e engine.Engine) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		add := func(judge func() (Outcome, error)) bool {
			start := time.Now()
			o, err := judge()
			o.Took = time.Since(start)
			return yield(o, err) && err == nil
		}
		for i := range s.Claims {
			if !add(func() (Outcome, error) { return s.Claims[i].judge(ctx, e) }) {
				return
			}
		}
		for i := range s.Sets {
			if !add(func() (Outcome, error) { return s.Sets[i].judge(ctx, e) }) {
				return
			}
		}
	}
}

// Engine returns the engine of the suite's schema and relationships.
func (s *Suite) Engine(now time.Time) engine.Engine {
	return engine.Engine{Schema: s.Schema, Reader: engine.NewMemory(s.Relationships...), Now: now}
}

func (c *Claim) judge(ctx context.Context, e engine.Engine) (Outcome, error) {
	e.Context = c.Context
	o := Outcome{At: c.At, Name: c.Text, Claim: c}
	answer, err := e.Check(ctx, c.Resource, c.Permission, c.Subject)
	if ctx.Err() != nil {
		return o, ctx.Err()
	}
	if err != nil {
		o.Failure = err.Error()
		return o, nil
	}
	o.Answered, o.Answer = true, answer
	if answer.State != c.Want {
		o.Failure = fmt.Sprintf("expected %s, got %s", Word(c.Want), Describe(answer))
	}
	return o, nil
}

// judge compares the whole set.
func (c *SetClaim) judge(ctx context.Context, e engine.Engine) (Outcome, error) {
	o := Outcome{At: c.At, Name: c.Resource.String() + "#" + c.Permission, Set: c}
	found, err := e.Found(ctx, c.Resource, c.Permission)
	if ctx.Err() != nil {
		return o, ctx.Err()
	}
	if err != nil {
		o.Failure = err.Error()
		return o, nil
	}
	o.Absent, o.Surplus = compareFound(c.Want, found)
	for _, f := range found {
		o.Found = append(o.Found, foundText(f))
	}
	if len(o.Absent)+len(o.Surplus) > 0 {
		o.Failure = fmt.Sprintf("the set differs: %d expected and not found, %d found and not expected", len(o.Absent), len(o.Surplus))
	}
	return o, nil
}
