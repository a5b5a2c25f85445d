package engine

import (
	"fmt"

	"github.com/pemba-authz/pemba/schema"
)

// source is a relation of one object that the walk reads.
type source struct {
	relation *schema.Relation
	id       string
	set      *Set // nil: the Reader has to be asked
	mark     Mark // if there is a Keeper
}

func (s *source) resource() Object { return Object{s.relation.Type.Name, s.id} }

// source makes ready to read a relation of an object.
func (w *walk) source(r *schema.Relation, id string) (source, error) {
	s := source{relation: r, id: id}
	if w.keeper == nil {
		return s, nil
	}
	var err error
	s.set, s.mark, err = w.keeper.Set(s.resource(), r.Name)
	return s, err
}

// named answers whether the subject, or the wildcard of its type, stands in the
// relation itself.
func (w *walk) named(s *source) (value, error) {
	acc := valueNo
	for i, a := range s.relation.Allowed {
		if a.Type.Name != w.subject.Type || !firstOfKind(s.relation.Allowed, i) {
			continue
		}
		asked, mark := &w.subject, w.mark
		switch {
		case a.Wildcard:
			if asked.Relation != "" {
				continue
			}
			asked, mark = &w.everyone, w.everyoneMark
		case asked.ID == Wildcard:
			continue
		case a.Relation == nil && asked.Relation != "", a.Relation != nil && a.Relation.Name != asked.Relation:
			continue
		}
		if w.keeps {
			w.log.mark(s.mark.Of(mark))
		}
		v, err := w.find(s, asked)
		if err != nil || v.truth == yes {
			return v, err
		}
		acc = or(acc, v)
	}
	return acc, nil
}

// find answers one relationship.
func (w *walk) find(s *source, subject *Subject) (value, error) {
	if err := w.count(); err != nil {
		return value{}, err
	}
	trait, ok, err := s.find(w.engine.Reader, subject)
	if err != nil {
		return value{}, err
	}
	v := valueNo
	if ok {
		v, err = w.held(trait, s, subject)
	}
	if w.record != nil {
		w.record.look(s.relation, s.id, *subject, trait, ok, v)
	}
	if v.truth == no {
		return valueNo, err // that it expires makes no difference
	}
	return v, err
}

func (s *source) find(reader Reader, subject *Subject) (*Trait, bool, error) {
	if s.set != nil {
		if trait, ok, known := s.set.Find(subject); known {
			return trait, ok, nil
		}
	}
	return reader.Find(s.resource(), s.relation.Name, *subject)
}

// each calls f for every subject of one kind in a relation that exists now,
// with what its own relationship says, until f stops it.
func (w *walk) each(r *schema.Relation, id string, a *schema.Allowed, f func(held value, subjectID string) (stop bool, err error)) error {
	s, err := w.source(r, id)
	if err != nil {
		return err
	}
	return w.eachOf(&s, a, f)
}

func (w *walk) eachOf(s *source, a *schema.Allowed, f func(held value, subjectID string) (stop bool, err error)) error {
	subject := Subject{Object: Object{Type: a.Type.Name}}
	if a.Relation != nil {
		subject.Relation = a.Relation.Name
	}
	if w.keeps {
		w.log.mark(s.mark.All(a.Relation != nil))
	}
	for more := true; more; {
		if err := w.count(); err != nil {
			return err
		}
		var page []Entry
		var err error
		page, more, err = s.page(w.engine.Reader, &subject)
		if err != nil {
			return err
		}
		for i := range page {
			subject.ID = page[i].ID
			held := valueYes
			if t := page[i].Trait; t != nil {
				if held, err = w.held(t, s, &subject); err != nil {
					return err
				}
				if t.expired(w.engine.Now) {
					continue
				}
			}
			if w.record != nil {
				w.record.follow(s.relation, s.id, subject, page[i].Trait, held)
			}
			stop, err := f(held, page[i].ID)
			w.record.end()
			if stop || err != nil {
				return err
			}
		}
	}
	return nil
}

// page returns the subjects of a kind after the one given.
func (s *source) page(reader Reader, after *Subject) ([]Entry, bool, error) {
	if s.set != nil {
		section := s.set.Section(after.Type, after.Relation)
		if section == nil {
			return nil, false, nil
		}
		if section.Whole {
			return section.Entries, false, nil
		}
	}
	return reader.Subjects(s.resource(), s.relation.Name, after.Type, after.Relation, after.ID)
}

// held answers whether a relationship that is stored holds for this request.
func (w *walk) held(t *Trait, s *source, subject *Subject) (value, error) {
	if t == nil {
		return valueYes, nil
	}
	if w.keeps {
		w.log.bar()
	}
	v := valueYes
	if !t.Expires.IsZero() {
		if t.expired(w.engine.Now) {
			return valueNo, nil
		}
		v.until = t.Expires.UnixMicro()
	}
	if t.Caveat == "" {
		return v, nil
	}
	c := w.engine.Schema.Caveat(t.Caveat)
	if c == nil {
		return value{}, fmt.Errorf("%s#%s@%s has the caveat %q, which the schema does not define", s.resource(), s.relation.Name, *subject, t.Caveat)
	}
	verdict, missing, err := c.Program.Evaluate(t.Context, w.engine.Context)
	if err != nil {
		return value{}, fmt.Errorf("%s#%s@%s: %w", s.resource(), s.relation.Name, *subject, err)
	}
	switch verdict {
	case schema.False:
		v.truth = no
	case schema.Unknown:
		v.truth, v.missing = conditional, missing
	case schema.True:
	}
	return v, nil
}

// ctxEvery is how many reads pass between two looks at the context.
const ctxEvery = 128

// count counts one question to the Reader.
func (w *walk) count() error {
	w.reads++
	if w.reads > w.limits.Reads {
		return &LimitError{What: "relationship reads", Limit: int64(w.limits.Reads)}
	}
	if w.reads%ctxEvery == 0 {
		return w.ctx.Err()
	}
	return nil
}
