package server

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/authzed/authzed-go/proto"

	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// openAPI returns the description of everything that HTTP serves as JSON:
// OpenAPI 2.0, that of authzed.api.v1 and ours in one.
func openAPI() ([]byte, error) {
	var all map[string]any
	if err := json.Unmarshal([]byte(proto.OpenAPISchema), &all); err != nil {
		return nil, fmt.Errorf("the description of authzed.api.v1: %w", err)
	}
	all["info"] = map[string]any{
		"title": "Pemba", "version": "v1",
		"description": "authzed.api.v1, pemba.v1, pemba.console.v1, pemba.portal.v1 and the OpenID AuthZEN Authorization API 1.0 over HTTP.",
	}
	for _, ours := range []struct{ name, text string }{{"pemba.v1", pembav1.OpenAPI}, {"pemba.console.v1", consolev1.OpenAPI}, {"pemba.portal.v1", portalv1.OpenAPI}} {
		if err := describeToo(all, ours.name, ours.text); err != nil {
			return nil, err
		}
	}
	maps.Copy(all["paths"].(map[string]any), otherPaths())
	return json.Marshal(all)
}

// describeToo adds the description of an API of ours.
func describeToo(all map[string]any, name, text string) error {
	var ours map[string]any
	if err := json.Unmarshal([]byte(text), &ours); err != nil {
		return fmt.Errorf("the description of %s: %w", name, err)
	}
	for _, section := range []string{"paths", "definitions"} {
		into, ok := all[section].(map[string]any)
		if !ok {
			return fmt.Errorf("the description of authzed.api.v1 has no %s", section)
		}
		from, ok := ours[section].(map[string]any)
		if !ok {
			return fmt.Errorf("the description of %s has no %s", name, section)
		}
		maps.Copy(into, from)
	}
	return nil
}

// otherPaths describes what is no RPC.
func otherPaths() map[string]any {
	paths := map[string]any{}
	describe := func(method, path, tag, summary string) {
		operation := map[string]any{
			"summary": summary, "operationId": tag + path, "tags": []string{tag},
			"responses": map[string]any{"200": map[string]any{"description": "The answer.", "schema": map[string]any{"type": "object"}}},
		}
		if method == "post" {
			operation["parameters"] = []any{map[string]any{"name": "body", "in": "body", "required": true, "schema": map[string]any{"type": "object"}}}
		} else {
			operation["security"] = []any{}
		}
		paths[path] = map[string]any{method: operation}
	}
	describe("post", pathEvaluation, "AuthZEN", "May the subject do the action on the resource?")
	describe("post", pathEvaluations, "AuthZEN", "The same for several requests.")
	describe("post", pathSearchSubject, "AuthZEN", "Which subjects may do the action on the resource?")
	describe("post", pathSearchResource, "AuthZEN", "On which resources may the subject do the action?")
	describe("post", pathSearchAction, "AuthZEN", "Which actions may the subject do on the resource?")
	describe("get", pathDiscovery, "AuthZEN", "Where the endpoints are.")
	describe("get", "/healthz", "Health", "Should this server get requests?")
	describe("get", "/readyz", "Health", "Should this server get requests?")
	describe("get", "/livez", "Health", "Is the process sound?")
	return paths
}
