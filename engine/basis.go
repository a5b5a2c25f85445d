package engine

import "github.com/pemba-authz/pemba/schema"

// What an answer rests on.
//
// A walk whose answers are kept writes down, in one log, everything that it
// takes into account, in the order in which it does: the marks of what it reads,
// found or not, those of the answers that it recalls, and what it takes from its
// own memo, as a reference to the part of the log where that was found. What a
// set's answer rests on is then what was written since the walk came to it, and
// what that refers to.
//
// Some of what is written cannot be kept at all: what a relationship carries,
// and what was assumed of a set that is still open, where that set is not itself
// part of what is kept.

// note is one line of the log: a kind in the two highest bits, and what it says.
type note uint64

const (
	noteMark  note = iota << 62 // a mark
	noteRefer                   // to an earlier part of the log: where it begins and ends, 31 bits each
	noteOpen                    // an open set was taken for what it was assumed to be: its place
	noteBar                     // nothing that rests on this may be kept

	noteKind = note(3) << 62
)

const (
	mostNotes = 1 << 15 // in the log of a walk; what comes after is not kept
	mostMarks = 256     // that an answer may rest on to be kept
	mostRead  = 2048    // notes that are read to find them
)

// basis is the log of a walk.
type basis struct {
	notes []note
	marks []Mark                // of the answer that is kept at the moment
	seen  [2 * mostMarks]uint64 // the marks in marks: of which answer, and which mark
	turn  uint32                // counts the answers
	left  int                   // notes that may still be read for it
}

// add writes a note. A full log stays full: what is missing bars all that
// follows from being kept.
func (b *basis) add(n note) {
	if len(b.notes) < mostNotes {
		b.notes = append(b.notes, n)
	}
}

func (b *basis) full() bool { return len(b.notes) >= mostNotes }

func (b *basis) mark(m Mark) { b.add(noteMark | note(m)) }

func (b *basis) open(place int32) { b.add(noteOpen | note(uint32(place))) }

func (b *basis) bar() { b.add(noteBar) }

// refer writes down that what was found between two places of the log is used.
func (b *basis) refer(from, to int32) {
	if from < to {
		b.add(noteRefer | note(from)<<31 | note(to))
	}
}

// recalled writes down an answer that was recalled.
func (b *basis) recalled(marks []Mark) {
	for _, m := range marks {
		b.mark(m)
	}
}

// length returns where the next note will stand; 0 without a log.
func (b *basis) length() int32 {
	if b == nil {
		return 0
	}
	return int32(len(b.notes))
}

// since returns the marks that everything written from a place on rests on, each
// once, if it may be kept. depth is how many sets were open at that place. The
// marks are good until the next call.
func (b *basis) since(from int, depth int32) ([]Mark, bool) {
	if b.full() {
		return nil, false
	}
	b.marks, b.left = b.marks[:0], mostRead
	if b.turn++; b.turn == 0 {
		clear(b.seen[:])
		b.turn = 1
	}
	for _, n := range b.notes[from:] {
		ok := true
		switch n & noteKind {
		case noteMark:
			ok = b.collect(Mark(n))
		case noteRefer:
			// What was found since is written since.
			if start, end := n.part(); start < from && !bugStaleAnswer {
				ok = b.follow(start, end)
			}
		case noteOpen:
			ok = int32(uint32(n)) >= depth
		case noteBar:
			ok = false
		}
		if b.left--; !ok || b.left < 0 {
			return nil, false
		}
	}
	return b.marks, true
}

// follow collects the marks of an earlier part of the log. Open sets of that
// time are gone, and what was assumed of them is no basis.
func (b *basis) follow(from, to int) bool {
	for _, n := range b.notes[from:to] {
		ok := false
		switch n & noteKind {
		case noteMark:
			ok = b.collect(Mark(n))
		case noteRefer:
			start, end := n.part()
			ok = start >= from || b.follow(start, end)
		}
		if b.left--; !ok || b.left < 0 {
			return false
		}
	}
	return true
}

func (n note) part() (from, to int) {
	const low = 1<<31 - 1
	return int(n >> 31 & low), int(n & low)
}

// collect adds a mark to those of the answer, and reports whether there was room.
func (b *basis) collect(m Mark) bool {
	const size = uint32(len(b.seen))
	key := uint64(b.turn)<<32 | uint64(m)
	for i := uint32(m) * 0x9e3779b1 >> 16 % size; ; i = (i + 1) % size {
		switch {
		case b.seen[i] == key:
			return true
		case uint32(b.seen[i]>>32) == b.turn:
			continue
		case len(b.marks) == mostMarks:
			return false
		}
		b.seen[i] = key
		b.marks = append(b.marks, m)
		return true
	}
}

// recall answers a set by what was kept of it, if anything that holds was.
func (w *walk) recall(r *schema.Relation, id string, hops int) (value, bool) {
	kept, ok := w.keeper.Recall(r, id, &w.subject, w.mark)
	if !ok || hops+kept.Height > w.limits.Depth {
		return value{}, false
	}
	w.reads++
	w.recalls++
	w.borrowed = true
	w.deepest, w.furthest = max(w.deepest, hops+kept.Height), max(w.furthest, hops+kept.Height)
	if hops > 0 { // else nothing else is being answered
		w.log.recalled(kept.Marks)
	}
	if kept.Yes {
		return valueYes, true
	}
	return valueNo, true
}

// fewestNotes is from how many notes on the answer for a set on the way is worth
// being kept if it needs no other object: a shorter one is as quickly found again.
const fewestNotes = 4

// keep keeps the answer for a set if it may be kept. depth is how many sets were
// open when the walk came to it.
func (w *walk) keep(n node, known *entry, hops int, depth int32) {
	v := &known.value
	if known.status != final || v.truth != yes && v.truth != no || v.until != never || v.low != closed {
		return
	}
	if hops > 0 && known.to-known.from < fewestNotes && known.height == 0 {
		return
	}
	if marks, ok := w.log.since(int(known.from), depth); ok {
		w.keeper.Keep(n.relation, n.id, &w.subject, w.mark, Kept{Yes: v.truth == yes, Height: known.height, Marks: marks})
	}
}
