package replica

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/pemba-authz/pemba/server/store"
)

// The first byte of an encoded state is its format: that of the commands which
// bring what it holds.
const (
	minStateFormat = minFormat
	maxStateFormat = maxFormat
)

// state is what the machine keeps in memory beside the store's. It follows from
// the log alone.
type state struct {
	history history
	time    int64 // the greatest of all entries, in milliseconds since 1970
	retries *retries
	stages  *stages

	version  int // of the cluster: the newest format of commands that may be proposed
	settings settings
	sessions sessions
}

func newState() *state {
	return &state{retries: newRetries(), stages: newStages(), version: minFormat, sessions: sessions{}}
}

// format returns the oldest format that can express the state.
func (s *state) format() byte {
	switch {
	case s.version >= formatChains:
		return formatChains
	case s.version >= formatOrigins || len(s.sessions) > 0 || !s.settings.zero():
		return formatOrigins
	}
	return minStateFormat
}

// encode returns the state together with that of the store, which a snapshot of
// the log holds. Equal states have equal forms.
func (s *state) encode(stored []byte) ([]byte, error) {
	e := &encoder{buf: make([]byte, 0, 1024+len(stored)+64*len(s.retries.queue))}
	format := s.format()
	e.byte(format)
	e.uvarint(s.history.cluster)
	e.uvarint(s.history.epoch)
	e.varint(s.time)
	e.bytes(stored)
	e.count(len(s.retries.queue))
	for _, m := range s.retries.queue {
		e.remembered(m)
	}
	e.count(len(s.stages.byID))
	byID := func(a, b *stage) int { return cmp.Compare(a.id, b.id) }
	for _, st := range slices.SortedFunc(maps.Values(s.stages.byID), byID) {
		e.stage(st)
	}
	if format >= formatOrigins {
		e.count(s.version)
		e.settings(&s.settings)
		e.sessions(s.sessions)
	}
	return e.buf, e.err
}

// decodeState reads back what encode wrote, and the store's part.
func decodeState(data []byte) (s *state, stored []byte, err error) {
	d := &decoder{rest: data}
	format := d.byte()
	if d.err == nil && (format < minStateFormat || format > maxStateFormat) {
		return nil, nil, fmt.Errorf("the snapshot of the log has format %d, and this version knows formats %d to %d: run the newer version", format, minStateFormat, maxStateFormat)
	}
	s = newState()
	s.history = history{cluster: d.uvarint(), epoch: d.uvarint()}
	s.time = d.varint()
	stored = d.bytes()
	for _, m := range list(d, d.remembered) {
		s.retries.add(m)
	}
	for _, st := range list(d, d.stage) {
		s.stages.byID[st.id] = st
		s.stages.total += len(st.updates)
	}
	if format >= formatOrigins {
		s.version = d.number()
		s.settings = d.settings()
		s.sessions = d.sessions()
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail("%d bytes follow it", len(d.rest))
	}
	if d.err != nil {
		return nil, nil, fmt.Errorf("the snapshot of the log is malformed: %w", d.err)
	}
	return s, stored, nil
}

func (e *encoder) remembered(m *remembered) {
	e.buf = append(append(e.buf, m.key[:]...), m.digest[:]...)
	e.uvarint(m.stage)
	e.varint(m.time)
	e.result(&m.outcome, m.refusal)
}

// result is what a command came to: an outcome or a refusal.
func (e *encoder) result(o *store.Outcome, refusal error) {
	e.bool(refusal != nil)
	if refusal != nil {
		text, err := encodeRefusal(refusal)
		if err != nil && e.err == nil {
			e.err = err
		}
		e.bytes(text)
		return
	}
	e.uvarint(uint64(o.Revision))
	e.moment(o.Time)
	for _, n := range []int{o.Created, o.Touched, o.Deleted, o.Unchanged} {
		e.count(n)
	}
	// Records are there only where the cluster has the version for them.
	more := byte(0)
	if o.More {
		more |= outcomeMore
	}
	if len(o.Records) > 0 {
		more |= outcomeRecords
	}
	e.byte(more)
	if len(o.Records) > 0 {
		e.count(len(o.Records))
		for _, n := range o.Records {
			e.uvarint(n)
		}
	}
}

// What the last byte of an outcome says.
const (
	outcomeMore    byte = 1 << iota // there is more to delete
	outcomeRecords                  // the numbers of records follow
)

func (d *decoder) remembered() *remembered {
	m := &remembered{}
	copy(m.key[:], d.take(uint64(len(m.key))))
	copy(m.digest[:], d.take(uint64(len(m.digest))))
	m.stage = d.uvarint()
	m.time = d.varint()
	m.outcome, m.refusal = d.result()
	return m
}

func (d *decoder) result() (outcome store.Outcome, refusal error) {
	if d.bool() {
		refusal, err := decodeRefusal(d.bytes())
		if err != nil {
			d.fail("a refusal is malformed: %w", err)
		}
		return outcome, refusal
	}
	outcome = store.Outcome{
		Revision: store.Revision(d.uvarint()), Time: d.moment(),
		Created: d.number(), Touched: d.number(), Deleted: d.number(), Unchanged: d.number(),
	}
	more := d.byte()
	if more > outcomeMore|outcomeRecords {
		d.fail("an outcome ends with %d", more)
	}
	outcome.More = more&outcomeMore != 0
	if more&outcomeRecords != 0 {
		outcome.Records = list(d, d.uvarint)
	}
	return outcome, nil
}

func (e *encoder) sessions(s sessions) {
	e.count(len(s))
	for _, id := range slices.Sorted(maps.Keys(s)) {
		known := s[id]
		e.uvarint(id)
		e.varint(known.time)
		e.uvarint(known.settled)
		e.count(len(known.outcomes))
		for _, sequence := range slices.Sorted(maps.Keys(known.outcomes)) {
			m := known.outcomes[sequence]
			e.uvarint(sequence)
			e.bool(m.repeated)
			e.result(&m.outcome, m.refusal)
		}
	}
}

func (d *decoder) sessions() sessions {
	all := sessions{}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		s := &session{id: d.uvarint(), time: d.varint(), settled: d.uvarint(), outcomes: map[uint64]*remembered{}}
		for k := d.count(); k > 0 && d.err == nil; k-- {
			sequence, m := d.uvarint(), &remembered{repeated: d.bool()}
			m.outcome, m.refusal = d.result()
			s.outcomes[sequence] = m
		}
		all[s.id] = s
	}
	return all
}

func (e *encoder) stage(st *stage) {
	e.uvarint(st.id)
	e.varint(st.time)
	e.count(st.parts)
	e.count(len(st.updates))
	for i := range st.updates {
		e.relationship(&st.updates[i])
	}
}

func (d *decoder) stage() *stage {
	return &stage{id: d.uvarint(), time: d.varint(), parts: d.number(), updates: list(d, d.relationship)}
}
