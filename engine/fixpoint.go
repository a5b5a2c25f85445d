package engine

import "github.com/pemba-authz/pemba/schema"

// cutsCycles reports whether a relation has to be remembered because a cycle may
// pass no permission: one of its usersets is a recursive relation. Permissions
// are always remembered, and reading a relation again costs little.
func cutsCycles(r *schema.Relation) bool {
	for _, a := range r.Allowed {
		if a.Relation != nil && a.Relation.Recursive && !a.Relation.IsPermission() {
			return true
		}
	}
	return false
}

// remembered returns what is known of a set, if that may be used here.
func (w *walk) remembered(known *entry, hops int) (value, bool) {
	switch {
	case known.status == open:
		known.used, w.unsure = true, true
		v := known.value
		v.low = known.place
		if w.keeps {
			w.log.open(known.place)
		}
		return v, true
	case w.alike && known.question != w.question && !w.reaches(known, hops):
		// What was found must not be assumed while the set is answered anew.
		known.value, known.status = valueNo, 0
		return value{}, false
	case known.status == 0, known.status == assumed && known.round != w.round:
		return value{}, false
	case known.value.truth == deep && hops < known.hops:
		return value{}, false // from here the walk may go deeper than it did
	}
	w.unsure = w.unsure || known.unsure
	w.furthest = max(w.furthest, hops+known.height)
	if w.keeps {
		if known.status == assumed {
			w.log.open(known.value.low)
		} else {
			w.log.refer(known.from, known.to)
		}
	}
	return known.value, true
}

// reaches reports whether what an earlier question found of a set would be found
// from here, as far as the depth limit goes.
func (w *walk) reaches(known *entry, hops int) bool {
	return known.status == final && known.value.truth != deep && !known.unsure && hops+known.height <= w.limits.Depth
}

func (w *walk) newEntry() *entry {
	if len(w.spare) == cap(w.spare) {
		// Entries handed out stay where they are; the old block lives on by them.
		w.spare = make([]entry, 0, max(32, 2*cap(w.spare)))
	}
	w.spare = append(w.spare, entry{value: valueNo})
	return &w.spare[len(w.spare)-1]
}

// mostRounds bounds the rounds of one cycle: a set's value rises at most three
// times, so a cycle of n sets is stable after 3n+1.
func (w *walk) mostRounds() int { return 3*len(w.memo) + 8 }

// fixpoint answers a set that can reach itself.
func (w *walk) fixpoint(n node, known *entry, hops int) (value, error) {
	changedBefore, roseBefore, mark := w.changed, w.rose, len(w.below)
	again := known.status == assumed // others may have used the value it had
	before := known.value.truth
	known.status, known.place, known.hops = open, w.depth, hops
	w.depth++
	defer func() { w.depth-- }()
	for rounds := 0; ; rounds++ {
		w.changed, w.rose, known.used = false, false, false
		w.record.restart()
		v, err := w.members(n.relation, n.id, hops)
		if err != nil {
			return value{}, err
		}
		tooLow := known.used && v.truth != known.value.truth
		known.value = v
		roseBefore = roseBefore || w.rose || again && v.truth != before
		switch {
		case v.truth == yes: // certain, whatever it rests on
			w.dropBelow(mark)
			known.value.low, known.status = closed, final
			w.changed, w.rose = changedBefore, roseBefore
			return known.value, nil
		case v.low < known.place && (!bugCutDenial || v.truth != no):
			known.status, known.round = assumed, w.round
			w.lower(mark, v.low)
			w.below = append(w.below, n)
			w.changed, w.rose = changedBefore || w.changed || tooLow, roseBefore
			return v, nil
		case !tooLow && !w.changed && !w.rose:
			w.settle(n, mark)
			w.changed, w.rose = changedBefore, roseBefore
			return known.value, nil
		case rounds > w.mostRounds():
			return value{}, &LimitError{What: "rounds through a cycle of relationships", Limit: int64(w.mostRounds())}
		}
		w.dropBelow(mark)
	}
}

// dropBelow forgets the assumed sets from mark on, but keeps their values as
// the assumptions of the next round.
func (w *walk) dropBelow(mark int) {
	if len(w.below) > mark {
		w.round++
		w.below = w.below[:mark]
	}
}

// settle makes the outermost set of a cycle, and all that rest on nothing
// further out, final. What was answered on the way but rests on sets further out
// stays assumed: the set's own value did not need it.
func (w *walk) settle(n node, mark int) {
	known := w.memo[n]
	rest := w.below[:mark]
	for _, b := range append(w.below[mark:], n) {
		e := w.memo[b]
		if e.value.low < known.place {
			rest = append(rest, b)
			continue
		}
		e.status = final
		e.value.low = closed
	}
	w.below = rest
}
