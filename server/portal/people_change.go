package portal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// Bounds of what is kept about people.
const (
	maxTitle      = 100 // characters of a job title
	maxUserGroups = 10  // that a user is put into when he is created: each is a guard
)

// details reads what is known of a person beside who he is.
func (d *userDoc) details(title, manager string) error {
	var err error
	if d.JobTitle, err = line("job_title", title, 0, maxTitle); err != nil {
		return err
	}
	if d.ManagerEmail = ""; strings.TrimSpace(manager) != "" {
		d.ManagerEmail, err = email("manager_email", manager)
	}
	return err
}

// CreateUser registers a user.
func (s *peopleService) CreateUser(ctx context.Context, r *portalv1.CreateUserRequest) (*portalv1.CreateUserResponse, error) {
	given, err := newPerson(r.Email, r.GivenName, r.Surname)
	if err != nil {
		return nil, err
	}
	if err := given.details(r.JobTitle, r.ManagerEmail); err != nil {
		return nil, err
	}
	if len(r.Groups) > maxUserGroups {
		return nil, invalid("groups", "%d are more than the %d that a user can be put into when he is created; add him to the others afterwards", len(r.Groups), maxUserGroups)
	}
	note, err := prose("message", r.Message, 0, maxNote)
	if err != nil {
		return nil, err
	}
	answer := createdUser{created: created{newID()}}
	written, err := s.answer(ctx, &answer, func(v *view, a *action) error {
		answer.User = *given
		return v.planUser(ctx, a, answer.ID, &answer.User, r)
	})
	if err != nil {
		return nil, err
	}
	id, made := answer.ID, &answer.User
	resp := &portalv1.CreateUserResponse{WrittenAt: written.WrittenAt, Audit: written.Audit}
	resp.User = &portalv1.User{
		Id: id, Email: made.Email, GivenName: made.GivenName, Surname: made.Surname, JobTitle: made.JobTitle, ManagerEmail: made.ManagerEmail,
		State: portalv1.UserState_USER_STATE_INVITED, CreatedAt: timestamppb.New(made.Created),
	}
	if r.Inactive {
		resp.User.State = portalv1.UserState_USER_STATE_DEACTIVATED
	}
	if at, err := s.replica.ParseToken(written.WrittenAt.Token); err == nil {
		resp.User.Version = uint64(at)
	}
	if !r.Inactive && !r.NoInvitation {
		s.welcome(ctx, id, note, written.again)
	}
	return resp, nil
}

// createdUser is the answer of CreateUser.
type createdUser struct {
	created
	User userDoc `json:"user"`
}

// planUser plans a new user, in groups from the start.
func (v *view) planUser(ctx context.Context, a *action, id string, d *userDoc, r *portalv1.CreateUserRequest) error {
	a.target, a.called, a.sentence = user(id), d.name(), fmt.Sprintf("created the user %s (%s)", d.name(), d.Email)
	if err := v.begin(ctx, a, "user.create", v.company(), "create_user"); err != nil {
		return err
	}
	t := v.titles(a)
	if err := v.registers(a, t, id, d, r.Inactive); err != nil {
		return err
	}
	groups := slices.Compact(slices.Sorted(slices.Values(r.Groups)))
	for _, g := range groups {
		if err := v.exists("groups", "group", g, groupKey(v.caller.Company, g)); err != nil {
			return err
		}
		a.also = append(a.also, asked{group(g), "manage"})
		a.relation(store.Create, group(g), "direct_member", subject(user(id), ""))
	}
	after := d.fields()
	if len(groups) > 0 {
		after["groups"] = groups
	}
	if r.Inactive {
		after["active"] = false
	}
	a.after = after
	return v.settle(ctx, a, t)
}

// registers plans a user of the caller's company, with his job title. t must be
// finished, and then the licences counted.
func (v *view) registers(a *action, t *titles, id string, d *userDoc, inactive bool) error {
	title, err := t.move(id, "", d.JobTitle)
	if err != nil {
		return err
	}
	d.JobTitle = title
	if err := v.addPerson(a, v.caller.Company, id, d); err != nil {
		return err
	}
	if inactive {
		a.relation(store.Create, v.company(), "deactivated", subject(user(id), ""))
	}
	return nil
}

