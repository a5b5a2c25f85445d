//go:build linux

package chaos

import (
	"testing"
	"time"
)

// TestPlanted runs the program with a bug each, has clients work without any fault,
// and demands that the checkers object that are there for the bug.
func TestPlanted(t *testing.T) {
	for _, c := range []struct {
		bug      string
		nodes    int
		checkers []string
	}{
		{"read_stale", 3, []string{"linear"}},                 // a follower answers fully consistent reads from what it has
		{"lost_retry", 1, []string{"acknowledged"}},           // a repeat with an idempotency key is applied again
		{"lost_entry", 3, []string{"acknowledged", "hashes"}}, // an entry is acknowledged, and one member does not apply it
		{"stale_cache", 1, []string{"fresh"}},                 // a set is answered from the cache after a deletion
		{"old_snapshot", 1, []string{"tokens"}},               // a read is answered from some revision before the newest
		{"watch_gap", 1, []string{"watches"}},                 // a watch that goes on leaves a revision out
	} {
		t.Run(c.bug, func(t *testing.T) {
			r := round{
				setting: setting{nodes: c.nodes, bug: c.bug}, seed: seedOf(t),
				writers: 6, readers: 6, operations: 8_000, streams: 15, limit: 2 * time.Minute,
			}
			h, _ := r.play(t, newCluster(t, r.setting))
			o := h.check()
			for _, checker := range c.checkers {
				if !o.of(checker) {
					t.Errorf("with %s, %q does not object; all objections:\n%v", c.bug, checker, o)
				}
			}
		})
	}
}
