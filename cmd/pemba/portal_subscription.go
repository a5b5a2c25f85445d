package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func subscriptionCommands(a *app) *cobra.Command {
	return group("subscription", "Subscriptions: who uses a service", `A subscription is named by its service (modeler, automation, studio, ai, bi) or its id.
People are named by e-mail address or id, groups by name or id.`,
		subscriptionCreateCommand(a), subscriptionLicencesCommand(a), subscriptionListCommand(a), subscriptionUsersCommand(a),
		subscriptionIncludeCommand(a), subscriptionCreateUserCommand(a), subscriptionRoleCommand(a), subscriptionRemoveCommand(a),
		subscriptionSwitchesCommand(a))
}

func subscriptionCreateCommand(a *app) *cobra.Command {
	var licences uint32
	var owner string
	c := a.ask("create COMPANY SERVICE", "Sell a service to a company", "The company gets the service with a number of licences and its first owner. It is an operator's act.",
		exactly(2, "COMPANY SERVICE"), func(ctx context.Context, p *portalClient, args []string) error {
			service, err := parseService(args[1])
			if err != nil {
				return err
			}
			made, err := p.operators.CreateSubscription(ctx, &portalv1.CreateSubscriptionRequest{CompanyId: args[0], Service: service, Licences: licences, OwnerEmail: owner})
			if err != nil {
				return err
			}
			return p.facts(made, []string{"subscription"}, made.GetSubscriptionId())
		})
	c.Flags().Uint32Var(&licences, "licences", 0, "how many licences are bought")
	c.Flags().StringVar(&owner, "owner", "", "e-mail address of the first owner, a user of the company")
	return c
}

func subscriptionLicencesCommand(a *app) *cobra.Command {
	return a.ask("licences ID NUMBER", "Change how many licences were bought", "Not below those that are in use. It is an operator's act.", exactly(2, "ID NUMBER"),
		func(ctx context.Context, p *portalClient, args []string) error {
			var n uint32
			if _, err := fmt.Sscan(args[1], &n); err != nil {
				return usagef("%q is no number of licences", args[1])
			}
			w, err := p.operators.SetLicences(ctx, &portalv1.SetLicencesRequest{Id: args[0], Licences: n})
			if err != nil {
				return err
			}
			return p.did(w, "%s has %d licences", args[0], n)
		})
}

func subscriptionListCommand(a *app) *cobra.Command {
	return a.ask("list", "List your subscriptions", "", exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		r, err := p.subscriptions.ListSubscriptions(ctx, &portalv1.ListSubscriptionsRequest{})
		if err != nil {
			return err
		}
		var all []row
		for _, s := range r.GetSubscriptions() {
			var owners []string
			for _, o := range s.GetOwners() {
				owners = append(owners, o.GetEmail())
			}
			licences := ""
			if s.GetLicences() > 0 {
				licences = fmt.Sprintf("%d/%d", s.GetLicencesUsed(), s.GetLicences())
			}
			all = append(all, row{s, []string{serviceWord(s.GetService()), s.GetId(), s.GetRole(), licences, fmt.Sprint(s.GetUsers()), fmt.Sprint(s.GetWorkspaces()), strings.Join(owners, " ")}})
		}
		return p.rows([]string{"service", "id", "your role", "licences", "users", "workspaces", "owners"}, all)
	})
}

func subscriptionUsersCommand(a *app) *cobra.Command {
	var f paged
	var search, role string
	c := a.ask("users SERVICE", "List who is included", "", exactly(1, "SERVICE"), func(ctx context.Context, p *portalClient, args []string) error {
		id, err := p.subscription(ctx, args[0])
		if err != nil {
			return err
		}
		all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
			r, err := p.subscriptions.ListSubscriptionUsers(ctx, &portalv1.ListSubscriptionUsersRequest{Id: id, Paging: page, Search: search, Role: role})
			var out []row
			for _, u := range r.GetUsers() {
				out = append(out, row{u, []string{memberWords(u.GetMember()), u.GetRole(), yesNo(u.GetMember().GetActive()), fmt.Sprint(u.GetWorkspaces())}})
			}
			return out, r.GetPage(), err
		})
		if err != nil {
			return err
		}
		return p.rows([]string{"who", "role", "active", "workspaces"}, all)
	})
	f.declare(c)
	c.Flags().StringVar(&search, "search", "", "only whose name or address has this in it")
	c.Flags().StringVar(&role, "role", "", "only owner, viewer or user")
	complete(c, "role", subscriptionRoles...)
	return c
}

var subscriptionRoles = []string{"owner", "viewer", "user"}

func subscriptionIncludeCommand(a *app) *cobra.Command {
	var role string
	c := a.ask("include SERVICE WHO...", "Include users or groups of the company", "All of them are included, or none.", atLeast(2, "SERVICE WHO..."),
		func(ctx context.Context, p *portalClient, args []string) error {
			id, err := p.subscription(ctx, args[0])
			if err != nil {
				return err
			}
			var members []*portalv1.Member
			for _, word := range args[1:] {
				m, err := p.ofCompany(ctx, id, word, true) // whoever is included already is refused by what he is
				if err != nil {
					return err
				}
				members = append(members, m)
			}
			w, err := p.subscriptions.IncludeUsers(ctx, &portalv1.IncludeUsersRequest{Id: id, Members: members, Role: role})
			if err != nil {
				return err
			}
			return p.did(w, "included %s as %s", strings.Join(args[1:], ", "), role)
		})
	c.Flags().StringVar(&role, "role", "user", "owner, viewer or user")
	complete(c, "role", subscriptionRoles...)
	return c
}

