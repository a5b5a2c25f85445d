package enginetest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// link says that one set depends on another.
type link struct {
	to     int
	minus  bool // as part of the right side of an exclusion
	stored bool // by a relationship
}

// group is a strongly connected component of the dependencies.
type group struct {
	nodes     []int
	recursive bool // its nodes depend on each other, or the only one on itself
	cyclic    bool // it holds, or depends on, a recursion through an exclusion
}

// build makes the nodes of all objects, their dependencies and their groups,
// and forgets all values.
func (r *Reference) build() {
	r.nodes, r.index = nil, map[node]int{}
	r.values = map[engine.Subject][]Outcome{}
	objects := slices.SortedFunc(maps.Keys(r.objects), func(a, b engine.Object) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
	})
	for _, o := range objects {
		for _, name := range r.Relations(o.Type) {
			n := node{o, name}
			r.index[n] = len(r.nodes)
			r.nodes = append(r.nodes, n)
		}
	}
	r.links = make([][]link, len(r.nodes))
	for i, n := range r.nodes {
		if p, ok := r.types[n.object.Type][n.relation].(*syntax.Permission); ok {
			r.links[i] = r.linksOf(nil, p.Expr, n.object, false)
			continue
		}
		for _, f := range r.facts[n] {
			if f.caveat != No && f.subject.Relation != "" {
				r.links[i] = append(r.links[i], link{to: r.index[node{f.subject.Object, f.subject.Relation}], stored: true})
			}
		}
	}
	r.connect()
}

// linksOf appends what an expression on an object depends on: every operand
// and every relationship that may hold, whatever the others say.
func (r *Reference) linksOf(links []link, x syntax.Expr, o engine.Object, minus bool) []link {
	switch x := x.(type) {
	case *syntax.Name:
		links = append(links, link{to: r.index[node{o, x.Name}], minus: minus})
	case *syntax.Paren:
		links = r.linksOf(links, x.X, o, minus)
	case *syntax.Binary:
		links = r.linksOf(links, x.X, o, minus)
		links = r.linksOf(links, x.Y, o, minus || x.Op == '-')
	case *syntax.Arrow:
		for _, f := range r.facts[node{o, x.Left.Name}] {
			if target := (node{f.subject.Object, x.Right.Name}); f.caveat != No && r.has(target) {
				links = append(links, link{r.index[target], minus, true})
			}
		}
	}
	return links
}

// connect finds the groups (Tarjan's algorithm), dependencies first.
func (r *Reference) connect() {
	r.groups, r.in = nil, make([]int, len(r.nodes))
	order, low := make([]int, len(r.nodes)), make([]int, len(r.nodes)) // from 1
	open := make([]bool, len(r.nodes))
	var stack []int
	count := 0
	var visit func(n int)
	visit = func(n int) {
		count++
		order[n], low[n], open[n] = count, count, true
		stack = append(stack, n)
		for _, l := range r.links[n] {
			if order[l.to] == 0 {
				visit(l.to)
				low[n] = min(low[n], low[l.to])
			} else if open[l.to] {
				low[n] = min(low[n], order[l.to])
			}
		}
		if low[n] != order[n] {
			return
		}
		at := slices.Index(stack, n)
		g := group{nodes: slices.Clone(stack[at:])}
		stack = stack[:at]
		for _, m := range g.nodes {
			open[m] = false
			r.in[m] = len(r.groups)
		}
		r.groups = append(r.groups, g)
		r.judge(len(r.groups) - 1)
	}
	for n := range r.nodes {
		if order[n] == 0 {
			visit(n)
		}
	}
}

// judge sets whether a group, whose dependencies are judged, is recursive or cyclic.
func (r *Reference) judge(i int) {
	g := &r.groups[i]
	for _, n := range g.nodes {
		for _, l := range r.links[n] {
			if r.in[l.to] == i {
				g.recursive = true
				g.cyclic = g.cyclic || l.minus
			} else {
				g.cyclic = g.cyclic || r.groups[r.in[l.to]].cyclic
			}
		}
	}
}
