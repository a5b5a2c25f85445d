package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// Kind is what relationships are counted by: everything but the ids.
type Kind struct {
	Type, Relation               string
	SubjectType, SubjectRelation string
	Wildcard                     bool
	Caveat                       string
	Expires                      bool
}

// KindOf returns what a relationship counts as.
func KindOf(r *engine.Relationship) Kind {
	k := Kind{
		Type: r.Resource.Type, Relation: r.Relation,
		SubjectType: r.Subject.Type, SubjectRelation: r.Subject.Relation, Wildcard: r.Subject.IsWildcard(),
	}
	if r.Trait != nil {
		k.Caveat, k.Expires = r.Trait.Caveat, !r.Trait.Expires.IsZero()
	}
	return k
}

// String prints the kind as "document#viewer@user:* with limit and expiration".
func (k Kind) String() string {
	text := k.Type + "#" + k.Relation + "@" + k.SubjectType
	if k.Wildcard {
		text += ":" + engine.Wildcard
	}
	if k.SubjectRelation != "" {
		text += "#" + k.SubjectRelation
	}
	switch {
	case k.Caveat != "" && k.Expires:
		text += " with " + k.Caveat + " and expiration"
	case k.Caveat != "":
		text += " with " + k.Caveat
	case k.Expires:
		text += " with expiration"
	}
	return text
}

// Compare orders kinds by their text.
func (k Kind) Compare(o Kind) int { return strings.Compare(k.String(), o.String()) }

// Hash stands for everything that is stored at a revision: relationships,
// documents and schema. Equal states have equal hashes, whatever led to them.
type Hash [2]uint64

// String returns the hash in hexadecimal.
func (h Hash) String() string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, h[0]), h[1]))
}

// add puts one key with its value into the hash; remove takes it out. Sums
// commute, so the order of changes does not matter.
func (h *Hash) add(key, value []byte, mark byte) {
	d := digest(key, value, mark)
	h[0], h[1] = h[0]+d[0], h[1]+d[1]
}

func (h *Hash) remove(key, value []byte, mark byte) {
	d := digest(key, value, mark)
	h[0], h[1] = h[0]-d[0], h[1]-d[1]
}

func digest(key, value []byte, mark byte) Hash {
	var array [256]byte
	buf := binary.AppendUvarint(append(array[:0], mark), uint64(len(key)))
	buf = append(append(buf, key...), value...)
	sum := sha256.Sum256(buf)
	return Hash{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
}

// state is what every transaction changes, and is therefore kept in memory. It
// follows from the transactions alone.
type state struct {
	head   Revision
	floor  Revision
	time   int64 // of the newest transaction, in milliseconds since 1970
	hash   Hash
	counts map[Kind]int64 // none is 0

	counters map[string]*Counter // that were registered
	chains   map[string]ChainState
}

func newState() *state {
	return &state{counts: map[Kind]int64{}, counters: map[string]*Counter{}, chains: map[string]ChainState{}}
}

// count adds n relationships of a kind.
func (s *state) count(k Kind, n int64) {
	if c := s.counts[k] + n; c != 0 {
		s.counts[k] = c
	} else {
		delete(s.counts, k)
	}
}

// relationships returns how many there are.
func (s *state) relationships() int64 {
	var n int64
	for _, c := range s.counts {
		n += c
	}
	return n
}

// advance makes s the state after a record.
func (s *state) advance(r *Record) {
	s.head, s.floor, s.time, s.hash = r.Revision, r.Floor, r.Time.UnixMilli(), r.Hash
	for i := range r.Changes {
		s.countChange(&r.Changes[i])
	}
}

func (s *state) countChanges(changes []*change) {
	for _, c := range changes {
		s.countChange(&c.Change)
		for _, counter := range s.counters {
			counter.change(&c.Change)
		}
	}
}

func (s *state) countChange(c *Change) {
	if c.Op != Create {
		before := c.Relationship
		before.Trait = c.Before
		s.count(KindOf(&before), -1)
	}
	if c.Op != Delete {
		s.count(KindOf(&c.Relationship), 1)
	}
}

// The first byte of an encoded state is its format: 2, or 3 when there are chains.
const (
	minStateFormat = 2
	maxStateFormat = 3
)

func (s *state) encode() []byte {
	buf := []byte{minStateFormat}
	if len(s.chains) > 0 {
		buf[0] = maxStateFormat
	}
	buf = binary.AppendUvarint(buf, uint64(s.head))
	buf = binary.AppendUvarint(buf, uint64(s.floor))
	buf = binary.AppendVarint(buf, s.time)
	buf = binary.BigEndian.AppendUint64(buf, s.hash[0])
	buf = binary.BigEndian.AppendUint64(buf, s.hash[1])
	buf = binary.AppendUvarint(buf, uint64(len(s.counts)))
	for _, k := range slices.SortedFunc(maps.Keys(s.counts), Kind.Compare) {
		for _, part := range []string{k.Type, k.Relation, k.SubjectType, k.SubjectRelation, k.Caveat} {
			buf = appendString(buf, part)
		}
		buf = append(buf, flags(k.Wildcard, k.Expires))
		buf = binary.AppendVarint(buf, s.counts[k])
	}
	buf = binary.AppendUvarint(buf, uint64(len(s.counters)))
	for _, name := range slices.Sorted(maps.Keys(s.counters)) {
		buf = s.counters[name].append(buf)
	}
	if len(s.chains) > 0 {
		buf = appendChains(buf, s.chains)
	}
	return buf
}

func decodeState(value []byte) (*state, error) {
	d := decoder{rest: value}
	format := d.byte()
	if format < minStateFormat || format > maxStateFormat {
		return nil, fmt.Errorf("small state has format %d, and this version knows formats %d to %d", format, minStateFormat, maxStateFormat)
	}
	s := newState()
	s.head, s.floor, s.time = Revision(d.uvarint()), Revision(d.uvarint()), d.varint()
	s.hash = d.hash()
	for n := d.count(); n > 0 && !d.bad; n-- {
		k := Kind{Type: d.string(), Relation: d.string(), SubjectType: d.string(), SubjectRelation: d.string(), Caveat: d.string()}
		f := d.byte()
		k.Wildcard, k.Expires = f&1 != 0, f&2 != 0
		s.counts[k] = d.varint()
	}
	for n := d.count(); n > 0 && !d.bad; n-- {
		c := d.counter()
		s.counters[c.Name] = c
	}
	if format >= 3 {
		s.chains = d.chains()
	}
	if d.bad || len(d.rest) > 0 {
		return nil, fmt.Errorf("small state is cut short or too long")
	}
	return s, nil
}

func (d *decoder) hash() Hash {
	b := d.take(16)
	if d.bad {
		return Hash{}
	}
	return Hash{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// flags packs booleans into a byte, the first in the lowest bit.
func flags(bits ...bool) byte {
	var f byte
	for i, b := range bits {
		if b {
			f |= 1 << i
		}
	}
	return f
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
