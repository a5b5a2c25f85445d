//go:build linux

package chaos

import (
	"maps"
	"slices"
	"strings"
)

// checkWatches objects to watches that do not all tell the same: the changes of
// each revision once, in order. It returns what they tell.
func (h *history) checkWatches(o *objections) []*change {
	const checker = "watches"
	var log []*change
	first := ""
	names := slices.Sorted(maps.Keys(h.Watches))
	for _, name := range names {
		if changes := h.Watches[name]; len(changes) > len(log) {
			log, first = changes, name
		}
	}
	for _, name := range names {
		changes := h.Watches[name]
		for i := 1; i < len(changes); i++ {
			if changes[i].at <= changes[i-1].at {
				o.add(checker, "%s has revision %d after %d", name, changes[i].at, changes[i-1].at)
			}
		}
		compareWatches(o, name, changes, first, log)
	}
	return log
}

// compareWatches walks along two watches, by revision.
func compareWatches(o *objections, name string, changes []*change, first string, log []*change) {
	for i, j := 0, 0; i < len(changes) || j < len(log); {
		switch {
		case j == len(log) || i < len(changes) && changes[i].at < log[j].at:
			o.add("watches", "%s has revision %d, %s does not", name, changes[i].at, first)
			i++
		case i == len(changes) || log[j].at < changes[i].at:
			o.add("watches", "%s has revision %d, %s does not", first, log[j].at, name)
			j++
		default:
			if changes[i].String() != log[j].String() {
				o.add("watches", "revision %d is %s in %s and %s in %s", log[j].at, changes[i], name, log[j], first)
			}
			i, j = i+1, j+1
		}
	}
}

// String is what a change does.
func (c *change) String() string {
	var parts []string
	for _, u := range c.Updates {
		sign := "+"
		if u.Deleted {
			sign = "-"
		}
		parts = append(parts, sign+u.Relationship)
	}
	slices.Sort(parts)
	if c.Schema {
		parts = append(parts, "schema")
	}
	return "[" + strings.Join(parts, " ") + "]"
}
