package server

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"slices"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/engine"
)

// maxPage is how many results a page of a search has at most, and has when no
// limit is given.
const maxPage = 1000

// found is the answer to a search.
type found struct {
	Page    foundPage      `json:"page"`
	Context map[string]any `json:"context,omitempty"`
	Results []any          `json:"results"`
}

type foundPage struct {
	NextToken string `json:"next_token"` // "": this is the last page
	Count     int    `json:"count"`
}

type foundEntity struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type foundAction struct {
	Name string `json:"name"`
}

// pageLimit is how many results the caller wants at once.
func (r *authZENRequest) pageLimit() (int, error) {
	switch {
	case r.Page.Limit == nil:
		return maxPage, nil
	case *r.Page.Limit <= 0:
		return 0, status.Errorf(codes.InvalidArgument, "page.limit is %d; it must be positive", *r.Page.Limit)
	}
	return min(*r.Page.Limit, maxPage), nil
}

// cursor is where the caller goes on; nil: at the start.
func (r *authZENRequest) cursor() *v1.Cursor {
	if r.Page.Token == "" {
		return nil
	}
	return &v1.Cursor{Token: r.Page.Token}
}

// collect reads results until a page is full. next gives a result (nil to pass
// it over) and the cursor after it.
func collect(limit int, next func() (any, *v1.Cursor, error)) (*found, error) {
	page := &found{Results: []any{}}
	var after *v1.Cursor
	for {
		result, cursor, err := next()
		switch {
		case errors.Is(err, io.EOF):
			return page.counted(), nil
		case err != nil:
			if isUnknownName(status.Convert(err)) {
				return page.counted(), nil
			}
			return nil, err
		case result == nil:
			continue
		case len(page.Results) == limit:
			page.Page.NextToken = after.GetToken()
			return page.counted(), nil
		}
		page.Results, after = append(page.Results, result), cursor
	}
}

func (f *found) counted() *found {
	f.Page.Count = len(f.Results)
	return f
}

// searchError answers a search that names what no schema can define: it finds
// nothing.
func (z *authZEN) searchError(ctx context.Context, err error) (any, error) {
	if _, ok := errors.AsType[*unknownNameError](err); ok {
		return (&found{Results: []any{}}).counted(), z.refuse(ctx, nil)
	}
	return nil, status.Error(codes.InvalidArgument, err.Error())
}

// searchResource finds the resources of a type on which a subject may do an action.
func (z *authZEN) searchResource(ctx context.Context, r *authZENRequest) (any, error) {
	limit, err := r.pageLimit()
	if err != nil {
		return nil, err
	}
	request, err := z.toLookupResources(r)
	if err != nil {
		return z.searchError(ctx, err)
	}
	ctx, cancel := context.WithCancel(ctx) // ends the stream with the page
	defer cancel()
	stream, err := z.permissions.LookupResources(ctx, request)
	if err != nil {
		return nil, err
	}
	return collect(limit, func() (any, *v1.Cursor, error) {
		resp, err := stream.Recv()
		if err != nil || resp.Permissionship != v1.LookupPermissionship_LOOKUP_PERMISSIONSHIP_HAS_PERMISSION {
			return nil, nil, err
		}
		return foundEntity{r.Resource.Type, idCode.decode(resp.ResourceObjectId)}, resp.AfterResultCursor, nil
	})
}

func (z *authZEN) toLookupResources(r *authZENRequest) (*v1.LookupResourcesRequest, error) {
	err := missingFields(
		field{"subject.type", r.Subject != nil && r.Subject.Type != ""}, field{"subject.id", r.Subject != nil && r.Subject.ID != ""},
		field{"action.name", r.Action != nil && r.Action.Name != ""}, field{"resource.type", r.Resource != nil && r.Resource.Type != ""})
	if err != nil {
		return nil, err
	}
	if engine.CheckTypeName(r.Resource.Type) != nil {
		return nil, &unknownNameError{"type", r.Resource.Type}
	}
	object, err := toReference(r.Subject)
	if err != nil {
		return nil, err
	}
	request := &v1.LookupResourcesRequest{
		ResourceObjectType: r.Resource.Type, Subject: &v1.SubjectReference{Object: object}, OptionalCursor: r.cursor(),
	}
	if request.Permission, err = z.toPermission(r.Action); err != nil {
		return nil, err
	}
	request.Context, err = toCaveatContext(r.Subject, r.Action, r.Resource, r.Context)
	return request, err
}

