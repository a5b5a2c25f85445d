package store

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"
	"github.com/maypok86/otter/v2/stats"

	"github.com/pemba-authz/pemba/engine"
)

// The cache holds sets, the subjects of resource#relation, and, for sets that
// are too large, single lookups. It is exact: an entry is the truth for every
// revision from the one it is known from until one that changes it, and apply
// drops what a revision changes before readers can see that revision. So
//
//   - a reader at revision r may use an entry that is known from r or before: if
//     anything up to r had changed it, it would be gone or known from later;
//   - what a reader loads at r may be kept only if nothing after r changed it.
//     Revisions are noted for groups of sets (stripes), which is coarser, and
//     safe: the stripe's lock is held while the revision is compared and the
//     entry put in, and while apply notes the revision and drops the entry.

// A section of a set is held whole up to so many subjects. Usersets have to be
// walked one by one anyway; direct subjects of larger sections are looked up.
const (
	maxDirect   = 128
	maxUsersets = 4096
)

// traitWeight is what a trait without a context takes, roughly, in bytes.
const traitWeight = 128

// stripes is how many groups of sets note the last revision that changed them.
const stripes = 1024

// CacheStats counts what the cache did since the store was opened. Hits and
// misses of snapshots that are still open are not in it.
type CacheStats struct {
	Hits, Misses, Evictions uint64 // of sets
	Entries                 int    // sets
	Bytes, MaxBytes         uint64 // of sets and answers
	Answers                 AnswerStats
}

// AnswerStats counts what happened to the answers that are kept.
type AnswerStats struct {
	Hits, Misses uint64
	Stale        uint64 // were found, and did not hold any more
	Evictions    uint64
	Bytes        uint64
}

type cache struct {
	// held is by the hash of the key: it hashes and compares faster than six
	// strings do. What two keys share a hash for replaces one another.
	held    *otter.Cache[uint64, *cached]
	max     int64
	seed    maphash.Seed
	stripes [stripes]stripe

	answers *answers // nil if there is no room for any

	hits, misses atomic.Uint64
	evictions    evictions
}

// stripe is a group of sets.
type stripe struct {
	mu      sync.Mutex
	changed Revision // nothing in the group changed after it
}

// evictions counts what was dropped for lack of room.
type evictions struct {
	stats.NoopRecorder
	count atomic.Uint64
}

// RecordEviction implements stats.Recorder.
func (e *evictions) RecordEviction(uint32) { e.count.Add(1) }

// setKey names a set.
type setKey struct {
	resource engine.Object
	relation string
}

// lookupKey names a single lookup in a set. Without a subject it is the set.
type lookupKey struct {
	set     setKey
	subject engine.Subject
}

// cached is a set, or the answer to a single lookup. It never changes.
type cached struct {
	key  lookupKey
	from Revision // the answer is true from it on

	set    engine.Set // sections sorted by type and relation
	traits int        // bytes that the traits of the set take, roughly

	found bool // of a lookup
	trait *engine.Trait
}

// isWhole reports whether a section knows all its subjects, as one that is not
// there does: it has none.
func isWhole(s *engine.Section) bool { return s == nil || s.Whole }

func newCache(maxBytes int64, head Revision) (*cache, error) {
	c := &cache{max: maxBytes, seed: maphash.MakeSeed()}
	forSets := maxBytes
	if c.answers = newAnswers(maxBytes, head); c.answers != nil {
		forSets -= maxBytes / answersShare
	}
	for i := range c.stripes {
		c.stripes[i].changed = head // what happened before is not known
	}
	var err error
	c.held, err = otter.New(&otter.Options[uint64, *cached]{
		MaximumWeight: uint64(forSets),
		Weigher:       func(_ uint64, v *cached) uint32 { return uint32(min(v.weight(), 1<<31)) },
		StatsRecorder: &c.evictions,
	})
	return c, err
}

