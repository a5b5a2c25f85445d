package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/server/portal"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// beginning is an installation without a company, whose first person is known to a
// provider as p-ada.
type beginning struct {
	*front
	issuer *issuer
	code   string
}

func newBeginning(t *testing.T) *beginning {
	t.Helper()
	f := openEmpty(t, true)
	b := &beginning{f, newIssuer(t, f.url+portal.CallbackPath), <-f.codes}
	t.Cleanup(func() { f.secrets = append(f.secrets, b.issuer.seen...) })
	f.secrets = append(f.secrets, b.code)
	f.kept = append(f.kept, clientSecret)
	b.issuer.person("p-ada", "Ada@Acme.example", true)
	return b
}

// request is what the page of the first run sends; change may change it.
func (b *beginning) request(change func(first, by map[string]any)) string {
	b.Helper()
	first := map[string]any{
		"code": b.code, "companyName": "Acme", "givenName": "Ada", "email": "ada@acme.example",
		"purchases": []any{map[string]any{"service": "SERVICE_MODELER", "licences": 3}},
	}
	by := map[string]any{"name": "Elsewhere", "issuer": b.issuer.url, "clientId": clientID, "clientSecret": clientSecret}
	if change != nil {
		change(first, by)
	}
	return asValue(b.T, map[string]any{"firstRun": first, "authenticator": by})
}

// sent begins a first run, and returns where the browser is sent.
func (b *beginning) sent(to *browser, change func(first, by map[string]any)) string {
	b.Helper()
	return to.must("/portal/v1/first-run/begin", b.request(change)).field("redirect")
}

// waiting reports whether there is no company.
func (b *beginning) waiting() bool {
	b.Helper()
	a := b.browser().get("/portal/v1/first-run")
	return strings.Contains(a.body, `"waiting":true`) && strings.Contains(a.body, portal.CallbackPath)
}

// codesKept returns the documents of one-time codes.
func (b *beginning) codesKept() (keys []string) {
	b.Helper()
	snap, err := b.replica.Snapshot(b.Context(), replica.Consistency{Mode: replica.FullyConsistent})
	if err != nil {
		b.Fatal(err)
	}
	defer snap.Close()
	for doc, err := range snap.Documents(b.Context(), portal.DocumentPrefix+"first-run/", "") {
		if err != nil {
			b.Fatal(err)
		}
		keys = append(keys, doc.Key)
	}
	return keys
}

// TestFirstRunOutside makes the first company by a provider.
func TestFirstRunOutside(t *testing.T) {
	b := newBeginning(t)
	first, second := b.browser(), b.browser()
	late := b.issuer.signIn(b.sent(second, nil), "p-ada")
	if !b.waiting() {
		t.Error("there is a company before the provider has confirmed anybody")
	}
	if to := first.arrive(b.issuer.signIn(b.sent(first, nil), "p-ada")); to != "/console/" || first.signedIn() != "ada@acme.example" {
		t.Errorf("it leads to %s, and %q is signed in", to, first.signedIn())
	}
	if b.waiting() || len(b.codesKept()) > 0 {
		t.Errorf("there is no company after it, or there are codes: %v", b.codesKept())
	}
	for path, want := range map[string][]string{
		"/portal/v1/me":             {`"manage_identity_providers"`, `"companyName":"Acme"`},
		"/portal/v1/me/sessions":    {`"by":"Elsewhere"`},
		"/portal/v1/authenticators": {`"hasSecret":true`, `"domains":["acme.example"]`, `"enabled":true`},
		"/portal/v1/audit":          {"created the company “Acme” and became its administrator", "Modeler (3 licences)", "signs in by “Elsewhere”"},
	} {
		got := first.get(path)
		for _, text := range want {
			if !strings.Contains(got.body, text) {
				t.Errorf("%s does not say %s: %v", path, text, got)
			}
		}
	}
	if to := second.arrive(late); to != "/console/first-run?failed=late" || second.signedIn() != "" {
		t.Errorf("a second one leads to %s", to)
	}
	if got := second.post("/portal/v1/first-run/begin", b.request(nil)); !strings.Contains(got.field("message"), "there is a company already") {
		t.Errorf("and when he begins again: %v", got)
	}

	// The person is known by the subject, and whoever else has the domain signs in there.
	b.issuer.person("p-ada", "renamed@elsewhere.example", false)
	again := b.browser()
	if again.arrive(b.issuer.signIn(again.begin("ada@acme.example", ""), "p-ada")); again.signedIn() != "ada@acme.example" {
		t.Errorf("%q is signed in at the second time", again.signedIn())
	}
}

