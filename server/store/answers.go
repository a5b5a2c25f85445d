package store

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
)

// The answers that engines gave, each with the revision it was found at and the
// marks of all it rests on. It is exact, as the cache of sets is: for every mark
// the last revision is noted that changed anything under it, and apply notes it
// before readers can see that revision. So an answer that was found at c
//
//   - holds at c, whatever was noted since;
//   - holds at r > c if nothing under its marks was changed after c, as far as
//     that is noted when a reader at r asks: what changed up to r is noted;
//   - says nothing of revisions before c.
//
// Marks are hashes, and what is noted is noted for many of them together, which
// is coarser, and safe. The relation that an answer is about is one of a compiled
// schema, so that another schema has other answers.

// Shares of the cache's bytes.
const (
	answersShare = 3   // a third is for answers, what is noted included
	bytesAMark   = 128 // of the whole for each that is noted: a sixteenth is for these
)

const (
	slots        = 7   // of a bucket, so that it fills a cache line
	answerWeight = 192 // what an answer takes beside its strings and marks, in bytes
	bucketWeight = 64
	answerShards = 64
)

type answers struct {
	seed    maphash.Seed
	from    Revision        // what changed up to it is not noted, so nothing older is kept
	noted   []atomic.Uint64 // by mark: nothing under it changed after this revision
	buckets []bucket
	shards  [answerShards]answerShard
	most    int64 // bytes of the answers of one shard
	fixed   int64 // bytes of the tables

	hits, misses, stale, evicted atomic.Uint64
}

// bucket holds answers whose hashes begin alike. Each byte of tags has some bits of
// the hash of the answer in the slot of that number, 0 for a free one, so that
// most of what is not looked for need not be looked at. The last byte has a bit
// for each answer that was used lately.
type bucket struct {
	tags  atomic.Uint64
	slots [slots]atomic.Pointer[answer]
}

// usedBits is where the bits begin.
const usedBits = 8 * slots

// answerShard is what those who put answers in share; readers do not need it.
type answerShard struct {
	mu    sync.Mutex
	hand  int // the bucket that is looked at next for what can go
	bytes atomic.Int64
}

// answer is one of them. All but known never changes.
type answer struct {
	hash     uint64
	relation *schema.Relation
	id       string
	subject  engine.Subject
	kept     engine.Kept
	found    Revision

	known atomic.Uint64 // a revision from found on up to which it is known to hold
}

// newAnswers makes the share of a cache of so many bytes; nil if they are too
// few for any. The tables are not written to before they are needed, as they are
// large: of a cache of 6 GiB, what is noted takes 256 MiB.
func newAnswers(maxBytes int64, head Revision) *answers {
	share := maxBytes / answersShare
	a := &answers{seed: maphash.MakeSeed(), from: head}
	a.noted = make([]atomic.Uint64, floorPower(maxBytes/bytesAMark))
	a.fixed = int64(len(a.noted)) * 8
	n := (share - a.fixed) / (slots * (answerWeight + 128)) / answerShards * answerShards
	if n <= 0 {
		return nil
	}
	a.buckets = make([]bucket, n)
	a.fixed += n * bucketWeight
	a.most = (share - a.fixed) / answerShards
	return a
}

// floorPower returns the largest power of two up to n, at least 1.
func floorPower(n int64) int64 {
	p := int64(1)
	for 2*p <= n {
		p *= 2
	}
	return p
}

// change notes that a revision changes what is under a mark. Revisions come in
// order, from one goroutine.
func (a *answers) change(m engine.Mark, rev Revision) {
	a.noted[int(m)&(len(a.noted)-1)].Store(uint64(rev))
}

// holds reports whether an answer holds at a revision.
func (a *answers) holds(x *answer, rev Revision) bool {
	if rev < x.found {
		return false
	}
	known := x.known.Load()
	if uint64(rev) <= known {
		return true
	}
	for _, m := range x.kept.Marks {
		if a.noted[int(m)&(len(a.noted)-1)].Load() > known {
			return false
		}
	}
	for known < uint64(rev) && !x.known.CompareAndSwap(known, uint64(rev)) {
		known = x.known.Load()
	}
	return true
}

func (a *answers) hash(r *schema.Relation, id string, mark engine.Mark) uint64 {
	h := maphash.String(a.seed, id) ^ (uint64(mark)+uint64(r.Index)<<32)*0x9e3779b97f4a7c15
	return h ^ h>>32
}

// place returns the number of the bucket where an answer with a hash belongs,
// and its tag, which is not 0.
func (a *answers) place(hash uint64) (int, uint64) {
	n, _ := bits.Mul64(hash, uint64(len(a.buckets)))
	return int(n), hash&0x7f | 0x80
}

func (x *answer) is(hash uint64, r *schema.Relation, id string, subject *engine.Subject) bool {
	return x.hash == hash && x.relation == r && x.id == id && x.subject == *subject
}

// find returns the answer to a question and its slot, nil when there is none.
func (b *bucket) find(tag, hash uint64, r *schema.Relation, id string, subject *engine.Subject) (*answer, int) {
	tags := b.tags.Load()
	for i := range b.slots {
		if tags>>(8*i)&0xff != tag {
			continue
		}
		if x := b.slots[i].Load(); x != nil && x.is(hash, r, id, subject) {
			return x, i
		}
	}
	return nil, 0
}

