package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func userCommands(a *app) *cobra.Command {
	return group("user", "Users of the company", "Users are named by e-mail address, by name if no other has it, or by id.",
		userListCommand(a), userShowCommand(a), userCreateCommand(a), userEditCommand(a), userActivateCommand(a), userDeactivateCommand(a),
		userInviteCommand(a), userImportCommand(a), userExportCommand(a), userByRoleCommand(a), userAccessCommand(a), userSessionsCommand(a))
}

// userFilter are the flags that select users.
type userFilter struct{ search, state, service, role string }

func (f *userFilter) declare(c *cobra.Command) {
	c.Flags().StringVar(&f.search, "search", "", "only whose name, address or job title has this in it")
	c.Flags().StringVar(&f.state, "state", "", "only invited, active or deactivated")
	c.Flags().StringVar(&f.service, "service", "", "only those of a service")
	c.Flags().StringVar(&f.role, "role", "", "only administrator, owner or viewer")
	complete(c, "state", "invited", "active", "deactivated")
	complete(c, "service", serviceWords()...)
	complete(c, "role", "administrator", "owner", "viewer")
}

func (f *userFilter) parse() (portalv1.UserState, portalv1.Service, error) {
	state := portalv1.UserState(portalv1.UserState_value["USER_STATE_"+strings.ToUpper(f.state)])
	if f.state != "" && state == 0 {
		return 0, 0, usagef("%q is no state; it is invited, active or deactivated", f.state)
	}
	service, err := parseService(f.service)
	return state, service, err
}

func stateWord(s portalv1.UserState) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "USER_STATE_"))
}

func userRow(u *portalv1.User) row {
	var services []string
	for _, s := range u.GetServices() {
		services = append(services, serviceWord(s))
	}
	return row{u, []string{u.GetEmail(), strings.TrimSpace(u.GetGivenName() + " " + u.GetSurname()), stateWord(u.GetState()), u.GetJobTitle(), strings.Join(services, " "), when(u.GetSeenAt()), u.GetId()}}
}

var userColumns = []string{"e-mail", "name", "state", "job title", "services", "seen", "id"}

func userListCommand(a *app) *cobra.Command {
	var f paged
	var filter userFilter
	var order string
	c := a.ask("list", "List users", "", exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		state, service, err := filter.parse()
		if err != nil {
			return err
		}
		all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
			r, err := p.people.ListUsers(ctx, &portalv1.ListUsersRequest{Paging: page, Search: filter.search, State: state, Service: service, Role: filter.role, Order: order})
			var out []row
			for _, u := range r.GetUsers() {
				out = append(out, userRow(u))
			}
			return out, r.GetPage(), err
		})
		if err != nil {
			return err
		}
		return p.rows(userColumns, all)
	})
	f.declare(c)
	filter.declare(c)
	c.Flags().StringVar(&order, "order", "name", "name, email, created or seen; - before it turns it")
	return c
}

func (p *portalClient) showUser(ctx context.Context, id string) error {
	r, err := p.people.GetUser(ctx, &portalv1.GetUserRequest{Id: id})
	if err != nil {
		return err
	}
	u := r.GetUser()
	services := userRow(u).cells[4]
	return p.facts(u, []string{"id", "e-mail", "name", "state", "administrator", "job title", "manager", "services", "created", "seen"},
		u.GetId(), u.GetEmail(), strings.TrimSpace(u.GetGivenName()+" "+u.GetSurname()), stateWord(u.GetState()), yesNo(u.GetAdministrator()),
		u.GetJobTitle(), u.GetManagerEmail(), services, when(u.GetCreatedAt()), when(u.GetSeenAt()))
}

// onUser makes a command about one user.
func (a *app) onUser(use, short, long string, run func(ctx context.Context, p *portalClient, id, word string) error) *cobra.Command {
	return a.ask(use+" USER", short, long, exactly(1, "USER"), func(ctx context.Context, p *portalClient, args []string) error {
		id, err := p.user(ctx, args[0])
		if err != nil {
			return err
		}
		return run(ctx, p, id, args[0])
	})
}

func userShowCommand(a *app) *cobra.Command {
	return a.onUser("show", "Show a user", "", func(ctx context.Context, p *portalClient, id, _ string) error { return p.showUser(ctx, id) })
}

func userCreateCommand(a *app) *cobra.Command {
	var r portalv1.CreateUserRequest
	var groups []string
	c := a.ask("create EMAIL", "Create a user", "The user gets a link to set his password, unless --no-invitation or --inactive is given.", exactly(1, "EMAIL"),
		func(ctx context.Context, p *portalClient, args []string) error {
			r.Email, r.Groups = args[0], nil
			for _, word := range groups {
				id, err := p.group(ctx, word)
				if err != nil {
					return err
				}
				r.Groups = append(r.Groups, id)
			}
			made, err := p.people.CreateUser(ctx, &r)
			if err != nil {
				return err
			}
			return p.facts(made.GetUser(), []string{"user"}, made.GetUser().GetId())
		})
	c.Flags().StringVar(&r.GivenName, "given-name", "", "given name")
	c.Flags().StringVar(&r.Surname, "surname", "", "surname")
	c.Flags().StringVar(&r.JobTitle, "job-title", "", "job title")
	c.Flags().StringVar(&r.ManagerEmail, "manager", "", "e-mail address of the manager")
	c.Flags().BoolVar(&r.Inactive, "inactive", false, "create the user deactivated")
	c.Flags().BoolVar(&r.NoInvitation, "no-invitation", false, "send no link")
	c.Flags().StringVar(&r.Message, "message", "", "what the invitation says")
	c.Flags().StringSliceVar(&groups, "group", nil, "groups that the user becomes a member of")
	return c
}