// weight returns the bytes that an entry takes, roughly.
func (v *cached) weight() int {
	k := &v.key
	n := 320 + len(k.set.resource.Type) + len(k.set.resource.ID) + len(k.set.relation) +
		len(k.subject.Type) + len(k.subject.ID) + len(k.subject.Relation)
	if v.trait != nil {
		n += traitWeight
	}
	for i := range v.set.Sections {
		s := &v.set.Sections[i]
		n += 64 + len(s.Type) + len(s.Relation)
		for _, e := range s.Entries {
			n += 24 + len(e.ID)
		}
	}
	return n + v.traits
}

func (c *cache) stats() CacheStats {
	if c == nil {
		return CacheStats{}
	}
	st := CacheStats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Evictions: c.evictions.count.Load(),
		Entries: c.held.EstimatedSize(), Bytes: c.held.WeightedSize(), MaxBytes: uint64(c.max),
	}
	if c.answers != nil {
		st.Answers = c.answers.stats()
		st.Bytes += st.Answers.Bytes
	}
	return st
}

func (c *cache) hash(k setKey) uint64 { return maphash.Comparable(c.seed, k) }

// lookupHash returns the hash of a lookup in the set of a hash.
func (c *cache) lookupHash(set uint64, subject engine.Subject) uint64 {
	return set ^ maphash.Comparable(c.seed, subject)
}

// mark returns the mark of a subject; that of a set is made of its hash.
func (c *cache) mark(subject *engine.Subject) engine.Mark {
	return engine.Mark(maphash.Comparable(c.seed, *subject))
}

// get returns an entry that is true at the snapshot's revision, nil when there
// is none.
func (c *cache) get(sn *Snapshot, hash uint64, k *lookupKey) *cached {
	v, ok := c.held.GetIfPresent(hash)
	if !ok || v.from > sn.rev || v.key != *k {
		sn.misses.Add(1)
		return nil
	}
	sn.hits.Add(1)
	return v
}

// fresh reports whether something loaded at a revision may be kept.
func (c *cache) fresh(set uint64, rev Revision) bool {
	st := &c.stripes[set%stripes]
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.changed <= rev
}

// put keeps what was loaded at a revision, unless the set may have changed since.
func (c *cache) put(set, hash uint64, k lookupKey, rev Revision, v *cached) {
	v.key = k.clone()
	st := &c.stripes[set%stripes]
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.changed <= rev {
		v.from = st.changed
		c.held.Set(hash, v)
	}
}

// clone returns a key that holds no memory of the caller's.
func (k lookupKey) clone() lookupKey {
	parts := []*string{
		&k.set.resource.Type, &k.set.resource.ID, &k.set.relation,
		&k.subject.Type, &k.subject.ID, &k.subject.Relation,
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(*p)
	}
	all := b.String()
	for _, p := range parts {
		*p, all = all[:len(*p)], all[len(*p):]
	}
	return k
}

// changed drops what a revision changes, with all answers if it has another
// schema. It is called before readers see it.
func (c *cache) changed(rev Revision, changes []*change, schema bool) {
	if c == nil {
		return
	}
	if schema && c.answers != nil {
		c.answers.clear()
	}
	for _, ch := range changes {
		if bugStaleCache && ch.Op == Delete {
			continue
		}
		subject := ch.Relationship.Subject
		set := c.hash(setKey{ch.Relationship.Resource, ch.Relationship.Relation})
		if c.answers != nil {
			mark := engine.Mark(set)
			c.answers.change(mark.Of(c.mark(&subject)), rev)
			c.answers.change(mark.All(subject.Relation != ""), rev)
		}
		st := &c.stripes[set%stripes]
		st.mu.Lock()
		st.changed = rev
		// What is known of a section that is not whole stays true, the wildcard
		// apart: that its subjects have to be looked up.
		v, ok := c.held.GetIfPresent(set)
		if ok && (subject.IsWildcard() || isWhole(v.set.Section(subject.Type, subject.Relation))) {
			c.held.Invalidate(set)
		}
		c.held.Invalidate(c.lookupHash(set, subject))
		st.mu.Unlock()
	}
}

// find answers Snapshot.Find.
func (c *cache) find(sn *Snapshot, resource engine.Object, relation string, subject engine.Subject) (*engine.Trait, bool, error) {
	k := lookupKey{set: setKey{resource, relation}}
	hash := c.hash(k.set)
	v, err := c.set(sn, hash, &k)
	if err != nil {
		return nil, false, err
	}
	if v == nil {
		return sn.find(resource, relation, subject)
	}
	if trait, ok, known := v.set.Find(&subject); known {
		return trait, ok, nil
	}
	k.subject = subject
	return c.lookup(sn, hash, &k)
}