// fields are what the audit log says of a user.
func (d *userDoc) fields() map[string]any {
	out := map[string]any{"email": d.Email, "given_name": d.GivenName}
	for name, value := range map[string]string{"surname": d.Surname, "job_title": d.JobTitle, "manager_email": d.ManagerEmail} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

// UpdateUser changes what is known of a user.
func (s *peopleService) UpdateUser(ctx context.Context, r *portalv1.UpdateUserRequest) (*portalv1.Written, error) {
	change, err := readChange(r)
	if err != nil {
		return nil, err
	}
	return s.act(ctx, func(v *view, a *action) error {
		a.target = user(r.Id)
		a.sentence = "changed " + v.called(a.target)
		if err := v.begin(ctx, a, "user.edit", v.company(), "edit_user"); err != nil {
			return err
		}
		if err := v.exists("id", "user", r.Id, userKey(v.caller.Company, r.Id)); err != nil {
			return err
		}
		t := v.titles(a)
		changes, err := v.edits(a, t, r.Id, change, store.Revision(r.IfVersion))
		if err != nil {
			return err
		}
		if a.unchanged = len(changes) == 0; a.unchanged {
			return nil
		}
		a.sentence = fmt.Sprintf("changed %s of %s", enumerate(words(changes), "and"), v.called(a.target))
		return v.settle(ctx, a, t)
	})
}

// userChange is what of a user is changed; nil stays.
type userChange struct{ email, given, surname, title, manager *string }

// readChange reads and cleans a request.
func readChange(r *portalv1.UpdateUserRequest) (*userChange, error) {
	c := &userChange{email: r.Email, given: r.GivenName, surname: r.Surname, title: r.JobTitle, manager: r.ManagerEmail}
	for _, f := range []struct {
		value **string
		read  func(string) (string, error)
	}{
		{&c.email, func(s string) (string, error) { return email("email", s) }},
		{&c.given, func(s string) (string, error) { return line("given_name", s, 1, 100) }},
		{&c.surname, func(s string) (string, error) { return line("surname", s, 0, 100) }},
		{&c.title, func(s string) (string, error) { return line("job_title", s, 0, maxTitle) }},
		{&c.manager, func(s string) (string, error) {
			if strings.TrimSpace(s) == "" {
				return "", nil
			}
			return email("manager_email", s)
		}},
	} {
		if *f.value == nil {
			continue
		}
		clean, err := f.read(**f.value)
		if err != nil {
			return nil, err
		}
		*f.value = &clean
	}
	return c, nil
}

// edits plans changes of a user and returns the names of the fields that change,
// sorted. version is the one that he must have, 0: any. t must be finished, and
// then the licences counted.
func (v *view) edits(a *action, t *titles, id string, c *userChange, version store.Revision) ([]string, error) {
	var d userDoc
	has, err := v.document(userKey(v.caller.Company, id), &d)
	if err != nil {
		return nil, err
	}
	if version != 0 && has != version {
		return nil, conflict("somebody else changed %s meanwhile; look at it again and repeat", d.name())
	}
	before := d
	if c.title != nil && *c.title != d.JobTitle {
		if d.JobTitle, err = t.move(id, before.JobTitle, *c.title); err != nil {
			return nil, err
		}
	}
	for _, f := range []struct{ to, from *string }{{&d.Email, c.email}, {&d.GivenName, c.given}, {&d.Surname, c.surname}, {&d.ManagerEmail, c.manager}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if d == before {
		return nil, nil
	}
	if err := v.moveEmail(a, id, before.Email, d.Email); err != nil {
		return nil, err
	}
	a.document(at(has, put(userKey(v.caller.Company, id), d)))
	old, now := map[string]any{}, map[string]any{}
	names := differences(&before, &d, old, now)
	a.before, a.after = old, now
	return names, nil
}

// differences puts the fields in which users differ into old and now, and returns
// their names, sorted.
func differences(a, b *userDoc, old, now map[string]any) []string {
	var names []string
	for _, f := range []struct{ name, a, b string }{
		{"email", a.Email, b.Email}, {"given_name", a.GivenName, b.GivenName}, {"job_title", a.JobTitle, b.JobTitle},
		{"manager_email", a.ManagerEmail, b.ManagerEmail}, {"surname", a.Surname, b.Surname},
	} {
		if f.a != f.b {
			names = append(names, f.name)
			old[f.name], now[f.name] = f.a, f.b
		}
	}
	return names
}

// words makes names of fields words.
func words(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "the " + strings.ReplaceAll(strings.Replace(n, "email", "e-mail address", 1), "_", " ")
	}
	return out
}

// moveEmail plans that a user has another address. A link that was sent to the one
// before is void: whoever reads the mails there is somebody else now.
func (v *view) moveEmail(a *action, id, from, to string) error {
	if emailKey(from) == emailKey(to) {
		return nil
	}
	var old, taken emailDoc
	had, err := v.document(emailKey(from), &old)
	if err != nil {
		return err
	}
	if version, err := v.document(emailKey(to), &taken); err != nil {
		return err
	} else if version != 0 {
		return takenEmail(to)
	}
	a.document(at(had, drop(emailKey(from))), at(0, put(emailKey(to), emailDoc{v.caller.Company, id})))
	return v.voidLink(a, v.caller.Company, id)
}

// takenEmail refuses an address that somebody has.
func takenEmail(address string) error {
	return &Refusal{Fault: Taken, Field: "email", Rule: "5", Msg: fmt.Sprintf("email: %s is taken; an address belongs to one user, whatever the case", address)}
}
