package server

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/portal/session"
)

// Cookies. With __Host- a browser takes them only from this very host, over TLS or
// from its own machine, and no neighbour can set them.
const (
	sessionCookie = "__Host-session" // the token of the session
	stateCookie   = "__Host-sign-in" // which sign-in by an outside authenticator is under way
)

// setCookie sets a cookie that scripts cannot read; an empty value deletes it.
func setCookie(w http.ResponseWriter, name, value string, until time.Time) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, Expires: until}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
	w.Header().Set("Cache-Control", "no-store")
}

// keepSession moves the token of a session that begins from an answer into the
// cookie, where scripts cannot read it, and deletes the cookie of one that ended.
func keepSession(_ context.Context, w http.ResponseWriter, m proto.Message) error {
	switch m := m.(type) {
	case *portalv1.SignInResponse:
		setCookie(w, sessionCookie, m.Token, m.ExpiresAt.AsTime())
		m.Token = ""
	case *portalv1.SignOutResponse:
		setCookie(w, sessionCookie, "", time.Time{})
	case *portalv1.BeginSignInResponse:
		if u, err := url.Parse(m.Redirect); err == nil && m.Redirect != "" {
			setCookie(w, stateCookie, u.Query().Get("state"), time.Time{})
		}
	}
	return nil
}

// withCookies makes the cookie of a session the token of the calls that are made
// for a request. Nothing else of cookies goes further.
func withCookies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token := sessionToken(r); token != "" && r.Header.Get("Authorization") == "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		r.Header.Del("Cookie")
		next.ServeHTTP(w, r)
	})
}

// sessionToken returns the token of the session of a browser, "" for none.
func sessionToken(r *http.Request) string {
	c, err := r.Cookie(sessionCookie)
	if err != nil || !session.IsToken(c.Value) {
		return ""
	}
	return c.Value
}

// sameOrigin refuses what a page of another site makes a browser send, whether
// there is a session or not: on a server of this machine alone the browser itself
// is the key. Programs that are no browsers are not concerned, as long as they do
// not come with the cookie of a browser. The identity provider is asked by others'
// pages; it looks at no session there but to send somebody on.
func sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(forbid("the request comes from a page of another site"))
	unknown := forbid("the request has the cookie of a session and says not which page it comes from: browsers send Origin, programs a bearer token")
	guarded := protection.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/oidc/"):
			next.ServeHTTP(w, r)
		case unplaced(r):
			unknown.ServeHTTP(w, r)
		default:
			guarded.ServeHTTP(w, r)
		}
	})
}

// unplaced reports whether a session is to change something and it is not said from
// where. Every browser says so; the protection lets pass what says nothing, as it
// takes that for a program.
func unplaced(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return sessionToken(r) != "" && r.Header.Get("Authorization") == "" && r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == ""
}

// forbid answers what a browser was made to send.
func forbid(why string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusForbidden, map[string]any{"code": 7, "message": why, "details": []any{}})
	})
}
