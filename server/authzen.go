package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// AuthZENConfig says how the OpenID AuthZEN Authorization API 1.0 is mapped to
// the schema. The zero value takes names as they are.
type AuthZENConfig struct {
	// Actions maps names of actions to permissions: "GET" to "read". Actions
	// that are not in it are taken as they are, or encoded (see actionCode).
	Actions map[string]string

	// Relations makes the search for actions answer with relations too, not
	// only with permissions.
	Relations bool

	// Capabilities are the registered capabilities that the discovery document
	// names.
	Capabilities []string
}

func (c AuthZENConfig) validate() error {
	for action, permission := range c.Actions {
		if action == "" || permission == "" {
			return fmt.Errorf("action %q is mapped to permission %q; both need a name", action, permission)
		}
	}
	return nil
}

const (
	pathEvaluation     = "/access/v1/evaluation"
	pathEvaluations    = "/access/v1/evaluations"
	pathSearchSubject  = "/access/v1/search/subject"
	pathSearchResource = "/access/v1/search/resource"
	pathSearchAction   = "/access/v1/search/action"
	pathDiscovery      = "/.well-known/authzen-configuration"
)

// authZEN serves the AuthZEN API by calls of the gRPC side. authzen_search.go
// has its searches, authzen_names.go how names and contexts are mapped.
type authZEN struct {
	config      HTTPConfig
	actions     actionTable
	permissions v1.PermissionsServiceClient
	server      *Server // of which it knows the schema, and who asks by calls alone
}

func (s *Server) newAuthZEN(c HTTPConfig, conn *grpc.ClientConn) *authZEN {
	return &authZEN{
		config: c, actions: newActionTable(c.AuthZEN.Actions),
		permissions: v1.NewPermissionsServiceClient(conn), server: s,
	}
}

func (z *authZEN) register(mux *http.ServeMux) {
	mux.HandleFunc("POST "+pathEvaluation, z.handle(z.evaluation))
	mux.HandleFunc("POST "+pathEvaluations, z.handle(z.evaluations))
	mux.HandleFunc("POST "+pathSearchSubject, z.handle(z.searchSubject))
	mux.HandleFunc("POST "+pathSearchResource, z.handle(z.searchResource))
	mux.HandleFunc("POST "+pathSearchAction, z.handle(z.searchAction))
	mux.HandleFunc("GET "+pathDiscovery, z.discovery)
}

// entity is a subject or a resource.
type entity struct {
	Type       string         `json:"type"`
	ID         string         `json:"id"`
	Properties map[string]any `json:"properties"`
}

type action struct {
	Name       string         `json:"name"`
	Properties map[string]any `json:"properties"`
}

// authZENRequest is the request of every endpoint; each looks at its own part.
type authZENRequest struct {
	Subject  *entity        `json:"subject"`
	Action   *action        `json:"action"`
	Resource *entity        `json:"resource"`
	Context  map[string]any `json:"context"`

	Evaluations []json.RawMessage `json:"evaluations"`
	Options     struct {
		Semantic string `json:"evaluations_semantic"`
	} `json:"options"`
	Page struct {
		Limit *int   `json:"limit"`
		Token string `json:"token"`
	} `json:"page"`
}

// decision is the answer to one evaluation.
type decision struct {
	Decision bool           `json:"decision"`
	Context  map[string]any `json:"context,omitempty"`
}

// errorDecision is the answer to what cannot be decided.
func errorDecision(code int, msg string) decision {
	return decision{Context: map[string]any{"error": map[string]any{"status": code, "message": msg}}}
}