// searchSubject finds the subjects of a type that may do an action on a
// resource. That everyone may is said in the context of the answer, with the
// ids of those who may not.
func (z *authZEN) searchSubject(ctx context.Context, r *authZENRequest) (any, error) {
	limit, err := r.pageLimit()
	if err != nil {
		return nil, err
	}
	request, err := z.toLookupSubjects(r)
	if err != nil {
		return z.searchError(ctx, err)
	}
	ctx, cancel := context.WithCancel(ctx) // ends the stream with the page
	defer cancel()
	stream, err := z.permissions.LookupSubjects(ctx, request)
	if err != nil {
		return nil, err
	}
	var everyone map[string]any
	page, err := collect(limit, func() (any, *v1.Cursor, error) {
		resp, err := stream.Recv()
		if err != nil || resp.Subject.Permissionship != v1.LookupPermissionship_LOOKUP_PERMISSIONSHIP_HAS_PERMISSION {
			return nil, nil, err
		}
		if resp.Subject.SubjectObjectId == engine.Wildcard {
			everyone = toEveryone(resp.ExcludedSubjects)
			return nil, nil, nil
		}
		return foundEntity{r.Subject.Type, idCode.decode(resp.Subject.SubjectObjectId)}, resp.AfterResultCursor, nil
	})
	if err != nil {
		return nil, err
	}
	page.Context = everyone
	return page, nil
}

// toEveryone says who is left out of everyone.
func toEveryone(excluded []*v1.ResolvedSubject) map[string]any {
	ids := make([]string, len(excluded))
	for i, e := range excluded {
		ids[i] = idCode.decode(e.SubjectObjectId)
	}
	return map[string]any{"everyone": map[string]any{"except": ids}}
}

func (z *authZEN) toLookupSubjects(r *authZENRequest) (*v1.LookupSubjectsRequest, error) {
	err := missingFields(
		field{"subject.type", r.Subject != nil && r.Subject.Type != ""}, field{"action.name", r.Action != nil && r.Action.Name != ""},
		field{"resource.type", r.Resource != nil && r.Resource.Type != ""}, field{"resource.id", r.Resource != nil && r.Resource.ID != ""})
	if err != nil {
		return nil, err
	}
	if engine.CheckTypeName(r.Subject.Type) != nil {
		return nil, &unknownNameError{"type", r.Subject.Type}
	}
	request := &v1.LookupSubjectsRequest{SubjectObjectType: r.Subject.Type, OptionalCursor: r.cursor()}
	if request.Resource, err = toReference(r.Resource); err != nil {
		return nil, err
	}
	if request.Permission, err = z.toPermission(r.Action); err != nil {
		return nil, err
	}
	request.Context, err = toCaveatContext(r.Subject, r.Action, r.Resource, r.Context)
	return request, err
}

// searchAction finds what a subject may do on a resource. Its pages go on after
// the name of an action.
func (z *authZEN) searchAction(ctx context.Context, r *authZENRequest) (any, error) {
	limit, err := r.pageLimit()
	if err != nil {
		return nil, err
	}
	after, err := base64.RawURLEncoding.DecodeString(r.Page.Token)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "page.token is malformed; give one back exactly as it was received")
	}
	if err := missingFields(
		field{"subject.type", r.Subject != nil && r.Subject.Type != ""}, field{"subject.id", r.Subject != nil && r.Subject.ID != ""},
		field{"resource.type", r.Resource != nil && r.Resource.Type != ""}, field{"resource.id", r.Resource != nil && r.Resource.ID != ""},
	); err != nil {
		return z.searchError(ctx, err)
	}
	actions, err := z.actionsOf(ctx, r.Resource.Type, string(after))
	if err != nil {
		return nil, err
	}
	var items []*v1.CheckBulkPermissionsRequestItem
	for _, name := range actions {
		item, err := z.toCheck(r.Subject, &action{Name: name}, r.Resource, r.Context)
		if err != nil {
			return z.searchError(ctx, err)
		}
		items = append(items, item)
	}
	decisions, err := z.decide(ctx, items)
	if err != nil {
		return nil, err
	}
	page := &found{Results: []any{}}
	for i, d := range decisions {
		if !d.Decision {
			continue
		}
		if len(page.Results) == limit {
			page.Page.NextToken = base64.RawURLEncoding.EncodeToString([]byte(actions[i-1]))
			break
		}
		page.Results = append(page.Results, foundAction{actions[i]})
	}
	return page.counted(), nil
}

// actionsOf returns what can be asked for on resources of a type, after the
// name given, by name: its permissions, and its relations if so configured. An
// unknown type has none.
func (z *authZEN) actionsOf(ctx context.Context, typeName, after string) ([]string, error) {
	newest, err := z.server.newestSchema(ctx)
	if err != nil {
		return nil, z.server.status(ctx, pathSearchAction, err)
	}
	var names []string
	if t := newest.Type(typeName); t != nil {
		for _, r := range t.Members {
			if r.IsPermission() || z.config.AuthZEN.Relations {
				names = append(names, z.actions.names(r.Name)...)
			}
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool { return name <= after }), nil
}
