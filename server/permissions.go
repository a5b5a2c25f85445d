package server

import (
	"context"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pemba-authz/pemba/engine"
)

// permissionsService is authzed.api.v1.PermissionsService. Its methods are in
// permissions.go (checks and expansions), bulkchecks.go, lookups.go,
// relationships.go and bulk.go.
type permissionsService struct {
	v1.UnimplementedPermissionsServiceServer
	*Server
}

// checkQuestion is what one check asks.
type checkQuestion struct {
	resource   engine.Object
	permission string
	subject    engine.Subject
}

// checkParts is what checks of all kinds have in common.
type checkParts interface {
	GetResource() *v1.ObjectReference
	GetPermission() string
	GetSubject() *v1.SubjectReference
	GetContext() *structpb.Struct
}

func toCheck(r checkParts) (checkQuestion, error) {
	resource, err := toObject(r.GetResource(), "resource")
	if err != nil {
		return checkQuestion{}, err
	}
	if err := checkPermissionName(r.GetPermission()); err != nil {
		return checkQuestion{}, err
	}
	subject, err := toSubject(r.GetSubject(), "subject")
	return checkQuestion{resource, r.GetPermission(), subject}, err
}

// CheckPermission answers one check.
func (p *permissionsService) CheckPermission(ctx context.Context, r *v1.CheckPermissionRequest) (*v1.CheckPermissionResponse, error) {
	q, err := toCheck(r)
	if err != nil {
		return nil, err
	}
	a, err := p.question(ctx, r.Consistency, r.Context)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if legacy := wantsLegacyTrace(ctx); legacy || r.WithTracing {
		return p.tracedCheck(ctx, a, q, legacy)
	}
	ctx, end := p.room(ctx, "engine.Check")
	answer, err := a.engine.Check(ctx, q.resource, q.permission, q.subject)
	end()
	p.checked(answer, err)
	p.traceIfSlow(ctx, a, q)
	if err != nil {
		return nil, err
	}
	callOf(ctx).answered(answer)
	return a.checkResponse(answer), nil
}

func (a *asked) checkResponse(answer engine.Answer) *v1.CheckPermissionResponse {
	return &v1.CheckPermissionResponse{
		CheckedAt:         a.token(),
		Permissionship:    fromState(answer.State),
		PartialCaveatInfo: fromMissing(answer.Missing),
		OptionalExpiresAt: fromTime(answer.Until),
	}
}

// tracedCheck answers one check and shows how the answer came about.
func (p *permissionsService) tracedCheck(ctx context.Context, a *asked, q checkQuestion, legacy bool) (*v1.CheckPermissionResponse, error) {
	answer, trace, err := p.explain(ctx, a, q)
	p.checked(answer, err)
	if err != nil {
		return nil, err
	}
	callOf(ctx).answered(answer)
	if legacy {
		setLegacyTrace(ctx, trace)
	}
	resp := a.checkResponse(answer)
	resp.DebugTrace = trace
	return resp, nil
}

// ExpandPermissionTree shows what a permission of one object is made of.
func (p *permissionsService) ExpandPermissionTree(ctx context.Context, r *v1.ExpandPermissionTreeRequest) (*v1.ExpandPermissionTreeResponse, error) {
	resource, err := toObject(r.Resource, "resource")
	if err != nil {
		return nil, err
	}
	a, err := p.question(ctx, r.Consistency, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	ctx, end := p.room(ctx, "engine.Expand")
	tree, err := a.engine.Expand(ctx, resource, r.Permission, false)
	end()
	if err != nil {
		return nil, err
	}
	return &v1.ExpandPermissionTreeResponse{ExpandedAt: a.token(), TreeRoot: fromTree(tree)}, nil
}
