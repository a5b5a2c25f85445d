package engine

import (
	"slices"
	"testing"
)

// TestBasis writes logs and demands which marks what was written since a place
// rests on. The walk came to what is kept with one set open.
func TestBasis(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(*basis)
		since int
		want  []Mark // nil: it may not be kept
	}{
		{"each once", func(b *basis) { b.mark(1); b.mark(7); b.mark(1) }, 0, []Mark{1, 7}},
		{"not what was before", func(b *basis) { b.mark(1); b.bar(); b.mark(2) }, 2, []Mark{2}},
		{"recalled", func(b *basis) { b.mark(1); b.recalled([]Mark{1, 2, 3}) }, 0, []Mark{1, 2, 3}},
		{"barred", func(b *basis) { b.mark(1); b.bar() }, 0, nil},
		{"an earlier part", func(b *basis) { b.mark(1); b.mark(2); b.mark(3); b.refer(0, 2) }, 2, []Mark{3, 1, 2}},
		{"an earlier part of an earlier part", func(b *basis) { b.mark(1); b.mark(2); b.refer(0, 1); b.mark(3); b.refer(1, 3) }, 3, []Mark{3, 2, 1}},
		{"an earlier part that is barred", func(b *basis) { b.bar(); b.mark(3); b.refer(0, 1) }, 1, nil},
		{"an earlier part that rests on an open set", func(b *basis) { b.open(3); b.mark(3); b.refer(0, 1) }, 1, nil},
		{"a part of itself", func(b *basis) { b.mark(1); b.open(1); b.refer(0, 2) }, 0, []Mark{1}},
		{"a set that it opened", func(b *basis) { b.mark(1); b.open(1) }, 0, []Mark{1}},
		{"a set that was open before", func(b *basis) { b.mark(1); b.open(0) }, 0, nil},
		{"many", func(b *basis) { writeMarks(b, mostMarks) }, 0, firstMarks(mostMarks)},
		{"too many", func(b *basis) { writeMarks(b, mostMarks+1) }, 0, nil},
		{"parts upon parts", func(b *basis) {
			b.mark(1)
			b.mark(1)
			b.refer(0, 1)
			b.refer(1, 2)
			for n := int32(4); n < 60; n += 2 { // each refers to the two before it
				b.refer(n-4, n-2)
				b.refer(n-2, n)
			}
			b.refer(56, 60)
		}, 60, nil},
		{"a full log", func(b *basis) {
			for range mostNotes {
				b.mark(1)
			}
		}, mostNotes - 1, nil},
	} {
		b := &basis{}
		for range 2 { // the second time over what the first one left
			b.notes = b.notes[:0]
			c.write(b)
			got, ok := b.since(c.since, 1)
			if ok != (c.want != nil) || ok && !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, %v; want %v", c.name, got, ok, c.want)
			}
		}
	}
}

func firstMarks(n int) []Mark {
	var marks []Mark
	for m := range n {
		marks = append(marks, Mark(m)*0x01000193) // spread as hashes are
	}
	return marks
}

func writeMarks(b *basis, n int) {
	for _, m := range firstMarks(n) {
		b.mark(m)
	}
}
