package replica

import (
	"slices"
	"testing"
	"time"
)

// TestMeter counts values on, below and above the bounds.
func TestMeter(t *testing.T) {
	m := newMeter(1, 2, 3) // 1, 2, 4
	for _, v := range []float64{0, 1, 1.5, 4, 5, 100} {
		m.note(v)
	}
	d := m.distribution()
	if !slices.Equal(d.Bounds, []float64{1, 2, 4}) || !slices.Equal(d.Counts, []uint64{2, 3, 4}) || d.Count != 6 || d.Sum != 111.5 {
		t.Errorf("%+v", d)
	}
}

// TestLogTook has a disk become slow, and quick again.
func TestLogTook(t *testing.T) {
	m := newMeters()
	recent := func() time.Duration { return time.Duration(m.logRecent.Load()) }
	m.logTook(time.Millisecond)
	if recent() != time.Millisecond {
		t.Errorf("after one write of a millisecond: %v", recent())
	}
	for range 20 {
		m.logTook(time.Second)
	}
	if slow := recent(); slow < 900*time.Millisecond || slow > time.Second {
		t.Errorf("after 20 writes of a second: %v", slow)
	}
	for range 100 {
		m.logTook(time.Millisecond)
	}
	if quick := recent(); quick > 2*time.Millisecond {
		t.Errorf("after 100 writes of a millisecond: %v", quick)
	}
}
