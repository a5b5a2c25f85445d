package portal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// Bounds of one change of access.
const (
	maxChanges = 100
	maxMessage = 500 // characters

	// guardedTargets is how many people who are in the subscription by a group alone
	// one change may name: each takes one of the guards of a transaction, of which
	// the caller's own permissions take up to three.
	guardedTargets = store.MaxGuards - 3
)

// ChangeAccess gives, changes and removes roles in one transaction.
func (s *workspaceService) ChangeAccess(ctx context.Context, r *portalv1.ChangeAccessRequest) (*portalv1.Written, error) {
	if n := len(r.Changes); n == 0 || n > maxChanges {
		return nil, invalid("changes", "there are %d; 1 to %d are allowed", n, maxChanges)
	}
	message, err := line("message", r.Message, 0, maxMessage)
	if err != nil {
		return nil, err
	}
	return s.act(ctx, func(v *view, a *action) error {
		a.name, a.permission = "workspace.access", "read"
		on, d, _, err := v.findWorkspace(r.Id)
		if err != nil {
			return err
		}
		a.on, a.called = on, d.Name
		if err := v.need(ctx, on, "read"); err != nil {
			return err
		}
		if a.service, err = v.serviceOf(d.Subscription); err != nil {
			return err
		}
		present, err := v.holdings(on)
		if err != nil {
			return err
		}
		c := &accessPlan{view: v, action: a, on: on, sub: subscription(d.Subscription), present: present, seen: map[engine.Subject]bool{}, needs: map[string]bool{}}
		for _, h := range present {
			if h.role == roleOwner {
				c.owners++
			}
		}
		for i, change := range r.Changes {
			if err := c.add(ctx, fmt.Sprintf("changes[%d]", i), change); err != nil {
				return err
			}
		}
		return c.finish(ctx, message)
	})
}

// accessPlan collects the changes of one request.
type accessPlan struct {
	*view
	action        *action
	on, sub       engine.Object
	present       []holding
	seen          map[engine.Subject]bool
	needs         map[string]bool // permissions
	guarded       int
	owners        int // that there are after the changes so far
	words         []string
	before, after []string
}

// roleOf is the role that somebody has now, "" for none.
func (c *accessPlan) roleOf(who engine.Subject) string {
	for _, h := range c.present {
		if h.who == who {
			return h.role
		}
	}
	return ""
}

// add plans one change.
func (c *accessPlan) add(ctx context.Context, field string, change *portalv1.AccessChange) error {
	who, err := c.asSubject(field+".member", change.GetMember())
	if err != nil {
		return err
	}
	if who.Type == "job_title" {
		return invalid(field+".member", "a job title has no role on a workspace; put its holders into a group")
	}
	if c.seen[who] {
		return invalid(field+".member", "it is named twice; keep one of the changes")
	}
	c.seen[who] = true
	role, was := change.Role, c.roleOf(who)
	if role != "" && !slices.Contains(workspaceRoles[c.on.Type], role) {
		return invalid(field+".role", "%.40q is no role of a %s; the roles are %s", role, c.on.Type, strings.Join(workspaceRoles[c.on.Type], ", "))
	}
	name := c.view.called(who.Object)
	if was != change.PresentRole {
		if was != "" && change.PresentRole == "" {
			return conflict("%s is %s already; change that role instead of giving another", name, was)
		}
		return conflict("%s has another role than was expected: %s", name, orNone(was))
	}
	if role == was {
		return nil
	}
	if err := c.allow(name, who, role, was); err != nil {
		return err
	}
	if was != "" {
		c.action.relation(store.Delete, c.on, was, who)
		c.action.stored(c.on, was, who, true)
		c.before = append(c.before, name+": "+was)
	}
	if role != "" {
		c.action.relation(store.Create, c.on, role, who)
		c.after = append(c.after, name+": "+role)
		if err := c.within(ctx, name, who); err != nil {
			return err
		}
	}
	switch {
	case role == "":
		c.words = append(c.words, fmt.Sprintf("removed %s (%s)", name, was))
	case was == "":
		c.words = append(c.words, fmt.Sprintf("made %s %s", name, role))
	default:
		c.words = append(c.words, fmt.Sprintf("made %s %s instead of %s", name, role, was))
	}
	return nil
}

func orNone(role string) string {
	if role == "" {
		return "none"
	}
	return role
}

