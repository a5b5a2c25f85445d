package enginetest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// Outcome is what the Reference says: No < Conditional < Yes, or Cycle.
type Outcome uint8

const (
	No Outcome = iota
	Conditional
	Yes
	// Cycle says that the data closes a recursion through the right side of an
	// exclusion, so that the question has no answer.
	Cycle
)

// String returns the outcome in lower case.
func (o Outcome) String() string {
	return [...]string{"no", "conditional", "yes", "cycle"}[o]
}

func not(o Outcome) Outcome { return Yes - o }

func truth(b bool) Outcome {
	if b {
		return Yes
	}
	return No
}

// node is a set: a relation or permission of one object.
type node struct {
	object   engine.Object
	relation string
}

// fact is a relationship that exists now, with what its caveat says.
type fact struct {
	subject engine.Subject
	caveat  Outcome
	trait   *engine.Trait
}

// Reference answers every question about a world by computing all sets
// bottom-up: the sets are taken in the order of their dependencies, and those
// that depend on each other start as empty and grow until nothing changes.
// It is not safe for concurrent use.
type Reference struct {
	types   map[string]map[string]syntax.Member
	bodies  map[string]string // of caveats
	facts   map[node][]fact
	expires map[node]bool          // whether any relationship of it does
	objects map[engine.Object]bool // what the nodes below cover

	nodes  []node
	index  map[node]int
	links  [][]link
	groups []group // of nodes that depend on each other, dependencies first
	in     []int   // the group of each node

	values map[engine.Subject][]Outcome // of every node, for subjects asked about before
}

// NewReference prepares to answer questions. It returns an error if a caveat is
// not of the little grammar that it reads (see condition).
func NewReference(file *syntax.File, rels []engine.Relationship, context map[string]any, now time.Time) (*Reference, error) {
	r := &Reference{
		types:   map[string]map[string]syntax.Member{},
		bodies:  map[string]string{},
		facts:   map[node][]fact{},
		expires: map[node]bool{},
		objects: map[engine.Object]bool{},
	}
	r.declare(file)
	for _, rel := range rels {
		r.objects[rel.Resource] = true
		if !rel.Subject.IsWildcard() {
			r.objects[rel.Subject.Object] = true
		}
		n := node{rel.Resource, rel.Relation}
		f := fact{subject: rel.Subject, caveat: Yes, trait: rel.Trait}
		if t := rel.Trait; t != nil && !t.Expires.IsZero() {
			r.expires[n] = true
			if !t.Expires.After(now) {
				continue
			}
		}
		if t := rel.Trait; t != nil && t.Caveat != "" {
			v, err := decide(r.bodies[t.Caveat], merge(context, t.Context))
			if err != nil {
				return nil, fmt.Errorf("deciding %s: %w", rel, err)
			}
			f.caveat = v
		}
		r.facts[n] = append(r.facts[n], f)
	}
	r.build()
	return r, nil
}

// merge returns the values of both contexts; stored ones win.
func merge(request, stored map[string]any) map[string]any {
	all := map[string]any{}
	maps.Copy(all, request)
	maps.Copy(all, stored)
	return all
}

// declare notes the members of every type, those of partials in place.
func (r *Reference) declare(file *syntax.File) {
	partials := map[string]*syntax.Definition{}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *syntax.Caveat:
			r.bodies[d.Name.Name] = d.Body
		case *syntax.Definition:
			if d.Partial {
				partials[d.Name.Name] = d
			}
		}
	}
	var take func(into map[string]syntax.Member, from *syntax.Definition)
	take = func(into map[string]syntax.Member, from *syntax.Definition) {
		for _, m := range from.Members {
			switch m := m.(type) {
			case *syntax.Relation:
				into[m.Name.Name] = m
			case *syntax.Permission:
				into[m.Name.Name] = m
			case *syntax.Spread:
				take(into, partials[m.Name.Name])
			}
		}
	}
	for _, d := range file.Decls {
		if d, ok := d.(*syntax.Definition); ok && !d.Partial {
			r.types[d.Name.Name] = map[string]syntax.Member{}
			take(r.types[d.Name.Name], d)
		}
	}
}

