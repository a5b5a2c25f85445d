package schema

// The costs of finding what a subject is in through a set, for the choice of
// the one operand of an intersection by which lookups of resources go. They
// stand for the candidates that the set may give; only their order matters.
const (
	enterSelf     = 0       // the object itself
	enterPlain    = 10      // a relation without usersets
	enterUsersets = 20      // a relation with usersets
	enterComputed = 10      // a permission: this more than its plan
	enterArrow    = 100     // an arrow: this more than its dearest target; a recursion: at least this
	enterWildcard = 1 << 20 // a wildcard: everything that holds it is a candidate
)

// link fills Up of every relation, and the entries.
func (c *compiler) link(g *graph) {
	l := linker{s: c.s, enter: make([]int, len(g.relations))}
	for _, members := range g.components {
		for _, i := range members {
			l.enter[i] = enterArrow // while the component is priced
		}
		for _, i := range members {
			l.enter[i] = l.relation(g.relations[i])
		}
	}
	for _, r := range g.relations {
		l.to, l.edges, l.entries = r, map[edgeKey]int{}, map[string]int{}
		if r.IsPermission() {
			l.feed(r.Plan, false)
		} else {
			l.hold()
		}
	}
}

// linker makes the edges and entries that lead to one set after another.
type linker struct {
	s       *Schema
	enter   []int // the cost of entering by each relation
	to      *Relation
	edges   map[edgeKey]int // where the edges to it stand in Up of their source
	entries map[string]int  // where its entries stand, by subject type
}

type edgeKey struct {
	from, via *Relation
	kind      EdgeKind
}

// relation is the cost of entering by a relation or permission.
func (l *linker) relation(r *Relation) int {
	switch {
	case r.IsPermission() && r.Recursive:
		return max(enterArrow, min(l.expr(r.Plan), enterWildcard))
	case r.IsPermission():
		return min(l.expr(r.Plan)+enterComputed, enterWildcard)
	}
	cost := enterPlain
	for _, a := range r.Allowed {
		switch {
		case a.Wildcard:
			return enterWildcard
		case a.Relation != nil:
			cost = enterUsersets
		}
	}
	return cost
}

// expr is the cost of entering by an expression: by all operands of a union, by
// the best one of an intersection, by the base of an exclusion.
func (l *linker) expr(x Expr) int {
	switch x := x.(type) {
	case *Ref:
		return l.enter[x.Relation.Index]
	case *ArrowExpr:
		most := 0
		for _, t := range x.Targets {
			if t != nil {
				most = max(most, l.enter[t.Index])
			}
		}
		return min(most+enterArrow, enterWildcard)
	case *Union:
		most := 0
		for _, y := range x.Of {
			most = max(most, l.expr(y))
		}
		return most
	case *Intersection:
		_, least := l.best(x)
		return least
	case *Exclusion:
		return l.expr(x.Base)
	}
	return enterSelf
}

// best is the operand of an intersection by which it is entered. One suffices:
// a subject of the intersection is in each operand.
func (l *linker) best(x *Intersection) (best Expr, least int) {
	best, least = x.Of[0], l.expr(x.Of[0])
	for _, y := range x.Of[1:] {
		if cost := l.expr(y); cost < least {
			best, least = y, cost
		}
	}
	return best, least
}

// feed makes the edges and entries by which the permission l.to is entered
// through x.
func (l *linker) feed(x Expr, check bool) {
	switch x := x.(type) {
	case *Ref:
		l.edge(x.Relation, Computed, nil, check)
	case *ArrowExpr:
		for _, t := range x.Targets {
			if t != nil {
				l.edge(t, Arrow, x.Left, check || x.All)
			}
		}
	case *Union:
		for _, y := range x.Of {
			l.feed(y, check)
		}
	case *Intersection:
		best, _ := l.best(x)
		l.feed(best, true)
	case *Exclusion:
		l.feed(x.Base, true)
	case *Self:
		e := l.entryOf(l.to.Type.Name)
		e.Check = check && (!e.Self || e.Check)
		e.Self = true
	}
}

// hold makes the edges and entries of the relation l.to.
func (l *linker) hold() {
	for _, a := range l.to.Allowed {
		if a.Relation != nil {
			l.edge(a.Relation, Userset, l.to, false)
			continue
		}
		e := l.entryOf(a.Type.Name)
		e.Plain = e.Plain || !a.Wildcard
		e.Wildcard = e.Wildcard || a.Wildcard
	}
}

// edge adds an edge from a set to l.to. Equal ones become one, which needs a
// check only when each does.
func (l *linker) edge(from *Relation, kind EdgeKind, via *Relation, check bool) {
	key := edgeKey{from, via, kind}
	if i, ok := l.edges[key]; ok {
		from.Up[i].Check = from.Up[i].Check && check
		return
	}
	l.edges[key] = len(from.Up)
	from.Up = append(from.Up, Edge{Kind: kind, Via: via, To: l.to, Check: check})
}

// entryOf gives the entry of l.to for a subject type.
func (l *linker) entryOf(subjectType string) *Entry {
	i, ok := l.entries[subjectType]
	if !ok {
		i = len(l.s.entries[subjectType])
		l.entries[subjectType] = i
		l.s.entries[subjectType] = append(l.s.entries[subjectType], Entry{Relation: l.to})
	}
	return &l.s.entries[subjectType][i]
}
