package replica

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// Distribution says of how many values each was how large.
type Distribution struct {
	Bounds []float64 // of the classes; a value that equals a bound is below it
	Counts []uint64  // of the values up to each bound, those of the classes before among them
	Count  uint64
	Sum    float64
}

// Measures is what a member measures of the way of a write.
type Measures struct {
	LogSeconds   Distribution // how long entries took to be durable in the log of this member
	LogEntries   Distribution // how many were made durable at once
	ApplySeconds Distribution // how long the machine took for the entries that it was handed at once
	ApplyEntries Distribution // how many those were
}

// meter counts values by size. It is safe for concurrent use.
type meter struct {
	bounds []float64
	counts []atomic.Uint64 // of the values of each class; one more for those above all bounds
	sum    atomic.Uint64   // the bits of a float64
}

// newMeter makes a meter whose bounds grow by a factor.
func newMeter(first, factor float64, bounds int) *meter {
	m := &meter{counts: make([]atomic.Uint64, bounds+1)}
	for at := first; len(m.bounds) < bounds; at *= factor {
		m.bounds = append(m.bounds, at)
	}
	return m
}

func (m *meter) note(value float64) {
	class := 0
	for class < len(m.bounds) && value > m.bounds[class] {
		class++
	}
	m.counts[class].Add(1)
	for {
		old := m.sum.Load()
		if m.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+value)) {
			return
		}
	}
}

func (m *meter) distribution() Distribution {
	d := Distribution{Bounds: m.bounds, Counts: make([]uint64, len(m.bounds))}
	for class := range m.counts {
		d.Count += m.counts[class].Load()
		if class < len(d.Counts) {
			d.Counts[class] = d.Count
		}
	}
	d.Sum = math.Float64frombits(m.sum.Load())
	return d
}

// meters are the measures of a member.
type meters struct {
	logSeconds, logEntries, applySeconds, applyEntries *meter

	logRecent atomic.Int64 // nanoseconds that entries took lately to be durable, the newest counting most
	applying  atomic.Int64 // since when the machine is at work, in nanoseconds since 1970; 0: it is not
}

func newMeters() *meters {
	const (
		shortest, longer, times = 50e-6, 2.5, 15 // seconds, to a minute
		more, sizes             = 2, 13          // entries, to 4,096
	)
	return &meters{
		logSeconds: newMeter(shortest, longer, times), logEntries: newMeter(1, more, sizes),
		applySeconds: newMeter(shortest, longer, times), applyEntries: newMeter(1, more, sizes),
	}
}

func (m *meters) measures() Measures {
	return Measures{
		LogSeconds: m.logSeconds.distribution(), LogEntries: m.logEntries.distribution(),
		ApplySeconds: m.applySeconds.distribution(), ApplyEntries: m.applyEntries.distribution(),
	}
}

// Applying returns for how long the machine has been at the entries that it was
// handed last, 0 when it has done them.
func (r *Replica) Applying() time.Duration {
	since := r.meters.applying.Load()
	if since == 0 {
		return 0
	}
	return max(time.Since(time.Unix(0, since)), 0)
}

// logTook notes how long entries took to be durable. Raft writes one batch after
// the other.
func (m *meters) logTook(d time.Duration) {
	m.logSeconds.note(d.Seconds())
	recent := m.logRecent.Load()
	if recent == 0 {
		recent = int64(d)
	}
	m.logRecent.Store(recent + (int64(d)-recent)/8)
}

// measuredLog is a log that measures what raft stores in it.
type measuredLog struct {
	raft.LogStore
	meters *meters
}

// StoreLog implements raft.LogStore.
func (l *measuredLog) StoreLog(entry *raft.Log) error { return l.StoreLogs([]*raft.Log{entry}) }

// StoreLogs implements raft.LogStore.
func (l *measuredLog) StoreLogs(entries []*raft.Log) error {
	start := time.Now()
	err := l.LogStore.StoreLogs(entries)
	l.meters.logTook(time.Since(start))
	l.meters.logEntries.note(float64(len(entries)))
	return err
}

// measuredMachine is a machine that measures what raft hands to it. The machine
// itself knows no clock.
type measuredMachine struct {
	*machine
	meters *meters
}

// ApplyBatch implements raft.BatchingFSM.
func (m *measuredMachine) ApplyBatch(logs []*raft.Log) []any {
	start := time.Now()
	m.meters.applying.Store(start.UnixNano())
	results := m.machine.ApplyBatch(logs)
	m.meters.applying.Store(0)
	m.meters.applySeconds.note(time.Since(start).Seconds())
	m.meters.applyEntries.note(float64(len(logs)))
	return results
}
