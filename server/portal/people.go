package portal

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// peopleService is pemba.portal.v1.PeopleService: everyone who is registered in a
// company.
type peopleService struct {
	portalv1.UnimplementedPeopleServiceServer
	*Portal
}

// reads refuses a caller who lacks the permission to read something, and notes
// that he tried. name is what the audit log calls it.
func (v *view) reads(ctx context.Context, name string, q asked) error {
	err := v.need(ctx, q.on, q.permission)
	if err != nil {
		v.portal.refused(ctx, &action{name: name, on: q.on, permission: q.permission}, err)
	}
	return err
}

// bought is a subscription of the caller's company.
type bought struct{ id, service string }

// bought returns the subscriptions of the caller's company, by service in the order
// of services.
func (v *view) bought() ([]bought, error) {
	ids, err := collect(v.resources(subject(v.company(), ""), "subscription", "company"))
	if err != nil {
		return nil, err
	}
	var out []bought
	for _, id := range ids {
		service, err := v.single(subscription(id), "service", "service")
		if err != nil {
			return nil, err
		}
		out = append(out, bought{id, service})
	}
	slices.SortFunc(out, func(a, b bought) int { return int(serviceNumber(a.service)) - int(serviceNumber(b.service)) })
	return out, nil
}

// ListUsers returns the users of the company that the filters select.
func (s *peopleService) ListUsers(ctx context.Context, r *portalv1.ListUsersRequest) (*portalv1.ListUsersResponse, error) {
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.reads(ctx, "user.list", asked{l.company(), "list_users"}); err != nil {
		return nil, err
	}
	f, err := l.filter(r.Search, r.State, r.Service, r.Role)
	if err != nil {
		return nil, err
	}
	key, backward, err := peopleOrder(r.Order)
	if err != nil {
		return nil, err
	}
	people := l.directory.people[l.caller.Company]
	rows := make([]sorted[*personRow], 0, len(people))
	for _, row := range people {
		if f.selects(row) {
			rows = append(rows, sorted[*personRow]{key(row), row.id, row})
		}
	}
	page, next, err := cut(rows, r.Paging, backward)
	if err != nil {
		return nil, err
	}
	show, err := l.shows(ctx)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.ListUsersResponse{Page: l.page(next, len(rows))}
	for _, row := range page {
		resp.Users = append(resp.Users, show.user(row))
	}
	return resp, nil
}

// peopleFilter selects users.
type peopleFilter struct {
	words []string // lower case; all must be found
	state portalv1.UserState
	sub   string // id of the subscription that the user must be in directly; "": any
	in    bool   // sub counts
	role  string
}

// filter reads the filters that lists and exports of users have.
func (v *view) filter(search string, state portalv1.UserState, service portalv1.Service, role string) (*peopleFilter, error) {
	f := &peopleFilter{words: strings.Fields(strings.ToLower(search)), state: state, role: role, in: service != portalv1.Service_SERVICE_UNSPECIFIED}
	if len(search) > maxSearch {
		return nil, invalid("search", "it has %d bytes; at most %d are looked for", len(search), maxSearch)
	}
	if !slices.Contains([]string{"", "administrator", roleOwner, roleViewer}, role) {
		return nil, invalid("role", "%.40q is none; it is administrator, owner or viewer", role)
	}
	if _, ok := portalv1.UserState_name[int32(state)]; !ok {
		return nil, invalid("state", "%d is none; it is invited, active or deactivated", state)
	}
	if !f.in {
		return f, nil
	}
	id := serviceID(service)
	if id == "" {
		return nil, invalid("service", "%d is none of the five services", service)
	}
	subs, err := v.bought()
	for _, b := range subs {
		if b.service == id {
			f.sub = b.id
		}
	}
	return f, err
}

// maxSearch bounds what is searched for, in bytes.
const maxSearch = 200

// selects reports whether the filter selects a user.
func (f *peopleFilter) selects(r *personRow) bool {
	if f.state != portalv1.UserState_USER_STATE_UNSPECIFIED && r.state() != f.state {
		return false
	}
	if f.in && r.roles[f.sub] == "" {
		return false
	}
	switch f.role {
	case "administrator":
		if !r.admin {
			return false
		}
	case roleOwner, roleViewer:
		if f.in && r.roles[f.sub] != f.role || !f.in && !r.hasRole(f.role) {
			return false
		}
	}
	for _, w := range f.words {
		if !strings.Contains(r.search, w) {
			return false
		}
	}
	return true
}

func (r *personRow) hasRole(role string) bool {
	for _, has := range r.roles {
		if has == role {
			return true
		}
	}
	return false
}

