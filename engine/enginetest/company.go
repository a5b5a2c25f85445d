package enginetest

import (
	"fmt"
	"iter"

	"github.com/pemba-authz/pemba/engine"
)

// PerCompany is about how many relationships one company of Companies has.
const PerCompany = 10_000

// Sizes of one company.
const (
	companyUsers    = 1000
	companyGroups   = 60 // in chains of ten, each nested in the one before
	companyModels   = 150
	modelDiagrams   = 8
	companyProjects = 80
	companyTitles   = 10
)

// services are the subscriptions that a company has; the first has models, the
// others have projects.
var services = [...]string{"modeler", "automation", "studio", "ai", "bi"}

// Companies yields the relationships of n companies of the Customer Portal's
// schema (testdata/portal/schema.zed), PerCompany or so each: the same ones for
// the same n, one company after the other, satisfying the schema's constraints.
func Companies(n int) iter.Seq[engine.Relationship] {
	return func(yield func(engine.Relationship) bool) {
		for c := range n {
			m := &maker{yield: yield, company: c}
			if m.make(); m.stopped {
				return
			}
		}
	}
}

// Probe is a check over Companies whose answer is known.
type Probe struct {
	Name     string
	Resource engine.Object
	Relation string
	Subject  engine.Subject
	Want     engine.State
}

// Probes returns checks over one of the companies: direct and deep grants
// and refusals.
func Probes(company int) []Probe {
	m := &maker{company: company}
	draft := m.object("diagram", 1)     // of model 0, not published
	published := m.object("diagram", 0) // of model 0
	return []Probe{
		{"owner", draft, "view", m.user(m.modelPerson(0, 0)), engine.Yes},
		{"editor", draft, "save", m.user(m.modelPerson(0, 1)), engine.Yes},
		{"administrator", draft, "view", m.user(0), engine.Yes},
		{"nested_group", draft, "comment", m.user(m.groupPerson(9, 0)), engine.Yes},
		{"published", published, "view", m.user(companyUsers - 1), engine.Yes},
		{"stranger", draft, "view", m.user(companyUsers - 1), engine.No},
		{"deactivated", draft, "view", m.user(1), engine.No},
		{"other_company", draft, "view", (&maker{company: company + 1}).user(0), engine.No},
	}
}

// maker yields the relationships of one company.
type maker struct {
	yield   func(engine.Relationship) bool
	company int
	stopped bool
}

func (m *maker) object(typ string, i int) engine.Object {
	return engine.Object{Type: typ, ID: fmt.Sprintf("c%d_%s_%d", m.company, typ, i)}
}

func (m *maker) user(i int) engine.Subject {
	return engine.Subject{Object: m.object("user", i%companyUsers)}
}

func (m *maker) group(i int) engine.Subject {
	return engine.Subject{Object: m.object("group", i%companyGroups), Relation: "member"}
}

// Persons are spread so that roles on one model never meet: no user has two.
// User 0 is the administrator, user 1 is deactivated, and the last is in no group
// and on no model.
func (m *maker) modelPerson(model, k int) int { return 2 + (model*12+k)%(companyUsers-3) }
func (m *maker) groupPerson(group, k int) int { return 2 + (group*7+k+500)%(companyUsers-3) }

func (m *maker) add(resource engine.Object, relation string, subject engine.Subject) {
	if !m.stopped {
		m.stopped = !m.yield(engine.Relationship{Resource: resource, Relation: relation, Subject: subject})
	}
}

func (m *maker) make() {
	company := m.object("company", 0)
	for i := range companyUsers {
		m.add(company, "pool_user", m.user(i))
	}
	m.add(company, "deactivated", m.user(1))
	m.add(company, "administrator", m.user(0))
	inCompany := engine.Subject{Object: company}
	for i := range companyTitles {
		title := m.object("job_title", i)
		m.add(title, "company", inCompany)
		for k := range 10 {
			m.add(title, "holder", m.user(m.groupPerson(i, 100+k)))
		}
	}
	m.groups(inCompany)
	for i := range services {
		m.subscription(i, inCompany)
	}
	for i := range companyModels {
		m.model(i)
	}
	for i := range companyProjects {
		project := m.object("project", i)
		m.add(project, "subscription", engine.Subject{Object: m.object("subscription", 1+i%(len(services)-1))})
		m.add(project, "owner", m.user(m.modelPerson(i, 0)))
		for k := 1; k < 4; k++ {
			m.add(project, "developer", m.user(m.modelPerson(i, k)))
		}
	}
}

func (m *maker) groups(company engine.Subject) {
	for i := range companyGroups {
		group := m.object("group", i)
		m.add(group, "company", company)
		for k := range 7 {
			m.add(group, "direct_member", m.user(m.groupPerson(i, k)))
		}
		if i%10 < 9 {
			m.add(group, "direct_member", m.group(i+1))
		}
		if i%10 == 5 {
			m.add(group, "direct_member", engine.Subject{Object: m.object("job_title", i/10), Relation: "holder"})
		}
	}
}

func (m *maker) subscription(i int, company engine.Subject) {
	s := m.object("subscription", i)
	everyone := engine.Subject{Object: engine.Object{Type: "user", ID: engine.Wildcard}}
	m.add(s, "company", company)
	m.add(s, "service", engine.Subject{Object: engine.Object{Type: "service", ID: services[i]}})
	m.add(s, "create_open", everyone)
	m.add(s, "publish_open", everyone)
	m.add(s, "owner", m.user(2+i))
	if i > 0 { // a fifth of the company each
		for k := range companyUsers / 5 {
			m.add(s, "participant", m.user(k*5+i))
		}
		return
	}
	for k := range companyUsers {
		m.add(s, "participant", m.user(k))
	}
	for k := range companyGroups {
		m.add(s, "participant", m.group(k))
	}
}

func (m *maker) model(i int) {
	model := m.object("model", i)
	m.add(model, "subscription", engine.Subject{Object: m.object("subscription", 0)})
	m.add(model, "owner", m.user(m.modelPerson(i, 0)))
	for k := 1; k < 5; k++ {
		m.add(model, "editor", m.user(m.modelPerson(i, k)))
	}
	m.add(model, "editor", m.group(i*10+20))
	for k := 5; k < 12; k++ {
		m.add(model, "contributor", m.user(m.modelPerson(i, k)))
	}
	m.add(model, "contributor", m.group(i*10))
	for d := range modelDiagrams {
		n := i*modelDiagrams + d
		diagram := m.object("diagram", n)
		m.add(diagram, "model", engine.Subject{Object: model})
		m.add(diagram, "audience", m.group(n))
		if n%2 == 0 {
			m.add(diagram, "published", engine.Subject{Object: engine.Object{Type: "user", ID: engine.Wildcard}})
		} else {
			m.add(diagram, "checked_out_by", m.user(m.modelPerson(i, 1)))
		}
	}
}
