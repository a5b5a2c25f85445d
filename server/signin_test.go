package server_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// TestSignInCookie follows a session from its beginning to its end: it is in a cookie
// alone, which keep holds to what browsers must be told, and ends for good.
func TestSignInCookie(t *testing.T) {
	f := open(t, true)
	b := f.browser()
	if who := b.signedIn(); who != "" {
		t.Errorf("%s is signed in before anybody was", who)
	}
	a := b.signIn("ADA@acme.example", adasPassword)
	if a.status != http.StatusOK || a.field("token") != "" || b.cookies[sessionCookie] == "" {
		t.Fatalf("%d %s, cookies %v", a.status, a.body, b.cookies)
	}
	if who := b.signedIn(); who != "ada@acme.example" {
		t.Errorf("%q is signed in", who)
	}
	if f.browser().signedIn() != "" {
		t.Error("another browser is signed in too")
	}
	token := b.cookies[sessionCookie]
	b.must("/portal/v1/session/end", "{}")
	if b.cookies[sessionCookie] != "" {
		t.Error("the cookie stays")
	}
	b.cookies[sessionCookie] = token
	if who := b.signedIn(); who != "" {
		t.Errorf("after the end %s is signed in", who)
	}

	key := f.browser()
	if a := key.must("/portal/v1/session/key", asJSON(t, "key", operatorKey)); a.field("token") != "" || key.cookies[sessionCookie] == "" {
		t.Errorf("with a key: %s, cookies %v", a.body, key.cookies)
	}
}

// TestSessionEnds proves that a session ends without use, and after its longest time
// whatever happens.
func TestSessionEnds(t *testing.T) {
	f := open(t, true)
	idle, used := f.ada(), f.ada()
	for range 12 { // hours
		f.pass(59 * time.Minute)
		if used.signedIn() == "" {
			t.Fatal("a session that is used has ended too early")
		}
		f.pass(time.Minute - time.Second)
	}
	if idle.signedIn() != "" {
		t.Error("a session that is not used goes on")
	}
	f.pass(time.Minute)
	if used.signedIn() != "" {
		t.Error("a session goes on after its longest time")
	}
}

