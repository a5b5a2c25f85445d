package replica

import (
	"sync/atomic"
	"time"
)

// A leader counts a late answer to a heartbeat as a confirmation. One whose
// process stood still meanwhile could take an old answer for a new one, so it
// must notice that it stood still.
const (
	stampEvery = 50 * time.Millisecond
	stampGap   = 200 * time.Millisecond
)

// watchdog notices pauses of the process. Times are monotonic, since it began.
type watchdog struct {
	now   func() time.Duration
	stamp atomic.Int64 // when it was last awake
	pause atomic.Int64 // when it last noticed a pause; 0: never
}

func newWatchdog(now func() time.Duration) *watchdog {
	w := &watchdog{now: now}
	w.stamp.Store(int64(now()))
	return w
}

// run stamps until stop is closed.
func (w *watchdog) run(stop <-chan struct{}) {
	tick := time.NewTicker(stampEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			w.wake()
		case <-stop:
			return
		}
	}
}

// wake notes that the process runs.
func (w *watchdog) wake() {
	now := int64(w.now())
	if now-w.stamp.Swap(now) > int64(stampGap) {
		w.pause.Store(now)
	}
}

// paused reports whether the process stood still within a lease.
func (w *watchdog) paused(lease time.Duration) bool {
	now := int64(w.now())
	if now-w.stamp.Load() > int64(stampGap) {
		return true
	}
	pause := w.pause.Load()
	return pause != 0 && now-pause < int64(lease)
}
