package server

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/portal"
	"github.com/pemba-authz/pemba/server/portal/idp"
)

// newProvider makes the identity provider of the portal.
func (s *Server) newProvider() (*idp.Provider, error) {
	p := s.config.Portal
	return idp.New(idp.Config{
		Portal: p, Session: s.browserSession, Ended: p.Lasts, SignOut: p.EndSession, Logger: s.log, Now: s.config.Now,
		SignIn: func(returnTo string) string { return "/console/sign-in?to=" + url.QueryEscape(returnTo) },
	})
}

// browserSession returns who is signed in in the browser that makes a request.
func (s *Server) browserSession(r *http.Request) (*portal.Caller, time.Time, error) {
	from := s.fromHTTP(r)
	c, err := s.signedIn(r.Context(), sessionToken(r))
	if err != nil {
		return nil, time.Time{}, err
	}
	if c.User == "" { // an operator who came with a key belongs to no company
		return nil, time.Time{}, portal.ErrEnded
	}
	c.Address, c.Agent, c.RequestID = from.String(), r.UserAgent(), r.Header.Get(requestIDHeader)
	return c, c.Since, nil
}

// ofService are the calls that the portal of a service may make for a person, by his
// access token: what belongs to workspaces and diagrams, and nothing of his account.
func ofService(method string) bool {
	for _, prefix := range []string{portalPrefix + "WorkspaceService/", portalPrefix + "DiagramService/"} {
		if strings.HasPrefix(method, prefix) {
			return true
		}
	}
	return method == portalv1.SessionService_GetMe_FullMethodName
}

// serviceCaller returns the person for whom a service makes a call.
func (s *Server) serviceCaller(ctx context.Context, method, token string) (*portal.Caller, error) {
	c, err := s.provider.Caller(ctx, token)
	if err == nil && !ofService(method) {
		err = &portal.Refusal{Fault: portal.NotAllowed, Msg: "the token of a service is good for workspaces and diagrams alone; " + method + " is called by the person himself"}
	}
	return c, err
}
