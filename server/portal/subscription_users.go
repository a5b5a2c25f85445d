package portal

import (
	"context"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// ListSubscriptionUsers returns the users and groups that are included.
func (s *subscriptionService) ListSubscriptionUsers(ctx context.Context, r *portalv1.ListSubscriptionUsersRequest) (*portalv1.ListSubscriptionUsersResponse, error) {
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if _, _, err := l.findSubscription(r.Id); err != nil {
		return nil, err
	}
	if r.Role != "" && !isSubscriptionRole(r.Role) {
		return nil, invalid("role", "%.40q is none; it is owner, viewer or user", r.Role)
	}
	if err := l.need(ctx, subscription(r.Id), "list_users"); err != nil {
		return nil, err
	}
	rows, err := l.included(ctx, r.Id, strings.ToLower(r.Search), r.Role)
	if err != nil {
		return nil, err
	}
	page, next, err := cut(rows, r.Paging, false)
	if err != nil {
		return nil, err
	}
	allowed, err := l.allowed(ctx, subscription(r.Id), "set_owner", "change_user_role", "remove_user")
	if err != nil {
		return nil, err
	}
	resp := &portalv1.ListSubscriptionUsersResponse{Page: l.page(next, len(rows))}
	for _, row := range page {
		u, err := l.subscriptionUser(r.Id, row, allowed)
		if err != nil {
			return nil, err
		}
		resp.Users = append(resp.Users, u)
	}
	return resp, nil
}

// includedRow is a user or group of a subscription.
type includedRow struct {
	subject engine.Subject
	role    string
}

// included returns the users and groups of a subscription that a search and a role
// select; "" selects all.
func (l *listing) included(ctx context.Context, sub, search, role string) ([]sorted[includedRow], error) {
	people := l.directory.people[l.caller.Company]
	rows := make([]sorted[includedRow], 0, len(people))
	for id, p := range people {
		has := p.roles[sub]
		if has == "" || role != "" && has != role || !strings.Contains(p.search, search) {
			continue
		}
		rows = append(rows, sorted[includedRow]{p.byName, id, includedRow{subject(user(id), ""), has}})
	}
	groups, err := collect(l.subjects(subscription(sub), "participant", "group", "member"))
	if err != nil {
		return nil, err
	}
	for _, id := range groups {
		g := subject(group(id), "member")
		has, err := l.subscriptionRole(sub, g)
		if err != nil {
			return nil, err
		}
		var d groupDoc
		if _, err := l.document(groupKey(l.caller.Company, id), &d); err != nil {
			return nil, err
		}
		if name := strings.ToLower(d.Name); (role == "" || has == role) && strings.Contains(name, search) {
			rows = append(rows, sorted[includedRow]{name, id, includedRow{g, has}})
		}
	}
	return rows, ctx.Err()
}

// subscriptionUser completes a row.
func (l *listing) subscriptionUser(sub string, row includedRow, allowed []string) (*portalv1.SubscriptionUser, error) {
	m, err := l.member(row.subject)
	if err != nil {
		return nil, err
	}
	roles, err := l.rolesIn(sub, row.subject)
	if err != nil {
		return nil, err
	}
	u := &portalv1.SubscriptionUser{Member: m, Role: row.role, Workspaces: uint64(len(roles))}
	for _, permission := range allowed {
		if permission == "set_owner" && (row.subject.Type != "user" || row.role != roleOwner && row.subject.ID == l.caller.User) {
			continue // groups are never owners, and nobody makes himself one
		}
		u.Allowed = append(u.Allowed, permission)
	}
	return u, nil
}

// subscriptionRole is the direct role of a user or group in a subscription; "" for
// none.
func (v *view) subscriptionRole(sub string, s engine.Subject) (string, error) {
	for _, q := range []struct{ relation, role string }{{"owner", roleOwner}, {"viewer", roleViewer}, {"participant", roleUser}} {
		if ok, err := v.has(subscription(sub), q.relation, s); err != nil || ok {
			return q.role, err
		}
	}
	return "", nil
}

// held is a role of somebody on a workspace.
type held struct {
	on   engine.Object
	role string
}

// rolesIn returns the direct roles of a user or group on the workspaces of a
// subscription, by workspace.
func (v *view) rolesIn(sub string, s engine.Subject) ([]held, error) {
	var d subscriptionDoc
	if _, err := v.document(subscriptionKey(v.caller.Company, sub), &d); err != nil {
		return nil, err
	}
	kind := workspaceKind(d.Service)
	var out []held
	for _, role := range workspaceRoles[kind] {
		for id, err := range v.resources(s, kind, role) {
			if err != nil {
				return nil, err
			}
			on := engine.Object{Type: kind, ID: id}
			if in, err := v.has(on, "subscription", subject(subscription(sub), "")); err != nil || !in {
				if err != nil {
					return nil, err
				}
				continue
			}
			out = append(out, held{on, role})
		}
	}
	return out, nil
}

// Limits of type-ahead.
const (
	defaultFound = 10
	maxFound     = 50
)

// foundLimit reads how many a type-ahead returns.
func foundLimit(n uint32) (*portalv1.Paging, error) {
	switch {
	case n == 0:
		n = defaultFound
	case n > maxFound:
		return nil, invalid("limit", "%d is more than the %d that are returned at most", n, maxFound)
	}
	return &portalv1.Paging{Size: n}, nil
}

// SearchPool finds users and groups of the company that are not included yet.
func (s *subscriptionService) SearchPool(ctx context.Context, r *portalv1.SearchPoolRequest) (*portalv1.SearchResponse, error) {
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if _, _, err := l.findSubscription(r.Id); err != nil {
		return nil, err
	}
	if err := l.need(ctx, subscription(r.Id), "search_company_pool"); err != nil {
		return nil, err
	}
	limit, err := foundLimit(r.Limit)
	if err != nil {
		return nil, err
	}
	search := strings.ToLower(strings.TrimSpace(r.Search))
	rows := l.outside(r.Id, search)
	if r.Groups {
		groups, err := l.groupsOutside(ctx, r.Id, search)
		if err != nil {
			return nil, err
		}
		rows = append(rows, groups...)
	}
	members, err := l.members(rows, limit)
	return &portalv1.SearchResponse{Members: members, ReadAt: l.token()}, err
}

// outside returns the active users of the company who match and are not included
// themselves.
func (l *listing) outside(sub, search string) []sorted[engine.Subject] {
	var rows []sorted[engine.Subject]
	for id, p := range l.directory.people[l.caller.Company] {
		if p.roles[sub] == "" && !p.deactivated && strings.Contains(p.search, search) {
			rows = append(rows, sorted[engine.Subject]{nearest(search, p.byName, strings.ToLower(p.doc.Email)), id, subject(user(id), "")})
		}
	}
	return rows
}

// groupsOutside returns the groups that match, may be included, and are not.
func (l *listing) groupsOutside(ctx context.Context, sub, search string) ([]sorted[engine.Subject], error) {
	return l.findGroups(ctx, search, func(id string, d *groupDoc) (bool, error) {
		in, err := l.has(subscription(sub), "participant", subject(group(id), "member"))
		return !in && (d.Subscription == "" || d.Subscription == sub), err
	})
}

// findGroups returns the groups of the company whose name matches and that are
// wanted.
func (l *listing) findGroups(ctx context.Context, search string, want func(id string, d *groupDoc) (bool, error)) ([]sorted[engine.Subject], error) {
	var rows []sorted[engine.Subject]
	for doc, err := range l.snap.Documents(ctx, groupKey(l.caller.Company, ""), "") {
		if err != nil {
			return nil, err
		}
		var d groupDoc
		if err := decode(doc, &d); err != nil {
			return nil, err
		}
		_, _, id := splitKey(doc.Key)
		name := strings.ToLower(d.Name)
		if !strings.Contains(name, search) {
			continue
		}
		ok, err := want(id, &d)
		if err != nil {
			return nil, err
		}
		if ok {
			rows = append(rows, sorted[engine.Subject]{nearest(search, name, ""), id, subject(group(id), "member")})
		}
	}
	return rows, nil
}

// members returns the first of what was found, as answers show them.
func (l *listing) members(rows []sorted[engine.Subject], limit *portalv1.Paging) ([]*portalv1.Member, error) {
	first, _, err := cut(rows, limit, false)
	if err != nil {
		return nil, err
	}
	out := make([]*portalv1.Member, len(first))
	for i, s := range first {
		if out[i], err = l.member(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func isSubscriptionRole(role string) bool {
	return slices.Contains([]string{roleOwner, roleViewer, roleUser}, role)
}
