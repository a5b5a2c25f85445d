package replica

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

const (
	// maxStaged bounds the relationships of all imports that are staged at once.
	maxStaged = 1_000_000
	// stageAge is when an import that was not committed may be dropped.
	stageAge = 10 * time.Minute
)

// stage is an import that was not committed yet.
type stage struct {
	id      uint64
	time    int64 // of its newest part, in milliseconds
	parts   int
	updates []engine.Relationship
}

// stages are the imports under way.
type stages struct {
	byID  map[uint64]*stage
	total int // relationships
}

func newStages() *stages { return &stages{byID: map[uint64]*stage{}} }

// add keeps one part of an import. A part that does not follow the one before
// drops the import.
func (s *stages) add(c *command, now int64) *applied {
	st := s.byID[c.stage]
	if st == nil && c.part == 0 {
		st = &stage{id: c.stage}
		s.byID[c.stage] = st
	}
	if st == nil || st.parts != c.part {
		s.drop([]uint64{c.stage})
		return &applied{refusal: &ImportLostError{}}
	}
	if s.total+len(c.updates) > maxStaged {
		s.drop([]uint64{c.stage})
		return &applied{refusal: &UnavailableError{
			Msg:        fmt.Sprintf("the imports under way hold %d relationships, and %d are allowed", s.total, maxStaged),
			RetryAfter: time.Second,
		}}
	}
	st.time = now
	st.parts++
	st.updates = append(st.updates, c.updates...)
	s.total += len(c.updates)
	return &applied{}
}

// digest identifies what an import asks for, however it was cut into parts.
func (s *stages) digest(c *command) (sum [16]byte) {
	h := sha256.New()
	e := &encoder{}
	if st := s.byID[c.stage]; st != nil {
		for i := range st.updates {
			e.buf = e.buf[:0]
			e.relationship(&st.updates[i])
			h.Write(e.buf)
		}
	}
	e.buf = e.buf[:0]
	e.transaction(&c.tx)
	h.Write(e.buf)
	copy(sum[:], h.Sum(nil))
	return sum
}

// take removes an import of so many parts and returns what it creates.
func (s *stages) take(id uint64, parts int) ([]store.Update, error) {
	st := s.byID[id]
	s.drop([]uint64{id})
	if st == nil || st.parts != parts {
		return nil, &ImportLostError{}
	}
	updates := make([]store.Update, len(st.updates))
	for i := range st.updates {
		updates[i] = store.Update{Op: store.Create, Relationship: st.updates[i]}
	}
	return updates, nil
}

// drop forgets imports.
func (s *stages) drop(ids []uint64) {
	for _, id := range ids {
		if st := s.byID[id]; st != nil {
			s.total -= len(st.updates)
			delete(s.byID, id)
		}
	}
}

// abandoned returns the imports that had no part since a moment.
func (s *stages) abandoned(before int64) []uint64 {
	var ids []uint64
	for id, st := range s.byID {
		if st.time < before {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
