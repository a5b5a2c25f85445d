package portal

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// roleTargets are the relations that roles of the list of users by role stand for.
var roleTargets = map[string][]asked{
	"administrator":       {{engine.Object{Type: "company"}, "administrator"}},
	"subscription_owner":  {{engine.Object{Type: "subscription"}, roleOwner}},
	"subscription_viewer": {{engine.Object{Type: "subscription"}, roleViewer}},
	"user":                {{engine.Object{Type: "subscription"}, "participant"}},
	"workspace_owner":     {{engine.Object{Type: "model"}, roleOwner}, {engine.Object{Type: "project"}, roleOwner}},
	"editor":              {{engine.Object{Type: "model"}, roleEditor}},
	"developer":           {{engine.Object{Type: "project"}, roleDeveloper}},
	"contributor":         {{engine.Object{Type: "model"}, roleContributor}},
}

// ListUsersByRole returns who holds a role, by name: where, and whether himself or
// through a group.
func (s *peopleService) ListUsersByRole(ctx context.Context, r *portalv1.ListUsersByRoleRequest) (*portalv1.ListUsersByRoleResponse, error) {
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.reads(ctx, "user.by_role", asked{l.company(), "view_users_by_role"}); err != nil {
		return nil, err
	}
	q, err := l.roleQuery(ctx, r)
	if err != nil {
		return nil, err
	}
	size, err := pageSize(r.Paging)
	if err != nil {
		return nil, err
	}
	key, id, err := readCursor(r.Paging)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.ListUsersByRoleResponse{Page: l.page("", 0)}
	var lastName, lastAt string
	for row := range q.from(key) {
		holds, err := q.holds(row)
		if err != nil {
			return nil, err
		}
		for _, h := range holds {
			at := row.id + " " + h.at()
			if row.byName == key && at <= id {
				continue
			}
			if len(resp.Holders) == size {
				resp.Page.Next = cursorAfter(lastName, lastAt)
				return resp, nil
			}
			lastName, lastAt = row.byName, at
			resp.Holders = append(resp.Holders, &portalv1.RoleHolder{
				Person: row.person(), Role: r.Role, Resource: h.on.String(), ResourceName: l.called(h.on), Through: h.through,
			})
		}
	}
	if key == "" {
		resp.Page.Total = uint64(len(resp.Holders))
	}
	return resp, ctx.Err()
}

// roleQuery is a question for the holders of a role.
type roleQuery struct {
	*listing
	role      string
	targets   []asked
	sub       string // id of the subscription that counts; "": all
	none      bool   // the company has no such subscription
	words     []string
	ofGroup   map[string][]engine.Object // what a group has the role on
	inGroups  map[string][]string        // the groups with the role, by user
	groupName map[string]string
}

// placed is a role on an object, held by the user himself or through a group.
type placed struct {
	on      engine.Object
	through *portalv1.Member
}

// at sorts the roles of one user.
func (p *placed) at() string {
	return p.on.String() + " " + p.through.GetGroup()
}

func (l *listing) roleQuery(ctx context.Context, r *portalv1.ListUsersByRoleRequest) (*roleQuery, error) {
	f, err := l.filter(r.Search, portalv1.UserState_USER_STATE_UNSPECIFIED, r.Service, "")
	if err != nil {
		return nil, err
	}
	q := &roleQuery{listing: l, role: r.Role, targets: roleTargets[r.Role], words: f.words, sub: f.sub, none: f.in && f.sub == ""}
	if q.targets == nil {
		return nil, invalid("role", "%.40q is none; it is one of %s", r.Role, strings.Join(slices.Sorted(maps.Keys(roleTargets)), ", "))
	}
	if f.in && r.Role == "administrator" {
		return nil, invalid("service", "administrators are those of the company, not of a service; leave it out")
	}
	return q, q.groups(ctx)
}

// from yields the users that are searched for, by name, from those of a name on. It
// sorts as far as it is read.
func (q *roleQuery) from(name string) iter.Seq[*personRow] {
	const part = 500
	people := q.directory.people[q.caller.Company]
	rows := make([]sorted[*personRow], 0, len(people))
	f := &peopleFilter{words: q.words}
	for _, row := range people {
		if !q.none && row.byName >= name && f.selects(row) {
			rows = append(rows, sorted[*personRow]{row.byName, row.id, row})
		}
	}
	return func(yield func(*personRow) bool) {
		var after *sorted[*personRow]
		for {
			found := first(rows, part, after, false)
			for _, r := range found {
				if !yield(r.row) {
					return
				}
			}
			if len(found) < part {
				return
			}
			after = &found[part-1]
		}
	}
}

// groups finds the groups of the company that have the role, and who is in them.
func (q *roleQuery) groups(ctx context.Context) error {
	q.ofGroup, q.inGroups, q.groupName = map[string][]engine.Object{}, map[string][]string{}, map[string]string{}
	for id, err := range q.resources(subject(q.company(), ""), "group", "company") {
		if err != nil {
			return err
		}
		on, err := q.placesOf(subject(group(id), "member"))
		if err != nil {
			return err
		}
		if len(on) == 0 {
			continue
		}
		q.ofGroup[id] = on
		var d groupDoc
		if _, err := q.document(groupKey(q.caller.Company, id), &d); err != nil {
			return err
		}
		q.groupName[id] = d.Name
		users, err := (&seating{view: q.view, action: &action{}}).users(ctx, []string{id})
		if err != nil {
			return err
		}
		for u := range users {
			q.inGroups[u] = append(q.inGroups[u], id)
		}
	}
	return nil
}

// placesOf returns what somebody has the role on, himself.
func (q *roleQuery) placesOf(s engine.Subject) ([]engine.Object, error) {
	var out []engine.Object
	for _, target := range q.targets {
		for id, err := range q.resources(s, target.on.Type, target.permission) {
			if err != nil {
				return nil, err
			}
			on := engine.Object{Type: target.on.Type, ID: id}
			ok, err := q.counts(on, s)
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, on)
			}
		}
	}
	return out, nil
}

// counts reports whether a role on an object is one that is asked for.
func (q *roleQuery) counts(on engine.Object, s engine.Subject) (bool, error) {
	switch on.Type {
	case "subscription":
		if q.sub != "" && on.ID != q.sub {
			return false, nil
		}
		if q.role != roleUser {
			return true, nil
		}
		role, err := q.subscriptionRole(on.ID, s)
		return role == roleUser, err
	case "model", "project":
		row := q.directory.workspaces[q.caller.Company][on.ID]
		return row != nil && (q.sub == "" || row.doc.Subscription == q.sub), nil
	}
	return true, nil
}

// holds returns where a user has the role, sorted.
func (q *roleQuery) holds(row *personRow) ([]placed, error) {
	var out []placed
	if q.role != "administrator" || row.admin {
		direct, err := q.placesOf(subject(user(row.id), ""))
		if err != nil {
			return nil, err
		}
		for _, on := range direct {
			out = append(out, placed{on: on})
		}
	}
	for _, id := range q.inGroups[row.id] {
		through := &portalv1.Member{Member: &portalv1.Member_Group{Group: id}, Name: q.groupName[id], Active: true}
		for _, on := range q.ofGroup[id] {
			out = append(out, placed{on, through})
		}
	}
	slices.SortFunc(out, func(a, b placed) int { return cmp.Compare(a.at(), b.at()) })
	return out, nil
}