func userEditCommand(a *app) *cobra.Command {
	var email, given, surname, title, manager string
	c := a.onUser("edit", "Change a user", "Only what is given changes.", nil)
	c.RunE = func(c *cobra.Command, args []string) error {
		r := &portalv1.UpdateUserRequest{}
		changed := false
		for name, field := range map[string]struct {
			to    **string
			value *string
		}{
			"email": {&r.Email, &email}, "given-name": {&r.GivenName, &given}, "surname": {&r.Surname, &surname},
			"job-title": {&r.JobTitle, &title}, "manager": {&r.ManagerEmail, &manager},
		} {
			if c.Flags().Changed(name) {
				*field.to, changed = field.value, true
			}
		}
		if !changed {
			return usagef("nothing changes: give at least one of --email, --given-name, --surname, --job-title, --manager")
		}
		return a.withPortal(c.Context(), func(p *portalClient) error {
			var err error
			if r.Id, err = p.user(c.Context(), args[0]); err != nil {
				return err
			}
			w, err := p.people.UpdateUser(c.Context(), r)
			if err != nil {
				return err
			}
			return p.did(w, "changed %s", args[0])
		})
	}
	c.Flags().StringVar(&email, "email", "", "e-mail address")
	c.Flags().StringVar(&given, "given-name", "", "given name")
	c.Flags().StringVar(&surname, "surname", "", "surname")
	c.Flags().StringVar(&title, "job-title", "", "job title")
	c.Flags().StringVar(&manager, "manager", "", "e-mail address of the manager")
	return c
}

func userByRoleCommand(a *app) *cobra.Command {
	var f paged
	var service, search string
	c := a.ask("by-role ROLE", "Show who holds a role, where and how", `The roles are administrator, subscription_owner, subscription_viewer, user, workspace_owner,
editor, developer and contributor.`, exactly(1, "ROLE"), func(ctx context.Context, p *portalClient, args []string) error {
		number, err := parseService(service)
		if err != nil {
			return err
		}
		all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
			r, err := p.people.ListUsersByRole(ctx, &portalv1.ListUsersByRoleRequest{Paging: page, Role: args[0], Service: number, Search: search})
			var out []row
			for _, h := range r.GetHolders() {
				out = append(out, row{h, []string{personWords(h.GetPerson()), h.GetRole(), h.GetResourceName(), memberWords(h.GetThrough())}})
			}
			return out, r.GetPage(), err
		})
		if err != nil {
			return err
		}
		return p.rows([]string{"who", "role", "on", "through"}, all)
	})
	f.declare(c)
	c.Flags().StringVar(&service, "service", "", "only of a service")
	c.Flags().StringVar(&search, "search", "", "only whose name or address has this in it")
	complete(c, "service", serviceWords()...)
	return c
}

func userAccessCommand(a *app) *cobra.Command {
	return a.onUser("access", "Show what a user has access to, and why", "", func(ctx context.Context, p *portalClient, id, _ string) error {
		r, err := p.people.GetUserAccess(ctx, &portalv1.GetUserAccessRequest{Id: id})
		if err != nil {
			return err
		}
		var all []row
		for _, l := range r.GetLines() {
			var why []string
			for _, s := range l.GetWhy() {
				why = append(why, s.GetSentence())
			}
			all = append(all, row{l, []string{l.GetResourceName(), serviceWord(l.GetService()), l.GetRole(), l.GetHow(), memberWords(l.GetThrough()), yesNo(l.GetWorks()), strings.Join(why, "; ")}})
		}
		if r.GetMore() {
			p.note("there are more; these are the first %d", len(all))
		}
		return p.rows([]string{"on", "service", "role", "how", "through", "works", "why"}, all)
	})
}

func adminCommands(a *app) *cobra.Command {
	list := a.ask("list", "List administrators", "", exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		r, err := p.people.ListAdministrators(ctx, &portalv1.ListAdministratorsRequest{})
		if err != nil {
			return err
		}
		var all []row
		for _, u := range r.GetAdministrators() {
			all = append(all, userRow(u))
		}
		return p.rows(userColumns, all)
	})
	include := a.onUser("include", "Make a user an administrator", "", func(ctx context.Context, p *portalClient, id, word string) error {
		w, err := p.people.IncludeAdministrator(ctx, &portalv1.IncludeAdministratorRequest{UserId: id})
		if err != nil {
			return err
		}
		return p.did(w, "%s is an administrator", word)
	})
	remove := a.onUser("remove", "Make an administrator a plain user", "", func(ctx context.Context, p *portalClient, id, word string) error {
		w, err := p.people.RemoveAdministrator(ctx, &portalv1.RemoveAdministratorRequest{UserId: id})
		if err != nil {
			return err
		}
		return p.did(w, "%s is no administrator", word)
	})
	return group("admin", "Administrators of the company", "", list, include, remove)
}