// handle makes the handler of an endpoint: JSON in and out, errors as a string.
func (z *authZEN) handle(answer func(context.Context, *authZENRequest) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx := metadata.NewOutgoingContext(r.Context(), passHeaders(r))
		request, err := z.read(w, r)
		var resp any
		if err != nil {
			err = status.Error(codes.InvalidArgument, err.Error())
		} else {
			resp, err = answer(ctx, request)
		}
		if status.Code(err) == codes.InvalidArgument {
			err = z.refuse(ctx, err)
		}
		if err != nil {
			st := status.Convert(err)
			writeJSON(w, httpStatus(st.Code()), st.Message())
			return
		}
		writeJSON(w, http.StatusOK, resp)
	}
}

// refuse answers a request that needs no decision: a caller without a valid
// token learns that, anybody else the error given.
func (z *authZEN) refuse(ctx context.Context, err error) error {
	if _, denied := z.decide(ctx, nil); denied != nil {
		return denied
	}
	return err
}

// read reads the body of a request. Fields that are not known are ignored.
func (z *authZEN) read(w http.ResponseWriter, r *http.Request) (*authZENRequest, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, fmt.Errorf("the content type is %q; it must be application/json", r.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, z.config.MaxBody))
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	request := &authZENRequest{}
	return request, unmarshal("the request", body, request)
}

// unmarshal reads JSON, and says what is wrong in the terms of the API.
func unmarshal(what string, text []byte, v any) error {
	err := json.Unmarshal(text, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return fmt.Errorf("%s is no JSON object, but %s", what, wrong.Value)
		}
		return fmt.Errorf("%s: %s must not be %s", what, wrong.Field, wrong.Value)
	}
	if err != nil {
		return fmt.Errorf("%s is no JSON: %w", what, err)
	}
	return nil
}

// passHeaders makes the metadata of the calls that are made for a request.
func passHeaders(r *http.Request) metadata.MD {
	md := metadata.MD{}
	for key, values := range r.Header {
		if name, ok := passHeader(key); ok && !strings.HasPrefix(name, "grpcgateway-") {
			md.Append(name, values...)
		}
	}
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		md.Set("authorization", values...)
	}
	md.Append(forwardedFor, append(r.Header.Values("X-Forwarded-For"), remoteHost(r))...)
	return md
}

