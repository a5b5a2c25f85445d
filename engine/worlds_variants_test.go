package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/enginetest"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// same demands that another world gives the answers of this one. Rename turns
// a question of this world into one of the other.
func (t *trial) same(w enginetest.World, rename func(engine.Object) engine.Object) error {
	w.Questions = nil
	other, err := open(w, t.caveats)
	if err != nil {
		return err
	}
	for _, q := range t.Questions[:min(len(t.Questions), 60)] {
		asked := q
		if rename != nil {
			asked.Resource, asked.Subject.Object = rename(q.Resource), rename(q.Subject.Object)
		}
		_, got, err := other.check(asked)
		if want := t.want(q); err != nil || got != want {
			return fmt.Errorf("%s: %s, want %s as for %s (%v)", asked, got, want, q, err)
		}
	}
	return nil
}

func reformatted(t *trial) error {
	w := t.World
	text, err := syntax.Format(w.Schema)
	if err != nil {
		return err
	}
	w.Schema = text
	return t.same(w, nil)
}

// reordered swaps operands of unions and intersections, members and allowed
// types at random.
func reordered(t *trial) error {
	w := t.World
	file, errs := syntax.Parse(w.Schema)
	if errs != nil {
		return errs
	}
	random := rand.New(rand.NewPCG(w.Seed, 1))
	var swap func(x syntax.Expr)
	swap = func(x syntax.Expr) {
		switch x := x.(type) {
		case *syntax.Paren:
			swap(x.X)
		case *syntax.Binary:
			if x.Op != '-' && random.IntN(2) == 0 {
				x.X, x.Y = x.Y, x.X
			}
			swap(x.X)
			swap(x.Y)
		}
	}
	for _, d := range file.Decls {
		d, ok := d.(*syntax.Definition)
		if !ok {
			continue
		}
		random.Shuffle(len(d.Members), func(i, j int) { d.Members[i], d.Members[j] = d.Members[j], d.Members[i] })
		for _, m := range d.Members {
			switch m := m.(type) {
			case *syntax.Relation:
				slices.Reverse(m.Allowed)
			case *syntax.Permission:
				swap(m.Expr)
			}
		}
	}
	w.Schema = enginetest.Print(file)
	return t.same(w, nil)
}

// unrelated repeats every relationship for another set of objects.
func unrelated(t *trial) error {
	w := t.World
	w.Relationships = slices.Clone(w.Relationships)
	for _, r := range t.Relationships {
		r.Resource.ID += "-other"
		if !r.Subject.IsWildcard() {
			r.Subject.ID += "-other"
		}
		w.Relationships = append(w.Relationships, r)
	}
	return t.same(w, nil)
}

// renamed gives every object another id, the order of ids turned round.
func renamed(t *trial) error {
	w := t.World
	rename := func(o engine.Object) engine.Object {
		if o.ID == engine.Wildcard {
			return o
		}
		o.ID = strings.Map(func(c rune) rune {
			if c >= 'a' && c <= 'z' {
				return 'z' - (c - 'a')
			}
			if c >= '0' && c <= '9' {
				return '9' - (c - '0')
			}
			return c
		}, o.ID)
		return o
	}
	w.Relationships = slices.Clone(w.Relationships)
	for i := range w.Relationships {
		r := &w.Relationships[i]
		r.Resource, r.Subject.Object = rename(r.Resource), rename(r.Subject.Object)
	}
	return t.same(w, rename)
}