// get returns an answer that holds at a revision; nil without one.
func (a *answers) get(rev Revision, count *recalls, r *schema.Relation, id string, subject *engine.Subject, mark engine.Mark) *answer {
	hash := a.hash(r, id, mark)
	n, tag := a.place(hash)
	b := &a.buckets[n]
	x, i := b.find(tag, hash, r, id, subject)
	switch {
	case x == nil:
		count.misses.Add(1)
		return nil
	case !a.holds(x, rev):
		count.stale.Add(1)
		return nil
	}
	count.hits.Add(1)
	if used := uint64(1) << (usedBits + i); b.tags.Load()&used == 0 {
		b.tags.Or(used)
	}
	return x
}

// put keeps an answer that was found at a revision, unless what it rests on was
// changed since, or a later one is there.
func (a *answers) put(rev Revision, r *schema.Relation, id string, subject *engine.Subject, mark engine.Mark, kept engine.Kept) {
	if rev < a.from {
		return
	}
	for _, m := range kept.Marks {
		if a.noted[int(m)&(len(a.noted)-1)].Load() > uint64(rev) {
			return
		}
	}
	x := &answer{hash: a.hash(r, id, mark), relation: r, found: rev, kept: kept}
	x.kept.Marks = append(make([]engine.Mark, 0, len(kept.Marks)), kept.Marks...)
	x.copyStrings(id, subject)
	x.known.Store(uint64(rev))
	n, tag := a.place(x.hash)
	b, shard := &a.buckets[n], n%answerShards
	sh := &a.shards[shard]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	i, ok := b.slotFor(x, tag)
	if !ok {
		return
	}
	a.set(sh, b, i, x, tag)
	for swept := 0; sh.bytes.Load() > a.most && swept < len(a.buckets); swept++ {
		a.sweep(shard, b)
	}
}

// copyStrings copies the names, which hold memory of a request, as one string.
func (x *answer) copyStrings(id string, subject *engine.Subject) {
	all := strings.Join([]string{id, subject.Type, subject.ID, subject.Relation}, "")
	cut := func(n int) (s string) {
		s, all = all[:n], all[n:]
		return s
	}
	x.id = cut(len(id))
	x.subject.Type, x.subject.ID, x.subject.Relation = cut(len(subject.Type)), cut(len(subject.ID)), all
}

func (x *answer) weight() int64 {
	if x == nil {
		return 0
	}
	return int64(answerWeight + len(x.id) + len(x.subject.Type) + len(x.subject.ID) + len(x.subject.Relation) + 4*len(x.kept.Marks))
}

// slotFor returns the slot that an answer shall have: that of the answer to the
// same question, a free one, or that of one that was not used since all of the
// bucket were. So questions that come once displace one another, and not what is
// asked again. It returns false if the same question has a later answer. It is
// called under the shard's mu.
func (b *bucket) slotFor(x *answer, tag uint64) (int, bool) {
	if old, i := b.find(tag, x.hash, x.relation, x.id, &x.subject); old != nil {
		return i, old.found <= x.found
	}
	tags := b.tags.Load()
	for i := range b.slots {
		if tags>>(8*i)&0xff == 0 {
			return i, true
		}
	}
	for i := range b.slots {
		if tags>>(usedBits+i)&1 == 0 {
			return i, true
		}
	}
	b.tags.And(1<<usedBits - 1)
	return int(x.hash % slots), true // any
}

// set puts an answer, or nil, into a slot. It is called under the shard's mu.
func (a *answers) set(sh *answerShard, b *bucket, i int, x *answer, tag uint64) {
	old := b.slots[i].Load()
	if old != nil && (x == nil || !old.is(x.hash, x.relation, x.id, &x.subject)) {
		a.evicted.Add(1)
	}
	sh.bytes.Add(x.weight() - old.weight())
	b.slots[i].Store(x)
	b.tags.And(^(0xff<<(8*i) | 1<<(usedBits+i)))
	b.tags.Or(tag << (8 * i))
}

// sweep lets go of what was not used lately in the next bucket of a shard, but
// not in one. It is called under the shard's mu.
func (a *answers) sweep(shard int, but *bucket) {
	sh, own := &a.shards[shard], len(a.buckets)/answerShards
	b := &a.buckets[sh.hand%own*answerShards+shard]
	sh.hand++
	if b == but {
		return
	}
	used := b.tags.And(1<<usedBits-1) >> usedBits
	for i := range b.slots {
		if b.slots[i].Load() != nil && used>>i&1 == 0 {
			a.set(sh, b, i, nil, 0)
		}
	}
}

// clear lets go of everything: of answers under a schema that counts no more.
func (a *answers) clear() {
	for shard := range a.shards {
		a.clearShard(shard)
	}
}

// clearShard leaves alone what is empty: to write to all of a table is to make
// the machine give memory for it.
func (a *answers) clearShard(shard int) {
	sh := &a.shards[shard]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.bytes.Load() == 0 {
		return
	}
	for k := shard; k < len(a.buckets); k += answerShards {
		b := &a.buckets[k]
		if b.tags.Load() == 0 {
			continue
		}
		for i := range b.slots {
			b.slots[i].Store(nil)
		}
		b.tags.Store(0)
	}
	sh.bytes.Store(0)
}

func (a *answers) stats() AnswerStats {
	bytes := a.fixed
	for i := range a.shards {
		bytes += a.shards[i].bytes.Load()
	}
	return AnswerStats{
		Hits: a.hits.Load(), Misses: a.misses.Load(), Stale: a.stale.Load(), Evictions: a.evicted.Load(), Bytes: uint64(bytes),
	}
}