// TestCrossSite proves that no page of another site makes a browser change anything,
// for each way in which a browser tells, and that nobody is signed in by one.
func TestCrossSite(t *testing.T) {
	f := open(t, true)
	ada := f.ada()
	rename := func(b *browser, name string) int {
		a, _ := b.send(http.MethodPatch, "/portal/v1/me", asJSON(t, "givenName", name))
		return a.status
	}
	token := ada.cookies[sessionCookie]
	for name, header := range map[string]http.Header{
		"of nowhere":           {},
		"another site":         {"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}},
		"an old browser":       {"Origin": {"https://evil.example"}},
		"no origin":            {"Origin": {"null"}},
		"another port":         {"Origin": {"http://127.0.0.1:1"}, "Sec-Fetch-Site": {"same-site"}},
		"a neighbour":          {"Sec-Fetch-Site": {"same-site"}},
		"a longer name":        {"Origin": {f.url + ".evil.example"}},
		"only fetch metadata":  {"Sec-Fetch-Site": {"cross-site"}},
		"origin against fetch": {"Origin": {f.url}, "Sec-Fetch-Site": {"cross-site"}},
	} {
		b := f.browser()
		b.header, b.cookies = header, map[string]string{sessionCookie: token}
		if status := rename(b, "Eve"); status != http.StatusForbidden {
			t.Errorf("%s: %d", name, status)
		}
		if name == "of nowhere" {
			continue // without a cookie it is a program
		}
		b.cookies = map[string]string{}
		if a := b.signIn("ada@acme.example", adasPassword); a.status != http.StatusForbidden || len(b.cookies) > 0 {
			t.Errorf("%s: the sign-in: %d, cookies %v", name, a.status, b.cookies)
		}
	}
	if a := ada.get("/portal/v1/me"); strings.Contains(a.body, "Eve") || !strings.Contains(a.body, "Ada") {
		t.Errorf("it was changed: %s", a.body)
	}
	for name, header := range map[string]http.Header{
		"its own page":   {"Origin": {f.url}, "Sec-Fetch-Site": {"same-origin"}},
		"an old one":     {"Origin": {f.url}},
		"without a page": {"Sec-Fetch-Site": {"none"}},
		"a program":      {"Authorization": {"Bearer " + token}},
	} {
		b := f.browser()
		b.header = header
		if name != "a program" {
			b.cookies[sessionCookie] = token
		}
		if status := rename(b, "Ada "+name); status != http.StatusOK {
			t.Errorf("%s: %d", name, status)
		}
	}
}

// TestCrossSiteEverywhere holds every path that changes anything to the same.
func TestCrossSiteEverywhere(t *testing.T) {
	f := open(t, true)
	token, count := f.ada().cookies[sessionCookie], 0
	portalRules(func(method, path string) {
		if method == http.MethodGet {
			return
		}
		count++
		for name, header := range map[string]http.Header{"another site": {"Origin": {"https://evil.example"}}, "of nowhere": {}} {
			b := f.browser()
			b.header, b.cookies = header, map[string]string{sessionCookie: token}
			if a, _ := b.send(method, strings.NewReplacer("{", "", "}", "").Replace(path), "{}"); a.status != http.StatusForbidden {
				t.Errorf("%s %s from %s: %d %s", method, path, name, a.status, a.body)
			}
		}
	})
	if count < 50 {
		t.Errorf("only %d methods", count)
	}
}

// portalRules calls each for every path of the portal.
func portalRules(each func(method, path string)) {
	protoregistry.GlobalFiles.RangeFilesByPackage("pemba.portal.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				rule, _ := proto.GetExtension(methods.Get(j).Options(), annotations.E_Http).(*annotations.HttpRule)
				for method, path := range map[string]string{
					http.MethodGet: rule.GetGet(), http.MethodPost: rule.GetPost(), http.MethodPut: rule.GetPut(),
					http.MethodPatch: rule.GetPatch(), http.MethodDelete: rule.GetDelete(),
				} {
					if path != "" {
						each(method, path)
					}
				}
			}
		}
		return true
	})
}

// TestSessionFixation proves that a session that a browser had before somebody signed
// in is never the one after, made up or real, and opens nothing of his.
func TestSessionFixation(t *testing.T) {
	f := open(t, true)
	ada := f.ada()
	f.person(ada, "eve", "Eve-counts-27-apples")
	eve := f.browser()
	eve.signIn("eve@acme.example", "Eve-counts-27-apples")
	for name, planted := range map[string]string{
		"made up": "pemba_session_aaaaaaaaaaaaaaaaaaaaaaaaaa", "no token": "1", "of another": eve.cookies[sessionCookie], "one's own": ada.cookies[sessionCookie],
	} {
		for way, enter := range map[string]func(*browser){
			"password": func(b *browser) { b.signIn("ada@acme.example", adasPassword) },
			"link": func(b *browser) {
				f.pass(6 * time.Minute) // since the last link
				b.must("/portal/v1/links/request", asJSON(t, "email", "ada@acme.example"))
				b.redeem(f.link("ada@acme.example"), adasPassword)
			},
		} {
			b := f.browser()
			b.cookies[sessionCookie] = planted
			enter(b)
			if b.cookies[sessionCookie] == planted || b.signedIn() != "ada@acme.example" {
				t.Errorf("%s, by %s: the cookie is the same: %v; %q is signed in", name, way, b.cookies[sessionCookie] == planted, b.signedIn())
			}
			thief := f.browser()
			thief.cookies[sessionCookie] = planted
			if who := thief.signedIn(); who == "ada@acme.example" && name != "one's own" {
				t.Errorf("%s, by %s: what was planted opens the session of %s", name, way, who)
			}
		}
	}
	if eve.signedIn() != "eve@acme.example" {
		t.Error("the session of another has ended")
	}
}

