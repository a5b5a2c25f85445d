package portal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/store"
)

// fixture is the customer's fixture, built in a portal through its own API: people
// are created, included, shared with and deactivated by those who may.
type fixture struct {
	testing.TB
	*api
	portal *Portal
	want   []engine.Relationship // of the customer's file
}

// services of the fixture are called as its subscriptions are.
var fixtureServices = map[string]string{
	"modeler": "SERVICE_MODELER", "automation": "SERVICE_AUTOMATION", "studio": "SERVICE_STUDIO", "ai": "SERVICE_AI", "bi": "SERVICE_BI",
}

// customers builds the fixture.
func customers(t testing.TB) *fixture {
	t.Helper()
	p := open(t)
	f := &fixture{TB: t, api: newAPI(p), portal: p, want: relationshipsOf(t)}
	f.people()
	f.subscriptions()
	f.groups()
	f.workspaces()
	f.diagrams()
	f.endings()
	return f
}

// relationshipsOf reads the customer's file.
func relationshipsOf(t testing.TB) []engine.Relationship {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "portal", "relationships.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var out []engine.Relationship
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		r, err := engine.ParseRelationship(line)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// find returns what the file says of a resource type and relation; id selects one
// resource, "" all.
func (f *fixture) find(resourceType, id, relation string) []engine.Relationship {
	var out []engine.Relationship
	for _, r := range f.want {
		if r.Resource.Type == resourceType && (id == "" || r.Resource.ID == id) && r.Relation == relation {
			out = append(out, r)
		}
	}
	return out
}

// is reports whether the file says something.
func (f *fixture) is(text string) bool {
	r, err := engine.ParseRelationship(text)
	return err == nil && slices.Contains(f.want, r)
}

// by does something as a person of the company acme.
func (f *fixture) by(who, method, format string, args ...any) map[string]any {
	f.Helper()
	return f.do(f, f.as(who), method, fmt.Sprintf(format, args...))
}

// as is the context of a call that a person of the fixture makes; "" is nobody.
func (f *fixture) as(who string) context.Context {
	switch {
	case who == "":
		return f.Context()
	case f.is("company:globex#pool_user@user:" + who):
		return as(f, "globex", f.id("user:"+who))
	}
	return as(f, "acme", f.id("user:"+who))
}

// member is a subject of the file as requests name it.
func member(s engine.Subject) string {
	return fmt.Sprintf(`{%q: "$%s:%s"}`, map[string]string{"user": "user", "group": "group", "job_title": "jobTitle"}[s.Type], s.Type, s.ID)
}

// people creates the companies and everybody in them.
func (f *fixture) people() {
	for _, r := range f.find("company", "", "administrator") {
		if of := r.Resource.ID; f.ids["company:"+of] == "" {
			made := f.do(f, operator(f), "OperatorService/CreateCompany", fmt.Sprintf(
				`{"id": %q, "name": %q, "administratorEmail": "%s@%s.example", "administratorGivenName": %q}`, of, of, r.Subject.ID, of, r.Subject.ID))
			f.ids["user:"+r.Subject.ID] = made["administratorId"].(string)
			f.ids["company:"+of] = of
		}
	}
	titles := map[string]string{}
	for _, r := range f.find("job_title", "", "holder") {
		titles[r.Subject.ID] = r.Resource.ID
	}
	for _, r := range f.find("company", "acme", "pool_user") {
		name := r.Subject.ID
		if f.ids["user:"+name] != "" {
			continue
		}
		made := f.by("company_admin", "PeopleService/CreateUser", `{"email": "%s@acme.example", "givenName": %q, "jobTitle": %q}`, name, name, titles[name])
		f.ids["user:"+name] = made["user"].(map[string]any)["id"].(string)
	}
	for _, r := range f.find("company", "acme", "administrator") {
		if r.Subject.ID != "company_admin" {
			f.by("company_admin", "PeopleService/IncludeAdministrator", `{"userId": "$user:%s"}`, r.Subject.ID)
		}
	}
	titled := f.by("company_admin", "GroupService/ListJobTitles", `{}`)
	for _, row := range titled["jobTitles"].([]any) {
		title := row.(map[string]any)
		f.ids["job_title:"+title["name"].(string)] = title["id"].(string)
	}
}

// subscriptions buys the services and includes their users.
func (f *fixture) subscriptions() {
	for _, r := range f.find("subscription", "", "company") {
		sub := r.Resource.ID
		owner := f.find("subscription", sub, "owner")[0].Subject.ID
		made := f.do(f, operator(f), "OperatorService/CreateSubscription", fmt.Sprintf(
			`{"companyId": "acme", "service": %q, "licences": 1000, "ownerEmail": "%s@acme.example"}`, fixtureServices[sub], owner))
		f.ids["subscription:"+sub] = made["subscriptionId"].(string)
		f.by(owner, "SubscriptionService/SetSwitches", `{"id": "$subscription:%s", "createOpen": %t, "publishOpen": %t, "editorShareOpen": %t}`,
			sub, f.is("subscription:"+sub+"#create_open@user:*"), f.is("subscription:"+sub+"#publish_open@user:*"), f.is("subscription:"+sub+"#editor_share_open@user:*"))
		for _, r := range f.find("subscription", sub, "participant") {
			if who := r.Subject.ID; who != owner {
				role := roleUser
				for _, other := range []string{roleOwner, roleViewer} {
					if f.is("subscription:" + sub + "#" + other + "@user:" + who) {
						role = other
					}
				}
				f.by(owner, "SubscriptionService/IncludeUsers", `{"id": "$subscription:%s", "members": [%s], "role": %q}`, sub, member(r.Subject), role)
			}
		}
	}
	// He had a role on a model, and was removed: see endings.
	f.by("modeler_service_owner", "SubscriptionService/IncludeUsers", `{"id": "$subscription:modeler", "members": [{"user": "$user:removed_from_subscription_editor"}], "role": "user"}`)
}

// groups creates the groups, which belong to the subscription of Modeler: what has
// roles there must.
func (f *fixture) groups() {
	for _, r := range f.find("group", "", "company") {
		made := f.by("modeler_service_owner", "GroupService/CreateGroup", `{"name": %q, "subscriptionId": "$subscription:modeler"}`, r.Resource.ID)
		f.ids["group:"+r.Resource.ID] = made["group"].(map[string]any)["id"].(string)
	}
	for _, r := range f.find("group", "", "direct_member") {
		f.by("modeler_service_owner", "GroupService/ChangeMembers", `{"id": "$group:%s", "add": [%s]}`, r.Resource.ID, member(r.Subject))
	}
}

// workspaces has their owners create and share them.
func (f *fixture) workspaces() {
	for _, kind := range []string{"model", "project"} {
		for _, r := range f.find(kind, "", "subscription") {
			name := r.Resource.ID
			creator := f.find(kind, name, roleOwner)[0].Subject.ID
			made := f.by(creator, "WorkspaceService/CreateWorkspace", `{"subscriptionId": "$subscription:%s", "name": %q}`, r.Subject.ID, name)
			f.ids[kind+":"+name] = made["workspace"].(map[string]any)["id"].(string)
			var changes []string
			for _, role := range workspaceRoles[kind] {
				for _, r := range f.find(kind, name, role) {
					first := role
					if r.Subject.ID == "lock_holder_demoted" {
						first = roleEditor // see diagrams
					}
					if r.Subject.ID != creator {
						changes = append(changes, fmt.Sprintf(`{"member": %s, "role": %q}`, member(r.Subject), first))
					}
				}
			}
			if len(changes) > 0 {
				f.by(creator, "WorkspaceService/ChangeAccess", `{"id": "$%s:%s", "changes": [%s]}`, kind, name, strings.Join(changes, ","))
			}
		}
	}
}

// diagrams creates them, checks them out, names their audience and publishes.
func (f *fixture) diagrams() {
	for _, r := range f.find("diagram", "", "model") {
		name := r.Resource.ID
		made := f.by("model_owner", "DiagramService/CreateDiagram", `{"workspaceId": "$model:%s", "name": %q, "content": "<xml/>"}`, r.Subject.ID, name)
		f.ids["diagram:"+name] = made["diagram"].(map[string]any)["id"].(string)
		var audience []string
		for _, r := range f.find("diagram", name, "audience") {
			audience = append(audience, member(r.Subject))
		}
		if len(audience) > 0 {
			f.by("model_owner", "DiagramService/SetAudience", `{"id": "$diagram:%s", "members": [%s]}`, name, strings.Join(audience, ","))
		}
		for _, r := range f.find("diagram", name, "checked_out_by") {
			f.by(r.Subject.ID, "DiagramService/CheckOut", `{"id": "$diagram:%s"}`, name)
		}
		if len(f.find("diagram", name, "published")) > 0 {
			f.by("model_owner", "DiagramService/Publish", `{"id": "$diagram:%s"}`, name)
		}
	}
	f.by("model_owner", "WorkspaceService/ChangeAccess",
		`{"id": "$model:sales", "changes": [{"member": {"user": "$user:lock_holder_demoted"}, "role": "contributor", "presentRole": "editor"}]}`)
}

// endings removes and deactivates those who were removed and deactivated.
func (f *fixture) endings() {
	f.by("modeler_service_owner", "SubscriptionService/RemoveSubscriptionUser",
		`{"id": "$subscription:modeler", "member": {"user": "$user:removed_from_subscription_editor"}}`)
	for _, r := range f.find("company", "acme", "deactivated") {
		f.by("company_admin", "PeopleService/DeactivateUser", `{"id": "$user:%s"}`, r.Subject.ID)
	}
}

// stored returns the relationships of the portal under the names of the fixture,
// sorted.
func (f *fixture) stored() []string {
	names := map[string]string{}
	for name, id := range f.ids {
		kind, name, _ := strings.Cut(name, ":")
		names[kind+":"+id] = name
	}
	named := func(o engine.Object) engine.Object {
		if name, ok := names[o.String()]; ok {
			o.ID = name
		}
		return o
	}
	v, err := f.portal.read(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	defer v.close()
	var out []string
	for r, err := range v.snap.Relationships(f.Context(), store.Filter{}, nil) {
		if err != nil {
			f.Fatal(err)
		}
		r.Resource, r.Subject.Object = named(r.Resource), named(r.Subject.Object)
		out = append(out, r.String())
	}
	slices.Sort(out)
	return out
}
