package engine

import (
	"context"

	"github.com/pemba-authz/pemba/schema"
)

// Checker answers many questions about one subject and remembers, from one to
// the next, what it found. Unlike an Engine it is for one goroutine.
type Checker struct {
	walk     *walk
	relation *schema.Relation // of the last question that was sound; nil before
}

// Checker returns a Checker for a subject. The caller must Release it.
func (e *Engine) Checker(ctx context.Context, subject Subject) *Checker {
	w := e.keepingWalk(ctx, subject)
	w.alike = true
	return &Checker{walk: w}
}

// Check answers as Engine.Check does, with the same errors. Limits hold for each
// question, and Reads counts what this one had to read.
func (c *Checker) Check(resource Object, relation string) (Answer, error) {
	w := c.walk
	r := c.relation
	if r == nil || r.Name != relation || r.Type.Name != resource.Type || resource.ID == Wildcard || w.ctx.Err() != nil {
		var err error
		if r, err = w.engine.question(w.ctx, resource, relation, w.subject); err != nil {
			return Answer{}, err
		}
		if w.subject.IsWildcard() {
			return Answer{}, ErrWildcardSubject
		}
		c.relation = r
	}
	a, err := w.next(r, resource.ID)
	if err != nil {
		w.forget() // sets that were being answered are not
		w.changed, w.rose = false, false
	}
	return a, err
}

// Release gives back what the Checker holds; it must not be used afterwards.
func (c *Checker) Release() { c.walk.release() }
