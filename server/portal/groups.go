package portal

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// groupService is pemba.portal.v1.GroupService. This file has the lists,
// group_changes.go the changes, group_members.go who is in a group.
type groupService struct {
	portalv1.UnimplementedGroupServiceServer
	*Portal
}

// groupKinds are the subjects that a group may have.
var groupKinds = []engine.Subject{subject(user(""), ""), subject(group(""), "member"), subject(jobTitle(""), "holder")}

// findGroup reads a group of the caller's company.
func (v *view) findGroup(id string) (on engine.Object, d groupDoc, version store.Revision, err error) {
	if v.caller.User == "" {
		return on, d, 0, v.nobody()
	}
	if engine.CheckObjectID(id) != nil {
		return on, d, 0, notFound("group", id)
	}
	version, err = v.document(groupKey(v.caller.Company, id), &d)
	if err == nil && version == 0 {
		err = notFound("group", id)
	}
	return group(id), d, version, err
}

// groupHome is the object on which the groups of a subscription, or of the company,
// are managed.
func (v *view) groupHome(sub string) (engine.Object, error) {
	if sub == "" {
		return v.company(), nil
	}
	_, err := v.serviceOf(sub)
	return subscription(sub), err
}

// ListGroups returns the groups that the caller manages, or those of one subscription.
func (s *groupService) ListGroups(ctx context.Context, r *portalv1.ListGroupsRequest) (*portalv1.ListGroupsResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	home, err := v.groupHome(r.SubscriptionId)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.ListGroupsResponse{}
	create, err := v.may(ctx, home, "manage_groups")
	if err != nil {
		return nil, err
	}
	if !create && r.SubscriptionId == "" { // then it is created for one of his subscriptions
		if create, err = v.groupsOfSubscriptions(ctx); err != nil {
			return nil, err
		}
	}
	if create {
		resp.Allowed = []string{"create"}
	}
	all, err := v.allGroups(ctx)
	if err != nil {
		return nil, err
	}
	search := strings.ToLower(strings.TrimSpace(r.Search))
	var rows []sorted[*portalv1.Group]
	var questions []question
	for _, g := range all {
		if (r.SubscriptionId != "" && g.SubscriptionId != r.SubscriptionId) || !strings.Contains(strings.ToLower(g.Name+"\n"+g.Description), search) {
			continue
		}
		questions = append(questions, question{asked{group(g.Id), "manage"}, func() {
			g.Allowed = []string{"manage", "delete"}
			rows = append(rows, sorted[*portalv1.Group]{strings.ToLower(g.Name), g.Id, g})
		}})
	}
	if err := v.answer(ctx, v.caller.User, questions); err != nil {
		return nil, err
	}
	if !create && len(rows) == 0 {
		return nil, v.need(ctx, home, "manage_groups")
	}
	total := len(rows)
	page, next, err := cut(rows, r.Paging, false)
	if err != nil {
		return nil, err
	}
	for _, g := range page {
		if g.Members, err = v.countMembers(g.Id); err != nil {
			return nil, err
		}
	}
	resp.Groups, resp.Page = page, v.page(next, total)
	return resp, nil
}

// allGroups returns the groups of the caller's company, without their members.
func (v *view) allGroups(ctx context.Context) ([]*portalv1.Group, error) {
	var out []*portalv1.Group
	for doc, err := range v.snap.Documents(ctx, groupKey(v.caller.Company, ""), "") {
		if err != nil {
			return nil, err
		}
		var d groupDoc
		if err := decode(doc, &d); err != nil {
			return nil, err
		}
		_, _, id := splitKey(doc.Key)
		out = append(out, d.message(id, doc.Version))
	}
	return out, nil
}

func (d *groupDoc) message(id string, version store.Revision) *portalv1.Group {
	return &portalv1.Group{
		Id: id, Name: d.Name, Description: d.Description, SubscriptionId: d.Subscription,
		CreatedAt: timestamppb.New(d.Created), Version: uint64(version),
	}
}

// countMembers returns how many direct members a group has.
func (v *view) countMembers(id string) (uint32, error) {
	var n uint32
	for _, kind := range groupKinds {
		ids, err := collect(v.subjects(group(id), "direct_member", kind.Type, kind.Relation))
		if err != nil {
			return 0, err
		}
		n += uint32(len(ids))
	}
	return n, nil
}

