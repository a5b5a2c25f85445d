package server_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/pemba-authz/pemba/server/portal"
)

// abroad is a front whose company signs its people in by a provider of others.
type abroad struct {
	*front
	ada    *browser
	issuer *issuer
}

// goAbroad starts both. Eli of acme is known to the provider as p-eli.
func goAbroad(t *testing.T) *abroad {
	t.Helper()
	f := open(t, true)
	a := &abroad{f, f.ada(), newIssuer(t, f.url+portal.CallbackPath)}
	t.Cleanup(func() { f.secrets = append(f.secrets, a.issuer.seen...) })
	f.person(a.ada, "eli", "Eli-counts-27-sheep")
	a.save(asValue(t, map[string]any{
		"name": "Elsewhere", "issuer": a.issuer.url, "clientId": clientID, "clientSecret": clientSecret, "domains": []string{"acme.example"}, "enabled": true,
	}))
	f.kept = append(f.kept, clientSecret)
	a.issuer.person("p-eli", "eli@acme.example", true)
	return a
}

func (a *abroad) save(body string) {
	a.Helper()
	a.ada.must("/portal/v1/authenticators", body)
}

// asValue writes a value as JSON.
func asValue(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// begin asks where an address signs in, and returns where the browser is sent.
func (b *browser) begin(email, returnTo string) string {
	b.Helper()
	to := b.must("/portal/v1/session/begin", asJSON(b.T, "email", email, "returnTo", returnTo)).field("redirect")
	if to == "" {
		b.Fatalf("%s signs in with a password", email)
	}
	return to
}

// arrive follows the provider's answer, and returns where it leads.
func (b *browser) arrive(back *url.URL) string {
	b.Helper()
	a, header := b.send(http.MethodGet, back.RequestURI(), "")
	if a.status != http.StatusFound || header.Get("Referrer-Policy") != "no-referrer" {
		b.Errorf("the answer of the provider: %d %v %s", a.status, header, a.body)
	}
	if b.cookies[signInCookie] != "" {
		b.Error("the cookie of the sign-in stays")
	}
	return header.Get("Location")
}

// refused holds an answer of the provider to the one refusal there is: no session, and
// the reason in the audit log alone.
func (a *abroad) refused(what string, b *browser, back *url.URL, reason string) {
	a.Helper()
	if to := b.arrive(back); to != "/console/sign-in?failed=outside&to=%2Fconsole%2F" || b.cookies[sessionCookie] != "" || b.signedIn() != "" {
		a.Errorf("%s: it leads to %s, cookies %v", what, to, b.cookies)
	}
	if reason != "" {
		a.reasons = append(a.reasons, reason)
	}
	a.pass(10 * time.Second) // visitors are counted
}

// TestRule17SignIn signs people in by a provider.
func TestRule17SignIn(t *testing.T) {
	a := goAbroad(t)
	b := a.browser()
	b.cookies[sessionCookie] = "pemba_session_aaaaaaaaaaaaaaaaaaaaaaaaaa" // planted
	redirect := b.begin("Eli@Acme.example", "/console/workspaces?page=2")
	asked, err := url.Parse(redirect)
	if err != nil {
		t.Fatal(err)
	}
	q := asked.Query()
	if !strings.HasPrefix(redirect, a.issuer.url+"/authorize?") || q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || q.Get("state") != b.cookies[signInCookie] {
		t.Errorf("it is sent to %s", redirect)
	}
	if to := b.arrive(a.issuer.signIn(redirect, "p-eli")); to != "/console/workspaces?page=2" || b.signedIn() != "eli@acme.example" {
		t.Errorf("it leads to %s, and %q is signed in", to, b.signedIn())
	}
	if list := b.get("/portal/v1/me/sessions"); !strings.Contains(list.body, `"by":"Elsewhere"`) {
		t.Errorf("the sessions are %s", list.body)
	}

	// The person is known by the subject from now on, whatever the address is there.
	a.issuer.person("p-eli", "renamed@elsewhere.example", false)
	b = a.browser()
	if b.arrive(a.issuer.signIn(b.begin("eli@acme.example", ""), "p-eli")); b.signedIn() != "eli@acme.example" {
		t.Errorf("%q is signed in at the second time", b.signedIn())
	}

	// A password opens nothing to him any more, nor does a link; to ada it does.
	if got := a.browser().signIn("eli@acme.example", "Eli-counts-27-sheep"); got.status != http.StatusUnauthorized || got.field("message") != signInFails {
		t.Errorf("with the password of before: %v", got)
	}
	a.pass(10 * time.Minute)
	for _, email := range []string{"eli@acme.example", "ada@acme.example"} {
		a.browser().must("/portal/v1/links/request", asJSON(t, "email", email))
	}
	a.link("ada@acme.example") // and none to eli before
	if a.front.ada().signedIn() == "" {
		t.Error("who may repair the authenticator is locked out")
	}
}

// TestRule17Claims has the provider say things of the id token, or of the person, that
// do not hold together.
func TestRule17Claims(t *testing.T) {
	a := goAbroad(t)
	i := a.issuer
	unsigned := func(answer map[string]any) {
		parts := strings.Split(answer["id_token"].(string), ".")
		answer["id_token"] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	}
	const invalid, token, info = "the id token is not valid", "/oauth/token", "/userinfo"
	past := time.Now().Add(-time.Minute).Unix()
	for _, c := range []struct {
		name, path string
		change     func(map[string]any)
		reason     string
	}{
		{"wrong audience", token, i.resigned(i.own(), map[string]any{"aud": "another"}), invalid},
		{"for others too", token, i.resigned(i.own(), map[string]any{"aud": []string{clientID, "another"}, "azp": "another"}), "the id token was made for another"},
		{"expired", token, i.resigned(i.own(), map[string]any{"exp": past}), invalid},
		{"without an end", token, i.resigned(i.own(), map[string]any{"exp": nil}), invalid},
		{"wrong issuer", token, i.resigned(i.own(), map[string]any{"iss": "https://evil.example"}), invalid},
		{"forged", token, i.resigned(key{jose.RS256, i.other}, nil), invalid},
		{"signed by the secret", token, i.resigned(key{jose.HS256, []byte(clientSecret + clientSecret)}, nil), invalid},
		{"not signed", token, unsigned, invalid},
		{"another nonce", token, i.resigned(i.own(), map[string]any{"nonce": "another"}), "the id token is of another sign-in"},
		{"no nonce", token, i.resigned(i.own(), map[string]any{"nonce": nil}), "the id token is of another sign-in"},
		{"no id token", token, func(m map[string]any) { delete(m, "id_token") }, "there is no id token"},
		{"no subject", token, i.resigned(i.own(), map[string]any{"sub": ""}), "the id token says not whose it is"},
		{"of somebody else", info, func(m map[string]any) { m["sub"] = "p-ada" }, "it says not whose the id token is"},
		{"unverified", info, func(m map[string]any) { m["email_verified"] = false }, "the authenticator has not verified the e-mail address"},
		{"not said to be verified", info, func(m map[string]any) { delete(m, "email_verified") }, "the authenticator has not verified the e-mail address"},
		{"unverified in the token", token, i.resigned(i.own(), map[string]any{"email": "eli@acme.example"}), "the authenticator has not verified the e-mail address"},
		{"no address", info, func(m map[string]any) { delete(m, "email") }, "the authenticator gave no e-mail address"},
		{"two addresses", info, func(m map[string]any) { m["email"] = "eli@acme.example, ada@acme.example" }, "the authenticator gave no e-mail address"},
	} {
		i.on(c.path, c.change)
		b := a.browser()
		a.refused(c.name, b, i.signIn(b.begin("eli@acme.example", ""), "p-eli"), c.reason)
		i.on(c.path, nil)
	}

	// What is verified is the address that is said beside it, not one said elsewhere.
	i.on(token, i.resigned(i.own(), map[string]any{"email_verified": true}))
	i.on(info, func(m map[string]any) { delete(m, "email_verified") })
	b := a.browser()
	a.refused("verified elsewhere", b, i.signIn(b.begin("eli@acme.example", ""), "p-eli"), "")
	i.on(token, nil)
	i.on(info, nil)

	// Signed again by the provider's own key it is good: the changes above were at fault.
	i.on(token, i.resigned(i.own(), map[string]any{"email": "eli@acme.example", "email_verified": "true"}))
	b = a.browser()
	if b.arrive(i.signIn(b.begin("eli@acme.example", ""), "p-eli")); b.signedIn() != "eli@acme.example" {
		t.Error("what holds together is refused")
	}
}

// TestRule17People refuses whom the provider knows and the company does not mean.
func TestRule17People(t *testing.T) {
	a := goAbroad(t)
	i := a.issuer
	gone := a.person(a.ada, "gone", "")
	a.person(a.ada, "far@far.example", "")
	i.person("p-gone", "gone@acme.example", true)
	i.person("p-far", "far@far.example", true)
	i.person("p-nobody", "nobody@acme.example", true)
	i.person("p-other", "eli@acme.example", true)

	enter := func(person string) (*browser, *url.URL) {
		b := a.browser()
		return b, i.signIn(b.begin("eli@acme.example", ""), person)
	}
	b, back := enter("p-gone")
	if b.arrive(back); b.signedIn() != "gone@acme.example" {
		t.Errorf("before: %q", b.signedIn())
	}
	a.ada.must("/portal/v1/users/"+gone+"/deactivate", "{}")
	if b.signedIn() != "" {
		t.Error("the session of a deactivated user goes on")
	}
	b, back = enter("p-gone")
	a.refused("deactivated", b, back, "the user is not active")
	b, back = enter("p-far")
	a.refused("of another domain", b, back, "the authenticator does not have the domain of the user's address")
	b, back = enter("p-nobody")
	a.refused("nobody", b, back, "nobody in the company has the e-mail address")
	b, back = enter("p-eli")
	if b.arrive(back); b.signedIn() != "eli@acme.example" {
		t.Errorf("%q is signed in", b.signedIn())
	}
	b, back = enter("p-other")
	a.refused("another person with the address", b, back, "the user is linked to another person of the authenticator")
}

// TestRule17Replay refuses answers that belong to no sign-in of the browser.
func TestRule17Replay(t *testing.T) {
	a := goAbroad(t)
	i := a.issuer
	begin := func() (*browser, *url.URL) {
		b := a.browser()
		return b, i.signIn(b.begin("eli@acme.example", ""), "p-eli")
	}
	with := func(back *url.URL, pairs ...string) *url.URL {
		q := back.Query()
		for n := 0; n < len(pairs); n += 2 {
			if q.Set(pairs[n], pairs[n+1]); pairs[n+1] == "" {
				q.Del(pairs[n])
			}
		}
		u := *back
		u.RawQuery = q.Encode()
		return &u
	}

	b, back := begin()
	state := b.cookies[signInCookie]
	if b.arrive(back); b.signedIn() == "" {
		t.Fatal("nobody is signed in")
	}
	again := a.browser()
	again.cookies[signInCookie] = state
	a.refused("the same answer again", again, back, "")

	_, back = begin()
	a.refused("in another browser", a.browser(), back, "")
	_, back = begin()
	other := a.browser()
	other.begin("eli@acme.example", "")
	a.refused("with the state of another browser", other, back, "")
	b, back = begin()
	a.refused("another state", b, with(back, "state", "made-up"), "")
	b, back = begin()
	a.refused("no state", b, with(back, "state", ""), "")
	b, back = begin()
	_, theirs := begin()
	a.refused("the code of another", b, with(back, "code", theirs.Query().Get("code")), "the code was not taken")
	b, back = begin()
	a.refused("no code", b, with(back, "code", ""), "the authenticator refused the sign-in")
	b, back = begin()
	a.refused("an error", b, with(back, "code", "", "error", "access_denied"), "")
	b, back = begin()
	state = b.cookies[signInCookie]
	a.refused("an error first", b, with(back, "code", "", "error", "access_denied"), "")
	b.cookies[signInCookie] = state
	a.refused("a good code after it", b, back, "") // the provider would still take it
	b, back = begin()
	a.refused("another provider", b, with(back, "iss", "https://evil.example"), "the answer came from another provider")
	b, back = begin()
	a.pass(10*time.Minute + time.Second)
	a.refused("too late", b, back, "")

	// An id token of a sign-in before, of the same person, is not good again.
	var first string
	i.on("/oauth/token", func(m map[string]any) { first = m["id_token"].(string) })
	b, back = begin()
	b.arrive(back)
	i.on("/oauth/token", func(m map[string]any) { m["id_token"] = first })
	b, back = begin()
	a.refused("an old id token", b, back, "the id token is of another sign-in")
	i.on("/oauth/token", nil)

	// An authenticator that was changed meanwhile.
	b, back = begin()
	list := a.front.ada().get("/portal/v1/authenticators")
	var found struct{ Authenticators []struct{ ID string } }
	if err := json.Unmarshal([]byte(list.body), &found); err != nil || len(found.Authenticators) != 1 {
		t.Fatal(list)
	}
	a.ada = a.front.ada()
	a.save(asValue(t, map[string]any{
		"id": found.Authenticators[0].ID, "name": "Elsewhere", "issuer": i.url, "clientId": clientID, "domains": []string{"acme.example"}, "enabled": false,
	}))
	a.refused("turned off", b, back, "the authenticator was changed meanwhile")
}

// TestRule17Down refuses sign-ins while the provider does not answer, whatever was known
// of it before.
func TestRule17Down(t *testing.T) {
	a := goAbroad(t)
	a.pass(55 * time.Minute) // what it publishes is known for an hour
	b, late := a.browser(), a.browser()
	back := a.issuer.signIn(b.begin("eli@acme.example", ""), "p-eli")
	lately := a.issuer.signIn(late.begin("eli@acme.example", ""), "p-eli")
	a.issuer.server.Close()
	a.refused("down at the end", b, back, "the code was not taken")
	a.pass(6 * time.Minute)
	a.refused("down, and not known any more", late, lately, "the authenticator does not answer")
	got := a.browser().post("/portal/v1/session/begin", asJSON(t, "email", "eli@acme.example"))
	if got.status != http.StatusServiceUnavailable || !strings.Contains(got.field("message"), "“Elsewhere” does not answer at the moment") {
		t.Errorf("down at the beginning: %v", got)
	}
	body := asValue(t, map[string]any{"name": "Second", "issuer": a.issuer.url, "clientId": clientID, "enabled": true})
	if got := a.front.ada().post("/portal/v1/authenticators", body); got.status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(got), "does not answer as one") {
		t.Errorf("saving one that is down: %v", got)
	}
}
