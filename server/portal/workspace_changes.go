package portal

import (
	"context"
	"fmt"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// Bounds of what a workspace is called, in characters, and of what one transaction
// deletes with it.
const (
	maxName        = 200
	maxDescription = 4_000
	maxDeleted     = 10_000 // documents: diagrams, contents, comments
)

// CreateWorkspace makes a workspace that the caller owns (rule 11).
func (s *workspaceService) CreateWorkspace(ctx context.Context, r *portalv1.CreateWorkspaceRequest) (*portalv1.CreateWorkspaceResponse, error) {
	name, err := line("name", r.Name, 1, maxName)
	if err != nil {
		return nil, err
	}
	description, err := prose("description", r.Description, 0, maxDescription)
	if err != nil {
		return nil, err
	}
	made := created{newID()}
	written, err := s.answer(ctx, &made, func(v *view, a *action) error {
		a.name, a.on, a.permission = "workspace.create", subscription(r.SubscriptionId), "create_workspace"
		service, err := v.serviceOf(r.SubscriptionId)
		if err != nil {
			return err
		}
		if err := v.need(ctx, a.on, a.permission); err != nil {
			return err
		}
		now := v.engine.Now
		d := workspaceDoc{
			Subscription: r.SubscriptionId, Kind: workspaceKind(service), Name: name, Description: description,
			Created: now, Changed: now, Creator: v.caller.User,
		}
		on := engine.Object{Type: d.Kind, ID: made.ID}
		a.service, a.target, a.called = service, on, name
		a.sentence, a.after = "created "+d.described(), d
		a.document(at(0, put(workspaceKey(v.caller.Company, made.ID), d)))
		a.relation(store.Create, on, "subscription", subject(subscription(r.SubscriptionId), ""))
		a.relation(store.Create, on, roleOwner, subject(user(v.caller.User), ""))
		return v.creatorIsIn(ctx, a)
	})
	if err != nil {
		return nil, err
	}
	got, err := s.GetWorkspace(after(ctx, written.Written), &portalv1.GetWorkspaceRequest{Id: made.ID})
	if err != nil {
		return nil, err
	}
	return &portalv1.CreateWorkspaceResponse{Workspace: got.Workspace, WrittenAt: written.WrittenAt, Audit: written.Audit}, nil
}

// creatorIsIn includes the creator of a workspace in its subscription, if he is not: an
// administrator of the company may create one anywhere, and who has a role on a
// workspace is a user of its subscription (rule 7), with a licence.
func (v *view) creatorIsIn(ctx context.Context, a *action) error {
	if in, err := v.may(ctx, a.on, "member"); err != nil || in {
		return err
	}
	if err := v.needs(ctx, a, a.on, "include_user"); err != nil {
		return err
	}
	a.sentence += ", and is included in " + v.called(a.on) + " for it"
	a.relation(store.Create, a.on, "participant", subject(user(v.caller.User), ""))
	return v.licences(ctx, a)
}

// after is the context of a call that reads what it has written.
func after(ctx context.Context, w *portalv1.Written) context.Context {
	c := *CallerOf(ctx)
	c.AtLeast = w.GetWrittenAt().GetToken()
	return WithCaller(ctx, &c)
}

// UpdateWorkspace changes name and description.
func (s *workspaceService) UpdateWorkspace(ctx context.Context, r *portalv1.UpdateWorkspaceRequest) (*portalv1.Written, error) {
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
		a.name, a.permission = "workspace.edit", "edit_info"
		on, d, version, err := v.findWorkspace(r.Id)
		if err != nil {
			return err
		}
		a.on = on
		if err := v.need(ctx, on, a.permission); err != nil {
			return err
		}
		if r.IfVersion != 0 && store.Revision(r.IfVersion) != version {
			return conflict("somebody else changed it meanwhile: it is called “%s” now", d.Name)
		}
		was := d
		if r.Name != nil {
			d.Name = name
		}
		if r.Description != nil {
			d.Description = description
		}
		a.unchanged = d == was
		d.Changed = v.engine.Now
		if a.service, err = v.serviceOf(d.Subscription); err != nil {
			return err
		}
		a.before = map[string]any{"name": was.Name, "description": was.Description}
		a.after = map[string]any{"name": d.Name, "description": d.Description}
		a.sentence = "changed the information of " + was.described()
		a.document(at(version, put(workspaceKey(v.caller.Company, r.Id), d)))
		return nil
	})
}

// DeleteWorkspace deletes a workspace with its diagrams in one transaction.
func (s *workspaceService) DeleteWorkspace(ctx context.Context, r *portalv1.DeleteWorkspaceRequest) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error {
		a.name, a.permission = "workspace.delete", "delete"
		on, d, version, err := v.findWorkspace(r.Id)
		if err != nil {
			return err
		}
		a.on, a.called = on, d.Name
		if err := v.need(ctx, on, a.permission); err != nil {
			return err
		}
		if a.service, err = v.serviceOf(d.Subscription); err != nil {
			return err
		}
		diagrams, err := v.diagramsOf(r.Id)
		if err != nil {
			return err
		}
		a.sentence = "deleted " + d.described()
		a.before = map[string]any{"name": d.Name, "diagrams": len(diagrams)}
		gone := drop(workspaceKey(v.caller.Company, r.Id))
		a.document(at(version, gone))
		a.removeAll(on)
		var counted diagramsDoc
		count, err := v.document(diagramsKey(v.caller.Company, r.Id), &counted)
		if err != nil {
			return err
		}
		a.document(at(count, drop(diagramsKey(v.caller.Company, r.Id))))
		for _, id := range diagrams {
			if err := v.dropDiagram(ctx, a, id); err != nil {
				return err
			}
			if len(a.tx.Documents) > maxDeleted {
				return &Refusal{Fault: Rule, Msg: fmt.Sprintf("%s has more than %d diagrams and comments; delete some of its diagrams first", d.described(), maxDeleted)}
			}
		}
		return nil
	})
}

// removeAll removes every relationship of an object.
func (a *action) removeAll(on engine.Object) {
	a.tx.Deletes = append(a.tx.Deletes, store.FilterDelete{Filter: store.Filter{ResourceType: on.Type, ResourceID: on.ID}})
}

// PreviewWorkspaceDeletion says what DeleteWorkspace would do.
func (s *workspaceService) PreviewWorkspaceDeletion(ctx context.Context, r *portalv1.PreviewWorkspaceDeletionRequest) (*portalv1.PreviewWorkspaceResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	on, d, version, err := v.findWorkspace(r.Id)
	if err != nil {
		return nil, err
	}
	if err := v.need(ctx, on, "delete"); err != nil {
		return nil, err
	}
	w, err := v.workspaceMessage(r.Id, &d, version)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.PreviewWorkspaceResponse{Allowed: true, ReadAt: v.token()}
	if w.Diagrams > 0 {
		resp.Effects = append(resp.Effects, &portalv1.Effect{
			Kind: "diagram_deleted", Resource: on.String(), Sentence: counted(int(w.Diagrams), "diagram is", "diagrams are") + " deleted with their comments",
		})
	}
	if w.People > 0 {
		resp.Effects = append(resp.Effects, &portalv1.Effect{
			Kind: "role_lost", Resource: on.String(), Sentence: counted(int(w.People), "person or group loses", "people and groups lose") + " the role on it",
		})
	}
	return resp, nil
}

// counted writes a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