// GetGroup returns a group with its direct members.
func (s *groupService) GetGroup(ctx context.Context, r *portalv1.GetGroupRequest) (*portalv1.GetGroupResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	on, d, version, err := v.findGroup(r.Id)
	if err != nil {
		return nil, err
	}
	if err := v.need(ctx, on, "manage"); err != nil {
		return nil, err
	}
	resp := &portalv1.GetGroupResponse{Group: d.message(r.Id, version), ReadAt: v.token()}
	resp.Group.Allowed = []string{"manage", "delete"}
	for _, kind := range groupKinds {
		for id, err := range v.subjects(on, "direct_member", kind.Type, kind.Relation) {
			if err != nil {
				return nil, err
			}
			kind.ID = id
			m, err := v.member(kind)
			if err != nil {
				return nil, err
			}
			resp.Members = append(resp.Members, m)
		}
	}
	resp.Group.Members = uint32(len(resp.Members))
	return resp, nil
}

// ListUses returns the roles that a group gives.
func (s *groupService) ListUses(ctx context.Context, r *portalv1.ListUsesRequest) (*portalv1.ListUsesResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	on, _, _, err := v.findGroup(r.Id)
	if err != nil {
		return nil, err
	}
	if err := v.need(ctx, on, "manage"); err != nil {
		return nil, err
	}
	resp := &portalv1.ListUsesResponse{ReadAt: v.token()}
	resp.Uses, err = v.uses(on)
	return resp, err
}

// uses returns the roles that a group has on subscriptions and workspaces, and the
// groups that it is in.
func (v *view) uses(on engine.Object) ([]*portalv1.GroupUse, error) {
	var out []*portalv1.GroupUse
	who := subject(on, "member")
	for _, at := range []struct{ kind, role string }{
		{"subscription", "participant"}, {"subscription", roleViewer}, {"model", roleEditor}, {"model", roleContributor},
		{"project", roleDeveloper}, {"diagram", "audience"}, {"group", "direct_member"},
	} {
		for id, err := range v.resources(who, at.kind, at.role) {
			if err != nil {
				return nil, err
			}
			service, err := v.serviceAbove(engine.Object{Type: at.kind, ID: id})
			if err != nil {
				return nil, err
			}
			out = append(out, &portalv1.GroupUse{
				Resource: at.kind + ":" + id, ResourceName: v.called(engine.Object{Type: at.kind, ID: id}), Role: at.role, Service: serviceNumber(service),
			})
		}
	}
	return out, nil
}

// serviceAbove is the service to which an object belongs, "" for none.
func (v *view) serviceAbove(on engine.Object) (string, error) {
	var err error
	for {
		up := ""
		switch on.Type {
		case "subscription":
			return v.serviceOf(on.ID)
		case "model", "project", "group":
			up = "subscription"
		case "diagram":
			up = "model"
		default:
			return "", nil
		}
		var id string
		if id, err = v.single(on, up, up); err != nil || id == "" {
			return "", err
		}
		on = engine.Object{Type: up, ID: id}
	}
}

// ListJobTitles returns the job titles that somebody has.
func (s *groupService) ListJobTitles(ctx context.Context, r *portalv1.ListJobTitlesRequest) (*portalv1.ListJobTitlesResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if err := v.mayGroupSomewhere(ctx); err != nil {
		return nil, err
	}
	search := strings.ToLower(strings.TrimSpace(r.Search))
	resp := &portalv1.ListJobTitlesResponse{ReadAt: v.token()}
	for doc, err := range v.snap.Documents(ctx, titleKey(v.caller.Company, ""), "") {
		if err != nil {
			return nil, err
		}
		var d titleDoc
		if err := decode(doc, &d); err != nil {
			return nil, err
		}
		_, _, id := splitKey(doc.Key)
		if strings.Contains(strings.ToLower(d.Name), search) {
			resp.JobTitles = append(resp.JobTitles, &portalv1.JobTitle{Id: id, Name: d.Name, Holders: d.Holders})
		}
	}
	return resp, nil
}

// mayGroupSomewhere refuses whoever manages groups neither of the company nor of one
// of its subscriptions.
func (v *view) mayGroupSomewhere(ctx context.Context) error {
	if ok, err := v.groupsOfSubscriptions(ctx); err != nil || ok {
		return err
	}
	return v.need(ctx, v.company(), "manage_groups")
}

// groupsOfSubscriptions tells whether the caller manages the groups of a subscription
// of the company.
func (v *view) groupsOfSubscriptions(ctx context.Context) (bool, error) {
	if v.caller.User == "" {
		return false, nil
	}
	for id, err := range v.resources(subject(v.company(), ""), "subscription", "company") {
		if err != nil {
			return false, err
		}
		if ok, err := v.may(ctx, subscription(id), "manage_groups"); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// cyclePath says a cycle of groups by their names.
func (v *view) cyclePath(path []string) string {
	names := make([]string, len(path))
	for i, id := range path {
		var d groupDoc
		if _, err := v.document(groupKey(v.caller.Company, id), &d); err != nil || d.Name == "" {
			names[i] = id
			continue
		}
		names[i] = fmt.Sprintf("“%s”", d.Name)
	}
	return strings.Join(names, " in ")
}
