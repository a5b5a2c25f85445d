package portal

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// diagramService is pemba.portal.v1.DiagramService. This file has the lists;
// diagram_changes.go makes, saves and deletes diagrams, diagram_steps.go locks and
// publishes them, diagram_words.go has comments, audience and the matrix.
type diagramService struct {
	portalv1.UnimplementedDiagramServiceServer
	*Portal
}

func contentKey(company, id string) string { return companyPrefix(company) + "content/" + id }

// commentPrefix is how the keys of the comments of a diagram begin; what follows
// sorts as they were made.
func commentPrefix(company, id string) string { return companyPrefix(company) + "comment/" + id + "/" }

// diagramsKey is the document that every creation and deletion of a diagram of a
// model writes: whoever deletes the model relies on having seen all of them.
func diagramsKey(company, workspace string) string {
	return companyPrefix(company) + "diagrams/" + workspace
}

// commentedKey is the document that every comment on a diagram writes: whoever
// deletes the diagram relies on having seen all of them.
func commentedKey(company, id string) string { return companyPrefix(company) + "commented/" + id }

type commentedDoc struct {
	Newest string `json:"newest"` // id of the comment
}

type diagramsDoc struct {
	Count uint32 `json:"count"`
}

type contentDoc struct {
	Text string `json:"text"`
}

// diagramPermissions are those that answers say the caller has.
var diagramPermissions = []string{
	"view", "comment", "check_out", "save", "force_check_in", "publish", "unpublish", "delete", "work_offline",
}

// findDiagram reads a diagram of the caller's company.
func (v *view) findDiagram(id string) (on engine.Object, d diagramDoc, version store.Revision, err error) {
	if v.caller.User == "" {
		return on, d, 0, v.nobody()
	}
	if engine.CheckObjectID(id) != nil {
		return on, d, 0, notFound("diagram", id)
	}
	version, err = v.document(diagramKey(v.caller.Company, id), &d)
	if err == nil && version == 0 {
		err = notFound("diagram", id)
	}
	return diagram(id), d, version, err
}

// diagramsOf returns the ids of the diagrams of a model.
func (v *view) diagramsOf(workspace string) ([]string, error) {
	return collect(v.resources(subject(engine.Object{Type: "model", ID: workspace}, ""), "diagram", "model"))
}

// model reads a workspace that must be a model.
func (v *view) model(id string) (engine.Object, workspaceDoc, error) {
	on, d, _, err := v.findWorkspace(id)
	if err == nil && d.Kind != "model" {
		err = invalid("workspace_id", "it is a %s, and only models have diagrams", d.Kind)
	}
	return on, d, err
}

// ListDiagrams returns the diagrams of a model that the caller may view.
func (s *diagramService) ListDiagrams(ctx context.Context, r *portalv1.ListDiagramsRequest) (*portalv1.ListDiagramsResponse, error) {
	if r.State != "" && r.State != "draft" && r.State != "published" {
		return nil, invalid("state", "%.40q is none; it is draft, published or empty", r.State)
	}
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	on, d, err := v.model(r.WorkspaceId)
	if err != nil {
		return nil, err
	}
	// Whoever may not read the model still sees what is published in it, if he is of
	// the subscription.
	if ok, err := v.may(ctx, on, "read"); err != nil || !ok {
		if err != nil {
			return nil, err
		}
		if err := v.need(ctx, subscription(d.Subscription), "access_portal"); err != nil {
			return nil, err
		}
	}
	ids, err := v.diagramsOf(r.WorkspaceId)
	if err != nil {
		return nil, err
	}
	return v.diagramPage(ctx, ids, r.Paging, strings.ToLower(strings.TrimSpace(r.Search)), r.State)
}

// ListMyProcesses returns the published diagrams that name the caller (rule 16).
func (s *diagramService) ListMyProcesses(ctx context.Context, r *portalv1.ListMyProcessesRequest) (*portalv1.ListDiagramsResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if err := v.need(ctx, v.company(), "sign_in"); err != nil {
		return nil, err
	}
	var ids []string
	for r, err := range v.engine.LookupResources(ctx, "diagram", "listed_in_my_processes", subject(user(v.caller.User), ""), "") {
		if err != nil {
			return nil, err
		}
		if r.State == engine.Yes {
			ids = append(ids, r.ID)
		}
	}
	return v.diagramPage(ctx, ids, r.Paging, "", "")
}

