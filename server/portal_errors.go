package server

import (
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/pemba-authz/pemba/server/portal"
)

// portalVerdicts are the codes and reasons of the portal's refusals.
var portalVerdicts = [...]struct {
	code   codes.Code
	reason portalReason
}{
	portal.NotSignedIn: {codes.Unauthenticated, "NOT_SIGNED_IN"},
	portal.NotAllowed:  {codes.PermissionDenied, "NOT_ALLOWED"},
	portal.NotFound:    {codes.NotFound, "NOT_FOUND"},
	portal.Invalid:     {codes.InvalidArgument, "INVALID_FIELD"},
	portal.Taken:       {codes.AlreadyExists, "TAKEN"},
	portal.Rule:        {codes.FailedPrecondition, "RULE"},
	portal.Conflict:    {codes.Aborted, "CONFLICT"},
	portal.Locked:      {codes.ResourceExhausted, "LOCKED"},
}

// portalVerdict answers for what the portal refused.
func portalVerdict(r *portal.Refusal) verdict {
	v := verdict{code: portalVerdicts[r.Fault].code, reason: portalVerdicts[r.Fault].reason, metadata: map[string]string{}}
	set := func(key, value string) {
		if value != "" {
			v.metadata[key] = value
		}
	}
	set("field", r.Field)
	set("rule", r.Rule)
	set("permission", r.Permission)
	if r.Permission != "" {
		set("resource", r.Resource.String())
	}
	set("grantors", strings.Join(r.Grantors, "; "))
	if r.RetryAfter > 0 {
		v.retry = &r.RetryAfter
	}
	return v
}
