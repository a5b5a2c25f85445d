package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/enginetest"
)

// properties are what TestWorlds demands of every world.
func properties() []property {
	return []property{
		{"Check says what the reference says", checkAgrees},
		{"Check says until when it holds", untilHolds},
		{"Explain says what Check says", explainAgrees},
		{"a limit is an error or changes nothing", limitsHold},
		{"Expand shows the sets", expandAgrees},
		{"Found lists the subjects", foundAgrees},
		{"LookupResources lists what Check grants", resourcesAgree},
		{"LookupSubjects lists what Check grants", subjectsAgree},
		{"a reformatted schema answers the same", reformatted},
		{"reordered operands answer the same", reordered},
		{"an unrelated relationship changes nothing", unrelated},
		{"renamed ids answer the same", renamed},
	}
}

// dearest is how many reads a check may take for each set and relationship of its
// world. Cycles are walked in rounds, but must not multiply.
const dearest = 10

func checkAgrees(t *trial) error {
	size := len(t.Relationships)
	for _, typeName := range t.ref.Types() {
		size += (1 + len(t.ref.Objects(typeName))) * len(t.ref.Relations(typeName))
	}
	for _, q := range t.Questions {
		a, got, err := t.check(q)
		if err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		if want := t.want(q); got != want {
			return fmt.Errorf("%s: %s, want %s", q, got, want)
		}
		if err := t.missing(a.State, a.Missing); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		if a.Reads > dearest*size {
			return fmt.Errorf("%s: %d reads among %d sets and relationships", q, a.Reads, size)
		}
	}
	return nil
}

// missing checks the names of missing parameters: some exactly if the answer is
// conditional, sorted, each the name of a parameter that the request left open.
func (t *trial) missing(s engine.State, names []string) error {
	if (s == engine.Conditional) != (len(names) > 0) || !slices.IsSorted(names) {
		return fmt.Errorf("%s with the missing parameters %q", s, names)
	}
	for _, name := range names {
		if _, given := t.Context[name]; given {
			return fmt.Errorf("%q is said to be missing, but the request has it", name)
		}
	}
	return nil
}

// untilHolds asks again just before the answer may change and, if it never
// does, when everything that expires has.
func untilHolds(t *trial) error {
	expiring := slices.ContainsFunc(t.Relationships, func(r engine.Relationship) bool {
		return r.Trait != nil && !r.Trait.Expires.IsZero()
	})
	if !expiring {
		return nil
	}
	for _, q := range t.Questions[:min(len(t.Questions), 40)] {
		a, now, err := t.check(q)
		if err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		then := t.Now.AddDate(10, 0, 0)
		if !a.Until.IsZero() {
			then = a.Until.Add(-1)
		}
		if now == enginetest.Cycle || then.Before(t.Now) {
			continue // an expiration may end a cycle that no answer was given for
		}
		later := *t
		e := *t.engine
		e.Now, later.engine = then, &e
		if _, got, err := later.check(q); err != nil || got != now {
			return fmt.Errorf("%s: %s until %s, but %s at %s (%v)", q, now, a.Until.Format(time.RFC3339Nano), got, then.Format(time.RFC3339Nano), err)
		}
	}
	return nil
}

func explainAgrees(t *trial) error {
	for _, q := range t.Questions[:min(len(t.Questions), 40)] {
		a, want, err := t.check(q)
		if err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		b, step, err := t.engine.Explain(context.Background(), q.Resource, q.Relation, q.Subject)
		switch {
		case err != nil && (want != enginetest.Cycle || notCycle(err) != nil):
			return fmt.Errorf("%s: %w", q, err)
		case err != nil:
			continue
		case a.State != b.State || !a.Until.Equal(b.Until) || !slices.Equal(a.Missing, b.Missing):
			return fmt.Errorf("%s: explained %+v, checked %+v", q, b, a)
		case step == nil || step.State != a.State || step.Resource != q.Resource || step.Relation != q.Relation:
			return fmt.Errorf("%s: the explanation begins with %+v", q, step)
		}
	}
	return nil
}

