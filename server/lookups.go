package server

import (
	"context"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"

	"github.com/maypok86/otter/v2"

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
	found, err := p.candidatesOf(ctx, a, cursors, r, subject)
	if err != nil {
		return err
	}
	sent, token := uint32(0), a.token()
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
		p.metrics.lookedUp.Inc()
		if sent++; sent == r.OptionalLimit {
			return nil
		}
	}
	return nil
}

// candidatesOf returns what a lookup has to check: from the page before, or
// found now and kept for the next one.
func (p *permissionsService) candidatesOf(ctx context.Context, a *asked, c *cursors, r *v1.LookupResourcesRequest, subject engine.Subject) (*engine.ResourceCandidates, error) {
	if r.OptionalCursor != nil {
		if found, ok := p.candidates.get(c); ok {
			return found, nil
		}
	}
	found, err := a.engine.ResourceCandidates(ctx, r.ResourceObjectType, r.Permission, subject)
	if err == nil && r.OptionalLimit > 0 && found.Len() > int(r.OptionalLimit) {
		p.candidates.keep(c, found)
	}
	return found, err
}

// candidateCache keeps the candidates of lookups that are read page by page, so
// that not every page collects them. What it holds is exact: its key names the
// question, the revision and the time.
type candidateCache struct {
	held *otter.Cache[string, *engine.ResourceCandidates]
}

const (
	candidateCacheBytes = 64 << 20
	candidateBytes      = 40 // of one candidate, roughly
)

func newCandidateCache() (*candidateCache, error) {
	held, err := otter.New(&otter.Options[string, *engine.ResourceCandidates]{
		MaximumWeight: candidateCacheBytes,
		Weigher: func(_ string, c *engine.ResourceCandidates) uint32 {
			return uint32(min(int64(c.Len())*candidateBytes+256, candidateCacheBytes))
		},
	})
	return &candidateCache{held}, err
}

func (c *candidateCache) get(of *cursors) (*engine.ResourceCandidates, bool) {
	return c.held.GetIfPresent(string(of.head))
}

func (c *candidateCache) keep(of *cursors, found *engine.ResourceCandidates) {
	c.held.Set(string(of.head), found)
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
	concrete, token := uint32(0), a.token()
	for found, err := range a.engine.LookupSubjects(ctx, resource, r.Permission, r.SubjectObjectType, r.OptionalSubjectRelation, after) {
		if err != nil {
			return err
		}
		wildcard := found.ID == engine.Wildcard
		if wildcard && r.WildcardOption == v1.LookupSubjectsRequest_WILDCARD_OPTION_EXCLUDE_WILDCARDS {
			continue
		}
		resp := fromFoundSubject(found)
		resp.LookedUpAt, resp.AfterResultCursor = token, cursors.at(found.ID)
		if err := out.Send(resp); err != nil {
			return err
		}
		p.metrics.lookedUp.Inc()
		if wildcard {
			continue
		}
		if concrete++; concrete == r.OptionalConcreteLimit {
			return nil
		}
	}
	return nil
}