// allow says which permissions a change takes. Who gives or takes ownership must be
// able to remove people: editors who may share are not.
func (c *accessPlan) allow(name string, who engine.Subject, role, was string) error {
	switch {
	case role == "":
		c.needs["remove_user"] = true
	case was == "":
		c.needs["share"] = true
	default:
		c.needs["change_user_role"] = true
	}
	if role != roleOwner && was != roleOwner {
		return nil
	}
	c.needs["remove_user"] = true
	switch {
	case role == roleOwner && who.Type != "user":
		return broken("10", "a group cannot be owner; name its members one by one")
	case role == roleOwner && who.ID == c.caller.User:
		return broken("12", "nobody makes himself owner; ask another owner of %s", c.view.called(c.on))
	case role == roleOwner:
		c.owners++
	default:
		c.owners--
	}
	return nil
}

// within makes sure that whoever gets a role is of the subscription (rule 13), also
// at the revision at which he gets it.
func (c *accessPlan) within(ctx context.Context, name string, who engine.Subject) error {
	if who.Type == "group" {
		in, err := c.ofSubscription(c.sub, who.ID)
		if err != nil {
			return err
		}
		if !in {
			return broken("13", "%s is not in this subscription; include it first", name)
		}
		return c.relyOnGroup(c.action, c.sub, who.ID)
	}
	in, err := c.can(ctx, who.ID, c.sub, "member")
	if err != nil {
		return err
	}
	if !in {
		if active, err := c.active(who.ID); err != nil || !active {
			if err != nil {
				return err
			}
			return broken("5", "%s is deactivated; an administrator can activate him", name)
		}
		return broken("13", "%s is not in this subscription; include him first", name)
	}
	direct, err := c.has(c.sub, "participant", who)
	if err != nil {
		return err
	}
	if direct {
		c.action.stored(c.sub, "participant", who, true)
		c.action.stored(c.company(), "deactivated", who, false)
		return nil
	}
	if c.guarded++; c.guarded > guardedTargets {
		return invalid("changes", "more than %d people who are in the subscription by a group get a role at once; do it in parts", guardedTargets)
	}
	c.action.must(who.ID, c.sub, "member", true)
	return nil
}

// relyOnGroup makes the transaction depend on what makes a group one of a
// subscription.
func (v *view) relyOnGroup(a *action, sub engine.Object, id string) error {
	s := subject(group(id), "member")
	for _, relation := range []string{"participant", roleViewer} {
		has, err := v.has(sub, relation, s)
		if err != nil {
			return err
		}
		if has {
			a.stored(sub, relation, s, true)
			return nil
		}
	}
	a.stored(group(id), "subscription", subject(sub, ""), true)
	return nil
}

// finish says what the transaction depends on and what it is called.
func (c *accessPlan) finish(ctx context.Context, message string) error {
	a := c.action
	if len(c.needs) == 0 {
		a.unchanged = true
		return nil
	}
	if c.owners == 0 {
		return broken("12", "%s would have no owner any more; make somebody else owner first", c.view.called(c.on))
	}
	a.permission = ""
	for _, permission := range []string{"share", "change_user_role", "remove_user"} {
		switch {
		case !c.needs[permission]:
		case a.permission == "":
			a.permission = permission
		default:
			a.also = append(a.also, asked{c.on, permission})
		}
	}
	a.sentence = strings.Join(c.words, ", ") + " on " + c.view.called(c.on)
	if len(c.before) > 0 {
		a.before = map[string]any{"roles": c.before}
	}
	after := map[string]any{}
	if len(c.after) > 0 {
		after["roles"] = c.after
	}
	if message != "" {
		after["message"] = message
	}
	if len(after) > 0 {
		a.after = after
	}
	return nil
}

// ListWorkspaceActivity returns the audit records about a workspace.
func (s *workspaceService) ListWorkspaceActivity(ctx context.Context, r *portalv1.ListWorkspaceActivityRequest) (*portalv1.ListWorkspaceActivityResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	on, _, _, err := v.findWorkspace(r.Id)
	if err != nil {
		return nil, err
	}
	if err := v.need(ctx, on, "share"); err != nil {
		return nil, err
	}
	diagrams, err := v.diagramsOf(r.Id)
	if err != nil {
		return nil, err
	}
	about := map[string]bool{on.String(): true}
	for _, id := range diagrams {
		about[diagram(id).String()] = true
	}
	records, page, err := v.auditPage(ctx, r.Paging, 0, time.Time{}, func(e *auditEntry) bool { return about[e.doc.Target] })
	return &portalv1.ListWorkspaceActivityResponse{Records: records, Page: page}, err
}
