package schema

import "slices"

// graph is which sets the answer for a set may need, over all relations and
// permissions by their index.
type graph struct {
	relations []*Relation
	arcs      [][]arc
	// components are the strongly connected components, each after those that
	// its members need.
	components [][]int
	of         []int // the component of each relation
}

// arc says that one set needs another.
type arc struct {
	to    int
	minus bool // on the right side of an exclusion
}

// newGraph makes the graph, and marks what is Recursive and Unstratified.
func newGraph(relations []*Relation) *graph {
	g := &graph{relations: relations, arcs: make([][]arc, len(relations)), of: make([]int, len(relations))}
	for i, r := range relations {
		for _, a := range r.Allowed {
			if a.Relation != nil {
				g.arcs[i] = append(g.arcs[i], arc{a.Relation.Index, false})
			}
		}
		if r.Expr != nil {
			g.arcs[i] = appendArcs(g.arcs[i], r.Expr, false)
		}
	}
	g.components = components(len(relations), func(i int, visit func(int)) {
		for _, a := range g.arcs[i] {
			visit(a.to)
		}
	})
	for n, members := range g.components {
		for _, i := range members {
			g.of[i] = n
		}
	}
	g.mark()
	return g
}

func appendArcs(arcs []arc, x Expr, minus bool) []arc {
	switch x := x.(type) {
	case *Ref:
		arcs = append(arcs, arc{x.Relation.Index, minus})
	case *ArrowExpr:
		for _, t := range x.Targets {
			if t != nil {
				arcs = append(arcs, arc{t.Index, minus})
			}
		}
	case *Union:
		for _, y := range x.Of {
			arcs = appendArcs(arcs, y, minus)
		}
	case *Intersection:
		for _, y := range x.Of {
			arcs = appendArcs(arcs, y, minus)
		}
	case *Exclusion:
		arcs = appendArcs(appendArcs(arcs, x.Base, minus), x.Minus, true)
	}
	return arcs
}

// mark sets Recursive and Unstratified, from what is needed to what needs it.
func (g *graph) mark() {
	for n, members := range g.components {
		recursive, unstratified := len(members) > 1, false
		for _, i := range members {
			for _, a := range g.arcs[i] {
				inside := g.of[a.to] == n
				recursive = recursive || inside
				unstratified = unstratified || inside && a.minus || g.relations[a.to].Unstratified
			}
		}
		for _, i := range members {
			g.relations[i].Recursive, g.relations[i].Unstratified = recursive, unstratified
		}
	}
}

// components finds the strongly connected components of a graph of n nodes
// (Tarjan), each after those it leads to.
func components(n int, successors func(i int, visit func(int))) [][]int {
	t := tarjan{successors: successors, number: make([]int, n), low: make([]int, n), open: make([]bool, n)}
	for i := range n {
		if t.number[i] == 0 {
			t.walk(i)
		}
	}
	return t.out
}

type tarjan struct {
	successors  func(i int, visit func(int))
	number, low []int // from 1, in order of discovery; the lowest that can be reached
	open        []bool
	stack       []int
	count       int
	out         [][]int
}

func (t *tarjan) walk(i int) {
	t.count++
	t.number[i], t.low[i], t.open[i] = t.count, t.count, true
	t.stack = append(t.stack, i)
	t.successors(i, func(j int) {
		if t.number[j] == 0 {
			t.walk(j)
			t.low[i] = min(t.low[i], t.low[j])
		} else if t.open[j] {
			t.low[i] = min(t.low[i], t.number[j])
		}
	})
	if t.low[i] != t.number[i] {
		return
	}
	from := len(t.stack) - 1
	for t.stack[from] != i {
		from--
	}
	members := slices.Clone(t.stack[from:])
	t.stack = t.stack[:from]
	for _, j := range members {
		t.open[j] = false
	}
	slices.Reverse(members) // so that most of what a member needs comes before it
	t.out = append(t.out, members)
}
