package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func workspaceCommands(a *app) *cobra.Command {
	return group("workspace", "Models and projects, and who may do what on them", `A workspace is named by its name, if no other has it, or by its id. People are named by
e-mail address or id, groups by name or id.`,
		workspaceListCommand(a), workspaceMineCommand(a), workspaceCreateCommand(a), workspaceShowCommand(a), workspaceEditCommand(a),
		workspaceDeleteCommand(a), workspaceAccessCommand(a), workspaceShareCommand(a), workspaceRoleCommand(a), workspaceUnshareCommand(a),
		workspaceActivityCommand(a))
}

// onWorkspace makes a command about one workspace.
func (a *app) onWorkspace(use, short, long string, run func(ctx context.Context, p *portalClient, id, word string) error) *cobra.Command {
	return a.ask(use+" WORKSPACE", short, long, exactly(1, "WORKSPACE"), func(ctx context.Context, p *portalClient, args []string) error {
		id, err := p.workspace(ctx, args[0])
		if err != nil {
			return err
		}
		return run(ctx, p, id, args[0])
	})
}

var workspaceColumns = []string{"name", "kind", "owners", "people", "your role", "changed", "id"}

func workspaceRow(w *portalv1.Workspace) row {
	var owners []string
	for _, o := range w.GetOwners() {
		owners = append(owners, o.GetEmail())
	}
	return row{w, []string{w.GetName(), w.GetKind(), strings.Join(owners, " "), fmt.Sprint(w.GetPeople()), w.GetRole(), when(w.GetChangedAt()), w.GetId()}}
}

func workspaceRows(r *portalv1.ListWorkspacesResponse) []row {
	var out []row
	for _, w := range r.GetWorkspaces() {
		out = append(out, workspaceRow(w))
	}
	return out
}

func workspaceListCommand(a *app) *cobra.Command {
	var f paged
	var r portalv1.ListWorkspacesRequest
	c := a.ask("list SERVICE [TEXT]", "List the workspaces of a subscription that you may read", "", between(1, 2, "SERVICE and at most TEXT"),
		func(ctx context.Context, p *portalClient, args []string) error {
			var err error
			if r.SubscriptionId, err = p.subscription(ctx, args[0]); err != nil {
				return err
			}
			r.Search = strings.Join(args[1:], "")
			all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
				r.Paging = page
				got, err := p.workspaces.ListWorkspaces(ctx, &r)
				return workspaceRows(got), got.GetPage(), err
			})
			if err != nil {
				return err
			}
			return p.rows(workspaceColumns, all)
		})
	f.declare(c)
	c.Flags().BoolVar(&r.Mine, "mine", false, "only those on which you have a role")
	c.Flags().BoolVar(&r.OnlyInactiveOwners, "only-inactive-owners", false, "only those whose owners are all deactivated")
	c.Flags().StringVar(&r.Order, "order", "name", "name, changed or created; - before it turns it")
	return c
}

func workspaceMineCommand(a *app) *cobra.Command {
	var f paged
	c := a.ask("mine", "List the workspaces on which you have a role", "", exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
			got, err := p.workspaces.ListMyWorkspaces(ctx, &portalv1.ListMyWorkspacesRequest{Paging: page})
			return workspaceRows(got), got.GetPage(), err
		})
		if err != nil {
			return err
		}
		return p.rows(workspaceColumns, all)
	})
	f.declare(c)
	return c
}

func workspaceCreateCommand(a *app) *cobra.Command {
	var description string
	c := a.ask("create SERVICE NAME", "Create a workspace, which you own then", "", exactly(2, "SERVICE NAME"), func(ctx context.Context, p *portalClient, args []string) error {
		sub, err := p.subscription(ctx, args[0])
		if err != nil {
			return err
		}
		made, err := p.workspaces.CreateWorkspace(ctx, &portalv1.CreateWorkspaceRequest{SubscriptionId: sub, Name: args[1], Description: description})
		if err != nil {
			return err
		}
		return p.facts(made.GetWorkspace(), []string{"workspace"}, made.GetWorkspace().GetId())
	})
	c.Flags().StringVar(&description, "description", "", "what it is for")
	return c
}

