package portal

import (
	"errors"
	"strings"
	"testing"
	"time"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// work is what a sign-in costs, as far as whoever waits for it could measure: each of
// the first two takes longer than all the rest.
type work struct {
	hashes   int64  // of argon2id
	failures uint32 // that were written in all
	fault    Fault
}

// costOf signs in and counts.
func costOf(t *testing.T, p *Portal, email, password string) work {
	t.Helper()
	hashes := p.hasher.count.Load()
	_, err := p.SessionService().SignIn(as(t, "", ""), &portalv1.SignInRequest{Email: email, Password: password})
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		t.Fatalf("%s: %v", email, err)
	}
	v, err := p.newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()
	attempts, _, err := v.attempts(email)
	if err != nil {
		t.Fatal(err)
	}
	return work{p.hasher.count.Load() - hashes, attempts.Count, r.Fault}
}

// TestSameWork proves that a sign-in that fails costs the same whether somebody has the
// address or not, has a password, or is active: nobody learns it from the time. That
// the answers are the same is tested in server, over HTTP.
func TestSameWork(t *testing.T) {
	c := &clock{at: time.Now()}
	p := openAt(t, c.now)
	acme(t, p, "acme")
	policies := *defaultPolicies
	policies.Failures = 3
	propose(t, p, store.Transaction{Documents: []store.DocumentUpdate{put(policiesKey("acme"), &policies)}})
	const password = "a good long password"
	for _, name := range []string{"eli", "bob", "new"} {
		id := administrator(t, p, "acme", name)
		if name == "new" {
			continue // who has no password yet
		}
		kept, err := p.newPassword(t.Context(), password, name+"@acme.example", defaultPolicies)
		if err != nil {
			t.Fatal(err)
		}
		a := &action{}
		a.document(seal(passwordKey("acme", id), kept))
		propose(t, p, a.tx)
		if name == "bob" {
			deactivate(t, p, "acme", id)
		}
	}
	for name, who := range map[string][2]string{
		"known": {"eli@acme.example", "wrong"}, "unknown": {"nobody@acme.example", "wrong"}, "of no company": {"nobody@elsewhere.example", password},
		"without a password": {"new@acme.example", password}, "deactivated": {"bob@acme.example", "wrong"}, "no address": {"nobody", password},
		"too long": {"eli@acme.example", strings.Repeat("long", 1000)}, "empty": {"eli@acme.example", ""},
	} {
		for i, want := range []work{{1, 1, NotSignedIn}, {1, 2, NotSignedIn}, {1, 0, NotSignedIn}, {0, 0, Locked}} {
			if got := costOf(t, p, who[0], who[1]); got != want {
				t.Errorf("%s, attempt %d: %+v and not %+v", name, i+1, got, want)
			}
		}
		c.move(45 * time.Minute)
	}
}
