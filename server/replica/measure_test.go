package replica

import (
	"slices"
	"testing"
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