const (
	wrongPassword = "Not-the-one-4711"
	signInFails   = "the e-mail address or the password is wrong"
)

// failures tries wrong passwords, each of which must be told to be one.
func (f *front) failures(email string, n int) {
	f.Helper()
	for i := range n {
		if a := f.browser().signIn(email, wrongPassword); a.status != http.StatusUnauthorized || a.field("message") != signInFails {
			f.Fatalf("failure %d: %d %s", i+1, a.status, a.body)
		}
	}
}

// locked reports whether an address is locked out: the right password does not help.
func (f *front) locked(email, password string) bool {
	f.Helper()
	a := f.browser().signIn(email, password)
	switch {
	case a.status == http.StatusOK:
		return false
	case a.status == http.StatusTooManyRequests && strings.Contains(a.body, "LOCKED") && strings.Contains(a.body, "RetryInfo"):
		return true
	}
	f.Fatalf("%d %s", a.status, a.body)
	return false
}

// TestRule18Lockout locks an address out after as many failures as the policy says,
// for as long, and forgets failures when it says.
func TestRule18Lockout(t *testing.T) {
	f := open(t, true)
	const ada = "ada@acme.example"
	session := f.ada()
	f.failures(ada, 5)
	if !f.locked(ada, adasPassword) || session.signedIn() == "" {
		t.Error("five failures do not lock out, or end a session")
	}
	f.pass(15*time.Minute - time.Second)
	if !f.locked(ada, adasPassword) {
		t.Error("the lockout ends early")
	}
	f.pass(time.Second)
	if f.locked(ada, adasPassword) {
		t.Error("the lockout does not end")
	}

	f.threeFailures()
	f.failures(ada, 2)
	if f.locked(ada, adasPassword) {
		t.Error("too few failures lock out")
	}
	f.failures(ada, 2)
	if f.locked(ada, adasPassword) {
		t.Error("a sign-in does not forget failures")
	}
	f.failures(ada, 2)
	f.pass(5 * time.Minute)
	f.failures(ada, 2)
	if f.locked(ada, adasPassword) {
		t.Error("failures are not forgotten after their time")
	}
	f.failures(ada, 3)
	if !f.locked(ada, adasPassword) {
		t.Error("a stricter policy does not count")
	}
	f.pass(2 * time.Minute)
	if f.locked(ada, adasPassword) {
		t.Error("a shorter lockout does not count")
	}
}

// threeFailures sets policies by which three failures lock out, for two minutes, and
// are forgotten after five.
func (f *front) threeFailures() {
	f.Helper()
	policies := `{"policies": {"failures": 3, "lockoutMinutes": 2, "forgetMinutes": 5, "linkHours": 72, "idleMinutes": 60, "sessionHours": 12, "passwordLength": 10}}`
	if a, _ := f.ada().send(http.MethodPut, "/portal/v1/policies", policies); a.status != http.StatusOK {
		f.Fatalf("%d %s", a.status, a.body)
	}
}

// TestRule18LockoutTogether proves that guesses at the same time are not more guesses.
func TestRule18LockoutTogether(t *testing.T) {
	f := open(t, true)
	statuses := make([]int, 10)
	var all sync.WaitGroup
	for i := range statuses {
		b := f.browser()
		f.secrets = append(f.secrets, wrongPassword)
		all.Go(func() {
			a, _ := b.send(http.MethodPost, "/portal/v1/session", `{"email": "ada@acme.example", "password": "`+wrongPassword+`"}`)
			statuses[i] = a.status
		})
	}
	all.Wait()
	told := 0
	for _, status := range statuses {
		if status == http.StatusUnauthorized {
			told++
		} else if status != http.StatusTooManyRequests && status != http.StatusConflict {
			t.Errorf("one was answered %d", status)
		}
	}
	if told > 5 {
		t.Errorf("%d guesses were told that they are wrong", told)
	}
}

