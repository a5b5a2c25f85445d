package store

import (
	"context"
	"encoding/binary"

	"github.com/pemba-authz/pemba/engine"
)

// Counter is a registered count of the relationships that a filter selects,
// expired or not.
type Counter struct {
	Name     string
	Filter   Filter
	Count    int64
	Revision Revision // at which Count is true
}

// counters judges the counter updates. What is counted is what the transaction
// leaves.
func (j *judge) counters() error {
	for i := range j.tx.Counters {
		u := &j.tx.Counters[i]
		if !j.store.logged {
			return errNotLogged
		}
		known, named := j.registered[u.Name]
		if !named {
			known = j.store.state.counters[u.Name]
		}
		switch {
		case u.Filter == nil && known == nil:
			return &CounterUnknownError{Name: u.Name}
		case u.Filter != nil && known != nil:
			return &CounterExistsError{Name: u.Name}
		}
		var registered *Counter
		if u.Filter != nil {
			registered = &Counter{Name: u.Name, Filter: *u.Filter}
			if err := j.countAll(registered); err != nil {
				return err
			}
		}
		if j.registered == nil {
			j.registered = map[string]*Counter{}
		}
		j.registered[u.Name] = registered
	}
	return nil
}

// countAll counts what a new counter selects.
func (j *judge) countAll(c *Counter) error {
	if err := c.Filter.validate(); err != nil {
		return err
	}
	if n, ok := c.byKind(j.countsAfter()); ok {
		c.Count = n
		return nil
	}
	err := j.view.walk(context.Background(), &c.Filter, nil, func(engine.Relationship, *scan) (bool, error) {
		c.Count++
		return true, nil
	})
	for _, ch := range j.changes {
		c.change(&ch.Change)
	}
	return err
}

// byKind counts without looking at relationships, if the filter names no ids.
func (c *Counter) byKind(counts map[Kind]int64) (n int64, ok bool) {
	f := c.Filter
	s := f.Subject
	if f.ResourceID != "" || f.ResourceIDPrefix != "" || s != nil && s.ID != "" {
		return 0, false
	}
	for k, count := range counts {
		r := engine.Relationship{Resource: engine.Object{Type: k.Type}, Relation: k.Relation}
		r.Subject = engine.Subject{Object: engine.Object{Type: k.SubjectType}, Relation: k.SubjectRelation}
		if f.Matches(&r) {
			n += count
		}
	}
	return n, true
}

// change counts one change.
func (c *Counter) change(ch *Change) {
	if ch.Op == Touch || !c.Filter.Matches(&ch.Relationship) {
		return
	}
	if ch.Op == Create {
		c.Count++
	} else {
		c.Count--
	}
}

// updateCounters registers and unregisters what a transaction has decided.
func (s *state) updateCounters(registered map[string]*Counter) {
	for name, c := range registered {
		if c == nil {
			delete(s.counters, name)
		} else {
			s.counters[name] = c
		}
	}
}

// Counter returns a registered counter as of the newest revision; ok is false
// when there is none of that name.
func (s *Store) Counter(name string) (c Counter, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.state.counters[name]
	if found == nil {
		return Counter{}, false
	}
	c = *found
	c.Revision = s.state.head
	return c, true
}

func (c *Counter) append(buf []byte) []byte {
	f := &c.Filter
	for _, part := range []string{c.Name, f.ResourceType, f.ResourceID, f.ResourceIDPrefix, f.Relation} {
		buf = appendString(buf, part)
	}
	s, relation := f.Subject, ""
	if s == nil {
		s = &SubjectFilter{}
	}
	if s.Relation != nil {
		relation = *s.Relation
	}
	buf = append(buf, flags(f.Subject != nil, s.Relation != nil))
	buf = appendString(appendString(appendString(buf, s.Type), s.ID), relation)
	return binary.AppendVarint(buf, c.Count)
}

func (d *decoder) counter() *Counter {
	c := &Counter{Name: d.string()}
	c.Filter = Filter{ResourceType: d.string(), ResourceID: d.string(), ResourceIDPrefix: d.string(), Relation: d.string()}
	f := d.byte()
	s := SubjectFilter{Type: d.string(), ID: d.string()}
	relation := d.string()
	if f&2 != 0 {
		s.Relation = &relation
	}
	if f&1 != 0 {
		c.Filter.Subject = &s
	}
	c.Count = d.varint()
	return c
}
