//go:build linux

package chaos

import (
	"testing"
	"time"
)

// TestPlanted builds the program with bugs, has clients work without any fault,
// and demands that the checker objects that is there for the bug.
func TestPlanted(t *testing.T) {
	for _, c := range []struct {
		tag     string
		checker string
		nodes   int
	}{
		{"bug_read_stale", "linear", 3},       // a follower answers fully consistent reads from what it has
		{"bug_lost_retry", "acknowledged", 1}, // a repeat with an idempotency key is applied again
		{"bug_lost_entry", "acknowledged", 1}, // an entry is acknowledged and not applied
		{"bug_lost_entry", "hashes", 3},       // the same on one member, and not on the others
		{"bug_stale_cache", "fresh", 1},       // a set is answered from the cache after a deletion
		{"bug_old_snapshot", "tokens", 1},     // a read is answered from some revision before the newest
		{"bug_watch_gap", "watches", 1},       // a watch that goes on leaves a revision out
	} {
		t.Run(c.tag+"/"+c.checker, func(t *testing.T) {
			r := round{
				setting: setting{nodes: c.nodes, tags: []string{c.tag}}, seed: seedOf(t),
				writers: 6, readers: 6, operations: 6_000, limit: 2 * time.Minute,
			}
			h, _ := r.play(t, newCluster(t, r.setting))
			if o := h.check(); !o.of(c.checker) {
				t.Errorf("with %s, %q does not object; all objections:\n%v", c.tag, c.checker, o)
			}
		})
	}
}
