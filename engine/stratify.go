package engine

import (
	"slices"

	"github.com/pemba-authz/pemba/schema"
)

// stratified returns a *CycleError if the relationships close a cycle through
// the right side of an exclusion anywhere below the set: no answer about it
// would be well founded. It looks at all that the set depends on, whoever the
// subject is, so that the outcome does not depend on the order of the walk.
// Only schemas that the compiler warns of need it.
//
// The cycles are the strongly connected components of the sets and what they
// name (R. Tarjan, Depth-first search and linear graph algorithms, 1972),
// found with a stack of our own: the graph may be deeper than a goroutine's.
func (w *walk) stratified(root node) error {
	g := &ground{walk: w, index: map[node]int{}}
	if err := g.explore(root); err != nil {
		return err
	}
	for from, v := range g.sets {
		for _, e := range v.edges {
			if e.minus && g.sets[e.to].component == v.component {
				return &CycleError{Path: g.path(e.to, from)}
			}
		}
	}
	return nil
}

// ground is the graph of sets that a question depends on.
type ground struct {
	walk  *walk
	index map[node]int // into sets
	sets  []vertex
}

type vertex struct {
	node      node
	edges     []dependency
	next      int // the edge that is followed next
	number    int // when it was entered, from 1; 0 before
	low       int // Tarjan's lowlink
	component int // from 1; 0 until it is known
}

type dependency struct {
	to    int
	minus bool // from the right side of an exclusion
}

// add returns the index of a set, a new one if it was not there.
func (g *ground) add(n node) int {
	i, ok := g.index[n]
	if !ok {
		i = len(g.sets)
		g.index[n] = i
		g.sets = append(g.sets, vertex{node: n})
	}
	return i
}

// explore finds the components of everything below root.
func (g *ground) explore(root node) error {
	var calls, open []int
	entered, components := 0, 0
	enter := func(i int) error {
		calls, open = append(calls, i), append(open, i)
		entered++
		g.sets[i].number, g.sets[i].low = entered, entered
		return g.read(i)
	}
	if err := enter(g.add(root)); err != nil {
		return err
	}
	for len(calls) > 0 {
		i := calls[len(calls)-1]
		v := &g.sets[i]
		if v.next < len(v.edges) {
			to := v.edges[v.next].to
			v.next++
			if g.sets[to].number == 0 {
				if err := enter(to); err != nil {
					return err
				}
			} else if g.sets[to].component == 0 {
				v.low = min(v.low, g.sets[to].number)
			}
			continue
		}
		calls = calls[:len(calls)-1]
		if len(calls) > 0 {
			parent := &g.sets[calls[len(calls)-1]]
			parent.low = min(parent.low, v.low)
		}
		if v.low == v.number {
			components++
			for {
				top := open[len(open)-1]
				open = open[:len(open)-1]
				g.sets[top].component = components
				if top == i {
					break
				}
			}
		}
	}
	return nil
}

// read finds what a set depends on, as far as it may lead to such a cycle.
func (g *ground) read(i int) error {
	n := g.sets[i].node
	if len(g.sets) > g.walk.limits.Candidates {
		return &LimitError{What: "sets below one that can recurse through an exclusion", Limit: int64(g.walk.limits.Candidates)}
	}
	if n.relation.IsPermission() {
		return g.expr(i, n.relation.Expr, false)
	}
	for k, a := range n.relation.Allowed {
		if a.Relation == nil || !firstOfKind(n.relation.Allowed, k) {
			continue
		}
		if err := g.follow(i, n.relation, a, a.Relation, false); err != nil {
			return err
		}
	}
	return nil
}

func (g *ground) expr(i int, x schema.Expr, minus bool) error {
	switch x := x.(type) {
	case *schema.Ref:
		g.link(i, node{x.Relation, g.sets[i].node.id}, minus)
	case *schema.ArrowExpr:
		for k, a := range x.Left.Allowed {
			if x.Targets[k] == nil || !firstOfKind(x.Left.Allowed, k) {
				continue
			}
			if err := g.follow(i, x.Left, a, x.Targets[k], minus); err != nil {
				return err
			}
		}
	case *schema.Union:
		return g.all(i, x.Of, minus)
	case *schema.Intersection:
		return g.all(i, x.Of, minus)
	case *schema.Exclusion:
		if err := g.expr(i, x.Base, minus); err != nil {
			return err
		}
		return g.expr(i, x.Minus, true)
	}
	return nil
}

func (g *ground) all(i int, of []schema.Expr, minus bool) error {
	for _, x := range of {
		if err := g.expr(i, x, minus); err != nil {
			return err
		}
	}
	return nil
}

// follow links a set with target of every subject of one kind.
func (g *ground) follow(i int, r *schema.Relation, a *schema.Allowed, target *schema.Relation, minus bool) error {
	return g.walk.each(r, g.sets[i].node.id, a, func(held value, subjectID string) (bool, error) {
		if held.truth != no {
			g.link(i, node{target, subjectID}, minus)
		}
		return false, nil
	})
}

func (g *ground) link(from int, to node, minus bool) {
	if !to.relation.Unstratified {
		return // nothing below it recurses through an exclusion
	}
	i := g.add(to)
	g.sets[from].edges = append(g.sets[from].edges, dependency{i, minus})
}

// path returns the way from one set to another of its component, by the fewest
// steps.
func (g *ground) path(from, to int) []string {
	came := map[int]int{from: from}
	queue := []int{from}
	for len(queue) > 0 && queue[0] != to {
		i := queue[0]
		queue = queue[1:]
		for _, e := range g.sets[i].edges {
			if _, seen := came[e.to]; !seen && g.sets[e.to].component == g.sets[from].component {
				came[e.to] = i
				queue = append(queue, e.to)
			}
		}
	}
	var back []string
	for i := to; ; i = came[i] {
		back = append(back, g.sets[i].node.String())
		if i == from {
			break
		}
	}
	slices.Reverse(back)
	return back
}
