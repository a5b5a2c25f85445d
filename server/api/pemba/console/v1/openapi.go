// Package consolev1 is the API of the console's workbench and operations pages:
// tools for schemas, stored assertions, the sandbox, the history of relationships,
// backups on the server, and facts about a node. All of it but this file is made
// from the .proto files beside it; `make gen` makes it again.
package consolev1

import _ "embed"

// OpenAPI describes the HTTP form of the services: OpenAPI 2.0, as JSON.
//
//go:embed console.swagger.json
var OpenAPI string
