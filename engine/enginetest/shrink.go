package enginetest

import (
	"maps"
	"slices"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// Shrink returns a smaller world that still fails, the smallest that dropping
// one thing at a time leads to. Fails reports whether a world shows the failure;
// it is asked of many worlds, also of ones whose schema is not valid or does not
// allow the relationships, and must say false to those.
func Shrink(w World, fails func(World) bool) World {
	s := &shrinker{World: w, fails: fails}
	for s.progress = true; s.progress; {
		s.progress = false
		s.questions()
		s.relationships()
		s.traits()
		s.context()
		s.schema()
	}
	return s.World
}

type shrinker struct {
	World
	fails    func(World) bool
	progress bool // in this round
}

// try keeps the smaller world if it fails too.
func (s *shrinker) try(w World) bool {
	if !s.fails(w) {
		return false
	}
	s.World, s.progress = w, true
	return true
}

// drop removes runs of a slice, long ones first, as long as that fails.
func drop[T any](list []T, try func([]T) bool) {
	for size := len(list); size > 0; size /= 2 {
		for at := 0; at+size <= len(list); {
			less := slices.Concat(list[:at], list[at+size:])
			if try(less) {
				list = less
			} else {
				at += size
			}
		}
	}
}

func (s *shrinker) questions() {
	drop(s.Questions, func(less []Question) bool {
		w := s.World
		w.Questions = less
		return len(less) > 0 && s.try(w)
	})
}

func (s *shrinker) relationships() {
	drop(s.Relationships, func(less []engine.Relationship) bool {
		w := s.World
		w.Relationships = less
		return s.try(w)
	})
}

// traits drops stored contexts, then each caveat and the expirations from the
// relationships and the schema at once.
func (s *shrinker) traits() {
	for i, r := range s.Relationships {
		if r.Trait != nil && len(r.Trait.Context) > 0 {
			trait := *r.Trait
			trait.Context = nil
			w := s.World
			w.Relationships = slices.Clone(w.Relationships)
			w.Relationships[i].Trait = &trait
			s.try(w)
		}
	}
	s.strip(func(t *engine.Trait, a *syntax.Allowed) {
		if a != nil {
			a.Expiration = false
		} else {
			t.Expires = engine.Trait{}.Expires
		}
	})
	file, _ := syntax.Parse(s.Schema)
	for _, d := range file.Decls {
		c, ok := d.(*syntax.Caveat)
		if !ok {
			continue
		}
		name := c.Name.Name
		s.strip(func(t *engine.Trait, a *syntax.Allowed) {
			if a != nil && a.Caveat != nil && a.Caveat.Name == name {
				a.Caveat = nil
			} else if t != nil && t.Caveat == name {
				t.Caveat, t.Context = "", nil
			}
		})
	}
}

// strip tries the world with every trait and every allowed type changed; one of
// the two arguments of change is nil.
func (s *shrinker) strip(change func(*engine.Trait, *syntax.Allowed)) {
	w := s.World
	w.Relationships = slices.Clone(w.Relationships)
	for i, r := range w.Relationships {
		if r.Trait != nil {
			trait := *r.Trait
			change(&trait, nil)
			w.Relationships[i].Trait = &trait
			if trait.Caveat == "" && trait.Expires.IsZero() {
				w.Relationships[i].Trait = nil
			}
		}
	}
	file, err := syntax.Parse(w.Schema)
	if err != nil {
		return
	}
	forRelations(file, func(r *syntax.Relation) {
		seen := map[string]bool{}
		r.Allowed = slices.DeleteFunc(r.Allowed, func(a *syntax.Allowed) bool {
			change(nil, a)
			again := seen[printAllowed(a)]
			seen[printAllowed(a)] = true
			return again
		})
	})
	if w.Schema = Print(file); w.Schema != s.Schema {
		s.try(w)
	}
}

func (s *shrinker) context() {
	for _, name := range slices.Sorted(maps.Keys(s.Context)) {
		w := s.World
		w.Context = maps.Clone(w.Context)
		delete(w.Context, name)
		s.try(w)
	}
}

// schema tries every cut of the schema; after one that fails, what was the next
// stands at the same place.
func (s *shrinker) schema() {
	for i := 0; ; {
		file, err := syntax.Parse(s.Schema)
		if err != nil {
			return
		}
		cuts := cutsOf(file)
		if i >= len(cuts) {
			return
		}
		cuts[i]()
		w := s.World
		if w.Schema = Print(file); w.Schema == s.Schema || !s.try(w) {
			i++
		}
	}
}

// cutsOf returns functions, each of which makes the tree smaller in one place.
// Only one of them may be called.
func cutsOf(f *syntax.File) []func() {
	var cuts []func()
	for i, d := range f.Decls {
		cuts = append(cuts, func() { f.Decls = slices.Delete(f.Decls, i, i+1) })
		d, ok := d.(*syntax.Definition)
		if !ok {
			continue
		}
		for j, m := range d.Members {
			cuts = append(cuts, func() { d.Members = slices.Delete(d.Members, j, j+1) })
			if p, ok := m.(*syntax.Permission); ok {
				if len(p.Types) > 0 {
					cuts = append(cuts, func() { p.Types = nil })
				}
				cuts = append(cuts, exprCuts(&p.Expr)...)
			}
		}
	}
	forRelations(f, func(r *syntax.Relation) {
		for i := range r.Allowed {
			if len(r.Allowed) > 1 {
				cuts = append(cuts, func() { r.Allowed = slices.Delete(r.Allowed, i, i+1) })
			}
		}
	})
	return cuts
}

// exprCuts replaces an expression, or one inside it, by a part of it.
func exprCuts(at *syntax.Expr) []func() {
	switch x := (*at).(type) {
	case *syntax.Paren:
		return append([]func(){func() { *at = x.X }}, exprCuts(&x.X)...)
	case *syntax.Binary:
		cuts := []func(){func() { *at = x.X }, func() { *at = x.Y }}
		return slices.Concat(cuts, exprCuts(&x.X), exprCuts(&x.Y))
	}
	return nil
}

func forRelations(f *syntax.File, do func(*syntax.Relation)) {
	for _, d := range f.Decls {
		if d, ok := d.(*syntax.Definition); ok {
			for _, m := range d.Members {
				if r, ok := m.(*syntax.Relation); ok {
					do(r)
				}
			}
		}
	}
}
