//go:build linux

package chaos

import "slices"

// checkAcknowledged holds what clients were told about their writes against the
// log of changes.
func (h *history) checkAcknowledged(o *objections, log []*change) {
	const checker = "acknowledged"
	for _, what := range h.Repeats {
		o.add(checker, "%s", what)
	}
	made := map[int64][]*change{} // by the operation
	schemas := map[uint64]bool{}
	for _, c := range log {
		if c.Schema {
			schemas[c.at] = true
			continue
		}
		if h.byID[c.ID] == nil && !c.fixture() {
			o.add(checker, "revision %d changed %v, which nobody asked for", c.at, c)
		}
		made[c.ID] = append(made[c.ID], c)
	}
	for _, op := range h.Operations {
		if !op.write() {
			continue
		}
		changes := made[op.ID]
		if len(changes) > 1 {
			o.add(checker, "%v: applied %d times, at revisions %d and %d", op, len(changes), changes[0].at, changes[1].at)
			continue
		}
		switch op.Result {
		case done:
			if op.Act == actSchema {
				if len(log) > 0 && op.at > log[0].at && !schemas[op.at] {
					o.add(checker, "%v: the schema did not change at that revision", op)
				}
				continue
			}
			if len(changes) == 0 && op.Changed {
				o.add(checker, "%v: it was acknowledged and is lost", op)
			}
			if len(changes) == 1 && changes[0].at != op.at {
				o.add(checker, "%v: it was applied at revision %d", op, changes[0].at)
			}
		case refused, failed:
			if len(changes) > 0 {
				o.add(checker, "%v: it was applied at revision %d", op, changes[0].at)
			}
		}
		if len(changes) == 1 && !op.explains(changes[0]) {
			o.add(checker, "%v: it changed %v", op, changes[0])
		}
	}
}

// fixture reports whether a change is of the relationships that tell variants of
// the schema apart.
func (c *change) fixture() bool {
	return c.ID == 0 && len(c.Updates) == 2 && c.Updates[0].Relationship == "variant:x#first@person:first"
}

// explains reports whether an operation may make a change.
func (o *operation) explains(c *change) bool {
	var want []update
	if o.Act != actCreate && o.Act != actTouch && o.Old != "" {
		want = append(want, update{true, text(relationship(o.Key, o.Old))})
	}
	if o.New != "" {
		want = append(want, update{false, text(relationship(o.Key, o.New))})
	}
	if o.Act == actDelete && o.Old == "" { // it does not say what
		return len(c.Updates) == 1 && c.Updates[0].Deleted
	}
	return (&change{Updates: want}).String() == (&change{Updates: slices.Clone(c.Updates)}).String()
}
