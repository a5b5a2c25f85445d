package store

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/pemba-authz/pemba/engine"
)

// Event is what one revision did to one relationship.
type Event struct {
	Revision     Revision
	Op           Op                  // Create when it was not there before, as far as the history goes
	Relationship engine.Relationship // as the revision left it; of a Delete as it was, if that is kept
}

// before orders events: the newest first, those of one revision by relationship.
func (e *Event) before(o *Event) int {
	return cmp.Or(cmp.Compare(o.Revision, e.Revision), e.Relationship.Compare(o.Relationship))
}

// maxVersions is how many stored versions one question about history looks at.
const maxVersions = 1_000_000

// History returns at most limit events of what a filter selects, after the one
// given (nil: from the newest), and whether there are more. The filter names a
// resource, and possibly a relation and, with it, a subject by all its parts. Of
// what was written at the floor or before only that is given which was still there
// after the floor. It returns an
// *engine.LimitError when more than a million versions are stored.
func (sn *Snapshot) History(ctx context.Context, f Filter, after *Event, limit int) (events []Event, more bool, err error) {
	if sn.closed.Load() {
		return nil, false, ErrClosed
	}
	if err := f.validate(); err != nil {
		return nil, false, err
	}
	h := &historian{after: after, limit: limit, most: maxVersions, floor: sn.db.readers.oldest()}
	if err := h.read(ctx, sn.view, &f); err != nil {
		return nil, false, err
	}
	h.trim(limit)
	return h.events, h.more, nil
}

// historian collects the events of a page.
type historian struct {
	after  *Event
	limit  int
	most   int // stored versions to look at
	floor  Revision
	events []Event
	more   bool // some were dropped
}

// historyPrefix returns what the keys begin with that a filter can select.
func historyPrefix(f *Filter) []byte {
	resource := engine.Object{Type: f.ResourceType, ID: f.ResourceID}
	switch s := f.Subject; {
	case f.Relation == "":
		return resourcePrefix(nil, resource)
	case s == nil || s.Relation == nil:
		return setPrefix(nil, resource, f.Relation)
	default:
		return append(sectionPrefix(nil, resource, f.Relation, s.Type, *s.Relation), s.ID...)
	}
}

// read walks over all versions: of each key the newest first.
func (h *historian) read(ctx context.Context, v view, f *Filter) error {
	s := v.scanVersions(historyPrefix(f))
	defer s.close()
	var key []byte
	var one versions
	n := 0
	for s.seek(nil); s.valid(); s.next() {
		if n++; n > h.most {
			return &engine.LimitError{What: "stored versions of relationships", Limit: int64(h.most)}
		}
		if n%contextEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if !bytes.Equal(key, s.key()) {
			h.settle(&one)
			key = append(key[:0], s.key()...)
			r, err := splitForward(key)
			if err != nil {
				return err
			}
			one = versions{relationship: r, skip: !f.Matches(&r)}
		}
		if err := one.add(s, h.floor); err != nil {
			return err
		}
		if len(one.all) > 2*h.limit {
			h.part(&one)
		}
	}
	h.settle(&one)
	return ctx.Err()
}

// versions are those of one relationship, the newest first.
type versions struct {
	relationship engine.Relationship
	skip         bool // the rest does not matter
	all          []keptVersion
}

type keptVersion struct {
	rev     Revision
	removed bool
	trait   *engine.Trait
}

// add adds the version that the walk stands on, down to the first that is not above the floor.
func (o *versions) add(s *scan, floor Revision) error {
	if o.skip {
		return nil
	}
	v := keptVersion{rev: s.version(), removed: s.removed()}
	if !v.removed {
		value, err := s.value()
		if err != nil {
			return err
		}
		if v.trait, err = decodeTrait(value); err != nil {
			return err
		}
	}
	// What is below it, and the mark of what was deleted there, is removed some day.
	o.skip = v.rev <= floor
	if o.skip && v.removed {
		return nil
	}
	o.all = append(o.all, v)
	return nil
}

// part makes events of all versions but the oldest so far.
func (h *historian) part(o *versions) {
	last := len(o.all) - 1
	for i := range last {
		h.add(o.event(i))
	}
	o.all = append(o.all[:0], o.all[last])
}

// settle makes events of all versions.
func (h *historian) settle(o *versions) {
	for i := range o.all {
		h.add(o.event(i))
	}
	o.all = nil
}

// event says what the version at i did.
func (o *versions) event(i int) Event {
	v := o.all[i]
	e := Event{Revision: v.rev, Op: Create, Relationship: o.relationship}
	e.Relationship.Trait = v.trait
	older := i+1 < len(o.all)
	switch {
	case v.removed:
		e.Op = Delete
		if older {
			e.Relationship.Trait = o.all[i+1].trait
		}
	case older && !o.all[i+1].removed:
		e.Op = Touch
	}
	return e
}

func (h *historian) add(e Event) {
	if h.after != nil && e.before(h.after) <= 0 {
		return
	}
	h.events = append(h.events, e)
	if len(h.events) >= 4*h.limit {
		h.trim(h.limit)
	}
}

// trim keeps the first events.
func (h *historian) trim(limit int) {
	slices.SortFunc(h.events, func(a, b Event) int { return a.before(&b) })
	if len(h.events) > limit {
		h.events, h.more = h.events[:limit], true
	}
}
