package replica

import (
	"testing"
	"time"
)

// TestWaitsNews logs a reason at once, and another one when some time has passed.
func TestWaitsNews(t *testing.T) {
	var w waits
	now := time.Unix(1_800_000_000, 0)
	for i, step := range []struct {
		pass   time.Duration
		reason string
		news   bool
	}{
		{0, "", false},
		{time.Second, "one", true},
		{time.Second, "one", false},
		{time.Second, "two", false},
		{complainEvery - 3*time.Second, "two", false},
		{time.Second, "two", true},
		{time.Hour, "two", false},
		{0, "", false},
		{0, "one", true},
	} {
		now = now.Add(step.pass)
		if got := w.news(step.reason, now); got != step.news {
			t.Errorf("step %d, %q: news is %v", i, step.reason, got)
		}
	}
}
