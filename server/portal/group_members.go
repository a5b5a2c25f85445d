package portal

import (
	"context"
	"strings"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// ListEffectiveMembers returns everyone who is in a group and active, by whatever way.
func (s *groupService) ListEffectiveMembers(ctx context.Context, r *portalv1.ListEffectiveMembersRequest) (*portalv1.ListEffectiveMembersResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	on, _, _, err := v.findGroup(r.Id)
	if err != nil {
		return nil, err
	}
	if err := v.need(ctx, on, "manage"); err != nil {
		return nil, err
	}
	var rows []sorted[string]
	for found, err := range v.engine.LookupSubjects(ctx, on, "member", "user", "", "") {
		if err != nil {
			return nil, err
		}
		rows = append(rows, sorted[string]{strings.ToLower(v.person(found.ID)), found.ID, found.ID})
	}
	total := len(rows)
	page, next, err := cut(rows, r.Paging, false)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.ListEffectiveMembersResponse{Page: v.page(next, total)}
	for _, id := range page {
		m := &portalv1.EffectiveMember{}
		if m.Person, err = v.someone(id); err != nil {
			return nil, err
		}
		if m.Why, err = v.why(ctx, id, on, "member"); err != nil {
			return nil, err
		}
		resp.Members = append(resp.Members, m)
	}
	return resp, nil
}
