package portal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// workspaceService is pemba.portal.v1.WorkspaceService. This file has the lists and
// what a workspace is; workspace_changes.go makes, changes and deletes them;
// workspace_access.go says who has a role, workspace_roles.go changes that.
type workspaceService struct {
	portalv1.UnimplementedWorkspaceServiceServer
	*Portal
}

// workspacePermissions are those that answers say the caller has, by kind.
var workspacePermissions = map[string][]string{
	"model": {
		"read", "comment", "edit", "edit_info", "create_diagram", "upload_attachment", "share",
		"change_user_role", "remove_user", "delete", "publish", "force_check_in",
	},
	"project": {"read", "edit", "edit_info", "share", "change_user_role", "remove_user", "delete", "access_management_console"},
}

// workspaceKind is what a workspace of a service is in the schema.
func workspaceKind(service string) string {
	if service == "modeler" {
		return "model"
	}
	return "project"
}

// findWorkspace reads a workspace of the caller's company, and which object it is.
func (v *view) findWorkspace(id string) (on engine.Object, d workspaceDoc, version store.Revision, err error) {
	if err := v.byPerson(); err != nil {
		return on, d, 0, err
	}
	if engine.CheckObjectID(id) != nil {
		return on, d, 0, notFound("workspace", id)
	}
	version, err = v.document(workspaceKey(v.caller.Company, id), &d)
	if err == nil && version == 0 {
		err = notFound("workspace", id)
	}
	return engine.Object{Type: d.Kind, ID: id}, d, version, err
}

// serviceOf is the id of the service of a subscription of the caller's company.
func (v *view) serviceOf(sub string) (string, error) {
	if err := v.byPerson(); err != nil {
		return "", err
	}
	var d subscriptionDoc
	version, err := v.document(subscriptionKey(v.caller.Company, sub), &d)
	if err == nil && version == 0 {
		err = notFound("subscription", sub)
	}
	return d.Service, err
}

