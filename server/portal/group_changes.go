package portal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// maxGroupMembers is how many members one change of a group names.
const maxGroupMembers = 100

// CreateGroup makes a group, with members if they are given.
func (s *groupService) CreateGroup(ctx context.Context, r *portalv1.CreateGroupRequest) (*portalv1.CreateGroupResponse, error) {
	name, err := line("name", r.Name, 1, maxName)
	if err != nil {
		return nil, err
	}
	description, err := prose("description", r.Description, 0, maxDescription)
	if err != nil {
		return nil, err
	}
	if n := len(r.Members); n > maxGroupMembers {
		return nil, invalid("members", "there are %d; at most %d are allowed", n, maxGroupMembers)
	}
	made := createdGroup{created: created{newID()}}
	written, err := s.answer(ctx, &made, func(v *view, a *action) error {
		id := made.ID
		a.name, a.permission = "group.create", "manage_groups"
		home, err := v.groupHome(r.SubscriptionId)
		if err != nil {
			return err
		}
		a.on, a.target, a.called = home, group(id), name
		if err := v.need(ctx, home, a.permission); err != nil {
			return err
		}
		d := groupDoc{Name: name, Description: description, Subscription: r.SubscriptionId, Created: v.engine.Now}
		made.Group = d
		a.sentence, a.after = fmt.Sprintf("created the group “%s”", name), d
		if err := v.takeGroupName(a, name, id); err != nil {
			return err
		}
		a.document(at(0, put(groupKey(v.caller.Company, id), d)))
		a.relation(store.Create, group(id), "company", subject(v.company(), ""))
		if r.SubscriptionId != "" {
			a.relation(store.Create, group(id), "subscription", subject(subscription(r.SubscriptionId), ""))
		}
		if err := v.changeMembers(a, id, r.SubscriptionId, r.Members, nil); err != nil {
			return err
		}
		return v.licences(ctx, a)
	})
	if err != nil {
		return nil, err
	}
	version, err := s.replica.ParseToken(written.WrittenAt.Token)
	out := made.Group.message(made.ID, version)
	out.Members = uint32(len(r.Members))
	return &portalv1.CreateGroupResponse{Group: out, WrittenAt: written.WrittenAt, Audit: written.Audit}, err
}

// createdGroup is the answer of CreateGroup.
type createdGroup struct {
	created
	Group groupDoc `json:"group"`
}

// takeGroupName plans that a group has a name that no other group and no job title
// has (rule 10).
func (v *view) takeGroupName(a *action, name, id string) error {
	key := groupNameKey(v.caller.Company, name)
	var taken groupNameDoc
	version, err := v.document(key, &taken)
	switch {
	case err != nil:
		return err
	case taken.Title != "":
		return &Refusal{Fault: Taken, Field: "name", Rule: "10", Msg: fmt.Sprintf("name: “%s” is a job title; its holders can be put into a group of another name", name)}
	case version != 0 && taken.Group != id:
		return &Refusal{Fault: Taken, Field: "name", Rule: "10", Msg: fmt.Sprintf("name: there is a group “%s” already", name)}
	}
	a.document(at(version, put(key, groupNameDoc{Group: id})))
	return nil
}