// diagramRow is a diagram on its way into a list.
type diagramRow struct {
	id        string
	doc       diagramDoc
	version   store.Revision
	published bool
}

// diagramPage returns a page of those diagrams that the caller may view, by name.
func (v *view) diagramPage(ctx context.Context, ids []string, p *portalv1.Paging, search, state string) (*portalv1.ListDiagramsResponse, error) {
	questions := make([]asked, len(ids))
	for i, id := range ids {
		questions[i] = asked{diagram(id), "view"}
	}
	visible, err := v.rights(ctx, v.caller.User, questions)
	if err != nil {
		return nil, err
	}
	var rows []sorted[*diagramRow]
	for i, id := range ids {
		if !visible[i] {
			continue
		}
		row := &diagramRow{id: id}
		if row.version, err = v.document(diagramKey(v.caller.Company, id), &row.doc); err != nil {
			return nil, err
		}
		if row.published, err = v.has(diagram(id), "published", everybody); err != nil {
			return nil, err
		}
		name := strings.ToLower(row.doc.Name)
		if strings.Contains(name, search) && (state == "" || (state == "published") == row.published) {
			rows = append(rows, sorted[*diagramRow]{name, id, row})
		}
	}
	total := len(rows)
	page, next, err := cut(rows, p, false)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.ListDiagramsResponse{Page: v.page(next, total)}
	for _, row := range page {
		d, err := v.diagramMessage(ctx, row)
		if err != nil {
			return nil, err
		}
		resp.Diagrams = append(resp.Diagrams, d)
	}
	return resp, nil
}

// diagramMessage is a diagram as it is answered.
func (v *view) diagramMessage(ctx context.Context, row *diagramRow) (*portalv1.Diagram, error) {
	on, d := diagram(row.id), &row.doc
	out := &portalv1.Diagram{
		Id: row.id, WorkspaceId: d.Workspace, Name: d.Name, Published: row.published, Version: uint64(row.version), Offline: d.Offline,
		CreatedAt: timestamppb.New(d.Created), ChangedAt: timestamppb.New(d.Changed),
	}
	var err error
	if out.ChangedBy, err = v.someone(d.ChangedBy); err != nil {
		return nil, err
	}
	holder, err := v.single(on, "checked_out_by", "user")
	if err != nil {
		return nil, err
	}
	if holder != "" {
		out.CheckedOutAt = timestamppb.New(d.CheckedOut)
		if out.CheckedOutBy, err = v.someone(holder); err != nil {
			return nil, err
		}
	}
	for _, err := range v.snap.Documents(ctx, commentPrefix(v.caller.Company, row.id), "") {
		if err != nil {
			return nil, err
		}
		out.Comments++
	}
	var w workspaceDoc
	if _, err := v.document(workspaceKey(v.caller.Company, d.Workspace), &w); err != nil {
		return nil, err
	}
	out.WorkspaceName = w.Name
	if out.Audience, err = v.audience(on); err != nil {
		return nil, err
	}
	out.Allowed, err = v.allowed(ctx, on, diagramPermissions...)
	return out, err
}

// audience returns the people and groups that a process names.
func (v *view) audience(on engine.Object) ([]*portalv1.Member, error) {
	var out []*portalv1.Member
	for _, kind := range []engine.Subject{subject(user(""), ""), subject(group(""), "member")} {
		for id, err := range v.subjects(on, "audience", kind.Type, kind.Relation) {
			if err != nil {
				return nil, err
			}
			kind.ID = id
			m, err := v.member(kind)
			if err != nil {
				return nil, err
			}
			out = append(out, m)
		}
	}
	return out, nil
}

