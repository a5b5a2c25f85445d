package portal

import (
	"context"
	"fmt"
	"slices"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// maxMembers is how many members one request names.
const maxMembers = 100

// begin says what an action is and refuses a caller who may not do it, before
// anything else is found wrong.
func (v *view) begin(ctx context.Context, a *action, name string, on engine.Object, permission string) error {
	a.name, a.on, a.permission = name, on, permission
	return v.need(ctx, on, permission)
}

// needs adds a permission that the caller of an action must have too.
func (v *view) needs(ctx context.Context, a *action, on engine.Object, permission string) error {
	if q := (asked{on, permission}); !slices.Contains(a.also, q) {
		a.also = append(a.also, q)
	}
	return v.need(ctx, on, permission)
}

// IncludeUsers includes users and groups of the company, all or none.
func (s *subscriptionService) IncludeUsers(ctx context.Context, r *portalv1.IncludeUsersRequest) (*portalv1.Written, error) {
	if n := len(r.Members); n == 0 || n > maxMembers {
		return nil, invalid("members", "%d are given; give 1 to %d", n, maxMembers)
	}
	message, err := prose("message", r.Message, 0, 1_000)
	if err != nil {
		return nil, err
	}
	return s.act(ctx, func(v *view, a *action) error {
		d, _, err := v.findSubscription(r.Id)
		if err != nil {
			return err
		}
		a.service = d.Service
		if err := v.begin(ctx, a, "subscription.user.include", subscription(r.Id), "include_user"); err != nil {
			return err
		}
		var names, ids []string
		for i, m := range r.Members {
			s, err := v.asSubject(fmt.Sprintf("members[%d]", i), m)
			if err != nil {
				return err
			}
			if err := v.include(ctx, a, r.Id, s, r.Role); err != nil {
				return err
			}
			names, ids = append(names, v.called(s.Object)), append(ids, s.String())
		}
		slices.Sort(ids)
		if ids = slices.Compact(ids); len(ids) < len(r.Members) {
			return invalid("members", "one is given twice")
		}
		a.unchanged = len(a.tx.Updates) == 0
		a.after = included{ids, r.Role, message}
		a.sentence = fmt.Sprintf("included %s in %s as %s", enumerate(few(names), "and"), v.called(a.on), r.Role)
		return v.licences(ctx, a)
	})
}

type included struct {
	Members []string `json:"members"`
	Role    string   `json:"role"`
	Message string   `json:"message,omitempty"`
}

// few shortens a list of names for a sentence.
func few(names []string) []string {
	const most = 5
	if len(names) <= most {
		return names
	}
	return append(slices.Clone(names[:most-1]), fmt.Sprintf("%d others", len(names)-most+1))
}

// include plans that a user or group is included. Whoever is already, in the same
// role, is left as he is.
func (v *view) include(ctx context.Context, a *action, sub string, s engine.Subject, role string) error {
	if err := v.subscriptionRoleFor(ctx, a, sub, s, role); err != nil {
		return err
	}
	switch has, err := v.subscriptionRole(sub, s); {
	case err != nil:
		return err
	case has == role:
		return nil
	case has != "":
		return &Refusal{Fault: Taken, Rule: "9", Field: "members", Msg: fmt.Sprintf("members: %s is included already, as %s; change the role instead", v.called(s.Object), has)}
	}
	if s.Type == "group" {
		var d groupDoc
		if _, err := v.document(groupKey(v.caller.Company, s.ID), &d); err != nil {
			return err
		}
		if d.Subscription != "" && d.Subscription != sub {
			return broken("10", "%s belongs to another subscription; use a group of the company", v.called(s.Object))
		}
	}
	if err := v.leftBehind(ctx, a, sub, s); err != nil {
		return err
	}
	a.relation(store.Create, subscription(sub), "participant", s)
	if role != roleUser {
		a.relation(store.Create, subscription(sub), role, s)
	}
	return nil
}

// subscriptionRoleFor refuses a role that somebody cannot be given in a
// subscription, and whatever else giving it needs.
func (v *view) subscriptionRoleFor(ctx context.Context, a *action, sub string, s engine.Subject, role string) error {
	switch {
	case !isSubscriptionRole(role):
		return invalid("role", "%.40q is none; it is owner, viewer or user", role)
	case s.Type == "job_title":
		return broken("10", "a job title has no role of its own; put it into a group")
	case role != roleOwner:
		return nil
	case s.Type != "user":
		return broken("10", "a group is never owner; give its people the role one by one")
	case s.ID == v.caller.User:
		return broken("12", "nobody makes himself owner; ask another owner")
	}
	return v.needs(ctx, a, subscription(sub), "set_owner")
}

// leftBehind refuses to include a user whose roles of an earlier time were not
// cleared: they would come back.
func (v *view) leftBehind(ctx context.Context, a *action, sub string, s engine.Subject) error {
	roles, err := v.rolesIn(sub, s)
	if err != nil || len(roles) == 0 {
		return err
	}
	if s.Type == "user" {
		groups, err := v.groupsWith(ctx, sub, s.ID)
		if err != nil || len(groups) > 0 {
			return err
		}
	}
	return broken("8", "%s still has %d roles on workspaces from an earlier time; remove %s from the subscription again, which clears them",
		v.called(s.Object), len(roles), v.called(s.Object))
}

// groupsWith returns the included groups of a subscription that a user is in.
func (v *view) groupsWith(ctx context.Context, sub, userID string) ([]string, error) {
	groups, err := collect(v.subjects(subscription(sub), "participant", "group", "member"))
	if err != nil {
		return nil, err
	}
	w := &seating{view: v, action: &action{}}
	var with []string
	for _, id := range groups {
		users, err := w.users(ctx, []string{id})
		if err != nil {
			return nil, err
		}
		if users[userID] {
			with = append(with, id)
		}
	}
	return with, nil
}

// SetSubscriptionRole makes somebody who is included owner, viewer or plain user.
func (s *subscriptionService) SetSubscriptionRole(ctx context.Context, r *portalv1.SetSubscriptionRoleRequest) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error {
		d, _, err := v.findSubscription(r.Id)
		if err != nil {
			return err
		}
		who, err := v.asSubject("member", r.Member)
		if err != nil {
			return err
		}
		a.service, a.target = d.Service, who.Object
		sub := subscription(r.Id)
		if err := v.begin(ctx, a, "subscription.role.set", sub, "change_user_role"); err != nil {
			return err
		}
		if err := v.subscriptionRoleFor(ctx, a, r.Id, who, r.Role); err != nil {
			return err
		}
		has, err := v.subscriptionRole(r.Id, who)
		if err != nil {
			return err
		}
		switch {
		case has == "":
			return broken("7", "%s is not included in %s; include him first", v.called(who.Object), v.called(sub))
		case r.PresentRole != "" && r.PresentRole != has:
			return conflict("%s is %s now, not %s; look at it again", v.called(who.Object), has, r.PresentRole)
		case has == roleOwner && r.Role != roleOwner:
			if err := v.keepsOwner(a, r.Id, who.ID); err != nil {
				return err
			}
			if err := v.needs(ctx, a, sub, "set_owner"); err != nil {
				return err
			}
		}
		a.unchanged = has == r.Role
		a.before, a.after = map[string]any{"role": has}, map[string]any{"role": r.Role}
		a.sentence = fmt.Sprintf("made %s %s of %s", v.called(who.Object), subscriptionRoleName(r.Role), v.called(sub))
		a.stored(sub, "participant", who, true)
		if has != roleUser {
			a.stored(sub, has, who, true)
			a.relation(store.Delete, sub, has, who)
		}
		if r.Role != roleUser {
			a.relation(store.Create, sub, r.Role, who)
		}
		return nil
	})
}

