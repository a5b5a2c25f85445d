package portal

import (
	"strings"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// TestPoliciesOfTwo lets two administrators change the policies that neither chose:
// the second is told, also where nothing was stored before.
func TestPoliciesOfTwo(t *testing.T) {
	o := newOffice(t)
	s := &settingsService{Portal: o.Portal}
	seen, err := s.GetPolicies(o.as("ada"), &portalv1.GetPoliciesRequest{})
	done(t, err)
	if seen.Version != 0 {
		t.Fatalf("nobody chose policies, and their version is %d", seen.Version)
	}
	set := func(hours uint32, version *uint64) error {
		p := *defaultPolicies
		p.SessionHours = hours
		_, err := s.SetPolicies(o.as("ada"), &portalv1.SetPoliciesRequest{Policies: p.message(), IfVersion: version})
		return err
	}
	done(t, set(10, &seen.Version))
	if r := refusal(t, set(9, &seen.Version)); r.Fault != Conflict || !strings.Contains(r.Msg, "somebody else") {
		t.Errorf("the second change is %v", r)
	}
	now, err := s.GetPolicies(o.as("ada"), &portalv1.GetPoliciesRequest{})
	done(t, err)
	if now.Policies.SessionHours != 10 {
		t.Errorf("the first change is lost: %v", now.Policies)
	}
	done(t, set(9, &now.Version))
	done(t, set(8, nil)) // whatever is stored
}

// TestRedirectURL is known before there is an authenticator: a provider asks for it
// first.
func TestRedirectURL(t *testing.T) {
	o := newOffice(t)
	s := &settingsService{Portal: o.Portal}
	all, err := s.ListAuthenticators(o.as("ada"), &portalv1.ListAuthenticatorsRequest{})
	done(t, err)
	if !strings.HasSuffix(all.RedirectUrl, CallbackPath) || !strings.HasPrefix(all.RedirectUrl, "http") {
		t.Errorf("the redirect URL is %q", all.RedirectUrl)
	}
}
