package portal

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// maxContent bounds the content of a diagram, in bytes as it is stored: as JSON.
const maxContent = 40 << 10

// readContent reads the content of a diagram.
func readContent(text string) (contentDoc, error) {
	d := contentDoc{text}
	stored, err := json.Marshal(d)
	if err != nil {
		return d, invalid("content", "it is not UTF-8")
	}
	if len(stored) > maxContent {
		return d, invalid("content", "it takes %d bytes; at most %d are allowed", len(stored), maxContent)
	}
	return d, nil
}

// CreateDiagram makes a draft.
func (s *diagramService) CreateDiagram(ctx context.Context, r *portalv1.CreateDiagramRequest) (*portalv1.CreateDiagramResponse, error) {
	name, err := line("name", r.Name, 1, maxName)
	if err != nil {
		return nil, err
	}
	content, err := readContent(r.Content)
	if err != nil {
		return nil, err
	}
	made := created{newID()}
	written, err := s.answer(ctx, &made, func(v *view, a *action) error {
		id := made.ID
		a.name, a.permission, a.service = "diagram.create", "create_diagram", "modeler"
		on, w, err := v.model(r.WorkspaceId)
		if err != nil {
			return err
		}
		a.on, a.target, a.called = on, diagram(id), name
		c, now := v.caller.Company, v.engine.Now
		d := diagramDoc{Workspace: r.WorkspaceId, Name: name, Created: now, Changed: now, ChangedBy: v.caller.User}
		a.sentence, a.after = fmt.Sprintf("created the diagram “%s” in %s", name, w.described()), map[string]any{"name": name}
		a.document(at(0, put(diagramKey(c, id), d)), at(0, put(contentKey(c, id), content)))
		a.relation(store.Create, diagram(id), "model", subject(on, ""))
		return v.countDiagrams(a, r.WorkspaceId, 1)
	})
	if err != nil {
		return nil, err
	}
	got, err := s.GetDiagram(after(ctx, written.Written), &portalv1.GetDiagramRequest{Id: made.ID})
	if err != nil {
		return nil, err
	}
	return &portalv1.CreateDiagramResponse{Diagram: got.Diagram, WrittenAt: written.WrittenAt, Audit: written.Audit}, nil
}

// countDiagrams plans that a model has so many diagrams more.
func (v *view) countDiagrams(a *action, workspace string, more int) error {
	var d diagramsDoc
	key := diagramsKey(v.caller.Company, workspace)
	version, err := v.document(key, &d)
	if err != nil {
		return err
	}
	d.Count = uint32(max(0, int(d.Count)+more))
	a.document(at(version, put(key, d)))
	return nil
}

// Save writes the content, for whoever holds the lock and is still an editor (rule 15).
func (s *diagramService) Save(ctx context.Context, r *portalv1.SaveRequest) (*portalv1.SaveResponse, error) {
	content, err := readContent(r.Content)
	if err != nil {
		return nil, err
	}
	var name string
	if r.Name != nil {
		if name, err = line("name", *r.Name, 1, maxName); err != nil {
			return nil, err
		}
	}
	written, err := s.act(ctx, func(v *view, a *action) error {
		a.name, a.permission, a.service = "diagram.save", "save", "modeler"
		on, d, version, err := v.findDiagram(r.Id)
		if err != nil {
			return err
		}
		a.on, a.called = on, d.Name
		if err := v.holdsLock(ctx, on); err != nil {
			return err
		}
		if r.IfVersion != 0 && store.Revision(r.IfVersion) != version {
			return conflict("the diagram was changed meanwhile; look at it again")
		}
		a.sentence = fmt.Sprintf("saved the diagram “%s”", d.Name)
		if r.Name != nil && d.Name != name {
			a.before, a.after = map[string]any{"name": d.Name}, map[string]any{"name": name}
			d.Name = name
		}
		d.Changed, d.ChangedBy = v.engine.Now, v.caller.User
		a.document(at(version, put(diagramKey(v.caller.Company, r.Id), d)), put(contentKey(v.caller.Company, r.Id), content))
		return nil
	})
	if err != nil {
		return nil, err
	}
	version, err := s.replica.ParseToken(written.WrittenAt.Token)
	return &portalv1.SaveResponse{Version: uint64(version), WrittenAt: written.WrittenAt, Audit: written.Audit}, err
}

// holdsLock refuses a caller who has not checked out a diagram, and says who has.
// Whether he may edit at all is refused first.
func (v *view) holdsLock(ctx context.Context, on engine.Object) error {
	if err := v.need(ctx, on, "check_out"); err != nil {
		return err
	}
	holder, err := v.single(on, "checked_out_by", "user")
	switch {
	case err != nil:
		return err
	case holder == "":
		return broken("15", "%s is not checked out; check it out first", v.called(on))
	case holder != v.caller.User:
		return broken("15", "%s is checked out by %s", v.called(on), v.person(holder))
	}
	return nil
}

// DeleteDiagram deletes a diagram that nobody else has checked out.
func (s *diagramService) DeleteDiagram(ctx context.Context, r *portalv1.DeleteDiagramRequest) (*portalv1.Written, error) {
	return s.act(ctx, func(v *view, a *action) error {
		a.name, a.permission, a.service = "diagram.delete", "delete", "modeler"
		on, d, _, err := v.findDiagram(r.Id)
		if err != nil {
			return err
		}
		a.on, a.called = on, d.Name
		if err := v.need(ctx, on, a.permission); err != nil {
			return err
		}
		holder, err := v.single(on, "checked_out_by", "user")
		if err != nil {
			return err
		}
		if holder != "" && holder != v.caller.User {
			return broken("15", "%s is checked out by %s; it can be deleted when it is checked in", v.called(on), v.person(holder))
		}
		a.sentence, a.before = fmt.Sprintf("deleted the diagram “%s”", d.Name), map[string]any{"name": d.Name}
		if holder == "" {
			v.relyOnNoLock(a, on)
		}
		if err := v.dropDiagram(ctx, a, r.Id); err != nil {
			return err
		}
		return v.countDiagrams(a, d.Workspace, -1)
	})
}

// relyOnNoLock makes a transaction depend on nobody having checked out a diagram.
func (v *view) relyOnNoLock(a *action, on engine.Object) {
	a.tx.Preconditions = append(a.tx.Preconditions, store.Precondition{Filter: store.Filter{ResourceType: on.Type, ResourceID: on.ID, Relation: "checked_out_by"}})
}

// dropDiagram plans that nothing is left of a diagram.
func (v *view) dropDiagram(ctx context.Context, a *action, id string) error {
	c := v.caller.Company
	a.removeAll(diagram(id))
	a.document(drop(diagramKey(c, id)), drop(contentKey(c, id)))
	var newest commentedDoc
	commented, err := v.document(commentedKey(c, id), &newest)
	if err != nil {
		return err
	}
	if commented == 0 {
		a.relies(commentedKey(c, id), 0)
	} else {
		a.document(at(commented, drop(commentedKey(c, id))))
	}
	for doc, err := range v.snap.Documents(ctx, commentPrefix(c, id), "") {
		if err != nil {
			return err
		}
		a.document(drop(doc.Key))
	}
	return nil
}
