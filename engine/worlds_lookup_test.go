package engine_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/enginetest"
)

// result is one result of a lookup, as far as both kinds have it.
type result struct {
	id       string
	state    enginetest.Outcome
	excluded string // for comparison only
}

// collect takes all results of a lookup, and checks their order and that they
// are neither refusals nor there twice.
func collect[R any](t *trial, results iter.Seq2[R, error], convert func(R) (result, engine.State, []string)) ([]result, error) {
	var all []result
	for r, err := range results {
		if err != nil {
			return all, err
		}
		out, state, missing := convert(r)
		out.state = outcome(state)
		if n := len(all); n > 0 && all[n-1].id >= out.id {
			return all, fmt.Errorf("%q comes after %q", out.id, all[n-1].id)
		}
		if state == engine.No {
			return all, fmt.Errorf("%q is a result, but not granted", out.id)
		}
		if err := t.missing(state, missing); err != nil {
			return all, fmt.Errorf("%s: %w", out.id, err)
		}
		all = append(all, out)
	}
	return all, nil
}

func convertResource(r engine.Resource) (result, engine.State, []string) {
	return result{id: r.ID}, r.State, r.Missing
}

func convertSubject(r engine.SubjectResult) (result, engine.State, []string) {
	return result{id: r.ID, excluded: fmt.Sprint(r.Excluded)}, r.State, r.Missing
}

// resumes demands that a lookup gives the rest of its results after any of them,
// and after an id that is none.
func resumes(all []result, from func(after string) ([]result, error)) error {
	afters := map[string][]result{"o1+": nil}
	for i, r := range all {
		afters[r.id] = all[i+1:]
		if r.id > "o1+" {
			afters["o1+"] = append(afters["o1+"], r)
		}
	}
	for after, want := range afters {
		got, err := from(after)
		if err != nil {
			return fmt.Errorf("after %q: %w", after, err)
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("after %q: %v, want %v", after, got, want)
		}
	}
	return nil
}

func resourcesAgree(t *trial) error {
	type lookup struct {
		typeName, relation string
		subject            engine.Subject
	}
	lookups := distinct(t.Questions, func(q enginetest.Question) lookup {
		return lookup{q.Resource.Type, q.Relation, q.Subject}
	})
	for i, l := range lookups[:min(len(lookups), 6*few)] {
		from := func(after string) ([]result, error) {
			return collect(t, t.engine.LookupResources(context.Background(), l.typeName, l.relation, l.subject, after), convertResource)
		}
		got, err := from("")
		if err := t.resourcesAre(l.typeName, l.relation, l.subject, got, err); err != nil {
			return fmt.Errorf("%s#%s that hold %s: %w", l.typeName, l.relation, l.subject, err)
		}
		if err != nil || i >= few {
			continue
		}
		if err := resumes(got, from); err != nil {
			return fmt.Errorf("%s#%s that hold %s: %w", l.typeName, l.relation, l.subject, err)
		}
	}
	return nil
}

// resourcesAre compares the results of a lookup with the reference. A resource
// that has no answer may end it, but only in its place.
func (t *trial) resourcesAre(typeName, relation string, subject engine.Subject, got []result, err error) error {
	if notCycle := notCycle(err); err != nil && notCycle != nil {
		return notCycle
	}
	var want []result
	ids := t.ref.Objects(typeName)
	if subject.Type == typeName {
		ids = append(ids, subject.ID)
		slices.Sort(ids)
		ids = slices.Compact(ids)
	}
	for _, id := range ids {
		switch o := t.ref.Check(engine.Object{Type: typeName, ID: id}, relation, subject); o {
		case enginetest.No:
		case enginetest.Cycle:
			if err != nil && slices.Equal(got, want) {
				return nil
			}
		default:
			want = append(want, result{id: id, state: o})
		}
	}
	if err != nil {
		return fmt.Errorf("results %v and then %w; want %v", got, err, want)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("results %v, want %v", got, want)
	}
	return nil
}

func subjectsAgree(t *trial) error {
	type lookup struct {
		set
		typeName, relation string
	}
	lookups := distinct(t.Questions, func(q enginetest.Question) lookup {
		return lookup{setOf(q), q.Subject.Type, q.Subject.Relation}
	})
	for i, l := range lookups[:min(len(lookups), 4*few)] {
		results := func(after string) iter.Seq2[engine.SubjectResult, error] {
			return t.engine.LookupSubjects(context.Background(), l.resource, l.set.relation, l.typeName, l.relation, after)
		}
		from := func(after string) ([]result, error) { return collect(t, results(after), convertSubject) }
		got, err := from("")
		if err == nil {
			err = t.subjectsAre(l.set, l.typeName, l.relation, results(""))
		}
		if err == nil && i < few {
			err = resumes(got, from)
		}
		cycle := t.ref.Check(l.resource, l.set.relation, engine.Subject{Object: l.resource}) == enginetest.Cycle
		switch {
		case cycle && err != nil && notCycle(err) == nil:
		case cycle || err != nil:
			return fmt.Errorf("%s#%s: subjects %s#%s: %v, %w", l.resource, l.set.relation, l.typeName, l.relation, got, err)
		}
	}
	return nil
}