// TestFirstRunOutsideFails has the provider confirm nobody: it is said why, there is no
// company, and the same code is good for another try.
func TestFirstRunOutsideFails(t *testing.T) {
	b := newBeginning(t)
	b.issuer.person("p-unverified", "ada@acme.example", false)
	b.issuer.person("p-ben", "ben@acme.example", true)
	b.issuer.person("p-none", "", true)
	b.issuer.person("p-like", "ſam@acme.example", true) // a long s, which only folding takes for one
	try := func(person string, change func(first, by map[string]any)) func(*browser) *url.URL {
		return func(at *browser) *url.URL { return b.issuer.signIn(b.sent(at, change), person) }
	}
	for _, c := range []struct {
		name, word string
		back       func(at *browser) *url.URL
	}{
		{"not verified", "unverified", try("p-unverified", nil)},
		{"no address", "unverified", try("p-none", nil)},
		{"somebody else", "address", try("p-ben", nil)},
		{"somebody like him", "address", try("p-like", func(first, _ map[string]any) { first["email"] = "sam@acme.example" })},
		{"a wrong secret", "proof", try("p-ada", func(_, by map[string]any) { by["clientSecret"] = "another" })},
		{"refused there", "refused", func(at *browser) *url.URL {
			back := try("p-ada", nil)(at)
			back.RawQuery = url.Values{"state": {back.Query().Get("state")}, "error": {"access_denied"}}.Encode()
			return back
		}},
		{"another provider", "proof", func(at *browser) *url.URL {
			back := try("p-ada", nil)(at)
			back.RawQuery += "&iss=https%3A%2F%2Fevil.example"
			return back
		}},
	} {
		at := b.browser()
		if to := at.arrive(c.back(at)); to != "/console/first-run?failed="+c.word || at.signedIn() != "" {
			t.Errorf("%s: it leads to %s, and %q is signed in", c.name, to, at.signedIn())
		}
		b.pass(10 * time.Second) // visitors are counted
	}
	at := b.browser()
	back := try("p-ada", nil)(at)
	b.pass(10*time.Minute + time.Second)
	if to := at.arrive(back); to != "/console/sign-in?failed=outside&to=%2Fconsole%2F" {
		t.Errorf("too late: it leads to %s", to)
	}
	if !b.waiting() {
		t.Error("there is a company")
	}
	at = b.browser()
	spaced := func(first, _ map[string]any) { first["code"] = " " + b.code + "\n" } // as it is copied
	if at.arrive(try("p-ada", spaced)(at)); at.signedIn() != "ada@acme.example" {
		t.Error("the code is not good any more")
	}
}

// TestFirstRunOutsideRefused refuses requests that cannot lead to a company, before
// anybody is sent anywhere.
func TestFirstRunOutsideRefused(t *testing.T) {
	b := newBeginning(t)
	for _, c := range []struct {
		name   string
		status int
		says   string
		change func(first, by map[string]any)
	}{
		{"code", http.StatusUnauthorized, "the one-time code is wrong", func(first, _ map[string]any) { first["code"] = "another" }},
		{"password", http.StatusBadRequest, "password: the first person signs in by the authenticator", func(first, _ map[string]any) { first["password"] = adasPassword }},
		{"address", http.StatusBadRequest, "email: ", func(first, _ map[string]any) { first["email"] = "ada" }},
		{"domain", http.StatusBadRequest, "email: an authenticator cannot take the domain", func(first, _ map[string]any) { first["email"] = "ada@acme_.example" }},
		{"company", http.StatusBadRequest, "company_name: ", func(first, _ map[string]any) { first["companyName"] = "" }},
		{"name", http.StatusBadRequest, "authenticator.name: ", func(_, by map[string]any) { by["name"] = "" }},
		{"no issuer", http.StatusBadRequest, "authenticator.issuer: ", func(_, by map[string]any) { delete(by, "issuer") }},
		{"plain issuer", http.StatusBadRequest, "authenticator.issuer: an issuer must be https", func(_, by map[string]any) { by["issuer"] = "http://login.example.com" }},
		{"silent issuer", http.StatusBadRequest, "authenticator.issuer: the identity provider", func(_, by map[string]any) { by["issuer"] = b.url }},
		{"client", http.StatusBadRequest, "authenticator.client_id: ", func(_, by map[string]any) { by["clientId"] = "" }},
	} {
		got := b.browser().post("/portal/v1/first-run/begin", b.request(c.change))
		if got.status != c.status || !strings.Contains(got.field("message"), c.says) {
			t.Errorf("%s: %v", c.name, got)
		}
		b.pass(10 * time.Second)
	}
	if got := b.browser().post("/portal/v1/first-run/begin", "{}"); got.status != http.StatusUnauthorized {
		t.Errorf("nothing at all: %v", got)
	}
	if !b.waiting() || b.browser().signedIn() != "" {
		t.Error("there is a company")
	}

	guess, last := b.browser(), answer{}
	for range 101 { // more than one address may make in a row
		last = guess.post("/portal/v1/first-run/begin", "{}")
	}
	if last.status != http.StatusTooManyRequests {
		t.Errorf("codes can be guessed as fast as one likes: %v", last)
	}
}

// TestFirstRunOutsideReplaced has a member print another code while somebody is at the
// provider: the one that was entered is as good as none. What is under way is sealed.
func TestFirstRunOutsideReplaced(t *testing.T) {
	b := newBeginning(t)
	at := b.browser()
	back := b.issuer.signIn(b.sent(at, nil), "p-ada")
	b.sent(b.browser(), nil) // never comes back
	kept := b.codesKept()
	if len(kept) != 1 {
		t.Fatalf("the codes are %v", kept)
	}
	another := store.DocumentUpdate{Key: kept[0], Class: store.ClassSealed, Value: []byte(`{"hash":"another"}`)}
	if _, err := b.replica.Propose(t.Context(), replica.Proposal{Tx: store.Transaction{Documents: []store.DocumentUpdate{another}}}); err != nil {
		t.Fatal(err)
	}
	if to := at.arrive(back); to != "/console/first-run?failed=late" || at.signedIn() != "" || !b.waiting() {
		t.Errorf("it leads to %s, and %q is signed in", to, at.signedIn())
	}
}