// state is where the user is on the way from invited to deactivated.
func (r *personRow) state() portalv1.UserState {
	switch {
	case r.deactivated:
		return portalv1.UserState_USER_STATE_DEACTIVATED
	case r.seen.At.IsZero():
		return portalv1.UserState_USER_STATE_INVITED
	}
	return portalv1.UserState_USER_STATE_ACTIVE
}

// sortTime is a time as a key that sorts like it.
const sortTime = "2006-01-02T15:04:05.000Z"

// peopleOrder returns what lists of users are sorted by.
func peopleOrder(order string) (key func(*personRow) string, backward bool, err error) {
	name, backward := strings.CutPrefix(order, "-")
	switch name {
	case "", "name":
		return func(r *personRow) string { return r.byName }, backward, nil
	case "email":
		return func(r *personRow) string { return strings.ToLower(r.doc.Email) }, backward, nil
	case "created":
		return func(r *personRow) string { return r.doc.Created.UTC().Format(sortTime) }, backward, nil
	case "seen":
		return func(r *personRow) string { return r.seen.At.UTC().Format(sortTime) }, backward, nil
	}
	return nil, false, invalid("order", "%.40q is none; it is name, email, created or seen, with - before it backwards", order)
}

// peopleShow makes rows of answers: what the caller may do with users, and which
// service a subscription is of.
type peopleShow struct {
	caller   string
	may      map[string]bool
	services map[string]portalv1.Service
}

// shows asks once what is the same for all users of the company.
func (v *view) shows(ctx context.Context) (*peopleShow, error) {
	s := &peopleShow{caller: v.caller.User, may: map[string]bool{}, services: map[string]portalv1.Service{}}
	has, err := v.allowed(ctx, v.company(), "edit_user", "activate_user", "deactivate_user", "create_user", "include_administrator", "remove_administrator")
	if err != nil {
		return nil, err
	}
	for _, permission := range has {
		s.may[permission] = true
	}
	subs, err := v.bought()
	for _, b := range subs {
		s.services[b.id] = serviceNumber(b.service)
	}
	return s, err
}

// user is a row as answers show it.
func (s *peopleShow) user(r *personRow) *portalv1.User {
	u := &portalv1.User{
		Id: r.id, Email: r.doc.Email, GivenName: r.doc.GivenName, Surname: r.doc.Surname,
		JobTitle: r.doc.JobTitle, ManagerEmail: r.doc.ManagerEmail, State: r.state(), Administrator: r.admin,
		CreatedAt: timestamppb.New(r.doc.Created), Version: uint64(r.version), Allowed: s.allowed(r),
	}
	if !r.seen.At.IsZero() {
		u.SeenAt = timestamppb.New(r.seen.At)
	}
	for sub := range r.roles {
		u.Services = append(u.Services, s.services[sub])
	}
	slices.Sort(u.Services)
	return u
}

// allowed returns the actions that make sense for a user in his state, of those
// that the caller may do.
func (s *peopleShow) allowed(r *personRow) []string {
	var out []string
	for _, a := range []struct {
		name, permission string
		fits             bool
	}{
		{"edit", "edit_user", true},
		{"activate", "activate_user", r.deactivated},
		{"deactivate", "deactivate_user", !r.deactivated},
		{"invite", "create_user", !r.deactivated && r.seen.At.IsZero()},
		{"include_administrator", "include_administrator", !r.admin && !r.deactivated && r.id != s.caller},
		{"remove_administrator", "remove_administrator", r.admin},
	} {
		if a.fits && s.may[a.permission] {
			out = append(out, a.name)
		}
	}
	return out
}

// GetUser returns one user: anyone to whom may list them, everybody himself.
func (s *peopleService) GetUser(ctx context.Context, r *portalv1.GetUserRequest) (*portalv1.GetUserResponse, error) {
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.readsPerson(ctx, "user.get", "list_users", r.Id); err != nil {
		return nil, err
	}
	row, err := l.personRow(r.Id)
	if err != nil {
		return nil, err
	}
	show, err := l.shows(ctx)
	if err != nil {
		return nil, err
	}
	return &portalv1.GetUserResponse{User: show.user(row), ReadAt: l.token()}, nil
}

// readsPerson refuses a caller who may not read about a user: it takes a permission
// on the company, unless he is it himself.
func (v *view) readsPerson(ctx context.Context, name, permission, id string) error {
	if id == v.caller.User && id != "" {
		permission = "sign_in"
	}
	return v.reads(ctx, name, asked{v.company(), permission})
}

// personRow returns the row of a user of the caller's company.
func (l *listing) personRow(id string) (*personRow, error) {
	row := l.directory.people[l.caller.Company][id]
	if row == nil || row.version == 0 {
		return nil, notFound("user", id)
	}
	return row, nil
}
