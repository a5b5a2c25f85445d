package portal

import (
	"context"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/server/store"
)

// A job title exists while somebody has it or a group contains its holders. Its
// name is taken like that of a group, so that neither can pass for the other. Each
// change of who has a title writes its document, on which every change of its
// place in groups depends: licences.go says why.

// titles plans changes of who has which job title. It must be finished before the
// licences are counted.
type titles struct {
	*view
	action *action
	states map[string]*titleState // by the name in lower case
}

// titleState is a title as the plan leaves it so far.
type titleState struct {
	id             string
	doc            titleDoc
	version, named store.Revision // of its document and of its name; 0: none yet
	changed        bool
}

func (v *view) titles(a *action) *titles {
	return &titles{view: v, action: a, states: map[string]*titleState{}}
}

// move plans that a user has another title, "" for none, and returns it as it is
// spelled: the first who had it decides. What is refused changes nothing.
func (t *titles) move(userID, from, to string) (string, error) {
	if from != "" && strings.EqualFold(from, to) {
		s, err := t.state(from)
		if err != nil {
			return "", err
		}
		return s.doc.Name, nil
	}
	var old, now *titleState
	var err error
	if from != "" {
		if old, err = t.state(from); err != nil {
			return "", err
		}
	}
	if to != "" {
		if now, err = t.state(to); err != nil {
			return "", err
		}
	}
	who := subject(user(userID), "")
	if old != nil {
		old.changed, old.doc.Holders = true, max(old.doc.Holders, 1)-1
		t.action.relation(store.Delete, jobTitle(old.id), "holder", who)
	}
	if now == nil {
		return "", nil
	}
	now.changed, now.doc.Holders = true, now.doc.Holders+1
	t.action.relation(store.Create, jobTitle(now.id), "holder", who)
	return now.doc.Name, nil
}

// state returns the title of a name, which may be new.
func (t *titles) state(name string) (*titleState, error) {
	key := strings.ToLower(name)
	if s := t.states[key]; s != nil {
		return s, nil
	}
	var taken groupNameDoc
	named, err := t.document(groupNameKey(t.caller.Company, name), &taken)
	if err != nil {
		return nil, err
	}
	if taken.Group != "" {
		return nil, &Refusal{Fault: Taken, Field: "job_title", Rule: "10", Msg: "job_title: there is a group of that name; a job title may not be called like a group"}
	}
	s := &titleState{id: taken.Title, named: named, doc: titleDoc{Name: name}}
	if s.id == "" {
		s.id = newID()
	} else if s.version, err = t.document(titleKey(t.caller.Company, s.id), &s.doc); err != nil {
		return nil, err
	}
	t.states[key] = s
	return s, nil
}

// finish plans the documents of the titles that changed: those that are new begin,
// and those that nobody has end.
func (t *titles) finish() error {
	var names []string
	for name, s := range t.states {
		if s.changed {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if err := t.keep(t.states[name]); err != nil {
			return err
		}
	}
	return nil
}

func (t *titles) keep(s *titleState) error {
	of, a, key := t.caller.Company, t.action, titleKey(t.caller.Company, s.id)
	if s.doc.Holders > 0 {
		if s.version == 0 {
			a.document(at(s.named, put(groupNameKey(of, s.doc.Name), groupNameDoc{Title: s.id})))
			a.relation(store.Create, jobTitle(s.id), "company", subject(company(of), ""))
		}
		a.document(at(s.version, put(key, s.doc)))
		return nil
	}
	in, err := collect(t.resources(subject(jobTitle(s.id), "holder"), "group", "direct_member"))
	switch {
	case err != nil || s.version == 0:
		return err
	case len(in) > 0:
		a.document(at(s.version, put(key, s.doc)))
		return nil
	}
	t.ends(s)
	return nil
}

// ends plans that a title that nobody has is no more.
func (t *titles) ends(s *titleState) {
	of, a := t.caller.Company, t.action
	a.document(at(s.version, drop(titleKey(of, s.id))), at(s.named, drop(groupNameKey(of, s.doc.Name))))
	a.relation(store.Delete, jobTitle(s.id), "company", subject(company(of), ""))
}

// settle ends a plan in which users may have got other titles.
func (v *view) settle(ctx context.Context, a *action, t *titles) error {
	if err := t.finish(); err != nil {
		return err
	}
	return v.licences(ctx, a)
}
