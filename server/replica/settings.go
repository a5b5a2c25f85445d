package replica

import (
	"slices"
	"time"
)

// settings are what members agree on beside the data.
type settings struct {
	autopilot Autopilot
	held      []string // ids of members that stay without a vote, sorted
	removed   []string // ids of nodes that were taken out and must not come back, the oldest first
}

// WithDefaults returns the settings as they count: with the defaults for zeros.
func (a Autopilot) WithDefaults() Autopilot { return a.withDefaults() }

// maxRemoved bounds the ids of nodes that were taken out.
const maxRemoved = 1000

func (s *settings) zero() bool {
	return s.autopilot == Autopilot{} && len(s.held) == 0 && len(s.removed) == 0
}

// hold returns settings with a member held back from voting, or not.
func (s settings) hold(id string, held bool) settings {
	at, found := slices.BinarySearch(s.held, id)
	switch {
	case held && !found:
		s.held = slices.Insert(slices.Clone(s.held), at, id)
	case !held && found:
		s.held = slices.Delete(slices.Clone(s.held), at, at+1)
	}
	return s
}

// remove returns settings with a node taken out.
func (s settings) remove(id string) settings {
	s = s.hold(id, false)
	if slices.Contains(s.removed, id) {
		return s
	}
	s.removed = append(slices.Clone(s.removed), id)
	s.removed = s.removed[max(0, len(s.removed)-maxRemoved):]
	return s
}

func (e *encoder) settings(s *settings) {
	a := &s.autopilot
	for _, n := range []int64{int64(a.CleanupDeadAfter), int64(a.MinQuorum), int64(a.Stabilization), int64(a.MaxLastContact)} {
		e.varint(n)
	}
	e.uvarint(a.MaxTrailing)
	for _, ids := range [][]string{s.held, s.removed} {
		e.count(len(ids))
		for _, id := range ids {
			e.string(id)
		}
	}
}

func (d *decoder) settings() (s settings) {
	s.autopilot = Autopilot{
		CleanupDeadAfter: time.Duration(d.varint()), MinQuorum: int(d.varint()),
		Stabilization: time.Duration(d.varint()), MaxLastContact: time.Duration(d.varint()),
	}
	s.autopilot.MaxTrailing = d.uvarint()
	s.held, s.removed = list(d, d.string), list(d, d.string)
	return s
}
