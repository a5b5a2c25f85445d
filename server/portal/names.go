package portal

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// The five services: their ids in the schema, and what people call them.
var services = []struct {
	id, name string
	number   portalv1.Service
}{
	{"modeler", "Modeler", portalv1.Service_SERVICE_MODELER},
	{"automation", "Automation", portalv1.Service_SERVICE_AUTOMATION},
	{"studio", "Studio Collaboration", portalv1.Service_SERVICE_STUDIO},
	{"ai", "Artificial Intelligence", portalv1.Service_SERVICE_AI},
	{"bi", "Business Insights", portalv1.Service_SERVICE_BI},
}

// serviceNumber returns the number of a service by its id.
func serviceNumber(id string) portalv1.Service {
	for _, s := range services {
		if s.id == id {
			return s.number
		}
	}
	return portalv1.Service_SERVICE_UNSPECIFIED
}

// serviceID returns the id of a service by its number, "" for one that is none.
func serviceID(number portalv1.Service) string {
	for _, s := range services {
		if s.number == number {
			return s.id
		}
	}
	return ""
}

// serviceName returns what people call a service.
func serviceName(id string) string {
	for _, s := range services {
		if s.id == id {
			return s.name
		}
	}
	return id
}

// newID returns a name for a new object that nobody can guess: 26 lower-case
// letters and digits, 130 bits.
func newID() string { return strings.ToLower(rand.Text()) }

// called is what an object is called in sentences: its name, or what it is.
func (v *view) called(o engine.Object) string {
	c := v.caller.Company
	switch o.Type {
	case "user":
		return v.person(o.ID)
	case "company":
		return "the company"
	case "subscription":
		var d subscriptionDoc
		if _, err := v.document(subscriptionKey(c, o.ID), &d); err == nil && d.Service != "" {
			return "the subscription of " + serviceName(d.Service)
		}
	case "model", "project":
		var d workspaceDoc
		if _, err := v.document(workspaceKey(c, o.ID), &d); err == nil && d.Name != "" {
			return "the " + o.Type + " “" + d.Name + "”"
		}
	case "diagram":
		var d diagramDoc
		if _, err := v.document(diagramKey(c, o.ID), &d); err == nil && d.Name != "" {
			return "the diagram “" + d.Name + "”"
		}
	case "group":
		var d groupDoc
		if _, err := v.document(groupKey(c, o.ID), &d); err == nil && d.Name != "" {
			return "the group “" + d.Name + "”"
		}
	case "job_title":
		var d titleDoc
		if _, err := v.document(titleKey(c, o.ID), &d); err == nil && d.Name != "" {
			return "the job title “" + d.Name + "”"
		}
	case "installation":
		return "the installation"
	}
	return "the " + strings.ReplaceAll(o.Type, "_", " ")
}

// person returns what a user of the caller's company is called.
func (v *view) person(id string) string {
	var d userDoc
	if ver, err := v.document(userKey(v.caller.Company, id), &d); err != nil || ver == 0 {
		return "a user of before"
	}
	return d.name()
}

// someone returns a user as lists and records show him.
func (v *view) someone(id string) (*portalv1.Person, error) {
	var d userDoc
	if _, err := v.document(userKey(v.caller.Company, id), &d); err != nil {
		return nil, err
	}
	active, err := v.active(id)
	return &portalv1.Person{Id: id, Email: d.Email, GivenName: d.GivenName, Surname: d.Surname, Active: active}, err
}

// comparePeople orders active people before others, and then by name and id.
func comparePeople(a, b *portalv1.Person) int {
	switch {
	case a.Active && !b.Active:
		return -1
	case b.Active && !a.Active:
		return 1
	}
	return cmp.Or(
		strings.Compare(strings.ToLower(a.GivenName+" "+a.Surname), strings.ToLower(b.GivenName+" "+b.Surname)),
		strings.Compare(a.Id, b.Id),
	)
}

// active reports whether a user of the caller's company is active.
func (v *view) active(id string) (bool, error) {
	if active, ok := v.turned[id]; ok {
		return active, nil
	}
	off, err := v.has(v.company(), "deactivated", subject(user(id), ""))
	return !off, err
}

