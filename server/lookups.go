package server

import (
	"context"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"

	"github.com/pemba-authz/pemba/engine"
)

// LookupResources streams the resources that hold the subject, by ascending id.
func (p *permissionsService) LookupResources(r *v1.LookupResourcesRequest, out grpc.ServerStreamingServer[v1.LookupResourcesResponse]) error {
	ctx := out.Context()
	if err := checkLimit(r.OptionalLimit, p.limits.PageLimit); err != nil {
		return err
	}
	subject, err := toSubject(r.Subject, "subject")
	if err != nil {
		return err
	}
	a, cursors, after, err := p.resume(ctx, r, r.Consistency, r.OptionalCursor, r.Context)
	if err != nil {
		return err
	}
	defer a.Close()
	l := p.newSearch(a, r, r.OptionalLimit, func(slowest string) checkQuestion {
		return checkQuestion{engine.Object{Type: r.ResourceObjectType, ID: slowest}, r.Permission, subject}
	})
	defer l.end(ctx)
	found, err := findIn(ctx, l, cursors, func(ctx context.Context) (*engine.ResourceCandidates, error) {
		return a.engine.ResourceCandidates(ctx, r.ResourceObjectType, r.Permission, subject)
	})
	if err != nil {
		return err
	}
	ctx, end := l.checking(ctx)
	defer end()
	token := a.token()
	for resource, err := range found.Results(ctx, &a.engine, after) {
		if err != nil {
			return err
		}
		err := out.Send(&v1.LookupResourcesResponse{
			LookedUpAt: token, ResourceObjectId: resource.ID,
			Permissionship: fromFoundState(resource.State), PartialCaveatInfo: fromMissing(resource.Missing),
			AfterResultCursor: cursors.at(resource.ID),
		})
		if err != nil {
			return err
		}
		if l.sent++; l.sent == int(r.OptionalLimit) {
			return nil
		}
	}
	return nil
}

// LookupSubjects streams the subjects that the resource holds, by ascending id;
// the wildcard comes first.
func (p *permissionsService) LookupSubjects(r *v1.LookupSubjectsRequest, out grpc.ServerStreamingServer[v1.LookupSubjectsResponse]) error {
	ctx := out.Context()
	if err := checkLimit(r.OptionalConcreteLimit, p.limits.PageLimit); err != nil {
		return err
	}
	resource, err := toObject(r.Resource, "resource")
	if err != nil {
		return err
	}
	a, cursors, after, err := p.resume(ctx, r, r.Consistency, r.OptionalCursor, r.Context)
	if err != nil {
		return err
	}
	defer a.Close()
	l := p.newSearch(a, r, r.OptionalConcreteLimit, func(slowest string) checkQuestion {
		return checkQuestion{resource, r.Permission, engine.Subject{
			Object: engine.Object{Type: r.SubjectObjectType, ID: slowest}, Relation: r.OptionalSubjectRelation,
		}}
	})
	defer l.end(ctx)
	found, err := findIn(ctx, l, cursors, func(ctx context.Context) (*engine.SubjectCandidates, error) {
		return a.engine.SubjectCandidates(ctx, resource, r.Permission, r.SubjectObjectType, r.OptionalSubjectRelation)
	})
	if err != nil {
		return err
	}
	ctx, end := l.checking(ctx)
	defer end()
	concrete, token := uint32(0), a.token()
	for subject, err := range found.Results(ctx, &a.engine, after) {
		if err != nil {
			return err
		}
		wildcard := subject.ID == engine.Wildcard
		if wildcard && r.WildcardOption == v1.LookupSubjectsRequest_WILDCARD_OPTION_EXCLUDE_WILDCARDS {
			continue
		}
		resp := fromFoundSubject(subject)
		resp.LookedUpAt, resp.AfterResultCursor = token, cursors.at(subject.ID)
		if err := out.Send(resp); err != nil {
			return err
		}
		l.sent++
		if wildcard {
			continue
		}
		if concrete++; concrete == r.OptionalConcreteLimit {
			return nil
		}
	}
	return nil
}
