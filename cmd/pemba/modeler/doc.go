// Package modeler is a small portal of a service, "Modeler Services": it shows how a
// service stands on Pemba.
//
// People sign in through Pemba's identity provider (signin.go: OpenID Connect, code
// and PKCE, as any library does it). Which models somebody may read is one lookup, and
// what he may do with a diagram is one bulk check over authzed.api.v1, with the key of
// the service (pemba.go). What he does is done as himself, with his token, by the
// portal's API: Pemba evaluates his right at the very revision of the change, so that
// whoever was demoted a moment ago is refused.
//
// The package keeps no rule of authorization, and nothing between two requests but who
// is signed in. Start reading at modeler.go.
package modeler
