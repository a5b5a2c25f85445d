package portal

import (
	"context"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// holding is a role that somebody has on a workspace.
type holding struct {
	who  engine.Subject
	role string
}

// holdings returns who has which role on a workspace, the highest first.
func (v *view) holdings(on engine.Object) ([]holding, error) {
	var out []holding
	for _, role := range workspaceRoles[on.Type] {
		for _, kind := range []engine.Subject{subject(user(""), ""), subject(group(""), "member")} {
			for id, err := range v.subjects(on, role, kind.Type, kind.Relation) {
				if err != nil {
					return nil, err
				}
				kind.ID = id
				out = append(out, holding{kind, role})
			}
		}
	}
	return out, nil
}

// ListAccess returns who has a role on a workspace, and who else can read it.
func (s *workspaceService) ListAccess(ctx context.Context, r *portalv1.ListAccessRequest) (*portalv1.ListAccessResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	on, d, _, err := v.findWorkspace(r.Id)
	if err != nil {
		return nil, err
	}
	if err := v.need(ctx, on, "read"); err != nil {
		return nil, err
	}
	resp := &portalv1.ListAccessResponse{ReadAt: v.token()}
	if resp.Allowed, err = v.allowed(ctx, on, "share", "change_user_role", "remove_user"); err != nil {
		return nil, err
	}
	powers := slices.Contains(resp.Allowed, "remove_user")
	if len(resp.Allowed) > 0 {
		for _, role := range workspaceRoles[on.Type] {
			if role != roleOwner || powers {
				resp.Roles = append(resp.Roles, role)
			}
		}
	}
	all, err := v.holdings(on)
	if err != nil {
		return nil, err
	}
	owners := 0
	for _, h := range all {
		if h.role == roleOwner {
			owners++
		}
	}
	for _, h := range all {
		m, err := v.member(h.who)
		if err != nil {
			return nil, err
		}
		entry := &portalv1.AccessEntry{Member: m, Role: h.role}
		if h.role != roleOwner || powers && owners > 1 {
			for _, permission := range []string{"change_user_role", "remove_user"} {
				if slices.Contains(resp.Allowed, permission) {
					entry.Allowed = append(entry.Allowed, permission)
				}
			}
		}
		resp.Entries = append(resp.Entries, entry)
	}
	resp.Inherited, err = v.inherited(subscription(d.Subscription))
	return resp, err
}

// inherited returns the active people who have rights on a workspace from above, each
// with the reason.
func (v *view) inherited(sub engine.Object) ([]*portalv1.AccessEntry, error) {
	var out []*portalv1.AccessEntry
	for _, from := range []asked{{v.company(), "administrator"}, {sub, roleOwner}, {sub, roleViewer}} {
		for _, kind := range []engine.Subject{subject(user(""), ""), subject(group(""), "member")} {
			for id, err := range v.subjects(from.on, from.permission, kind.Type, kind.Relation) {
				if err != nil {
					return nil, err
				}
				kind.ID = id
				m, err := v.member(kind)
				if err != nil {
					return nil, err
				}
				if !m.Active {
					continue
				}
				rel := engine.Relationship{Resource: from.on, Relation: from.permission, Subject: kind}
				out = append(out, &portalv1.AccessEntry{Member: m, Role: from.permission, Inherited: v.sentence(rel)})
			}
		}
	}
	return out, nil
}

// Bounds of a search while somebody types.
const (
	defaultCandidates = 10
	maxCandidates     = 50
)

func candidatesSize(n uint32) (int, error) {
	switch {
	case n == 0:
		return defaultCandidates, nil
	case n > maxCandidates:
		return 0, invalid("limit", "%d is more than the %d that a search returns at most", n, maxCandidates)
	}
	return int(n), nil
}

// SearchCandidates finds people and groups of the subscription (rule 13).
func (s *workspaceService) SearchCandidates(ctx context.Context, r *portalv1.SearchCandidatesRequest) (*portalv1.SearchCandidatesResponse, error) {
	limit, err := candidatesSize(r.Limit)
	if err != nil {
		return nil, err
	}
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	on, d, _, err := l.findWorkspace(r.Id)
	if err != nil {
		return nil, err
	}
	if err := l.need(ctx, on, "share"); err != nil {
		return nil, err
	}
	resp := &portalv1.SearchCandidatesResponse{ReadAt: l.token()}
	sub := subscription(d.Subscription)
	search := strings.ToLower(strings.TrimSpace(r.Search))
	if resp.Members, err = l.candidateGroups(sub, search, limit); err != nil {
		return nil, err
	}
	wide, err := l.may(ctx, sub, "include_user")
	if err != nil {
		return nil, err
	}
	for _, row := range l.matching(search) {
		in, err := l.can(ctx, row.id, sub, "member")
		if err != nil {
			return nil, err
		}
		m := &portalv1.Member{Member: &portalv1.Member_User{User: row.id}, Name: row.doc.name(), Email: row.doc.Email, Active: !row.deactivated}
		switch {
		case in && len(resp.Members) < limit:
			resp.Members = append(resp.Members, m)
		case !in && wide && m.Active && search != "" && len(resp.Outside) < limit:
			resp.Outside = append(resp.Outside, m)
		}
		if len(resp.Members) == limit {
			break
		}
	}
	return resp, nil
}

// matching returns the people of the company that a search finds, by name.
func (l *listing) matching(search string) []*personRow {
	var rows []sorted[*personRow]
	for id, row := range l.directory.people[l.caller.Company] {
		if !row.deactivated && strings.Contains(row.search, search) {
			rows = append(rows, sorted[*personRow]{nearest(search, row.byName, strings.ToLower(row.doc.Email)), id, row})
		}
	}
	slices.SortFunc(rows, func(a, b sorted[*personRow]) int {
		if c := strings.Compare(a.key, b.key); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	out := make([]*personRow, len(rows))
	for i, r := range rows {
		out[i] = r.row
	}
	return out
}

// ofSubscription reports whether a group may have a role in a subscription: it is
// included, or one of its own.
func (v *view) ofSubscription(sub engine.Object, groupID string) (bool, error) {
	for _, relation := range []string{"participant", roleViewer} {
		if has, err := v.has(sub, relation, subject(group(groupID), "member")); err != nil || has {
			return has, err
		}
	}
	return v.has(group(groupID), "subscription", subject(sub, ""))
}

// candidateGroups returns the groups of a subscription whose name a search finds.
func (v *view) candidateGroups(sub engine.Object, search string, limit int) ([]*portalv1.Member, error) {
	found := map[string]bool{}
	for _, relation := range []string{"participant", roleViewer} {
		for id, err := range v.subjects(sub, relation, "group", "member") {
			if err != nil {
				return nil, err
			}
			found[id] = true
		}
	}
	for id, err := range v.resources(subject(sub, ""), "group", "subscription") {
		if err != nil {
			return nil, err
		}
		found[id] = true
	}
	var out []*portalv1.Member
	for id := range found {
		m, err := v.member(subject(group(id), "member"))
		if err != nil {
			return nil, err
		}
		if strings.Contains(strings.ToLower(m.Name), search) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *portalv1.Member) int {
		return strings.Compare(nearest(search, strings.ToLower(a.Name), ""), nearest(search, strings.ToLower(b.Name), ""))
	})
	return out[:min(len(out), limit)], nil
}
