package portal

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// ListAdministrators returns the administrators of the company by name, the
// inactive ones too.
func (s *peopleService) ListAdministrators(ctx context.Context, _ *portalv1.ListAdministratorsRequest) (*portalv1.ListAdministratorsResponse, error) {
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.reads(ctx, "administrator.list", asked{l.company(), "list_users"}); err != nil {
		return nil, err
	}
	show, err := l.shows(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := l.holders(l.company(), "administrator")
	if err != nil {
		return nil, err
	}
	resp := &portalv1.ListAdministratorsResponse{ReadAt: l.token()}
	var rows []*personRow
	for _, id := range ids {
		if row := l.directory.people[l.caller.Company][id]; row != nil {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *personRow) int { return cmp.Or(cmp.Compare(a.byName, b.byName), cmp.Compare(a.id, b.id)) })
	for _, row := range rows {
		resp.Administrators = append(resp.Administrators, show.user(row))
	}
	if show.may["include_administrator"] {
		resp.Allowed = append(resp.Allowed, "include")
	}
	return resp, nil
}

// administers begins the plan of an action about the role of an administrator.
func (v *view) administers(ctx context.Context, a *action, name, permission, sentence, id string) (has bool, err error) {
	a.target = user(id)
	a.sentence = fmt.Sprintf(sentence, v.called(a.target))
	if err := v.begin(ctx, a, name, v.company(), permission); err != nil {
		return false, err
	}
	if err := v.exists("user_id", "user", id, userKey(v.caller.Company, id)); err != nil {
		return false, err
	}
	return v.has(a.on, "administrator", subject(a.target, ""))
}

// IncludeAdministrator makes an active user of the pool an administrator.
func (s *peopleService) IncludeAdministrator(ctx context.Context, r *portalv1.IncludeAdministratorRequest) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error {
		has, err := v.administers(ctx, a, "administrator.include", "include_administrator", "made %s an administrator of the company", r.UserId)
		if err != nil {
			return err
		}
		if r.UserId == v.caller.User {
			return broken("12", "nobody makes himself an administrator, not even one who is; another administrator can")
		}
		if a.unchanged = has; has {
			return nil
		}
		if active, err := v.active(r.UserId); err != nil {
			return err
		} else if !active {
			return broken("6", "%s is not active; activate the user first", v.person(r.UserId))
		}
		a.must(r.UserId, v.company(), "active_user", true)
		a.before, a.after = map[string]any{"administrator": false}, map[string]any{"administrator": true}
		a.relation(store.Create, v.company(), "administrator", subject(a.target, ""))
		return nil
	})
}

// RemoveAdministrator takes the role of an administrator from a user.
func (s *peopleService) RemoveAdministrator(ctx context.Context, r *portalv1.RemoveAdministratorRequest) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error {
		has, err := v.administers(ctx, a, "administrator.remove", "remove_administrator", "removed %s from the administrators of the company", r.UserId)
		if err != nil {
			return err
		}
		if a.unchanged = !has; !has {
			return nil
		}
		ok, err := v.another(a, v.company(), "administrator", r.UserId)
		if err != nil {
			return err
		}
		if !ok {
			return broken("12", "%s is the only active administrator of the company; include another one first", v.person(r.UserId))
		}
		a.before, a.after = map[string]any{"administrator": true}, map[string]any{"administrator": false}
		a.relation(store.Delete, v.company(), "administrator", subject(a.target, ""))
		return nil
	})
}
