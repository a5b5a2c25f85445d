// Package portalv1 is the API of the Customer Portal: people, subscriptions,
// workspaces, diagrams, groups, settings and the audit log of a company. All of it
// but this file is made from the .proto files beside it; `make gen` makes it again.
package portalv1

import _ "embed"

// OpenAPI describes the HTTP form of the services: OpenAPI 2.0, as JSON.
//
//go:embed portal.swagger.json
var OpenAPI string
