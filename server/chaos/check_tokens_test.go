//go:build linux

package chaos

import "slices"

// checkTokens objects to a node whose answers go back: one that was asked after
// another answer was received must not name an older revision, however often it
// was killed and started meanwhile. One that began again with no data is another
// node.
func (h *history) checkTokens(o *objections) {
	type place struct{ node, life int }
	reads := slices.DeleteFunc(slices.Clone(h.Operations), func(op *operation) bool {
		return op.write() || op.Result != done || op.at == 0 || op.Mode == modeExact || op.Life == 0
	})
	ends := slices.SortedFunc(slices.Values(reads), func(a, b *operation) int { return int(a.End - b.End) })
	slices.SortFunc(reads, func(a, b *operation) int { return int(a.Start - b.Start) })
	newest := map[place]*operation{}
	i := 0
	for _, op := range reads {
		for ; i < len(ends) && ends[i].End < op.Start; i++ {
			at := place{ends[i].Node, ends[i].Life}
			if old := newest[at]; old == nil || ends[i].at > old.at {
				newest[at] = ends[i]
			}
		}
		if old := newest[place{op.Node, op.Life}]; old != nil && op.at < old.at {
			o.add("tokens", "%v: before it, there was %v", op, old)
		}
	}
}
