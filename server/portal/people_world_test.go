package portal

import (
	"strings"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// What the firm's administrator does in a word, for tests.

func (f *firm) create(address, name string) (*portalv1.CreateUserResponse, error) {
	return f.people.CreateUser(as(f.t, f.id, f.ada), &portalv1.CreateUserRequest{Email: address, GivenName: name, NoInvitation: true})
}

// turn makes a user active or inactive.
func (f *firm) turn(id string, active bool) error {
	if active {
		_, err := f.people.ActivateUser(as(f.t, f.id, f.ada), &portalv1.ActivateUserRequest{Id: id})
		return err
	}
	_, err := f.people.DeactivateUser(as(f.t, f.id, f.ada), &portalv1.DeactivateUserRequest{Id: id})
	return err
}

func (f *firm) include(id string) error {
	_, err := f.people.IncludeAdministrator(as(f.t, f.id, f.ada), &portalv1.IncludeAdministratorRequest{UserId: id})
	return err
}

func (f *firm) remove(id string) error {
	_, err := f.people.RemoveAdministrator(as(f.t, f.id, f.ada), &portalv1.RemoveAdministratorRequest{UserId: id})
	return err
}

func (f *firm) retitle(id, title string) (*portalv1.Written, error) {
	return f.people.UpdateUser(as(f.t, f.id, f.ada), &portalv1.UpdateUserRequest{Id: id, JobTitle: &title})
}

// state is the newest state, until the test ends.
func (f *firm) state() *view {
	f.t.Helper()
	v, err := f.read(as(f.t, f.id, f.ada))
	done(f.t, err)
	f.t.Cleanup(v.close)
	return v
}

// title returns the id of a job title, "" when there is none.
func (f *firm) title(name string) string {
	f.t.Helper()
	var d groupNameDoc
	_, err := f.state().document(groupNameKey(f.id, name), &d)
	done(f.t, err)
	return d.Title
}

// holders returns how many have a job title, and holds the relationships to what its
// document says.
func (f *firm) holders(title string) int {
	f.t.Helper()
	v := f.state()
	ids, err := v.holders(jobTitle(title), "holder")
	done(f.t, err)
	var d titleDoc
	_, err = v.document(titleKey(f.id, title), &d)
	done(f.t, err)
	if int(d.Holders) != len(ids) {
		f.t.Errorf("the title %s says that it has %d holders, and %d have it", title, d.Holders, len(ids))
	}
	return len(ids)
}

// group writes a group with members, as raw relationships and documents.
func (f *firm) group(name string, members ...string) string {
	f.t.Helper()
	id := strings.ToLower(name)
	_, err := f.act(as(f.t, f.id, f.ada), func(v *view, a *action) error {
		a.name, a.on, a.permission = "test.group", company(f.id), "manage_groups"
		a.relation(store.Create, group(id), "company", subject(company(f.id), ""))
		a.document(at(0, put(groupKey(f.id, id), groupDoc{Name: name})), at(0, put(groupNameKey(f.id, name), groupNameDoc{Group: id})))
		for _, m := range members {
			kind, member, _ := strings.Cut(m, ":")
			who := subject(user(member), "")
			switch kind {
			case "group":
				who = subject(group(member), "member")
			case "job_title":
				who = subject(jobTitle(member), "holder")
			}
			a.relation(store.Create, group(id), "direct_member", who)
		}
		return v.licences(f.t.Context(), a)
	})
	done(f.t, err)
	return id
}

// members adds members to a group, "group:writers", and removes those with a - before.
func (f *firm) members(id string, members ...string) error {
	f.t.Helper()
	r := &portalv1.ChangeMembersRequest{Id: id}
	for _, m := range members {
		name, gone := strings.CutPrefix(m, "-")
		kind, member, _ := strings.Cut(name, ":")
		to := &r.Add
		if gone {
			to = &r.Remove
		}
		switch kind {
		case "user":
			*to = append(*to, theUser(member))
		case "group":
			*to = append(*to, theGroup(member))
		default:
			*to = append(*to, &portalv1.Member{Member: &portalv1.Member_JobTitle{JobTitle: member}})
		}
	}
	_, err := (&groupService{Portal: f.Portal}).ChangeMembers(as(f.t, f.id, f.ada), r)
	return err
}