// GetDiagram returns a diagram with its content.
func (s *diagramService) GetDiagram(ctx context.Context, r *portalv1.GetDiagramRequest) (*portalv1.GetDiagramResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	on, d, version, err := v.findDiagram(r.Id)
	if err != nil {
		return nil, err
	}
	if err := v.need(ctx, on, "view"); err != nil {
		return nil, err
	}
	row := &diagramRow{id: r.Id, doc: d, version: version}
	if row.published, err = v.has(on, "published", everybody); err != nil {
		return nil, err
	}
	out, err := v.diagramMessage(ctx, row)
	if err != nil {
		return nil, err
	}
	var content contentDoc
	_, err = v.document(contentKey(v.caller.Company, r.Id), &content)
	return &portalv1.GetDiagramResponse{Diagram: out, Content: content.Text, ReadAt: v.token()}, err
}

// GetPermissionMatrix says what a person may do on each diagram of a model, or each
// person of a model on one diagram.
func (s *diagramService) GetPermissionMatrix(ctx context.Context, r *portalv1.GetPermissionMatrixRequest) (*portalv1.GetPermissionMatrixResponse, error) {
	if (r.UserId == "") == (r.DiagramId == "") {
		return nil, invalid("user_id", "give user_id or diagram_id, and not both")
	}
	if r.Paging == nil {
		r.Paging = &portalv1.Paging{}
	}
	if r.Paging.Size == 0 {
		r.Paging.Size = 50
	}
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	on, _, err := v.model(r.WorkspaceId)
	if err != nil {
		return nil, err
	}
	if err := v.need(ctx, on, "share"); err != nil {
		return nil, err
	}
	rows, err := v.matrixRows(on, r)
	if err != nil {
		return nil, err
	}
	search := strings.ToLower(strings.TrimSpace(r.Search))
	rows = slices.DeleteFunc(rows, func(row sorted[matrixRow]) bool { return !strings.Contains(row.key, search) })
	total := len(rows)
	page, next, err := cut(rows, r.Paging, false)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.GetPermissionMatrixResponse{Permissions: diagramPermissions, Page: v.page(next, total)}
	for _, row := range page {
		questions := make([]asked, len(diagramPermissions))
		for i, permission := range diagramPermissions {
			questions[i] = asked{diagram(row.diagram), permission}
		}
		holds, err := v.rights(ctx, row.user, questions)
		if err != nil {
			return nil, err
		}
		resp.Rows = append(resp.Rows, &portalv1.MatrixRow{Id: row.id, Name: row.name, Holds: holds})
	}
	return resp, nil
}

// matrixRow is one line of the matrix.
type matrixRow struct{ id, name, user, diagram string }

// matrixRows returns the lines: the diagrams of a model for a person, or the people
// with a role on the model for a diagram.
func (v *view) matrixRows(on engine.Object, r *portalv1.GetPermissionMatrixRequest) ([]sorted[matrixRow], error) {
	var rows []sorted[matrixRow]
	if r.UserId != "" {
		if err := v.exists("user_id", "user", r.UserId, userKey(v.caller.Company, r.UserId)); err != nil {
			return nil, err
		}
		ids, err := v.diagramsOf(on.ID)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			var d diagramDoc
			if _, err := v.document(diagramKey(v.caller.Company, id), &d); err != nil {
				return nil, err
			}
			rows = append(rows, sorted[matrixRow]{strings.ToLower(d.Name), id, matrixRow{id, d.Name, r.UserId, id}})
		}
		return rows, nil
	}
	if _, d, _, err := v.findDiagram(r.DiagramId); err != nil || d.Workspace != on.ID {
		if err == nil {
			err = notFound("diagram", r.DiagramId)
		}
		return nil, err
	}
	all, err := v.holdings(on)
	if err != nil {
		return nil, err
	}
	for _, h := range all {
		if h.who.Type == "user" {
			name := v.person(h.who.ID)
			rows = append(rows, sorted[matrixRow]{strings.ToLower(name), h.who.ID, matrixRow{h.who.ID, name, h.who.ID, r.DiagramId}})
		}
	}
	return rows, nil
}
