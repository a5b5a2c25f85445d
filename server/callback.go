package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/pemba-authz/pemba/server/portal"
)

// callback ends a sign-in by an outside authenticator, with which the browser comes
// back: it begins a session and sends the browser where it wanted to go, or to a page
// that says that it failed.
func (s *Server) callback(w http.ResponseWriter, r *http.Request) {
	if err := s.visitors.admit(s.fromHTTP(r), s.config.Now()); err != nil {
		http.Error(w, err.Error(), http.StatusTooManyRequests)
		return
	}
	q := r.URL.Query()
	answer := portal.Answer{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Error: q.Get("error")}
	if c, err := r.Cookie(stateCookie); err == nil {
		answer.Cookie = c.Value
	}
	setCookie(w, stateCookie, "", time.Time{})
	w.Header().Set("Referrer-Policy", "no-referrer") // the address holds the code
	ctx := portal.WithCaller(r.Context(), &portal.Caller{
		Address: s.fromHTTP(r).String(), Agent: r.UserAgent(), RequestID: r.Header.Get(requestIDHeader),
	})
	session, to, err := s.config.Portal.FinishSignIn(ctx, answer)
	if err != nil {
		if _, refused := errors.AsType[*portal.Refusal](err); !refused {
			s.log.Error("a sign-in by an outside authenticator failed", "request_id", r.Header.Get(requestIDHeader), "error", err)
		}
		s.metrics.denials.WithLabelValues("session").Inc()
		http.Redirect(w, r, to, http.StatusFound)
		return
	}
	setCookie(w, sessionCookie, session.Token, session.ExpiresAt.AsTime())
	http.Redirect(w, r, to, http.StatusFound)
}
