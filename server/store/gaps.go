package store

import (
	"bytes"
	"slices"
)

// gaps finds stretches of the forward index in which nothing is stored, so that
// one seek answers for many keys. Transactions that are large mostly add what is
// new, and that lies together. It knows the last gap it was asked for alone, and
// gives up when that does not pay.
type gaps struct {
	rev  Revision
	all  view  // of all versions, also those after rev
	walk *scan // over them

	known bool
	from  []byte // nothing is stored from here
	to    []byte // up to here; nil: to the end of the index

	asked, seeks int
	given        bool // up
}

const (
	gapsWorth   = 64 // changes from which on it is tried
	gapsTried   = 32 // seeks after which it is judged whether it pays
	gapsPay     = 4  // keys that a seek has to answer for
	gapsVersion = 64 // versions that do not count which a seek passes at most
)

// gaps returns what can be known of a revision, nil when it is not worth it for
// so many changes. The caller must close it; it may be asked again then.
func (b *backend) gaps(rev Revision, changes int) *gaps {
	if changes < gapsWorth {
		return nil
	}
	// Where a log is applied again there are versions after rev, and a walk at
	// rev would pass all of them unseen.
	return &gaps{rev: rev, all: b.view(^Revision(0))}
}

// absent reports of each key whether it is known not to be stored at a revision;
// nil: of none.
func (b *backend) absent(rev Revision, keys [][]byte) []bool {
	g := b.gaps(rev, len(keys))
	if g == nil {
		return nil
	}
	defer g.close()
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(keys[a], keys[b]) })
	absent := make([]bool, len(keys))
	for _, i := range order {
		absent[i] = g.free(keys[i])
	}
	return absent
}

func (g *gaps) close() {
	if g != nil && g.walk != nil {
		g.walk.close()
		g.walk = nil
	}
}

// free reports whether it is known that a key is not stored.
func (g *gaps) free(key []byte) bool {
	return g.look(key)
}

// freePrefix reports whether it is known that no key with a prefix is stored.
func (g *gaps) freePrefix(prefix []byte) bool {
	return g.look(prefix) && !bytes.HasPrefix(g.to, prefix)
}

// covers reports whether a key lies in the gap that is known.
func (g *gaps) covers(key []byte) bool {
	return g.known && bytes.Compare(g.from, key) <= 0 && (g.to == nil || bytes.Compare(key, g.to) < 0)
}

// look finds the gap that begins at a key, unless it lies in the one that is
// known, and reports whether the key lies in a gap now.
func (g *gaps) look(key []byte) bool {
	if g == nil || g.given {
		return false
	}
	g.asked++
	if g.covers(key) {
		return true
	}
	if g.given = g.seeks >= gapsTried && g.asked < gapsPay*g.seeks; g.given {
		return false
	}
	if g.walk == nil {
		g.walk = g.all.scanVersions([]byte{tableForward})
	}
	g.seeks++
	g.known, g.from, g.to = true, append(g.from[:0], key...), g.walk.present(key, g.rev, gapsVersion)
	return g.covers(key)
}