func subscriptionCreateUserCommand(a *app) *cobra.Command {
	var r portalv1.CreateSubscriptionUserRequest
	c := a.ask("create-user SERVICE EMAIL", "Create a company user and include him", "Both are done in one transaction. It is for administrators of the company.", exactly(2, "SERVICE EMAIL"),
		func(ctx context.Context, p *portalClient, args []string) error {
			var err error
			if r.Id, err = p.subscription(ctx, args[0]); err != nil {
				return err
			}
			r.Email = args[1]
			made, err := p.subscriptions.CreateSubscriptionUser(ctx, &r)
			if err != nil {
				return err
			}
			return p.facts(made, []string{"user"}, made.GetUserId())
		})
	c.Flags().StringVar(&r.GivenName, "given-name", "", "given name")
	c.Flags().StringVar(&r.Surname, "surname", "", "surname")
	c.Flags().StringVar(&r.JobTitle, "job-title", "", "job title")
	c.Flags().StringVar(&r.ManagerEmail, "manager", "", "e-mail address of the manager")
	c.Flags().StringVar(&r.Role, "role", "user", "owner, viewer or user")
	c.Flags().StringVar(&r.Message, "message", "", "what the invitation says")
	complete(c, "role", subscriptionRoles...)
	return c
}

// included finds somebody who is included in a subscription.
func (p *portalClient) included(ctx context.Context, id, word string) (*portalv1.Member, error) {
	all, err := p.allIncluded(ctx, id, word)
	if err != nil {
		return nil, err
	}
	return pickMember(word, all)
}

func subscriptionRoleCommand(a *app) *cobra.Command {
	return a.ask("role SERVICE WHO owner|viewer|user", "Change the role of somebody who is included", "", exactly(3, "SERVICE WHO owner|viewer|user"),
		func(ctx context.Context, p *portalClient, args []string) error {
			id, err := p.subscription(ctx, args[0])
			if err != nil {
				return err
			}
			m, err := p.included(ctx, id, args[1])
			if err != nil {
				return err
			}
			w, err := p.subscriptions.SetSubscriptionRole(ctx, &portalv1.SetSubscriptionRoleRequest{Id: id, Member: m, Role: args[2]})
			if err != nil {
				return err
			}
			return p.did(w, "%s is %s now", args[1], args[2])
		})
}

func subscriptionRemoveCommand(a *app) *cobra.Command {
	var dry bool
	var successor string
	c := a.ask("remove SERVICE WHO", "Remove somebody, with every right in the subscription", `Takes away every right in the subscription and clears the roles on its workspaces. Those
that would be left without an owner go to you, if you own the subscription, or to the
successor.`, exactly(2, "SERVICE WHO"), func(ctx context.Context, p *portalClient, args []string) error {
		id, err := p.subscription(ctx, args[0])
		if err != nil {
			return err
		}
		m, err := p.included(ctx, id, args[1])
		if err != nil {
			return err
		}
		heir := ""
		if successor != "" {
			to, err := p.included(ctx, id, successor)
			if err != nil {
				return err
			}
			heir = to.GetUser()
		}
		if dry {
			r, err := p.subscriptions.PreviewRemoval(ctx, &portalv1.PreviewRemovalRequest{Id: id, Member: m, Successor: heir})
			if err != nil {
				return err
			}
			return p.effects(r, r.GetEffects(), r.GetAllowed())
		}
		w, err := p.subscriptions.RemoveSubscriptionUser(ctx, &portalv1.RemoveSubscriptionUserRequest{Id: id, Member: m, Successor: heir})
		if err != nil {
			return err
		}
		return p.did(w, "removed %s", args[1])
	})
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would happen")
	c.Flags().StringVar(&successor, "successor", "", "who gets the workspaces that would be left without an owner")
	return c
}

func subscriptionSwitchesCommand(a *app) *cobra.Command {
	var on, off []string
	c := a.ask("switches SERVICE", "Show or turn the policy switches", `The switches are create_open (any included user may create workspaces), publish_open
(editors may publish diagrams) and editor_share_open (editors may share workspaces).`, exactly(1, "SERVICE"),
		func(ctx context.Context, p *portalClient, args []string) error {
			id, err := p.subscription(ctx, args[0])
			if err != nil {
				return err
			}
			if len(on)+len(off) > 0 {
				r := &portalv1.SetSwitchesRequest{Id: id}
				for value, names := range map[bool][]string{true: on, false: off} {
					for _, name := range names {
						field, ok := map[string]**bool{"create_open": &r.CreateOpen, "publish_open": &r.PublishOpen, "editor_share_open": &r.EditorShareOpen}[name]
						if !ok {
							return usagef("%q is no switch; the switches are create_open, publish_open, editor_share_open", name)
						}
						*field = new(value)
					}
				}
				if _, err := p.subscriptions.SetSwitches(ctx, r); err != nil {
					return err
				}
			}
			r, err := p.subscriptions.GetSubscription(ctx, &portalv1.GetSubscriptionRequest{Id: id})
			if err != nil {
				return err
			}
			s := r.GetSubscription().GetSwitches()
			return p.facts(r.GetSubscription(), []string{"create_open", "publish_open", "editor_share_open"},
				yesNo(s.GetCreateOpen()), yesNo(s.GetPublishOpen()), yesNo(s.GetEditorShareOpen()))
		})
	c.Flags().StringSliceVar(&on, "on", nil, "switches to turn on")
	c.Flags().StringSliceVar(&off, "off", nil, "switches to turn off")
	return c
}
