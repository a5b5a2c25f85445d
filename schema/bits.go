package schema

import (
	"iter"
	mathbits "math/bits"
)

// bits is a set of small numbers. It is kept in pages, so that thousands of
// sets over thousands of numbers stay small: an absent page is empty, and sets
// share pages. A page that two sets hold is never changed.
type bits []*page

const (
	pageBits  = 512
	pageWords = pageBits / 64
)

type page [pageWords]uint64

func (b bits) has(i int) bool {
	n := i / pageBits
	return n < len(b) && b[n] != nil && b[n][i%pageBits/64]&(1<<(i%64)) != 0
}

// add puts i into a set whose pages nobody else holds.
func (b *bits) add(i int) {
	n := i / pageBits
	for len(*b) <= n {
		*b = append(*b, nil)
	}
	if (*b)[n] == nil {
		(*b)[n] = new(page)
	}
	(*b)[n][i%pageBits/64] |= 1 << (i % 64)
}

// empty reports whether nothing is in b. The operations leave no empty page.
func (b bits) empty() bool { return len(b) == 0 }

func (b bits) equal(o bits) bool {
	if len(b) != len(o) {
		return false
	}
	for n := range b {
		if b[n] != o[n] && (b[n] == nil || o[n] == nil || *b[n] != *o[n]) {
			return false
		}
	}
	return true
}

// union gives what is in either set; it is b itself when o adds nothing.
func (b bits) union(o bits) bits {
	if len(b) == 0 {
		return o
	}
	var out bits // a copy of b once something was added
	for n, p := range o {
		var old *page
		if n < len(b) {
			old = b[n]
		}
		sum := mergePages(old, p)
		if sum == old {
			continue
		}
		if out == nil {
			out = make(bits, max(len(b), len(o)))
			copy(out, b)
		}
		out[n] = sum
	}
	if out == nil {
		return b
	}
	return out
}

// mergePages gives the union of two pages, one of them where it is the union.
func mergePages(a, b *page) *page {
	switch {
	case b == nil || a == b:
		return a
	case a == nil:
		return b
	}
	sum := *a
	for i, w := range b {
		sum[i] |= w
	}
	switch sum {
	case *a:
		return a
	case *b:
		return b
	}
	return &sum
}

// intersect gives what is in both sets.
func (b bits) intersect(o bits) bits {
	out := make(bits, min(len(b), len(o)))
	last := 0
	for n := range out {
		if b[n] == nil || o[n] == nil {
			continue
		}
		var both page
		for i := range both {
			both[i] = b[n][i] & o[n][i]
		}
		if both != (page{}) {
			out[n] = &both
			last = n + 1
		}
	}
	return out[:last:last]
}

// hash is equal for equal sets.
func (b bits) hash() uint64 {
	h := uint64(14695981039346656037)
	for n, p := range b {
		if p == nil {
			continue
		}
		h = (h ^ uint64(n)) * 1099511628211
		for _, w := range p {
			h = (h ^ w) * 1099511628211
			h ^= h >> 29
		}
	}
	return h
}

// all iterates over the set in ascending order.
func (b bits) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for n, p := range b {
			if p == nil {
				continue
			}
			for i, w := range p {
				for ; w != 0; w &= w - 1 {
					if !yield(n*pageBits + i*64 + mathbits.TrailingZeros64(w)) {
						return
					}
				}
			}
		}
	}
}