// limitsHold asks with narrow limits: the answer is the same, or the limit's
// error. A lookup may give results before the error, if they are the right ones.
func limitsHold(t *trial) error {
	limited := func(err error) bool {
		depth, limit := (*engine.DepthError)(nil), (*engine.LimitError)(nil)
		return errors.As(err, &depth) || errors.As(err, &limit)
	}
	for i, q := range t.Questions[:min(len(t.Questions), 40)] {
		e := *t.engine
		e.Limits = []engine.Limits{
			{Depth: 1}, {Depth: 2}, {Depth: 3}, {Reads: 1}, {Reads: 3}, {Reads: 8}, {Depth: 2, Candidates: 2}, {Candidates: 1}, {CandidateBytes: 3},
		}[i%9]
		narrow := *t
		narrow.engine = &e
		if _, got, err := narrow.check(q); !limited(err) && (err != nil || got != t.want(q)) {
			return fmt.Errorf("%s within %+v: %s (%v), want %s", q, e.Limits, got, err, t.want(q))
		}
		got, err := collect(&narrow, e.LookupResources(context.Background(), q.Resource.Type, q.Relation, q.Subject, ""), convertResource)
		if !limited(err) {
			if err := t.resourcesAre(q.Resource.Type, q.Relation, q.Subject, got, err); err != nil {
				return fmt.Errorf("resources for %s within %+v: %w", q, e.Limits, err)
			}
			continue
		}
		for _, r := range got {
			q.Resource.ID = r.id
			if want := t.want(q); r.state != want {
				return fmt.Errorf("resources for %s within %+v: %s, want %s", q, e.Limits, r.state, want)
			}
		}
	}
	return nil
}

// set is a relation or permission of an object.
type set struct {
	resource engine.Object
	relation string
}

func setOf(q enginetest.Question) set { return set{q.Resource, q.Relation} }

// few is how many distinct sets of a world are expanded or looked up.
const few = 12

func (t *trial) sets() []set {
	sets := distinct(t.Questions, setOf)
	return sets[:min(len(sets), few)]
}

// everyone returns the subjects of a kind that any relationship or question
// could tell apart.
func (t *trial) everyone(typeName, relation string, more ...string) []engine.Subject {
	ids := append(t.ref.Objects(typeName), more...)
	slices.Sort(ids)
	var all []engine.Subject
	for _, id := range slices.Compact(ids) {
		all = append(all, engine.Subject{Object: engine.Object{Type: typeName, ID: id}, Relation: relation})
	}
	return all
}

// expandAgrees asks the trees about every plain subject and the usersets of the
// questions. Trees of cycles may grow beyond what a test can look at.
func expandAgrees(t *trial) error {
	e := *t.engine
	e.Limits.Reads = 2000
	for _, s := range t.sets() {
		subjects := t.subjectsToAsk()
		if t.ref.Check(s.resource, s.relation, subjects[0]) == enginetest.Cycle {
			continue
		}
		for _, recursive := range []bool{false, true} {
			tree, err := e.Expand(context.Background(), s.resource, s.relation, recursive)
			if limit := (*engine.LimitError)(nil); errors.As(err, &limit) {
				continue
			}
			if err != nil {
				return fmt.Errorf("%s#%s: %w", s.resource, s.relation, err)
			}
			for _, subject := range subjects {
				got, want := t.ref.Tree(tree, recursive, subject), t.ref.Check(s.resource, s.relation, subject)
				if got != want {
					return fmt.Errorf("%s#%s@%s: %s in the tree (recursive: %v), want %s", s.resource, s.relation, subject, got, recursive, want)
				}
			}
		}
	}
	return nil
}

// subjectsToAsk returns every plain subject, one of each type that is not
// mentioned anywhere, and the usersets that questions name.
func (t *trial) subjectsToAsk() []engine.Subject {
	var all []engine.Subject
	for _, typeName := range t.ref.Types() {
		all = append(all, t.everyone(typeName, "", enginetest.Nowhere)...)
	}
	for _, s := range distinct(t.Questions, func(q enginetest.Question) engine.Subject { return q.Subject }) {
		if s.Relation != "" {
			all = append(all, s)
		}
	}
	return all
}
