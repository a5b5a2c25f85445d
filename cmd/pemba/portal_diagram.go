package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func diagramCommands(a *app) *cobra.Command {
	c := group("diagram", "Diagrams of models", "A diagram is named by its id, a model by its name or id.",
		diagramListCommand(a), diagramCreateCommand(a), diagramShowCommand(a), diagramSaveCommand(a), diagramCommentCommand(a),
		diagramCommentsCommand(a), diagramAudienceCommand(a), diagramMatrixCommand(a), diagramProcessesCommand(a))
	for _, step := range []struct {
		use, short, done string
		call             func(p *portalClient, ctx context.Context, id string) (*portalv1.Written, error)
	}{
		{"check-out", "Take the lock of a diagram", "checked out", func(p *portalClient, ctx context.Context, id string) (*portalv1.Written, error) {
			return p.diagrams.CheckOut(ctx, &portalv1.CheckOutRequest{Id: id})
		}},
		{"check-in", "Give back your lock", "checked in", func(p *portalClient, ctx context.Context, id string) (*portalv1.Written, error) {
			return p.diagrams.CheckIn(ctx, &portalv1.CheckInRequest{Id: id})
		}},
		{"force-check-in", "Take the lock that somebody else has", "the lock is yours", func(p *portalClient, ctx context.Context, id string) (*portalv1.Written, error) {
			return p.diagrams.ForceCheckIn(ctx, &portalv1.ForceCheckInRequest{Id: id})
		}},
		{"work-offline", "Take the lock for work away from the network", "checked out for work offline", func(p *portalClient, ctx context.Context, id string) (*portalv1.Written, error) {
			return p.diagrams.WorkOffline(ctx, &portalv1.WorkOfflineRequest{Id: id})
		}},
		{"publish", "Show a diagram to every user of the subscription", "published", func(p *portalClient, ctx context.Context, id string) (*portalv1.Written, error) {
			return p.diagrams.Publish(ctx, &portalv1.PublishRequest{Id: id})
		}},
		{"unpublish", "Make a diagram a draft again", "unpublished", func(p *portalClient, ctx context.Context, id string) (*portalv1.Written, error) {
			return p.diagrams.Unpublish(ctx, &portalv1.UnpublishRequest{Id: id})
		}},
		{"delete", "Delete a diagram", "deleted", func(p *portalClient, ctx context.Context, id string) (*portalv1.Written, error) {
			return p.diagrams.DeleteDiagram(ctx, &portalv1.DeleteDiagramRequest{Id: id})
		}},
	} {
		c.AddCommand(a.ask(step.use+" DIAGRAM", step.short, "", exactly(1, "DIAGRAM"), func(ctx context.Context, p *portalClient, args []string) error {
			w, err := step.call(p, ctx, args[0])
			if err != nil {
				return err
			}
			return p.did(w, "%s: %s", args[0], step.done)
		}))
	}
	return c
}

var diagramColumns = []string{"name", "state", "checked out by", "changed", "id"}

func diagramRow(d *portalv1.Diagram) row {
	state := "draft"
	if d.GetPublished() {
		state = "published"
	}
	return row{d, []string{d.GetName(), state, personWords(d.GetCheckedOutBy()), when(d.GetChangedAt()), d.GetId()}}
}

func diagramRows(r *portalv1.ListDiagramsResponse) []row {
	var out []row
	for _, d := range r.GetDiagrams() {
		out = append(out, diagramRow(d))
	}
	return out
}

func diagramListCommand(a *app) *cobra.Command {
	var f paged
	var search, state string
	c := a.onWorkspace("list", "List the diagrams of a model that you may view", "", func(ctx context.Context, p *portalClient, id, _ string) error {
		all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
			r, err := p.diagrams.ListDiagrams(ctx, &portalv1.ListDiagramsRequest{WorkspaceId: id, Paging: page, Search: search, State: state})
			return diagramRows(r), r.GetPage(), err
		})
		if err != nil {
			return err
		}
		return p.rows(diagramColumns, all)
	})
	f.declare(c)
	c.Flags().StringVar(&search, "search", "", "only whose name has this in it")
	c.Flags().StringVar(&state, "state", "", "only draft or published")
	complete(c, "state", "draft", "published")
	return c
}

func diagramProcessesCommand(a *app) *cobra.Command {
	var f paged
	c := a.ask("my-processes", "List the published diagrams that name you", "", exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
			r, err := p.diagrams.ListMyProcesses(ctx, &portalv1.ListMyProcessesRequest{Paging: page})
			return diagramRows(r), r.GetPage(), err
		})
		if err != nil {
			return err
		}
		return p.rows(diagramColumns, all)
	})
	f.declare(c)
	return c
}

func diagramCreateCommand(a *app) *cobra.Command {
	return a.ask("create MODEL NAME [FILE]", "Create a diagram", "The content is read from the file; - is stdin.", between(2, 3, "MODEL NAME [FILE]"),
		func(ctx context.Context, p *portalClient, args []string) error {
			id, err := p.workspace(ctx, args[0])
			if err != nil {
				return err
			}
			r := &portalv1.CreateDiagramRequest{WorkspaceId: id, Name: args[1]}
			if len(args) == 3 {
				text, err := a.readFile(args[2])
				if err != nil {
					return err
				}
				r.Content = string(text)
			}
			made, err := p.diagrams.CreateDiagram(ctx, r)
			if err != nil {
				return err
			}
			return p.facts(made.GetDiagram(), []string{"diagram"}, made.GetDiagram().GetId())
		})
}