// ListWorkspaces returns the workspaces of a subscription that the caller may read.
func (s *workspaceService) ListWorkspaces(ctx context.Context, r *portalv1.ListWorkspacesRequest) (*portalv1.ListWorkspacesResponse, error) {
	key, backward, err := workspaceOrder(r.Order)
	if err != nil {
		return nil, err
	}
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	service, err := l.serviceOf(r.SubscriptionId)
	if err != nil {
		return nil, err
	}
	sub := subscription(r.SubscriptionId)
	if err := l.need(ctx, sub, "access_portal"); err != nil {
		return nil, err
	}
	readable, err := l.mayRead(ctx, sub, workspaceKind(service))
	if err != nil {
		return nil, err
	}
	if r.Mine {
		if readable, err = l.withRole(workspaceKind(service)); err != nil {
			return nil, err
		}
	}
	search := strings.ToLower(strings.TrimSpace(r.Search))
	all := l.directory.workspaces[l.caller.Company]
	rows := make([]sorted[*workspaceRow], 0, len(all))
	for id, row := range all {
		if row.doc.Subscription != r.SubscriptionId || readable != nil && !readable[id] || !strings.Contains(row.search, search) {
			continue
		}
		if r.OnlyInactiveOwners {
			if lost, err := l.onlyInactiveOwners(row); err != nil || !lost {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		rows = append(rows, sorted[*workspaceRow]{key(row), id, row})
	}
	return l.workspacePage(ctx, rows, r.Paging, backward)
}

// workspaceOrder says by what a list is sorted.
func workspaceOrder(order string) (key func(*workspaceRow) string, backward bool, err error) {
	name, backward := strings.CutPrefix(order, "-")
	switch name {
	case "", "name":
		key = func(w *workspaceRow) string { return strings.ToLower(w.doc.Name) }
	case "changed":
		key = func(w *workspaceRow) string { return w.doc.Changed.Format(sortableTime) }
	case "created":
		key = func(w *workspaceRow) string { return w.doc.Created.Format(sortableTime) }
	default:
		return nil, false, invalid("order", "%.40q is none; it is name, changed or created, with - before it to turn it", order)
	}
	return key, backward, nil
}

// sortableTime is a form of times, in UTC, whose order is that of time.
const sortableTime = "2006-01-02T15:04:05.000"

// mayRead returns the workspaces of a kind that the caller may read; nil for all of
// the subscription.
func (l *listing) mayRead(ctx context.Context, sub engine.Object, kind string) (map[string]bool, error) {
	all, err := l.may(ctx, sub, "list_workspaces")
	if err != nil || all {
		return nil, err
	}
	ids := map[string]bool{}
	for r, err := range l.engine.LookupResources(ctx, kind, "read", subject(user(l.caller.User), ""), "") {
		if err != nil {
			return nil, err
		}
		ids[r.ID] = r.State == engine.Yes
	}
	return ids, nil
}

// withRole returns the workspaces of a kind on which the caller has a role, himself
// or by a group.
func (v *view) withRole(kind string) (map[string]bool, error) {
	who := []engine.Subject{subject(user(v.caller.User), "")}
	seen := map[engine.Subject]bool{who[0]: true}
	for i := 0; i < len(who); i++ { // it grows while it is walked
		for id, err := range v.resources(who[i], "group", "direct_member") {
			if err != nil {
				return nil, err
			}
			if g := subject(group(id), "member"); !seen[g] {
				seen[g] = true
				who = append(who, g)
			}
		}
		if i > 0 {
			continue
		}
		for id, err := range v.resources(who[0], "job_title", "holder") {
			if err != nil {
				return nil, err
			}
			who = append(who, subject(jobTitle(id), "holder"))
		}
	}
	ids := map[string]bool{}
	for _, s := range who {
		for _, role := range workspaceRoles[kind] {
			for id, err := range v.resources(s, kind, role) {
				if err != nil {
					return nil, err
				}
				ids[id] = true
			}
		}
	}
	return ids, nil
}

// onlyInactiveOwners reports whether a workspace has no active owner.
func (v *view) onlyInactiveOwners(row *workspaceRow) (bool, error) {
	owners, err := v.holders(engine.Object{Type: row.doc.Kind, ID: row.id}, roleOwner)
	if err != nil {
		return false, err
	}
	for _, id := range owners {
		if active, err := v.active(id); err != nil || active {
			return false, err
		}
	}
	return true, nil
}

// workspacePage makes the rows of a page what is answered.
func (l *listing) workspacePage(ctx context.Context, rows []sorted[*workspaceRow], p *portalv1.Paging, backward bool) (*portalv1.ListWorkspacesResponse, error) {
	total := len(rows)
	page, next, err := cut(rows, p, backward)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.ListWorkspacesResponse{Page: l.page(next, total)}
	var questions []asked
	for _, row := range page {
		for _, permission := range workspacePermissions[row.doc.Kind] {
			questions = append(questions, asked{engine.Object{Type: row.doc.Kind, ID: row.id}, permission})
		}
	}
	holds, err := l.rights(ctx, l.caller.User, questions)
	if err != nil {
		return nil, err
	}
	for _, row := range page {
		w, err := l.workspaceMessage(row.id, &row.doc, row.version)
		if err != nil {
			return nil, err
		}
		for _, permission := range workspacePermissions[row.doc.Kind] {
			if holds[0] {
				w.Allowed = append(w.Allowed, permission)
			}
			holds = holds[1:]
		}
		resp.Workspaces = append(resp.Workspaces, w)
	}
	return resp, nil
}

// shownOwners is how many owners a row shows.
const shownOwners = 5

// workspaceMessage is a workspace as it is answered, without what the caller may do.
func (v *view) workspaceMessage(id string, d *workspaceDoc, version store.Revision) (*portalv1.Workspace, error) {
	on := engine.Object{Type: d.Kind, ID: id}
	service, err := v.serviceOf(d.Subscription)
	if err != nil {
		return nil, err
	}
	w := &portalv1.Workspace{
		Id: id, SubscriptionId: d.Subscription, Service: serviceNumber(service), Kind: d.Kind, Name: d.Name, Description: d.Description,
		CreatedAt: timestamppb.New(d.Created), ChangedAt: timestamppb.New(d.Changed), Version: uint64(version), OnlyInactiveOwners: true,
	}
	for _, role := range workspaceRoles[d.Kind] {
		for _, kind := range []engine.Subject{subject(user(""), ""), subject(group(""), "member")} {
			ids, err := collect(v.subjects(on, role, kind.Type, kind.Relation))
			if err != nil {
				return nil, err
			}
			w.People += uint32(len(ids))
			if kind.Type == "user" && slices.Contains(ids, v.caller.User) {
				w.Role = role
			}
			if role != roleOwner || kind.Type != "user" {
				continue
			}
			if err := v.addOwners(w, ids); err != nil {
				return nil, err
			}
		}
	}
	var counted diagramsDoc
	if _, err := v.document(diagramsKey(v.caller.Company, id), &counted); err != nil {
		return nil, err
	}
	w.Diagrams = counted.Count
	return w, nil
}

func (v *view) addOwners(w *portalv1.Workspace, ids []string) error {
	for _, id := range ids {
		p, err := v.someone(id)
		if err != nil {
			return err
		}
		w.OnlyInactiveOwners = w.OnlyInactiveOwners && !p.Active
		if len(w.Owners) < shownOwners {
			w.Owners = append(w.Owners, p)
		}
	}
	return nil
}

// ListMyWorkspaces returns those on which the caller has a role, the last changed
// first.
func (s *workspaceService) ListMyWorkspaces(ctx context.Context, r *portalv1.ListMyWorkspacesRequest) (*portalv1.ListWorkspacesResponse, error) {
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.need(ctx, l.company(), "sign_in"); err != nil {
		return nil, err
	}
	var rows []sorted[*workspaceRow]
	for kind := range workspaceRoles {
		mine, err := l.withRole(kind)
		if err != nil {
			return nil, err
		}
		for id := range mine {
			row := l.directory.workspaces[l.caller.Company][id]
			if row == nil {
				continue
			}
			if ok, err := l.may(ctx, engine.Object{Type: kind, ID: id}, "read"); err != nil || !ok {
				if err != nil {
					return nil, err
				}
				continue // a role that gives nothing at the moment
			}
			rows = append(rows, sorted[*workspaceRow]{row.doc.Changed.Format(sortableTime), id, row})
		}
	}
	return l.workspacePage(ctx, rows, r.Paging, true)
}

// GetWorkspace returns one workspace.
func (s *workspaceService) GetWorkspace(ctx context.Context, r *portalv1.GetWorkspaceRequest) (*portalv1.GetWorkspaceResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	on, d, version, err := v.findWorkspace(r.Id)
	if err != nil {
		return nil, err
	}
	if err := v.need(ctx, on, "read"); err != nil {
		return nil, err
	}
	w, err := v.workspaceMessage(r.Id, &d, version)
	if err != nil {
		return nil, err
	}
	if w.Allowed, err = v.allowed(ctx, on, workspacePermissions[d.Kind]...); err != nil {
		return nil, err
	}
	service, err := v.serviceOf(d.Subscription)
	if err == nil {
		w.PortalUrl, err = v.portalURL(ctx, service)
	}
	return &portalv1.GetWorkspaceResponse{Workspace: w, ReadAt: v.token()}, err
}

// described is what sentences call a workspace that is not stored yet, or any more.
func (d *workspaceDoc) described() string { return fmt.Sprintf("the %s “%s”", d.Kind, d.Name) }