func workspaceShowCommand(a *app) *cobra.Command {
	return a.onWorkspace("show", "Show a workspace and what you may do on it", "", func(ctx context.Context, p *portalClient, id, _ string) error {
		r, err := p.workspaces.GetWorkspace(ctx, &portalv1.GetWorkspaceRequest{Id: id})
		if err != nil {
			return err
		}
		w := r.GetWorkspace()
		cells := workspaceRow(w).cells
		return p.facts(w, []string{"id", "name", "description", "kind", "subscription", "owners", "people", "diagrams", "your role", "you may", "created", "changed"},
			w.GetId(), w.GetName(), w.GetDescription(), w.GetKind(), w.GetSubscriptionId(), cells[2], cells[3], fmt.Sprint(w.GetDiagrams()), w.GetRole(),
			strings.Join(w.GetAllowed(), " "), when(w.GetCreatedAt()), when(w.GetChangedAt()))
	})
}

func workspaceEditCommand(a *app) *cobra.Command {
	var name, description string
	c := a.onWorkspace("edit", "Change the name or the description of a workspace", "", nil)
	c.RunE = func(c *cobra.Command, args []string) error {
		r := &portalv1.UpdateWorkspaceRequest{}
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
			if r.Id, err = p.workspace(c.Context(), args[0]); err != nil {
				return err
			}
			w, err := p.workspaces.UpdateWorkspace(c.Context(), r)
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

func workspaceDeleteCommand(a *app) *cobra.Command {
	var dry, force bool
	c := a.onWorkspace("delete", "Delete a workspace with its diagrams", "It asks for the name, unless --force is given.", func(ctx context.Context, p *portalClient, id, word string) error {
		if dry {
			r, err := p.workspaces.PreviewWorkspaceDeletion(ctx, &portalv1.PreviewWorkspaceDeletionRequest{Id: id})
			if err != nil {
				return err
			}
			return p.effects(r, r.GetEffects(), r.GetAllowed())
		}
		if !force {
			r, err := p.workspaces.GetWorkspace(ctx, &portalv1.GetWorkspaceRequest{Id: id})
			if err != nil {
				return err
			}
			name := r.GetWorkspace().GetName()
			answer, err := p.prompt(bufio.NewReader(p.stdin), fmt.Sprintf("Enter the name of the workspace to delete it (%s): ", name))
			if err != nil || answer != name {
				return usagef("nothing was deleted: the name was not entered (--force asks for none)")
			}
		}
		w, err := p.workspaces.DeleteWorkspace(ctx, &portalv1.DeleteWorkspaceRequest{Id: id})
		if err != nil {
			return err
		}
		return p.did(w, "deleted %s", word)
	})
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would happen")
	c.Flags().BoolVar(&force, "force", false, "do not ask for the name")
	return c
}

func workspaceAccessCommand(a *app) *cobra.Command {
	return a.onWorkspace("access", "List who has a role, and who else can read it and why", "", func(ctx context.Context, p *portalClient, id, _ string) error {
		r, err := p.workspaces.ListAccess(ctx, &portalv1.ListAccessRequest{Id: id})
		if err != nil {
			return err
		}
		var all []row
		for _, e := range append(r.GetEntries(), r.GetInherited()...) {
			all = append(all, row{e, []string{memberWords(e.GetMember()), e.GetRole(), yesNo(e.GetMember().GetActive()), e.GetInherited()}})
		}
		return p.rows([]string{"who", "role", "active", "inherited"}, all)
	})
}

// change makes one change of who has which role on a workspace.
func (p *portalClient) change(ctx context.Context, id string, m *portalv1.Member, role, present string) (*portalv1.Written, error) {
	return p.workspaces.ChangeAccess(ctx, &portalv1.ChangeAccessRequest{Id: id, Changes: []*portalv1.AccessChange{{Member: m, Role: role, PresentRole: present}}})
}

func workspaceShareCommand(a *app) *cobra.Command {
	return a.ask("share WORKSPACE ROLE WHO...", "Give people or groups of the subscription a role", "The roles of a model are owner, editor and contributor, those of a project owner and developer. All get it, or none.",
		atLeast(3, "WORKSPACE ROLE WHO..."), func(ctx context.Context, p *portalClient, args []string) error {
			id, err := p.workspace(ctx, args[0])
			if err != nil {
				return err
			}
			r := &portalv1.ChangeAccessRequest{Id: id}
			for _, word := range args[2:] {
				found, err := p.workspaces.SearchCandidates(ctx, &portalv1.SearchCandidatesRequest{Id: id, Search: word, Limit: most})
				if err != nil {
					return err
				}
				m, err := pickMember(word, found.GetMembers())
				if err != nil {
					return err
				}
				r.Changes = append(r.Changes, &portalv1.AccessChange{Member: m, Role: args[1]})
			}
			w, err := p.workspaces.ChangeAccess(ctx, r)
			if err != nil {
				return err
			}
			return p.did(w, "%s: %s for %s", args[0], args[1], strings.Join(args[2:], ", "))
		})
}

// holder finds somebody who has a role on a workspace, and the role.
func (p *portalClient) holder(ctx context.Context, id, word string) (*portalv1.Member, string, error) {
	r, err := p.workspaces.ListAccess(ctx, &portalv1.ListAccessRequest{Id: id})
	if err != nil {
		return nil, "", err
	}
	var all []*portalv1.Member
	for _, e := range r.GetEntries() {
		all = append(all, e.GetMember())
	}
	m, err := pickMember(word, all)
	if err != nil {
		return nil, "", err
	}
	for i, e := range r.GetEntries() {
		if n := members(all)[i]; n == members([]*portalv1.Member{e.GetMember()})[0] && n.id == memberID(m) {
			return m, e.GetRole(), nil
		}
	}
	return m, "", nil
}

func memberID(m *portalv1.Member) string { return m.GetUser() + m.GetGroup() + m.GetJobTitle() }

func workspaceRoleCommand(a *app) *cobra.Command {
	return a.ask("role WORKSPACE WHO ROLE", "Change the role of somebody", "The new role replaces the old one.", exactly(3, "WORKSPACE WHO ROLE"),
		func(ctx context.Context, p *portalClient, args []string) error {
			id, err := p.workspace(ctx, args[0])
			if err != nil {
				return err
			}
			m, present, err := p.holder(ctx, id, args[1])
			if err != nil {
				return err
			}
			w, err := p.change(ctx, id, m, args[2], present)
			if err != nil {
				return err
			}
			return p.did(w, "%s is %s of %s now, and was %s", args[1], args[2], args[0], present)
		})
}

func workspaceUnshareCommand(a *app) *cobra.Command {
	return a.ask("unshare WORKSPACE WHO", "Take somebody's role on a workspace", "", exactly(2, "WORKSPACE WHO"), func(ctx context.Context, p *portalClient, args []string) error {
		id, err := p.workspace(ctx, args[0])
		if err != nil {
			return err
		}
		m, present, err := p.holder(ctx, id, args[1])
		if err != nil {
			return err
		}
		w, err := p.change(ctx, id, m, "", present)
		if err != nil {
			return err
		}
		return p.did(w, "%s is no %s of %s any more", args[1], present, args[0])
	})
}

func workspaceActivityCommand(a *app) *cobra.Command {
	var f paged
	c := a.onWorkspace("activity", "List what was done on a workspace, the newest first", "", func(ctx context.Context, p *portalClient, id, _ string) error {
		all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
			r, err := p.workspaces.ListWorkspaceActivity(ctx, &portalv1.ListWorkspaceActivityRequest{Id: id, Paging: page})
			return auditRows(r.GetRecords()), r.GetPage(), err
		})
		if err != nil {
			return err
		}
		return p.rows(auditColumns, all)
	})
	f.declare(c)
	return c
}
