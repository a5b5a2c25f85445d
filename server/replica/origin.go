package replica

import (
	"encoding/binary"
	"sync"
	"time"
)

// origin names a proposal of one node, so that it may be proposed again when it
// is not known what became of it.
type origin struct {
	session  uint64 // of the node's process, drawn at random; 0: the proposal has no origin
	sequence uint64 // counts its proposals from 1
	settled  uint64 // up to here it waits for none any more
}

const originSize = 3 * 8

func (o *origin) append(buf []byte) []byte {
	for _, n := range []uint64{o.session, o.sequence, o.settled} {
		buf = binary.BigEndian.AppendUint64(buf, n)
	}
	return buf
}

func (d *decoder) origin() (o origin) {
	if b := d.take(originSize); len(b) == originSize {
		o = origin{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])}
	}
	return o
}

// origins numbers the proposals of this node.
type origins struct {
	session uint64

	mu      sync.Mutex
	last    uint64
	settled uint64
	waiting map[uint64]bool // those above settled that are not answered
}

func newOrigins() *origins { return &origins{session: randomID(), waiting: map[uint64]bool{}} }

// next begins a proposal.
func (o *origins) next() origin {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last++
	o.waiting[o.last] = true
	return origin{session: o.session, sequence: o.last, settled: o.settled}
}

// done says that nobody waits for a proposal any more. When it is still in some
// log, it will not be applied once a later one was.
func (o *origins) done(sequence uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.waiting, sequence)
	for o.settled < o.last && !o.waiting[o.settled+1] {
		o.settled++
	}
}

const (
	// sessionAge is for how long the machine knows a session that proposes nothing,
	// by the log's time. Proposals are tried again for a shorter time.
	sessionAge = 10 * time.Minute
	// fewSessions are kept whatever their age: the log's time jumps when the clock
	// of a leader is ahead, and what is tried again must not be applied twice then.
	fewSessions = 32
)

// session is what the machine knows of one.
type session struct {
	id       uint64
	time     int64 // of its newest entry, in milliseconds
	settled  uint64
	outcomes map[uint64]*remembered // by sequence, of those above settled
}

// sessions are those that propose.
type sessions map[uint64]*session

// use returns the session of an origin, which may be new, at a time.
func (s sessions) use(o origin, now int64) *session {
	known := s[o.session]
	if known == nil {
		if len(s) >= fewSessions {
			s.forget(now - sessionAge.Milliseconds())
		}
		known = &session{id: o.session, outcomes: map[uint64]*remembered{}}
		s[o.session] = known
	}
	known.time = now
	for ; known.settled < o.settled; known.settled++ {
		if len(known.outcomes) == 0 {
			known.settled = o.settled
			break
		}
		delete(known.outcomes, known.settled+1)
	}
	return known
}

// forget lets go of the sessions that proposed nothing after a time.
func (s sessions) forget(since int64) {
	for id, old := range s {
		if old.time <= since {
			delete(s, id)
		}
	}
}
