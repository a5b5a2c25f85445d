package server

import (
	"context"
	"fmt"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pemba-authz/pemba/engine"
)

// permissionsService is authzed.api.v1.PermissionsService. Its methods are in
// permissions.go (checks and expansions), lookups.go, relationships.go and
// bulk.go.
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
	p.metrics.checked(answer, err)
	p.traceIfSlow(ctx, a, q)
	if err != nil {
		return nil, err
	}
	callOf(ctx).answered(answer.Reads)
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
	p.metrics.checked(answer, err)
	if err != nil {
		return nil, err
	}
	callOf(ctx).answered(answer.Reads)
	if legacy {
		setLegacyTrace(ctx, trace)
	}
	resp := a.checkResponse(answer)
	resp.DebugTrace = trace
	return resp, nil
}

// CheckBulkPermissions answers many checks at one revision and one time. A
// check that cannot be answered fails alone.
func (p *permissionsService) CheckBulkPermissions(ctx context.Context, r *v1.CheckBulkPermissionsRequest) (*v1.CheckBulkPermissionsResponse, error) {
	if len(r.Items) > p.limits.Checks {
		return nil, tooMany(v1.ErrorReason_ERROR_REASON_TOO_MANY_CHECKS_IN_REQUEST, "check", len(r.Items), p.limits.Checks)
	}
	b := &bulk{Server: p.Server, traced: r.WithTracing, left: maxTracedReads, pairs: make([]*v1.CheckBulkPermissionsPair, len(r.Items))}
	if err := b.convert(r.Items); err != nil {
		return nil, err
	}
	a, err := p.question(ctx, r.Consistency, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	if err := b.answer(ctx, a); err != nil {
		return nil, err
	}
	return &v1.CheckBulkPermissionsResponse{CheckedAt: a.token(), Pairs: b.pairs}, nil
}

// bulk is the work of one bulk check.
type bulk struct {
	*Server
	traced bool
	left   int // reads that traced checks may still do
	schema int // bytes of the schemas in the traces so far
	groups []*bulkGroup
	pairs  []*v1.CheckBulkPermissionsPair // as the items
}

// bulkGroup is what shares its work: the items about one subject under one
// context, in their order.
type bulkGroup struct {
	subject engine.Subject
	values  map[string]any // the context
	items   []bulkItem
}

type bulkItem struct {
	index    int
	question checkQuestion
}

// convert puts every item into its group, and refuses the request for one that
// is malformed.
func (b *bulk) convert(items []*v1.CheckBulkPermissionsRequestItem) error {
	type key struct {
		subject engine.Subject
		context string
	}
	groups := make(map[key]*bulkGroup)
	for i, item := range items {
		q, err := toCheck(item)
		if err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
		b.pairs[i] = &v1.CheckBulkPermissionsPair{Request: item}
		context, err := proto.MarshalOptions{Deterministic: true}.Marshal(item.Context)
		if err != nil {
			return invalid("item %d: context: %w", i, err)
		}
		g := groups[key{q.subject, string(context)}]
		if g == nil {
			values, err := toContext(item.Context, b.limits.Context)
			if err != nil {
				return fmt.Errorf("item %d: %w", i, err)
			}
			g = &bulkGroup{subject: q.subject, values: values}
			groups[key{q.subject, string(context)}] = g
			b.groups = append(b.groups, g)
		}
		g.items = append(g.items, bulkItem{i, q})
	}
	return nil
}

// answer fills in the response of every pair.
func (b *bulk) answer(ctx context.Context, a *asked) error {
	for _, g := range b.groups {
		group := *a
		group.engine.Context = g.values
		checker := group.engine.Checker(ctx, g.subject)
		for _, item := range g.items {
			err := ctx.Err()
			if err == nil {
				err = b.answerItem(ctx, &group, checker, item)
			}
			if err != nil {
				checker.Release()
				return err
			}
		}
		checker.Release()
	}
	return nil
}

// answerItem fills in one response. It returns an error only for one that is
// not the item's own.
func (b *bulk) answerItem(ctx context.Context, a *asked, checker *engine.Checker, item bulkItem) error {
	pair, q := b.pairs[item.index], item.question
	var answer engine.Answer
	var trace *v1.DebugInformation
	var err error
	if b.traced {
		answer, trace, err = b.explainItem(ctx, a, q)
	} else {
		answer, err = checker.Check(q.resource, q.permission)
	}
	b.metrics.checked(answer, err)
	if err == nil {
		pair.Response = &v1.CheckBulkPermissionsPair_Item{Item: &v1.CheckBulkPermissionsResponseItem{
			Permissionship: fromState(answer.State), PartialCaveatInfo: fromMissing(answer.Missing), DebugTrace: trace,
		}}
		return nil
	}
	v, known := classify(err)
	if !known || ctx.Err() != nil {
		return err
	}
	pair.Response = &v1.CheckBulkPermissionsPair_Error{Error: v.status(err.Error()).Proto()}
	return nil
}

// explainItem answers one check with its trace, within what is left to the
// traces of the request.
func (b *bulk) explainItem(ctx context.Context, a *asked, q checkQuestion) (engine.Answer, *v1.DebugInformation, error) {
	if b.left <= 0 {
		return engine.Answer{}, nil, &engine.LimitError{What: "relationship reads for traced checks", Limit: maxTracedReads}
	}
	within := *a
	within.engine.Limits.Reads = b.left
	answer, trace, err := b.explain(ctx, &within, q)
	if err != nil {
		return engine.Answer{}, nil, err
	}
	b.left -= answer.Reads
	if b.schema += len(trace.SchemaUsed); b.schema > len(trace.SchemaUsed) && b.schema > maxTracedSchemas {
		trace.SchemaUsed = "" // it is that of the first
	}
	return answer, trace, nil
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
	tree, err := a.engine.Expand(ctx, resource, r.Permission, false)
	if err != nil {
		return nil, err
	}
	return &v1.ExpandPermissionTreeResponse{ExpandedAt: a.token(), TreeRoot: fromTree(tree)}, nil
}