// UpdateGroup changes name and description.
func (s *groupService) UpdateGroup(ctx context.Context, r *portalv1.UpdateGroupRequest) (*portalv1.Written, error) {
	var name, description string
	var err error
	if r.Name != nil {
		if name, err = line("name", *r.Name, 1, maxName); err != nil {
			return nil, err
		}
	}
	if r.Description != nil {
		if description, err = prose("description", *r.Description, 0, maxDescription); err != nil {
			return nil, err
		}
	}
	return s.act(ctx, func(v *view, a *action) error {
		a.name, a.permission = "group.edit", "manage"
		on, d, version, err := v.findGroup(r.Id)
		if err != nil {
			return err
		}
		a.on = on
		if err := v.need(ctx, on, a.permission); err != nil {
			return err
		}
		if r.IfVersion != 0 && store.Revision(r.IfVersion) != version {
			return conflict("somebody else changed the group meanwhile: it is called “%s” now", d.Name)
		}
		was := d
		if r.Name != nil {
			d.Name = name
		}
		if r.Description != nil {
			d.Description = description
		}
		a.unchanged = d == was
		if groupNameKey(v.caller.Company, was.Name) != groupNameKey(v.caller.Company, d.Name) {
			if err := v.takeGroupName(a, d.Name, r.Id); err != nil {
				return err
			}
			a.document(drop(groupNameKey(v.caller.Company, was.Name)))
		}
		a.before, a.after, a.called = was, d, d.Name
		a.sentence = fmt.Sprintf("changed the group “%s”", was.Name)
		a.document(at(version, put(groupKey(v.caller.Company, r.Id), d)))
		return nil
	})
}

// DeleteGroup deletes a group that has no members and gives no role.
func (s *groupService) DeleteGroup(ctx context.Context, r *portalv1.DeleteGroupRequest) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error {
		a.name, a.permission = "group.delete", "manage"
		on, d, version, err := v.findGroup(r.Id)
		if err != nil {
			return err
		}
		a.on, a.called = on, d.Name
		if err := v.need(ctx, on, a.permission); err != nil {
			return err
		}
		n, err := v.countMembers(r.Id)
		if err != nil {
			return err
		}
		if n > 0 {
			return broken("10", "the group “%s” has %s; remove them first", d.Name, counted(int(n), "member", "members"))
		}
		uses, err := v.uses(on)
		if err != nil {
			return err
		}
		if len(uses) > 0 {
			return broken("10", "the group “%s” is still used (%s of %s); remove it there first", d.Name, strings.ReplaceAll(uses[0].Role, "_", " "), uses[0].ResourceName)
		}
		a.sentence, a.before = fmt.Sprintf("deleted the group “%s”", d.Name), d
		a.removeAll(on)
		a.tx.Preconditions = append(a.tx.Preconditions, store.Precondition{Filter: store.Filter{ResourceType: "group", ResourceID: r.Id, Relation: "direct_member"}})
		gone := drop(groupKey(v.caller.Company, r.Id))
		a.document(at(version, gone), drop(groupNameKey(v.caller.Company, d.Name)))
		// Whoever gives the group a role meanwhile relies on what is deleted here.
		return v.bumpGroups(a)
	})
}

// bumpGroups plans that the group graph is written, so that all other changes of
// groups collide with this one.
func (v *view) bumpGroups(a *action) error {
	var d groupGraphDoc
	key := groupGraphKey(v.caller.Company)
	version, err := v.document(key, &d)
	if err != nil {
		return err
	}
	d.Changes++
	a.document(at(version, put(key, d)))
	return nil
}

// ChangeMembers adds and removes members in one transaction.
func (s *groupService) ChangeMembers(ctx context.Context, r *portalv1.ChangeMembersRequest) (*portalv1.Written, error) {
	if n := len(r.Add) + len(r.Remove); n == 0 || n > maxGroupMembers {
		return nil, invalid("add", "there are %d members to add and remove; 1 to %d are allowed", n, maxGroupMembers)
	}
	return s.act(ctx, func(v *view, a *action) error {
		a.name, a.permission = "group.members", "manage"
		on, d, _, err := v.findGroup(r.Id)
		if err != nil {
			return err
		}
		a.on, a.called = on, d.Name
		if err := v.need(ctx, on, a.permission); err != nil {
			return err
		}
		if err := v.changeMembers(a, r.Id, d.Subscription, r.Add, r.Remove); err != nil {
			return err
		}
		a.unchanged = len(a.tx.Updates) == 0
		return v.licences(ctx, a)
	})
}

