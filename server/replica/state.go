package replica

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/pemba-authz/pemba/server/store"
)

// stateFormat is the first byte of an encoded state.
const stateFormat = 1

// state is what the machine keeps in memory beside the store's. It follows from
// the log alone.
type state struct {
	history history
	time    int64 // the greatest of all entries, in milliseconds since 1970
	retries *retries
	stages  *stages
}

func newState() *state { return &state{retries: newRetries(), stages: newStages()} }

// encode returns the state together with that of the store, which a snapshot of
// the log holds. Equal states have equal forms.
func (s *state) encode(stored []byte) ([]byte, error) {
	e := &encoder{buf: make([]byte, 0, 1024+len(stored)+64*len(s.retries.queue))}
	e.byte(stateFormat)
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
	return e.buf, e.err
}

// decodeState reads back what encode wrote, and the store's part.
func decodeState(data []byte) (s *state, stored []byte, err error) {
	d := &decoder{rest: data}
	if f := d.byte(); d.err == nil && f != stateFormat {
		return nil, nil, fmt.Errorf("the snapshot of the log has format %d, and this version knows format %d: run the newer version", f, stateFormat)
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
	e.bool(m.refusal != nil)
	if m.refusal != nil {
		text, err := encodeRefusal(m.refusal)
		if err != nil && e.err == nil {
			e.err = err
		}
		e.bytes(text)
		return
	}
	o := &m.outcome
	e.uvarint(uint64(o.Revision))
	e.moment(o.Time)
	for _, n := range []int{o.Created, o.Touched, o.Deleted, o.Unchanged} {
		e.count(n)
	}
	e.bool(o.More)
}

func (d *decoder) remembered() *remembered {
	m := &remembered{}
	copy(m.key[:], d.take(uint64(len(m.key))))
	copy(m.digest[:], d.take(uint64(len(m.digest))))
	m.stage = d.uvarint()
	m.time = d.varint()
	if d.bool() {
		refusal, err := decodeRefusal(d.bytes())
		if err != nil {
			d.fail("a refusal is malformed: %w", err)
		}
		m.refusal = refusal
		return m
	}
	m.outcome = store.Outcome{
		Revision: store.Revision(d.uvarint()), Time: d.moment(),
		Created: d.number(), Touched: d.number(), Deleted: d.number(), Unchanged: d.number(), More: d.bool(),
	}
	return m
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
