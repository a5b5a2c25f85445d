// Package pembav1 is the API that goes beyond authzed.api.v1: guarded
// transactions, documents and schema texts. All of it but this file is made from
// the .proto files beside it; `make gen` makes it again.
package pembav1

import _ "embed"

// OpenAPI describes the HTTP form of the services: OpenAPI 2.0, as JSON.
//
//go:embed pemba.swagger.json
var OpenAPI string