// changeMembers plans who comes into a group and who leaves it. in is the subscription
// of the group, "" for the company's.
func (v *view) changeMembers(a *action, id, in string, add, remove []*portalv1.Member) error {
	seen := map[engine.Subject]bool{}
	var words []string
	changes := map[string][]string{}
	for _, list := range []struct {
		field   string
		members []*portalv1.Member
		op      store.Op
		word    string
	}{{"add", add, store.Create, "added"}, {"remove", remove, store.Delete, "removed"}} {
		for i, m := range list.members {
			field := fmt.Sprintf("%s[%d]", list.field, i)
			who, err := v.asSubject(field, m)
			if err != nil {
				return err
			}
			if seen[who] {
				return invalid(field, "it is named twice; keep one")
			}
			seen[who] = true
			has, err := v.has(group(id), "direct_member", who)
			if err != nil {
				return err
			}
			if has == (list.op == store.Create) {
				continue
			}
			if who.Type == "group" && list.op == store.Create {
				if err := v.mayContain(id, in, who.ID); err != nil {
					return err
				}
			}
			if err := v.titleMoves(a, who, id, list.op); err != nil {
				return err
			}
			a.relation(list.op, group(id), "direct_member", who)
			changes[list.word] = append(changes[list.word], who.Object.String())
			words = append(words, list.word+" "+v.called(who.Object))
		}
	}
	if len(words) > 0 && a.sentence == "" {
		a.sentence = strings.Join(few(words), ", ") + fmt.Sprintf(" (group “%s”)", a.called)
		a.after = changes
	}
	return nil
}

// mayContain refuses to put a group into another where it has no place: a group of a
// subscription goes into groups of the same one alone, or its owner would decide who
// is in groups that he does not manage; and no group goes into itself.
func (v *view) mayContain(id, in, child string) error {
	var d groupDoc
	if _, err := v.document(groupKey(v.caller.Company, child), &d); err != nil {
		return err
	}
	if d.Subscription != "" && d.Subscription != in {
		return broken("10", "the group “%s” is one of %s, and can only be in groups of that", d.Name, v.called(subscription(d.Subscription)))
	}
	return v.noCycle(id, child)
}

// titleMoves ends a job title that nobody has and that leaves the last group, and
// depends on it where it comes into one: it may be ending.
func (v *view) titleMoves(a *action, who engine.Subject, id string, op store.Op) error {
	if who.Type != "job_title" {
		return nil
	}
	s := titleState{id: who.ID}
	var err error
	if s.version, err = v.document(titleKey(v.caller.Company, s.id), &s.doc); err != nil {
		return err
	}
	if op == store.Create || s.doc.Holders > 0 {
		a.relies(titleKey(v.caller.Company, s.id), s.version)
		return nil
	}
	in, err := collect(v.resources(who, "group", "direct_member"))
	if err != nil || len(in) != 1 || in[0] != id {
		return err
	}
	var name groupNameDoc
	if s.named, err = v.document(groupNameKey(v.caller.Company, s.doc.Name), &name); err != nil {
		return err
	}
	v.titles(a).ends(&s)
	return nil
}

// noCycle refuses to put a group into another that is in it, by whatever way, and says
// the way (rule 10). The plan depends on the version of the group graph.
func (v *view) noCycle(into, child string) error {
	if into == child {
		return broken("10", "a group cannot be in itself: %s", v.cyclePath([]string{into, into}))
	}
	// From the child down: which groups are in it?
	from := map[string]string{child: ""}
	queue := []string{child}
	for len(queue) > 0 {
		g := queue[0]
		queue = queue[1:]
		for id, err := range v.subjects(group(g), "direct_member", "group", "member") {
			if err != nil {
				return err
			}
			if _, known := from[id]; known {
				continue
			}
			from[id] = g
			if id != into {
				queue = append(queue, id)
				continue
			}
			path := []string{into}
			for at := into; at != ""; at = from[at] {
				path = append(path, at)
			}
			path = slices.Compact(path)
			return broken("10", "this would be a cycle of groups: %s in %s", v.cyclePath(path), v.cyclePath([]string{into}))
		}
	}
	return nil
}