func diagramShowCommand(a *app) *cobra.Command {
	var content bool
	c := a.ask("show DIAGRAM", "Show a diagram and what you may do with it", "", exactly(1, "DIAGRAM"), func(ctx context.Context, p *portalClient, args []string) error {
		r, err := p.diagrams.GetDiagram(ctx, &portalv1.GetDiagramRequest{Id: args[0]})
		if err != nil {
			return err
		}
		if content {
			_, err := fmt.Fprint(p.stdout, r.GetContent())
			return err
		}
		d := r.GetDiagram()
		var audience []string
		for _, m := range d.GetAudience() {
			audience = append(audience, memberWords(m))
		}
		cells := diagramRow(d).cells
		return p.facts(r, []string{"id", "name", "model", "state", "checked out by", "audience", "you may", "changed"},
			d.GetId(), d.GetName(), d.GetWorkspaceName(), cells[1], cells[2], strings.Join(audience, ", "), strings.Join(d.GetAllowed(), " "), cells[3])
	})
	c.Flags().BoolVar(&content, "content", false, "print the content alone")
	return c
}

func diagramSaveCommand(a *app) *cobra.Command {
	return a.ask("save DIAGRAM FILE", "Save the content of a diagram that you have checked out", "- is stdin.", exactly(2, "DIAGRAM FILE"),
		func(ctx context.Context, p *portalClient, args []string) error {
			text, err := a.readFile(args[1])
			if err != nil {
				return err
			}
			r, err := p.diagrams.Save(ctx, &portalv1.SaveRequest{Id: args[0], Content: string(text)})
			if err != nil {
				return err
			}
			return p.did(&portalv1.Written{WrittenAt: r.GetWrittenAt(), Audit: r.GetAudit()}, "saved %s", args[0])
		})
}

func diagramCommentCommand(a *app) *cobra.Command {
	return a.ask("comment DIAGRAM TEXT", "Comment on a diagram", "", exactly(2, "DIAGRAM TEXT"), func(ctx context.Context, p *portalClient, args []string) error {
		r, err := p.diagrams.AddComment(ctx, &portalv1.AddCommentRequest{Id: args[0], Text: args[1]})
		if err != nil {
			return err
		}
		return p.facts(r.GetComment(), []string{"comment"}, r.GetComment().GetId())
	})
}

func diagramCommentsCommand(a *app) *cobra.Command {
	var f paged
	c := a.ask("comments DIAGRAM", "List comments, the oldest first", "", exactly(1, "DIAGRAM"), func(ctx context.Context, p *portalClient, args []string) error {
		all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
			r, err := p.diagrams.ListComments(ctx, &portalv1.ListCommentsRequest{Id: args[0], Paging: page})
			var out []row
			for _, m := range r.GetComments() {
				out = append(out, row{m, []string{when(m.GetCreatedAt()), personWords(m.GetAuthor()), m.GetText()}})
			}
			return out, r.GetPage(), err
		})
		if err != nil {
			return err
		}
		return p.rows([]string{"time", "who", "text"}, all)
	})
	f.declare(c)
	return c
}

func diagramAudienceCommand(a *app) *cobra.Command {
	return a.ask("audience DIAGRAM [WHO...]", "Replace the people and groups named in a process", "Without anybody it names nobody.", atLeast(1, "DIAGRAM [WHO...]"),
		func(ctx context.Context, p *portalClient, args []string) error {
			d, err := p.diagrams.GetDiagram(ctx, &portalv1.GetDiagramRequest{Id: args[0]})
			if err != nil {
				return err
			}
			r := &portalv1.SetAudienceRequest{Id: args[0]}
			for _, word := range args[1:] {
				found, err := p.workspaces.SearchCandidates(ctx, &portalv1.SearchCandidatesRequest{Id: d.GetDiagram().GetWorkspaceId(), Search: word, Limit: most})
				if err != nil {
					return err
				}
				m, err := pickMember(word, found.GetMembers())
				if err != nil {
					return err
				}
				r.Members = append(r.Members, m)
			}
			w, err := p.diagrams.SetAudience(ctx, r)
			if err != nil {
				return err
			}
			return p.did(w, "%s names %d", args[0], len(r.Members))
		})
}

func diagramMatrixCommand(a *app) *cobra.Command {
	var f paged
	var diagram, user string
	c := a.onWorkspace("matrix", "Show what a person may do on each diagram, or each person on one", "Give --user or --diagram.", func(ctx context.Context, p *portalClient, id, _ string) error {
		if (diagram == "") == (user == "") {
			return usagef("give --user, or --diagram")
		}
		r := &portalv1.GetPermissionMatrixRequest{WorkspaceId: id, DiagramId: diagram}
		if user != "" {
			m, _, err := p.holder(ctx, id, user)
			if err != nil {
				return err
			}
			r.UserId = m.GetUser()
		}
		var columns []string
		all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
			r.Paging = page
			got, err := p.diagrams.GetPermissionMatrix(ctx, r)
			columns = append([]string{"name"}, got.GetPermissions()...)
			var out []row
			for _, m := range got.GetRows() {
				cells := []string{m.GetName()}
				for _, holds := range m.GetHolds() {
					cells = append(cells, yesNo(holds))
				}
				out = append(out, row{m, cells})
			}
			return out, got.GetPage(), err
		})
		if err != nil {
			return err
		}
		return p.rows(columns, all)
	})
	f.declare(c)
	c.Flags().StringVar(&diagram, "diagram", "", "id of a diagram: one row a person")
	c.Flags().StringVar(&user, "user", "", "somebody with a role on the model: one row a diagram")
	return c
}
