package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func groupCommands(a *app) *cobra.Command {
	return group("group", "Groups of people", `A group is named by its name or id. Its members are users (by e-mail address), other
groups (group:NAME) and the holders of job titles (job-title:NAME).`,
		groupListCommand(a), groupShowCommand(a), groupCreateCommand(a), groupEditCommand(a), groupDeleteCommand(a),
		groupChangeCommand(a, "add", "Add members to a group"), groupChangeCommand(a, "remove", "Remove members from a group"),
		groupMembersCommand(a), groupUsesCommand(a))
}

// onGroup makes a command about one group.
func (a *app) onGroup(use, short, long string, run func(ctx context.Context, p *portalClient, id, word string) error) *cobra.Command {
	return a.ask(use+" GROUP", short, long, exactly(1, "GROUP"), func(ctx context.Context, p *portalClient, args []string) error {
		id, err := p.group(ctx, args[0])
		if err != nil {
			return err
		}
		return run(ctx, p, id, args[0])
	})
}

func groupListCommand(a *app) *cobra.Command {
	var f paged
	var service string
	c := a.ask("list [TEXT]", "List groups", "", between(0, 1, "at most TEXT"), func(ctx context.Context, p *portalClient, args []string) error {
		sub := ""
		if service != "" {
			var err error
			if sub, err = p.subscription(ctx, service); err != nil {
				return err
			}
		}
		all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
			r, err := p.groups.ListGroups(ctx, &portalv1.ListGroupsRequest{Paging: page, Search: strings.Join(args, ""), SubscriptionId: sub})
			var out []row
			for _, g := range r.GetGroups() {
				out = append(out, row{g, []string{g.GetName(), fmt.Sprint(g.GetMembers()), g.GetSubscriptionId(), g.GetDescription(), g.GetId()}})
			}
			return out, r.GetPage(), err
		})
		if err != nil {
			return err
		}
		return p.rows([]string{"name", "members", "subscription", "description", "id"}, all)
	})
	f.declare(c)
	c.Flags().StringVar(&service, "service", "", "only groups of a subscription")
	complete(c, "service", serviceWords()...)
	return c
}

func groupShowCommand(a *app) *cobra.Command {
	return a.onGroup("show", "Show a group and its direct members", "", func(ctx context.Context, p *portalClient, id, _ string) error {
		r, err := p.groups.GetGroup(ctx, &portalv1.GetGroupRequest{Id: id})
		if err != nil {
			return err
		}
		var names []string
		for _, m := range r.GetMembers() {
			names = append(names, memberWords(m))
		}
		g := r.GetGroup()
		return p.facts(r, []string{"id", "name", "description", "subscription", "members"},
			g.GetId(), g.GetName(), g.GetDescription(), g.GetSubscriptionId(), strings.Join(names, ", "))
	})
}

func groupCreateCommand(a *app) *cobra.Command {
	var description, service string
	c := a.ask("create NAME [MEMBER...]", "Create a group", "", atLeast(1, "NAME [MEMBER...]"), func(ctx context.Context, p *portalClient, args []string) error {
		r := &portalv1.CreateGroupRequest{Name: args[0], Description: description}
		var err error
		if service != "" {
			if r.SubscriptionId, err = p.subscription(ctx, service); err != nil {
				return err
			}
		}
		if r.Members, err = p.members(ctx, r.SubscriptionId, args[1:]); err != nil {
			return err
		}
		made, err := p.groups.CreateGroup(ctx, r)
		if err != nil {
			return err
		}
		return p.facts(made.GetGroup(), []string{"group"}, made.GetGroup().GetId())
	})
	c.Flags().StringVar(&description, "description", "", "what the group is for")
	c.Flags().StringVar(&service, "service", "", "make it a group of a subscription, whose owners manage it")
	complete(c, "service", serviceWords()...)
	return c
}

