// Package idp is the private identity provider: Pemba as an OpenID Connect provider
// (authorization code with PKCE, discovery, keys with rotation, refresh, userinfo,
// introspection, logout) for the portals of a company's services. A person gets a
// token for a service only if the engine says access_portal, at the moment of each
// token.
//
// The protocol is github.com/zitadel/oidc's; this package is its storage, over a
// vault of sealed documents, so that a sign-in begun on one member can be ended on
// another. It refuses to know how people prove who they are: a Session says who is
// signed in to the Customer Portal, and who is not is sent there.
//
// Start reading at provider.go; requests.go has the way of a code, refresh.go that
// of a refresh token, keys.go the signing keys, clients.go and claims.go what the
// portal says of services and people.
package idp
