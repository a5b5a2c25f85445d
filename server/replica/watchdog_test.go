package replica

import (
	"testing"
	"time"
)

func TestWatchdog(t *testing.T) {
	var now time.Duration
	w := newWatchdog(func() time.Duration { return now })
	lease := 500 * time.Millisecond
	pass := func(d time.Duration, awake bool) {
		now += d
		if awake {
			w.wake()
		}
	}
	for _, step := range []struct {
		pass   time.Duration
		awake  bool
		paused bool
		why    string
	}{
		{0, false, false, "it has just begun"},
		{stampEvery, true, false, "stamps on time"},
		{stampGap, false, false, "a late stamp is no pause yet"},
		{time.Millisecond, false, true, "the stamp is too old"},
		{0, true, true, "it woke up from a pause"},
		{stampEvery, true, true, "the pause was within the lease"},
		{stampEvery, true, true, "still"},
		{400 * time.Millisecond, true, true, "and another pause"},
		{lease - 2*stampEvery, false, true, "the stamp is too old again"},
	} {
		pass(step.pass, step.awake)
		if got := w.paused(lease); got != step.paused {
			t.Errorf("at %v: paused is %v: %s", now, got, step.why)
		}
	}
	w.wake()
	for passed := time.Duration(0); passed < lease; passed += stampEvery {
		pass(stampEvery, true)
	}
	if w.paused(lease) {
		t.Error("a lease without a pause has passed")
	}
}