// member returns what holds a role or is in a group, as answers show it.
func (v *view) member(s engine.Subject) (*portalv1.Member, error) {
	m := &portalv1.Member{Active: true}
	switch s.Type {
	case "user":
		p, err := v.someone(s.ID)
		if err != nil {
			return nil, err
		}
		m.Member = &portalv1.Member_User{User: s.ID}
		m.Name, m.Email, m.Active = strings.TrimSpace(p.GivenName+" "+p.Surname), p.Email, p.Active
	case "group":
		var d groupDoc
		if _, err := v.document(groupKey(v.caller.Company, s.ID), &d); err != nil {
			return nil, err
		}
		m.Member, m.Name = &portalv1.Member_Group{Group: s.ID}, d.Name
	case "job_title":
		var d titleDoc
		if _, err := v.document(titleKey(v.caller.Company, s.ID), &d); err != nil {
			return nil, err
		}
		m.Member, m.Name = &portalv1.Member_JobTitle{JobTitle: s.ID}, d.Name
	}
	return m, nil
}

// asSubject reads the member of a request: its id must be given and belong to the
// caller's company.
func (v *view) asSubject(field string, m *portalv1.Member) (engine.Subject, error) {
	c := v.caller.Company
	switch m := m.GetMember().(type) {
	case *portalv1.Member_User:
		return subject(user(m.User), ""), v.exists(field, "user", m.User, userKey(c, m.User))
	case *portalv1.Member_Group:
		return subject(group(m.Group), "member"), v.exists(field, "group", m.Group, groupKey(c, m.Group))
	case *portalv1.Member_JobTitle:
		return subject(jobTitle(m.JobTitle), "holder"), v.exists(field, "job title", m.JobTitle, titleKey(c, m.JobTitle))
	}
	return engine.Subject{}, invalid(field, "give a user, a group or a job title")
}

// exists refuses an id of which the caller's company has no document.
func (v *view) exists(field, what, id, key string) error {
	if err := engine.CheckObjectID(id); err != nil {
		return invalid(field, "%v", err)
	}
	_, ok, err := v.snap.Document(key)
	if err == nil && !ok {
		return notFound(what, id)
	}
	return err
}

// maxGrantors is how many people a refusal names.
const maxGrantors = 5

// grantors returns who can give roles on an object, as sentences name them.
func (v *view) grantors(ctx context.Context, on engine.Object) ([]string, error) {
	ids, err := v.grantorIDs(ctx, on)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(ids))
	for i, id := range ids {
		var d userDoc
		if _, err := v.document(userKey(v.caller.Company, id), &d); err != nil {
			return nil, err
		}
		out[i] = d.name() + " (" + d.Email + ")"
	}
	return out, nil
}

// grantorIDs returns who can give roles on an object, nearest first: its owners,
// those of its subscription, the administrators of the company. Only active ones, and
// not the caller.
func (v *view) grantorIDs(ctx context.Context, on engine.Object) ([]string, error) {
	sets, err := v.granting(on)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, set := range sets {
		ids, err := v.holders(set.on, set.permission)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			active, err := v.active(id)
			if err != nil {
				return nil, err
			}
			if active && id != v.caller.User && !slices.Contains(out, id) {
				out = append(out, id)
			}
			if len(out) == maxGrantors {
				return out, nil
			}
		}
	}
	return out, ctx.Err()
}

// granting returns the relations whose holders can give roles on an object.
func (v *view) granting(on engine.Object) ([]asked, error) {
	admins := asked{v.company(), "administrator"}
	switch on.Type {
	case "diagram":
		model, err := v.single(on, "model", "model")
		if err != nil {
			return nil, err
		}
		return v.granting(engine.Object{Type: "model", ID: model})
	case "model", "project":
		sub, err := v.single(on, "subscription", "subscription")
		return []asked{{on, roleOwner}, {subscription(sub), roleOwner}, admins}, err
	case "subscription":
		return []asked{{on, roleOwner}, admins}, nil
	case "group":
		sub, err := v.single(on, "subscription", "subscription")
		if sub == "" {
			return []asked{admins}, err
		}
		return []asked{{subscription(sub), roleOwner}, admins}, err
	case "installation":
		return nil, nil
	}
	return []asked{admins}, nil
}

// enumerate joins words as "a, b or c".
func enumerate(words []string, last string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " " + last + " " + words[n-1]
	}
}