// lookup answers a Find in a set that is too large to be held.
func (c *cache) lookup(sn *Snapshot, set uint64, k *lookupKey) (*engine.Trait, bool, error) {
	hash := c.lookupHash(set, k.subject)
	if v := c.get(sn, hash, k); v != nil {
		return v.trait, v.found, nil
	}
	trait, found, err := sn.find(k.set.resource, k.set.relation, k.subject)
	if err == nil {
		c.put(set, hash, *k, sn.rev, &cached{trait: trait, found: found})
	}
	return trait, found, err
}

// subjects answers Snapshot.Subjects.
func (c *cache) subjects(sn *Snapshot, resource engine.Object, relation, subjectType, subjectRelation, after string) ([]engine.Entry, bool, error) {
	k := lookupKey{set: setKey{resource, relation}}
	v, err := c.set(sn, c.hash(k.set), &k)
	if err != nil {
		return nil, false, err
	}
	if v != nil {
		s := v.set.Section(subjectType, subjectRelation)
		if s == nil {
			return nil, false, nil
		}
		if s.Whole {
			return entriesAfter(s, after), false, nil
		}
	}
	return sn.subjects(resource, relation, subjectType, subjectRelation, after)
}

// set returns a set as it is at the snapshot's revision, nil when it is not held
// and could not be kept either.
func (c *cache) set(sn *Snapshot, hash uint64, k *lookupKey) (*cached, error) {
	if v := c.get(sn, hash, k); v != nil {
		return v, nil
	}
	if !c.fresh(hash, sn.rev) {
		return nil, nil
	}
	v, err := sn.view.loadSet(k.set)
	if err == nil {
		c.put(hash, hash, *k, sn.rev, v)
	}
	return v, err
}

// loadSet reads a set from the backend.
func (v view) loadSet(k setKey) (*cached, error) {
	prefix := setPrefix(nil, k.resource, k.relation)
	s := v.scan(prefix)
	defer s.close()
	set := &cached{}
	for s.seek(nil); s.valid(); {
		subjectType, subjectRelation, _, err := splitSection(s.key()[len(prefix):])
		if err != nil {
			return nil, err
		}
		sec := engine.Section{Type: string(subjectType), Relation: string(subjectRelation)}
		traits, err := loadSection(&sec, s, sectionPrefix(nil, k.resource, k.relation, sec.Type, sec.Relation))
		if err != nil {
			return nil, err
		}
		set.set.Sections = append(set.set.Sections, sec)
		set.traits += traits
	}
	return set, nil
}

// loadSection reads the section that the walk stands at the start of, and leaves
// the walk behind it. It returns what the traits weigh.
func loadSection(s *engine.Section, walk *scan, prefix []byte) (traits int, err error) {
	most := maxDirect
	if s.Relation != "" {
		most = maxUsersets
	}
	var b entriesBuilder
	for ; walk.valid() && strings.HasPrefix(string(walk.key()), string(prefix)); walk.next() {
		if len(b.ends) == most {
			// The wildcard sorts before every id, so it is the first or absent.
			s.Entries = b.build()
			s.Entries = append([]engine.Entry(nil), s.Entries[:wildcards(s.Entries)]...)
			walk.seek(sectionEnd(prefix))
			return 0, nil
		}
		if err := b.add(walk.key()[len(prefix):], walk); err != nil {
			return 0, err
		}
	}
	s.Whole, s.Entries = true, b.build()
	return b.weight, nil
}

func wildcards(entries []engine.Entry) int {
	if entries[0].ID == engine.Wildcard {
		return 1
	}
	return 0
}

// entriesAfter returns the entries of a section after an id.
func entriesAfter(s *engine.Section, id string) []engine.Entry {
	if id == "" {
		return s.Entries
	}
	i := s.Search(id)
	if i < len(s.Entries) && s.Entries[i].ID == id {
		i++
	}
	return s.Entries[i:]
}