// TestNobodyIsTold proves that no answer tells whether somebody has an address, has a
// password, or is active. server/portal counts the work, which is the same too.
func TestNobodyIsTold(t *testing.T) {
	f := open(t, true)
	ada := f.ada()
	gone := f.person(ada, "gone", "Gone-counts-27-geese")
	f.person(ada, "invited", "")
	ada.must("/portal/v1/users/"+gone+"/deactivate", "{}")
	f.threeFailures()
	who := []struct{ email, password string }{
		{"ada@acme.example", wrongPassword}, {"nobody@acme.example", wrongPassword}, {"nobody@elsewhere.example", adasPassword},
		{"invited@acme.example", wrongPassword},
		{"gone@acme.example", wrongPassword}, {"gone@acme.example", "Gone-counts-27-geese"},
		{"no address", wrongPassword}, {"ada@acme.example ", wrongPassword + strings.Repeat("g", 2000)},
	}
	attempts := func(email, password string) (all []answer) {
		for range 4 {
			all = append(all, f.browser().signIn(email, password))
		}
		f.pass(7 * time.Minute) // it is forgotten again
		return all
	}
	want := attempts(who[0].email, who[0].password)
	if want[0].status != http.StatusUnauthorized || want[3].status != http.StatusTooManyRequests {
		t.Fatalf("%v", want)
	}
	for _, w := range who[1:] {
		if got := attempts(w.email, w.password); !slices.Equal(got, want) {
			t.Errorf("%q and %.30q:\n%v\nand not\n%v", w.email, w.password, got, want)
		}
	}

	for _, path := range []string{"/portal/v1/links/request", "/portal/v1/session/begin"} {
		want := f.browser().post(path, asJSON(t, "email", "nobody@acme.example"))
		if want.status != http.StatusOK {
			t.Fatalf("%s: %v", path, want)
		}
		for _, w := range who[:6] {
			if got := f.browser().post(path, asJSON(t, "email", w.email)); got != want {
				t.Errorf("%s of %s: %v and not %v", path, w.email, got, want)
			}
		}
	}
}