func subscriptionRoleName(role string) string {
	if role == roleUser {
		return "a plain user"
	}
	return role
}

// keepsOwner makes an action depend on another active owner of a subscription, and
// refuses it when there is none.
func (v *view) keepsOwner(a *action, sub, without string) error {
	if ok, err := v.another(a, subscription(sub), roleOwner, without); err != nil || ok {
		return err
	}
	return broken("12", "%s is the last active owner of %s; make somebody else owner first", v.person(without), v.called(subscription(sub)))
}

// SetSwitches turns the policies of a subscription.
func (s *subscriptionService) SetSwitches(ctx context.Context, r *portalv1.SetSwitchesRequest) (*portalv1.Written, error) {
	wanted := []*bool{r.CreateOpen, r.PublishOpen, r.EditorShareOpen}
	if !slices.ContainsFunc(wanted, func(w *bool) bool { return w != nil }) {
		return nil, invalid("switches", "none is given; give create_open, publish_open or editor_share_open")
	}
	return s.act(ctx, func(v *view, a *action) error {
		d, _, err := v.findSubscription(r.Id)
		if err != nil {
			return err
		}
		a.service = d.Service
		sub := subscription(r.Id)
		if err := v.begin(ctx, a, "subscription.switches", sub, "manage_settings"); err != nil {
			return err
		}
		before, after := map[string]bool{}, map[string]bool{}
		var words []string
		for i, name := range switchNames {
			on, err := v.has(sub, name, everybody)
			if err != nil {
				return err
			}
			if wanted[i] == nil || *wanted[i] == on {
				continue
			}
			before[name], after[name] = on, *wanted[i]
			op, word := store.Delete, "off"
			if *wanted[i] {
				op, word = store.Touch, "on"
			}
			words = append(words, name+" "+word)
			a.relation(op, sub, name, everybody)
		}
		a.unchanged = len(words) == 0
		a.before, a.after = before, after
		a.sentence = fmt.Sprintf("turned %s in %s", enumerate(words, "and"), v.called(sub))
		return nil
	})
}