// httpStatus says how a failed call is answered.
func httpStatus(code codes.Code) int {
	switch code {
	case codes.InvalidArgument:
		return http.StatusBadRequest
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	case codes.DeadlineExceeded:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// evaluation answers one question.
func (z *authZEN) evaluation(ctx context.Context, r *authZENRequest) (any, error) {
	item, err := z.toCheck(r.Subject, r.Action, r.Resource, r.Context)
	if err != nil {
		if unknown, ok := errors.AsType[*unknownNameError](err); ok {
			return errorDecision(http.StatusNotFound, unknown.Error()), z.refuse(ctx, nil)
		}
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	decisions, err := z.decide(ctx, []*v1.CheckBulkPermissionsRequestItem{item})
	if err != nil {
		return nil, err
	}
	return decisions[0], nil
}

// semantics are the values of options.evaluations_semantic, each with the
// decision that ends the list; nil: none does.
var semantics = map[string]*bool{
	"":                       nil,
	"execute_all":            nil,
	"deny_on_first_deny":     new(false),
	"permit_on_first_permit": new(true),
}

// evaluations answers several questions at one revision.
func (z *authZEN) evaluations(ctx context.Context, r *authZENRequest) (any, error) {
	if len(r.Evaluations) == 0 {
		return z.evaluation(ctx, r)
	}
	last, ok := semantics[r.Options.Semantic]
	if !ok {
		return nil, status.Errorf(codes.InvalidArgument,
			"evaluations_semantic is %.80q; it must be execute_all, deny_on_first_deny or permit_on_first_permit", r.Options.Semantic)
	}
	answers := make([]decision, len(r.Evaluations))
	var items []*v1.CheckBulkPermissionsRequestItem
	var places []int // of the items among the answers
	for i, raw := range r.Evaluations {
		item, err := z.itemOf(r, raw)
		switch unknown, ok := errors.AsType[*unknownNameError](err); {
		case ok:
			answers[i] = errorDecision(http.StatusNotFound, unknown.Error())
		case err != nil:
			answers[i] = errorDecision(http.StatusBadRequest, err.Error())
		default:
			items, places = append(items, item), append(places, i)
		}
	}
	decisions, err := z.decide(ctx, items)
	if err != nil {
		return nil, err
	}
	for n, i := range places {
		answers[i] = decisions[n]
	}
	if last != nil {
		for i, a := range answers {
			if a.Decision == *last {
				answers = answers[:i+1]
				break
			}
		}
	}
	return map[string]any{"evaluations": answers}, nil
}

// itemOf reads one of several evaluations: what it lacks is taken whole from
// the request around it.
func (z *authZEN) itemOf(r *authZENRequest, raw json.RawMessage) (*v1.CheckBulkPermissionsRequestItem, error) {
	item := authZENRequest{}
	if err := unmarshal("the evaluation", raw, &item); err != nil {
		return nil, err
	}
	if item.Subject == nil {
		item.Subject = r.Subject
	}
	if item.Action == nil {
		item.Action = r.Action
	}
	if item.Resource == nil {
		item.Resource = r.Resource
	}
	if item.Context == nil {
		item.Context = r.Context
	}
	return z.toCheck(item.Subject, item.Action, item.Resource, item.Context)
}

// decide asks the server, which also judges who asks, and so is asked for
// nothing too.
func (z *authZEN) decide(ctx context.Context, items []*v1.CheckBulkPermissionsRequestItem) ([]decision, error) {
	resp, err := z.permissions.CheckBulkPermissions(ctx, &v1.CheckBulkPermissionsRequest{Items: items})
	if err != nil {
		return nil, err
	}
	out := make([]decision, len(resp.Pairs))
	for i, pair := range resp.Pairs {
		out[i] = toDecision(pair)
	}
	return out, nil
}

// toDecision converts an answer. One that depends on what was not given is a
// denial that names it.
func toDecision(pair *v1.CheckBulkPermissionsPair) decision {
	if failed := pair.GetError(); failed != nil {
		return errorDecision(itemStatus(status.FromProto(failed)), failed.Message)
	}
	switch item := pair.GetItem(); item.GetPermissionship() {
	case v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION:
		return decision{Decision: true}
	case v1.CheckPermissionResponse_PERMISSIONSHIP_CONDITIONAL_PERMISSION:
		return decision{Context: map[string]any{"missing_context": item.GetPartialCaveatInfo().GetMissingRequiredContext()}}
	}
	return decision{}
}

// itemStatus says why one question has no answer, as an HTTP status.
func itemStatus(st *status.Status) int {
	if isUnknownName(st) {
		return http.StatusNotFound
	}
	return httpStatus(st.Code())
}

// isUnknownName reports whether a call failed because the schema does not
// define what it names.
func isUnknownName(st *status.Status) bool {
	switch reasonOf(st) {
	case v1.ErrorReason_ERROR_REASON_UNKNOWN_DEFINITION, v1.ErrorReason_ERROR_REASON_UNKNOWN_RELATION_OR_PERMISSION:
		return true
	}
	return false
}

// discovery tells where the endpoints are.
func (z *authZEN) discovery(w http.ResponseWriter, _ *http.Request) {
	base := z.config.PublicURL
	document := map[string]any{
		"policy_decision_point":       base,
		"access_evaluation_endpoint":  base + pathEvaluation,
		"access_evaluations_endpoint": base + pathEvaluations,
		"search_subject_endpoint":     base + pathSearchSubject,
		"search_resource_endpoint":    base + pathSearchResource,
		"search_action_endpoint":      base + pathSearchAction,
	}
	if len(z.config.AuthZEN.Capabilities) > 0 {
		document["capabilities"] = z.config.AuthZEN.Capabilities
	}
	writeJSON(w, http.StatusOK, document)
}
