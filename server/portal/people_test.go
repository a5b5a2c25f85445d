package portal

import (
	"slices"
	"strings"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// firm is a company with an administrator, Ada, and services to call.
type firm struct {
	*Portal
	t      testing.TB
	id     string
	ada    string
	people *peopleService
}

// found opens a portal with the company acme.
func found(t testing.TB) *firm {
	t.Helper()
	p := open(t)
	return &firm{p, t, "acme", acme(t, p, "acme"), &peopleService{Portal: p}}
}

// other creates another company beside.
func (f *firm) other(id string) *firm {
	f.t.Helper()
	return &firm{f.Portal, f.t, id, acme(f.t, f.Portal, id), f.people}
}

// hire creates a user, whose id it returns.
func (f *firm) hire(name, title string) string {
	f.t.Helper()
	made, err := f.people.CreateUser(as(f.t, f.id, f.ada), &portalv1.CreateUserRequest{
		Email: strings.ToLower(name) + "@" + f.id + ".example", GivenName: name, Surname: "Berg", JobTitle: title, NoInvitation: true,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return made.User.Id
}

// buys gives the company a service, whose subscription it returns.
func (f *firm) buys(service portalv1.Service, licences uint32, owner string) string {
	f.t.Helper()
	s := &operatorService{Portal: f.Portal}
	made, err := s.CreateSubscription(operator(f.t), &portalv1.CreateSubscriptionRequest{CompanyId: f.id, Service: service, Licences: licences, OwnerEmail: owner + "@" + f.id + ".example"})
	if err != nil {
		f.t.Fatal(err)
	}
	return made.SubscriptionId
}

// list returns the e-mail addresses of users, up to the @.
func (f *firm) names(r *portalv1.ListUsersRequest) string {
	f.t.Helper()
	resp, err := f.people.ListUsers(as(f.t, f.id, f.ada), r)
	if err != nil {
		f.t.Fatal(err)
	}
	if uint64(len(resp.Users)) > resp.Page.Total {
		f.t.Errorf("%d users of %d in all", len(resp.Users), resp.Page.Total)
	}
	var out []string
	for _, u := range resp.Users {
		name, _, _ := strings.Cut(u.Email, "@")
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

// user reads a user.
func (f *firm) user(id string) *portalv1.User {
	f.t.Helper()
	resp, err := f.people.GetUser(as(f.t, f.id, f.ada), &portalv1.GetUserRequest{Id: id})
	if err != nil {
		f.t.Fatal(err)
	}
	return resp.User
}

// denied fails the test unless an error is a refusal of a kind, which it returns.
func denied(t testing.TB, what string, err error, fault Fault, rule string) Refusal {
	t.Helper()
	if err == nil {
		t.Errorf("%s: it was done", what)
		return Refusal{}
	}
	r := refusal(t, err)
	if r.Fault != fault || r.Rule != rule {
		t.Errorf("%s: fault %d of rule %q: %s", what, r.Fault, r.Rule, r.Msg)
	}
	return *r
}

func TestListUsers(t *testing.T) {
	f := found(t)
	bea, cid := f.hire("Bea", "Analyst"), f.hire("Cid", "analyst")
	f.hire("Dan", "")
	f.buys(portalv1.Service_SERVICE_MODELER, 5, "bea")
	if _, err := f.people.DeactivateUser(as(t, "acme", f.ada), &portalv1.DeactivateUserRequest{Id: cid}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		r    *portalv1.ListUsersRequest
		want string
	}{
		{"all by name", &portalv1.ListUsersRequest{}, "admin bea cid dan"},
		{"backwards", &portalv1.ListUsersRequest{Order: "-name"}, "dan cid bea admin"},
		{"a part of a title, in other letters", &portalv1.ListUsersRequest{Search: "ANAL"}, "bea cid"},
		{"two words in any order", &portalv1.ListUsersRequest{Search: "berg bea"}, "bea"},
		{"deactivated", &portalv1.ListUsersRequest{State: portalv1.UserState_USER_STATE_DEACTIVATED}, "cid"},
		{"of a service", &portalv1.ListUsersRequest{Service: portalv1.Service_SERVICE_MODELER}, "bea"},
		{"of a service that was not bought", &portalv1.ListUsersRequest{Service: portalv1.Service_SERVICE_AI}, ""},
		{"owners", &portalv1.ListUsersRequest{Role: "owner"}, "bea"},
		{"administrators", &portalv1.ListUsersRequest{Role: "administrator"}, "admin"},
	} {
		if got := f.names(c.r); got != c.want {
			t.Errorf("%s: %q, and not %q", c.what, got, c.want)
		}
	}
	var walked []string
	r := &portalv1.ListUsersRequest{Paging: &portalv1.Paging{Size: 3}}
	for {
		resp, err := f.people.ListUsers(as(t, "acme", f.ada), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range resp.Users {
			walked = append(walked, u.GivenName)
		}
		if r.Paging.Cursor = resp.Page.Next; r.Paging.Cursor == "" {
			break
		}
	}
	if got := strings.Join(walked, " "); got != "Ada Bea Cid Dan" {
		t.Errorf("page by page: %s", got)
	}
	u := f.user(bea)
	if want := []string{"edit", "deactivate", "invite", "include_administrator"}; !slices.Equal(u.Allowed, want) || len(u.Services) != 1 {
		t.Errorf("%v", u)
	}
	for what, bad := range map[string]*portalv1.ListUsersRequest{
		"order": {Order: "shoe size"}, "role": {Role: "king"}, "state": {State: 9}, "service": {Service: 9},
		"search": {Search: strings.Repeat("x", maxSearch+1)}, "paging.size": {Paging: &portalv1.Paging{Size: maxPage + 1}},
		"paging.cursor": {Paging: &portalv1.Paging{Cursor: "!"}},
	} {
		_, err := f.people.ListUsers(as(t, "acme", f.ada), bad)
		if r := denied(t, what, err, Invalid, ""); r.Field != what {
			t.Errorf("%s: the field is %s", what, r.Field)
		}
	}
	_, err := f.people.ListUsers(as(t, "acme", bea), &portalv1.ListUsersRequest{})
	if r := denied(t, "by a plain user", err, NotAllowed, ""); r.Permission != "list_users" || len(r.Grantors) != 1 {
		t.Errorf("%+v", r)
	}
}