// Objects returns the ids of a type that any relationship mentions, or that
// questions asked so far have named as a resource, sorted.
func (r *Reference) Objects(typeName string) []string {
	var ids []string
	for o := range r.objects {
		if o.Type == typeName {
			ids = append(ids, o.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// Types returns the names of all types, sorted.
func (r *Reference) Types() []string { return slices.Sorted(maps.Keys(r.types)) }

// Relations returns the relations and permissions of a type, sorted.
func (r *Reference) Relations(typeName string) []string {
	return slices.Sorted(maps.Keys(r.types[typeName]))
}

// Check answers one question; nothing in it need be mentioned by any
// relationship, but the type must have the relation. The subject must not be a
// wildcard.
func (r *Reference) Check(resource engine.Object, relation string, subject engine.Subject) Outcome {
	if !r.objects[resource] {
		r.objects[resource] = true
		r.build()
	}
	n := r.index[node{resource, relation}]
	if r.groups[r.in[n]].cyclic {
		return Cycle
	}
	v := r.values[subject]
	if v == nil {
		v = r.solve(subject)
		r.values[subject] = v
	}
	return v[n]
}

// solve computes every set for one subject.
func (r *Reference) solve(subject engine.Subject) []Outcome {
	values := make([]Outcome, len(r.nodes))
	for _, g := range r.groups {
		for again := !g.cyclic; again; {
			again = false
			for _, n := range g.nodes {
				v := r.next(n, subject, values)
				again = again || (v != values[n] && g.recursive)
				values[n] = v
			}
		}
	}
	return values
}

// next computes one set for one subject from the values of the others.
func (r *Reference) next(i int, subject engine.Subject, values []Outcome) Outcome {
	n := r.nodes[i]
	if subject.Object == n.object && subject.Relation == n.relation {
		return Yes
	}
	switch m := r.types[n.object.Type][n.relation].(type) {
	case *syntax.Permission:
		return r.eval(m.Expr, n.object, subject, values)
	default:
		return r.stored(n, subject, values)
	}
}

// stored is the value of a relation.
func (r *Reference) stored(n node, subject engine.Subject, values []Outcome) Outcome {
	v := No
	for _, f := range r.facts[n] {
		switch {
		case f.subject.Relation != "":
			v = max(v, min(f.caveat, values[r.index[node{f.subject.Object, f.subject.Relation}]]))
		case f.subject.IsWildcard():
			v = max(v, min(f.caveat, truth(subject.Relation == "" && subject.Type == f.subject.Type)))
		default:
			v = max(v, min(f.caveat, truth(subject == f.subject)))
		}
	}
	return v
}

// eval is the value of an expression on one object.
func (r *Reference) eval(x syntax.Expr, o engine.Object, subject engine.Subject, values []Outcome) Outcome {
	switch x := x.(type) {
	case *syntax.Self:
		return truth(subject.Object == o && subject.Relation == "")
	case *syntax.Name:
		return values[r.index[node{o, x.Name}]]
	case *syntax.Paren:
		return r.eval(x.X, o, subject, values)
	case *syntax.Arrow:
		return r.arrow(x, o, values)
	case *syntax.Binary:
		a, b := r.eval(x.X, o, subject, values), r.eval(x.Y, o, subject, values)
		switch x.Op {
		case '+':
			return max(a, b)
		case '&':
			return min(a, b)
		}
		return min(a, not(b))
	}
	return No // nil
}

// arrow is the value of an arrow on one object.
func (r *Reference) arrow(x *syntax.Arrow, o engine.Object, values []Outcome) Outcome {
	some, every := No, Yes
	facts := r.facts[node{o, x.Left.Name}]
	for _, f := range facts {
		v := No
		if target := (node{f.subject.Object, x.Right.Name}); r.has(target) {
			v = min(f.caveat, values[r.index[target]])
		}
		some, every = max(some, v), min(every, v)
	}
	if x.Op == syntax.ArrowAll && len(facts) > 0 {
		return every
	}
	if x.Op == syntax.ArrowAll {
		return No
	}
	return some
}

// has reports whether the type of the node's object has its relation.
func (r *Reference) has(n node) bool { return r.types[n.object.Type][n.relation] != nil }
