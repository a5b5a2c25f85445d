//go:build linux

package chaos

import (
	"slices"
	"strconv"
	"time"
)

// checkFresh objects to answers that are not those of their revision, to
// revisions that are older than was asked for, and to secrets that were shown.
func (h *history) checkFresh(o *objections, log []*change) {
	h.checkSecrets(o)
	h.checkAge(o)
	h.checkAnswers(o, log)
}

// checkSecrets needs nothing but the answers: whoever is in a folder was put
// there after its secret was gone, so nobody ever sees one.
func (h *history) checkSecrets(o *objections) {
	for _, op := range h.Operations {
		if op.Act == actPeek && op.Answer == "true" {
			o.add("fresh", "%v: the secret is shown to somebody who was removed before it was added", op)
		}
	}
}

// checkAge compares revisions with what was asked for: the token's, or all that
// was acknowledged before the question.
func (h *history) checkAge(o *objections) {
	ends := slices.SortedFunc(slices.Values(h.Operations), func(a, b *operation) int { return int(a.End - b.End) })
	starts := slices.SortedFunc(slices.Values(h.Operations), func(a, b *operation) int { return int(a.Start - b.Start) })
	var newest *operation // that was acknowledged
	i := 0
	for _, op := range starts {
		for ; i < len(ends) && ends[i].End < op.Start; i++ {
			if e := ends[i]; e.Result == done && (e.write() || e.Mode == modeFull) && (newest == nil || e.at > newest.at) {
				newest = e
			}
		}
		if op.Result != done || op.at == 0 {
			continue
		}
		switch {
		case op.write() || op.Mode == modeFull:
			if newest != nil && op.at < newest.at {
				o.add("fresh", "%v: before it began, there was %v", op, newest)
			}
		case op.Mode == modeLeast && op.at < op.asked, op.Mode == modeExact && op.at != op.asked:
			o.add("fresh", "%v: that is not what was asked for", op)
		}
	}
}

// state is what keys hold at a revision.
type state struct {
	held    map[string]string // by the key; "" and missing: nothing
	variant string            // of the schema; "": not known
	schemas map[uint64]string // variants by the revision that wrote them
}

func (h *history) newState() *state {
	s := &state{held: map[string]string{}, variant: "first", schemas: map[uint64]string{}}
	for _, op := range h.Operations {
		if op.Act == actSchema && op.Result == done {
			s.schemas[op.at] = op.New
		}
	}
	return s
}

func (s *state) apply(c *change) {
	if c.Schema {
		s.variant = s.schemas[c.at]
	}
	for _, deletes := range []bool{true, false} { // one change may replace what a key holds
		for _, u := range c.Updates {
			key, subject := u.parts()
			switch {
			case u.Deleted != deletes:
			case !u.Deleted:
				s.held[key] = subject
			case s.held[key] == subject:
				delete(s.held, key)
			}
		}
	}
}

// answer is what a read would get.
func (s *state) answer(op *operation) (answer string, known bool) {
	switch op.Act {
	case actRead:
		return s.held[op.Key], true
	case actCheck:
		return strconv.FormatBool(s.held[op.Key] == op.New), true
	case actPeek:
		_, id := split(op.Key)
		folder := s.held[op.Key]
		return strconv.FormatBool(folder != "" && s.held["folder:"+folder] == id), true
	case actWhich:
		return strconv.FormatBool(s.variant == op.New), s.variant != "" && s.held[op.Key] != ""
	}
	return "", false
}

// checkAnswers replays the log of changes and compares each answer with the
// state at its revision.
func (h *history) checkAnswers(o *objections, log []*change) {
	reads := slices.DeleteFunc(slices.Clone(h.Operations), func(op *operation) bool {
		return op.write() || op.Result != done || op.at == 0
	})
	slices.SortFunc(reads, func(a, b *operation) int { return int(a.at) - int(b.at) })
	s := h.newState()
	i := 0
	for _, op := range reads {
		for ; i < len(log) && log[i].at <= op.at; i++ {
			s.apply(log[i])
		}
		if want, known := s.answer(op); known && op.Answer != want {
			o.add("fresh", "%v: at that revision it is %q", op, want)
		}
	}
}

// interval is how long nothing was written.
type interval struct{ from, to time.Duration }

// longestGap returns the longest interval in which no write was acknowledged.
func (h *history) longestGap() interval {
	var times []time.Duration
	for _, op := range h.Operations {
		if op.write() && op.Result == done {
			times = append(times, op.End)
		}
	}
	slices.Sort(times)
	var longest interval
	for i := 1; i < len(times); i++ {
		if times[i]-times[i-1] > longest.to-longest.from {
			longest = interval{times[i-1], times[i]}
		}
	}
	return longest
}