// subjectsAre demands that the results say of every subject what the reference
// says: a result of its own, or else what the wildcard and its exceptions say.
func (t *trial) subjectsAre(s set, typeName, relation string, results iter.Seq2[engine.SubjectResult, error]) error {
	said := map[string]enginetest.Outcome{}
	for r, err := range results {
		if err != nil {
			return err
		}
		for i, x := range r.Excluded {
			if r.ID != engine.Wildcard || i > 0 && x.ID <= r.Excluded[i-1].ID || x.State >= r.State {
				return fmt.Errorf("%s excludes %v", r.ID, r.Excluded)
			}
			said[x.ID] = outcome(x.State)
			if err := t.missing(x.State, x.Missing); err != nil {
				return err
			}
		}
		if before, excluded := said[r.ID]; excluded && before != outcome(r.State) {
			return fmt.Errorf("%s is %s, but excluded as %s", r.ID, r.State, before)
		}
		said[r.ID] = outcome(r.State)
	}
	if _, ok := said[engine.Wildcard]; ok && relation != "" {
		return errors.New("a wildcard among usersets")
	}
	for _, subject := range t.everyone(typeName, relation, enginetest.Nowhere) {
		got, ok := said[subject.ID]
		if !ok {
			got = said[engine.Wildcard]
		}
		if want := t.ref.Check(s.resource, s.relation, subject); got != want {
			return fmt.Errorf("%s is %s by the results, want %s", subject, got, want)
		}
	}
	return nil
}

// foundAgrees demands that Found lists the plain subjects that the reference
// grants when nothing is known of any caveat's values. Where a wildcard means a
// subject, only whether it is granted at all is compared: Found keeps the
// conditions of the wildcard, of its exceptions and of the subject itself apart.
func foundAgrees(t *trial) error {
	blind, err := t.blind()
	if err != nil {
		return err
	}
	e := *t.engine
	e.Limits.Reads = 2000
	for _, s := range t.sets() {
		if blind.Check(s.resource, s.relation, engine.Subject{Object: s.resource}) == enginetest.Cycle {
			continue
		}
		found, err := e.Found(context.Background(), s.resource, s.relation)
		if limit := (*engine.LimitError)(nil); errors.As(err, &limit) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s#%s: %w", s.resource, s.relation, err)
		}
		for _, f := range found {
			if len(f.Relations) == 0 {
				return fmt.Errorf("%s#%s: %s is found, but written nowhere", s.resource, s.relation, f.Subject)
			}
			for _, set := range f.Relations {
				if !t.writes(set, f.Subject) {
					return fmt.Errorf("%s#%s: %s is found by %s, where it is not written", s.resource, s.relation, f.Subject, set)
				}
			}
		}
		for _, typeName := range t.ref.Types() {
			for _, subject := range t.everyone(typeName, "", enginetest.Nowhere) {
				got, meant := foundState(found, subject)
				want := blind.Check(s.resource, s.relation, subject)
				if got != want && (!meant || got == enginetest.No || want == enginetest.No) {
					return fmt.Errorf("%s#%s: %s is %s by what was found, want %s", s.resource, s.relation, subject, got, want)
				}
			}
		}
	}
	return nil
}

// writes reports whether a subject is written in a set: stored in a relation, or
// the object itself, which "self" writes into a permission.
func (t *trial) writes(set string, subject engine.Subject) bool {
	return strings.HasPrefix(set, subject.String()+"#") ||
		slices.ContainsFunc(t.Relationships, func(r engine.Relationship) bool {
			return r.Subject == subject && r.Resource.String()+"#"+r.Relation == set
		})
}

// foundState returns what a list of found subjects says of one, and whether it
// has a wildcard that could mean it.
func foundState(found []engine.FoundSubject, subject engine.Subject) (state enginetest.Outcome, meant bool) {
	surely := func(f engine.FoundSubject) enginetest.Outcome {
		if f.Conditional {
			return enginetest.Conditional
		}
		return enginetest.Yes
	}
	for _, f := range found {
		switch {
		case f.Subject == subject:
			return surely(f), meant
		case !f.Subject.IsWildcard() || f.Subject.Type != subject.Type:
			continue
		}
		meant = true
		if i := slices.IndexFunc(f.Excluded, func(x engine.FoundSubject) bool { return x.Subject == subject }); i < 0 {
			state = surely(f)
		} else if f.Excluded[i].Conditional {
			state = enginetest.Conditional
		}
	}
	return state, meant
}

// blind returns a reference for which every caveat is open.
func (t *trial) blind() (*enginetest.Reference, error) {
	w := t.World
	w.Context = nil
	w.Relationships = slices.Clone(w.Relationships)
	for i, r := range w.Relationships {
		if r.Trait != nil && r.Trait.Caveat != "" {
			trait := *r.Trait
			trait.Context = nil
			w.Relationships[i].Trait = &trait
		}
	}
	return w.Reference()
}