func groupEditCommand(a *app) *cobra.Command {
	var name, description string
	c := a.onGroup("edit", "Change the name or the description of a group", "", nil)
	c.RunE = func(c *cobra.Command, args []string) error {
		r := &portalv1.UpdateGroupRequest{}
		if c.Flags().Changed("name") {
			r.Name = &name
		}
		if c.Flags().Changed("description") {
			r.Description = &description
		}
		if r.Name == nil && r.Description == nil {
			return usagef("nothing changes: give --name or --description")
		}
		return a.withPortal(c.Context(), func(p *portalClient) error {
			var err error
			if r.Id, err = p.group(c.Context(), args[0]); err != nil {
				return err
			}
			w, err := p.groups.UpdateGroup(c.Context(), r)
			if err != nil {
				return err
			}
			return p.did(w, "changed %s", args[0])
		})
	}
	c.Flags().StringVar(&name, "name", "", "name")
	c.Flags().StringVar(&description, "description", "", "description")
	return c
}

func groupDeleteCommand(a *app) *cobra.Command {
	return a.onGroup("delete", "Delete a group that has no members", "", func(ctx context.Context, p *portalClient, id, word string) error {
		w, err := p.groups.DeleteGroup(ctx, &portalv1.DeleteGroupRequest{Id: id})
		if err != nil {
			return err
		}
		return p.did(w, "deleted %s", word)
	})
}

func groupChangeCommand(a *app, use, short string) *cobra.Command {
	return a.ask(use+" GROUP MEMBER...", short, "All of them, or none. A cycle of groups is refused with its path.", atLeast(2, "GROUP MEMBER..."),
		func(ctx context.Context, p *portalClient, args []string) error {
			id, err := p.group(ctx, args[0])
			if err != nil {
				return err
			}
			g, err := p.groups.GetGroup(ctx, &portalv1.GetGroupRequest{Id: id})
			if err != nil {
				return err
			}
			all, err := p.members(ctx, g.GetGroup().GetSubscriptionId(), args[1:])
			if err != nil {
				return err
			}
			r := &portalv1.ChangeMembersRequest{Id: id, Add: all}
			if use == "remove" {
				r.Add, r.Remove = nil, all
			}
			w, err := p.groups.ChangeMembers(ctx, r)
			if err != nil {
				return err
			}
			return p.did(w, "%s: %s %s", args[0], use, strings.Join(args[1:], ", "))
		})
}

func groupMembersCommand(a *app) *cobra.Command {
	var f paged
	c := a.onGroup("members", "List everyone who is in a group, and by which way", "", func(ctx context.Context, p *portalClient, id, _ string) error {
		all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
			r, err := p.groups.ListEffectiveMembers(ctx, &portalv1.ListEffectiveMembersRequest{Id: id, Paging: page})
			var out []row
			for _, m := range r.GetMembers() {
				out = append(out, row{m, []string{personWords(m.GetPerson()), sentences(m.GetWhy())}})
			}
			return out, r.GetPage(), err
		})
		if err != nil {
			return err
		}
		return p.rows([]string{"who", "why"}, all)
	})
	f.declare(c)
	return c
}

// sentences joins the steps of a reason.
func sentences(steps []*portalv1.Step) string {
	all := make([]string, len(steps))
	for i, s := range steps {
		all[i] = s.GetSentence()
	}
	return strings.Join(all, "; ")
}

func groupUsesCommand(a *app) *cobra.Command {
	return a.onGroup("uses", "List the roles that a group gives", "", func(ctx context.Context, p *portalClient, id, _ string) error {
		r, err := p.groups.ListUses(ctx, &portalv1.ListUsesRequest{Id: id})
		if err != nil {
			return err
		}
		var all []row
		for _, u := range r.GetUses() {
			all = append(all, row{u, []string{u.GetResourceName(), serviceWord(u.GetService()), u.GetRole()}})
		}
		return p.rows([]string{"on", "service", "role"}, all)
	})
}