// TestRedirects proves that people are sent nowhere else after a sign-in.
func TestRedirects(t *testing.T) {
	f := open(t, true)
	bad := []string{
		"https://evil.example", "//evil.example", `/\evil.example`, `\\evil.example`, `\/evil.example`, "/%2f%2fevil.example", "%2f%2fevil.example",
		"///evil.example", "/console//evil.example/../../..", "/console/../evil", "/console/%2e%2e/evil", "https:evil.example", "https:/console/",
		"javascript:alert(1)//console/", " //evil.example", "\t//evil.example", "/\t/evil.example", "/console/\n", "//console/", "http://console/console/",
		"//user@console/", "/consoles", "/console@evil.example", "console/", "?to=https://evil.example", "/oidc/continue/../authorize", "/oidc/authorize",
		"/portal/v1/me", "/console/" + strings.Repeat("a", 1000), "\x00//evil.example", "/consol\u0435/",
	}
	for _, to := range bad {
		if a := f.browser().post("/portal/v1/session/begin", asJSON(t, "email", "ada@acme.example", "returnTo", to)); a.status != http.StatusBadRequest {
			t.Errorf("%q: %d %s", to, a.status, a.body)
		}
	}
	for _, to := range []string{"", "/console", "/console/", "/console/users?search=a%2Fb&page=2#top", "/console?theme=dark", "/oidc/continue?request=abc"} {
		if a := f.browser().post("/portal/v1/session/begin", asJSON(t, "email", "ada@acme.example", "returnTo", to)); a.status != http.StatusOK {
			t.Errorf("%q: %d %s", to, a.status, a.body)
		}
	}
	for _, path := range []string{
		"//evil.example", "//evil.example/..", "/%2f%2fevil.example/..", `/\evil.example`, "/console//evil.example", "//evil.example/console", "/console/..//evil.example",
		"/oidc/continue?request=https://evil.example", "/oidc/authorize?client_id=x&response_type=code&scope=openid&redirect_uri=https://evil.example",
		"/oidc/end_session?post_logout_redirect_uri=https://evil.example", "/oidc/end_session?client_id=x&post_logout_redirect_uri=https://evil.example",
		"/portal/v1/oidc/callback?state=x&code=y&to=https://evil.example", "/console/sign-in?to=//evil.example",
	} {
		_, header := f.browser().send(http.MethodGet, path, "")
		if to := header.Get("Location"); strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`) || to != "" && to[0] != '/' {
			t.Errorf("%s leads to %s", path, to)
		}
	}
}

// TestRule18Links proves that a one-time link is good once, for its time, and until
// there is another, and that a new password ends all sessions.
func TestRule18Links(t *testing.T) {
	f := open(t, true)
	const address = "ada@acme.example"
	ask := func() string {
		f.Helper()
		f.pass(6 * time.Minute)
		f.browser().must("/portal/v1/links/request", asJSON(t, "email", "nobody@acme.example"))
		f.browser().must("/portal/v1/links/request", asJSON(t, "email", address))
		return f.link(address)
	}
	const next = "Another-one-for-27-sheep"
	f.secrets = append(f.secrets, next)
	use := func(token string) answer {
		return f.browser().post("/portal/v1/links/redeem", asJSON(t, "token", token, "password", next))
	}
	never := use("pemba_link_" + strings.Repeat("a", 26))
	if never.status != http.StatusNotFound {
		t.Fatal(never)
	}
	void := func(what, token string) {
		f.Helper()
		if a := use(token); a != never {
			t.Errorf("%s: %v", what, a)
		}
		if a := f.browser().post("/portal/v1/links/inspect", asJSON(t, "token", token)); a.status != http.StatusNotFound || a.field("message") != never.field("message") {
			t.Errorf("%s: %v", what, a)
		}
	}
	first := ask()
	sessions := []*browser{f.ada(), f.ada()}
	second := ask()
	void("after a newer one", first)
	if a := f.browser().post("/portal/v1/links/redeem", asJSON(t, "token", second, "password", "short")); a.status != http.StatusBadRequest {
		t.Errorf("a short password: %v", a)
	}
	reset := f.browser()
	reset.redeem(second, next)
	void("used", second)
	for _, b := range sessions {
		if b.signedIn() != "" {
			t.Error("a session goes on after the password was set anew")
		}
	}
	if reset.signedIn() != address || f.browser().signIn(address, adasPassword).status != http.StatusUnauthorized {
		t.Error("the new password does not count, or the old one does")
	}
	late := ask()
	f.pass(72*time.Hour - time.Second)
	if a := f.browser().post("/portal/v1/links/inspect", asJSON(t, "token", late)); a.status != http.StatusOK || a.field("email") != address {
		t.Errorf("before it expires: %v", a)
	}
	f.pass(time.Second)
	void("expired", late)
}

// TestRule18LinkOnce proves that of many who use a link at the same time one does.
func TestRule18LinkOnce(t *testing.T) {
	f := open(t, true)
	f.pass(6 * time.Minute)
	f.browser().must("/portal/v1/links/request", asJSON(t, "email", "ada@acme.example"))
	token := f.link("ada@acme.example")
	const next = "Another-one-for-27-sheep"
	f.secrets = append(f.secrets, next)
	browsers := make([]*browser, 8)
	var all sync.WaitGroup
	answers := make([]answer, len(browsers))
	for i := range browsers {
		browsers[i] = &browser{&front{T: t, client: f.client, url: f.url}, map[string]string{}, http.Header{}}
		all.Go(func() {
			answers[i] = browsers[i].post("/portal/v1/links/redeem", asJSON(t, "token", token, "password", next))
		})
	}
	all.Wait()
	in := 0
	for i, b := range browsers {
		f.secrets = append(f.secrets, b.secrets...)
		switch answers[i].status {
		case http.StatusOK:
			in++
		case http.StatusNotFound:
		default:
			t.Errorf("one was answered %v", answers[i])
		}
	}
	if in != 1 {
		t.Errorf("%d came in", in)
	}
}

// TestPasswordChange ends all other sessions, and needs the present password.
func TestPasswordChange(t *testing.T) {
	f := open(t, true)
	here, there := f.ada(), f.ada()
	const next = "Another-one-for-27-sheep"
	f.secrets = append(f.secrets, next, wrongPassword)
	if a := here.post("/portal/v1/me/password", asJSON(t, "present", wrongPassword, "password", next)); a.status != http.StatusBadRequest {
		t.Errorf("with a wrong password: %v", a)
	}
	here.must("/portal/v1/me/password", asJSON(t, "present", adasPassword, "password", next))
	if here.signedIn() == "" || there.signedIn() != "" {
		t.Error("the own session has ended, or another goes on")
	}
	if a := f.browser().signIn("ada@acme.example", next); a.status != http.StatusOK {
		t.Errorf("with the new one: %v", a)
	}
}

// TestSecretsStayOut sends secrets where they do not belong, and makes tokens of all
// kinds. That nothing of it is in the log or the database, which has the audit log, is
// looked for at the end, as in every test with a front.
func TestSecretsStayOut(t *testing.T) {
	f := open(t, true)
	ada := f.ada()
	secret := func(text string) string {
		f.secrets = append(f.secrets, text)
		return text
	}
	made := ada.must("/portal/v1/me/tokens", asJSON(t, "name", "robot"))
	machine := f.browser()
	machine.header = http.Header{"Authorization": {"Bearer " + secret(made.field("token"))}}
	if machine.signedIn() != "ada@acme.example" {
		t.Error("the token of a machine opens nothing")
	}
	b := f.browser()
	b.post("/portal/v1/session", `{"email": "`+secret("a-password-as-address")+`", "password": ""}`)
	b.post("/portal/v1/session/begin", `{"email": "`+secret("another-password-as-address")+`"}`)
	b.post("/portal/v1/links/request", `{"email": "`+secret("a-third-password-as-address")+`"}`)
	b.post("/portal/v1/session", `{"email": "ada@acme.example", "password": "`+secret("a-password-in-no-json")+`"`)
	b.post("/portal/v1/session", `{"email": "ada@acme.example", "pasword": "`+secret("a-password-in-no-field")+`"}`)
	b.post("/portal/v1/session", `{"email": "ada@acme.example", "password": ["`+secret("a-password-in-a-list")+`"]}`)
	b.post("/portal/v1/session/key", asJSON(t, "key", secret("a-wrong-key-of-operators-4711")))
	b.post("/portal/v1/links/redeem", asJSON(t, "token", secret("pemba_link_that_is_none"), "password", secret("a-password-for-no-link")))
	b.post("/portal/v1/first-run", asJSON(t, "code", secret("a-code-that-is-none"), "password", secret("a-password-for-no-company")))
	b.get("/console/invite/" + secret("pemba_link_in_an_address"))
	b.get("/portal/v1/oidc/callback?state=" + secret("a-state-of-nobody") + "&code=" + secret("a-code-of-nobody"))
	b.header = http.Header{"Authorization": {"Bearer " + secret("pemba_session_that_is_none")}}
	b.get("/portal/v1/me")
	b.header = http.Header{"Authorization": {"Bearer " + secret("a-wrong-key-as-a-token")}}
	b.get("/portal/v1/me")
}

// TestLinkInLog proves that without a mail server a link is in the log once, for
// whoever runs the server, and nothing else is.
func TestLinkInLog(t *testing.T) {
	f := open(t, false)
	if len(f.logged) != 1 || f.logged[0] == "" {
		t.Fatalf("the links are %q", f.logged)
	}
	found := 0
	for line := range strings.Lines(f.log.text()) {
		if !strings.Contains(line, f.logged[0]) {
			continue
		}
		found++
		if !strings.Contains(line, "level=WARN") || !strings.Contains(line, "hand it over yourself") {
			t.Errorf("the log says %s", line)
		}
	}
	if found != 1 {
		t.Errorf("%d lines of the log have the link", found)
	}
}
