package server_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/server"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/portal"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// front is a server with the Customer Portal that browsers reach, and mostly the company acme
// in it with ada, its administrator. What is secret is looked for in the log and in
// the database at the end.
type front struct {
	*testing.T
	replica *replica.Replica
	portal  *portal.Portal
	client  *http.Client
	url     string
	clock   clock
	log     log
	codes   chan string // of the first run, one of each member
	mails   chan letter // nil: there is no mail server
	secrets []string
	logged  []string // secrets that the log has by design
	kept    []string // secrets that the database has, sealed, by design
	reasons []string // that the audit log has to have
}

// letter is a mail.
type letter struct{ to, text string }

// Send implements portal.Mailer.
func (f *front) Send(_ context.Context, to, _, text string) error {
	f.mails <- letter{to, text}
	return nil
}

const (
	adasPassword = "Ada-counts-27-sheep"
	operatorKey  = "a-key-of-the-operators-0123456789"
)

// open starts the server with a company. Without mail its links are in the log.
func open(t *testing.T, mail bool) *front {
	t.Helper()
	f := openEmpty(t, mail)
	f.found()
	return f
}

// openEmpty starts the server.
func openEmpty(t *testing.T, mail bool) *front {
	t.Helper()
	f := &front{T: t, secrets: []string{operatorKey}, codes: make(chan string, 1)}
	f.clock.set(time.Now().UTC().Truncate(time.Second))
	f.log.level.Set(slog.LevelDebug)
	logger := slog.New(slog.NewTextHandler(&f.log, &slog.HandlerOptions{Level: &f.log.level}))
	var err error
	if f.replica, err = replica.Open(t.Context(), replica.Config{InMemory: true, Logger: logger, Now: f.clock.now}); err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.url = "http://" + listener.Addr().String()
	config := portal.Config{Replica: f.replica, Logger: logger, Now: f.clock.now, PublicURL: f.url, FirstRun: func(code string) { f.codes <- code }}
	if mail {
		f.mails = make(chan letter, 100)
		config.Mailer = f
	}
	if f.portal, err = portal.Open(config); err != nil {
		t.Fatal(err)
	}
	serving := server.Config{Replica: f.replica, Logger: logger, Now: f.clock.now, Portal: f.portal}
	withKeys(t, operatorKey)(&serving)
	s, err := server.New(serving)
	if err != nil {
		t.Fatal(err)
	}
	side, err := s.NewHTTP(server.HTTPConfig{PublicURL: f.url})
	if err != nil {
		t.Fatal(err)
	}
	web := &httptest.Server{Listener: listener, Config: &http.Server{Handler: side, ReadHeaderTimeout: time.Minute}}
	web.Start()
	f.client = web.Client()
	f.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(func() {
		web.Close()
		if err := side.Close(); err != nil {
			t.Error(err)
		}
		s.Close()
		f.portal.Close() // it writes what it noted for the audit log
		f.searchSecrets()
		if err := f.replica.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := f.portal.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

// found makes the company, and ada sets her password.
func (f *front) found() {
	f.Helper()
	operators, _ := f.portal.Services()
	ctx := portal.WithCaller(f.Context(), &portal.Caller{Operator: "ops", Admin: true})
	made, err := operators.CreateCompany(ctx, &portalv1.CreateCompanyRequest{
		Id: "acme", Name: "Acme", AdministratorEmail: "ada@acme.example", AdministratorGivenName: "Ada",
	})
	if err != nil {
		f.Fatal(err)
	}
	token := linkIn(made.ActivationLink)
	if f.mails != nil {
		token = f.link("ada@acme.example")
	} else {
		f.logged = append(f.logged, token)
	}
	f.browser().redeem(token, adasPassword)
}

// link waits for the next mail, which is to somebody, and returns the token in it.
func (f *front) link(to string) string {
	f.Helper()
	token := linkIn(f.mail(to))
	if token == "" {
		f.Fatalf("no link came to %s", to)
	}
	f.secrets = append(f.secrets, token)
	return token
}

// mail waits for the next mail, which is to somebody.
func (f *front) mail(to string) string {
	f.Helper()
	l := <-f.mails
	if l.to != to {
		f.Fatalf("a mail to %s and not to %s: %s", l.to, to, l.text)
	}
	return l.text
}

// linkIn returns the token of the one-time link in a text.
func linkIn(text string) string {
	_, after, _ := strings.Cut(text, "/console/invite/")
	token, _, _ := strings.Cut(after, "\n")
	return token
}

// pass lets time go by.
func (f *front) pass(d time.Duration) { f.clock.set(f.clock.now().Add(d)) }

// searchSecrets looks for secrets where they would stay.
func (f *front) searchSecrets() {
	text := f.log.text()
	if !strings.Contains(text, "/pemba.portal.v1.SessionService/RedeemLink") && !strings.Contains(text, "/pemba.portal.v1.SessionService/BeginFirstRun") {
		f.Errorf("the log has no calls: nothing could be found in it")
	}
	if faults := f.log.failures(); faults != "" {
		f.Errorf("the server logged failures:\n%s", faults)
	}
	snap, err := f.replica.Snapshot(context.Background(), replica.Consistency{Mode: replica.FullyConsistent})
	if err != nil {
		f.Error(err)
		return
	}
	defer snap.Close()
	documents := 0
	for doc, err := range snap.Documents(context.Background(), "", "") {
		if err != nil {
			f.Error(err)
			return
		}
		documents++
		f.reasons = slices.DeleteFunc(f.reasons, func(reason string) bool { return strings.Contains(string(doc.Value), reason) })
		for _, secret := range f.secrets {
			if strings.Contains(doc.Key, secret) || strings.Contains(string(doc.Value), secret) {
				f.Errorf("the document %s has the secret %q: %s", doc.Key, secret, doc.Value)
			}
		}
		for _, secret := range f.kept {
			if doc.Class != store.ClassSealed && strings.Contains(string(doc.Value), secret) {
				f.Errorf("the document %s has the secret %q and is not sealed", doc.Key, secret)
			}
		}
	}
	for _, reason := range f.reasons {
		f.Errorf("the audit log does not say %q", reason)
	}
	if documents == 0 {
		f.Error("the database has no documents: nothing could be found in it")
	}
	for _, secret := range slices.Concat(f.secrets, f.kept) {
		if i := strings.Index(text, secret); i >= 0 && !slices.Contains(f.logged, secret) {
			f.Errorf("the log has the secret %q: …%s", secret, text[max(0, i-200):i+len(secret)])
		}
	}
}

// browser is a browser, on a page of the server unless it is told otherwise.
type browser struct {
	*front
	cookies map[string]string
	header  http.Header // of every request
}

// browser returns one without cookies.
func (f *front) browser() *browser {
	return &browser{f, map[string]string{}, http.Header{"Origin": {f.url}, "Sec-Fetch-Site": {"same-origin"}}}
}

// Names of the cookies, as browsers know them.
const (
	sessionCookie = "__Host-session"
	signInCookie  = "__Host-sign-in"
)

// answer is what came back; two are equal when nobody could tell them apart.
type answer struct {
	status int
	body   string
}

// field returns a text in the body.
func (a answer) field(name string) string {
	var m map[string]any
	_ = json.Unmarshal([]byte(a.body), &m) // what is no object has no fields
	text, _ := m[name].(string)
	return text
}

// send makes a request, and keeps the cookies that come back.
func (b *browser) send(method, path, body string) (answer, http.Header) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header = b.header.Clone()
	r.Header.Set("Content-Type", "application/json")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		b.keep(c, resp.Header)
	}
	return answer{resp.StatusCode, string(text)}, resp.Header
}

// keep keeps a cookie, or forgets it; one that scripts, neighbours, other sites or
// anybody on the way could read or set is a fault.
func (b *browser) keep(c *http.Cookie, header http.Header) {
	b.Helper()
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || !strings.HasPrefix(c.Name, "__Host-") {
		b.Errorf("the cookie %s", c.Raw)
	}
	if header.Get("Cache-Control") != "no-store" {
		b.Errorf("an answer with a cookie may be stored: %v", header)
	}
	if c.MaxAge < 0 {
		delete(b.cookies, c.Name)
		return
	}
	if c.Value == "" {
		b.Errorf("the cookie %s is empty", c.Raw)
		return
	}
	b.cookies[c.Name] = c.Value
	b.secrets = append(b.secrets, c.Value)
}

// post and get return the answer alone.
func (b *browser) post(path, body string) answer {
	b.Helper()
	a, _ := b.send(http.MethodPost, path, body)
	return a
}

func (b *browser) get(path string) answer {
	b.Helper()
	a, _ := b.send(http.MethodGet, path, "")
	return a
}

// must posts what has to succeed.
func (b *browser) must(path, body string) answer {
	b.Helper()
	a := b.post(path, body)
	if a.status != http.StatusOK {
		b.Fatalf("POST %s: %d %s", path, a.status, a.body)
	}
	return a
}

// signIn tries a password.
func (b *browser) signIn(email, password string) answer {
	b.Helper()
	b.secrets = append(b.secrets, password)
	return b.post("/portal/v1/session", asJSON(b.T, "email", email, "password", password))
}

// redeem sets a password by a link, which must be good.
func (b *browser) redeem(token, password string) {
	b.Helper()
	b.secrets = append(b.secrets, token, password)
	b.must("/portal/v1/links/redeem", asJSON(b.T, "token", token, "password", password))
}

// signedIn reports who is signed in, "" for nobody.
func (b *browser) signedIn() string {
	b.Helper()
	a := b.get("/portal/v1/me")
	if a.status == http.StatusUnauthorized {
		return ""
	}
	var me struct{ Person struct{ Email string } }
	if err := json.Unmarshal([]byte(a.body), &me); err != nil || a.status != http.StatusOK {
		b.Fatalf("GET me: %d %s", a.status, a.body)
	}
	return me.Person.Email
}

// ada returns a browser in which ada is signed in.
func (f *front) ada() *browser {
	f.Helper()
	b := f.browser()
	if a := b.signIn("ada@acme.example", adasPassword); a.status != http.StatusOK {
		f.Fatalf("ada: %d %s", a.status, a.body)
	}
	return b
}

// person has ada create somebody of acme, by his address or what stands before its @, who sets a password if it is given. It
// returns his id.
func (f *front) person(ada *browser, name, password string) string {
	f.Helper()
	address := name
	if !strings.Contains(name, "@") {
		address += "@acme.example"
	}
	a := ada.must("/portal/v1/users", asJSON(f.T, "email", address, "givenName", name))
	var made struct{ User struct{ ID string } }
	if err := json.Unmarshal([]byte(a.body), &made); err != nil || made.User.ID == "" {
		f.Fatalf("creating %s: %s", name, a.body)
	}
	if token := linkIn(f.mail(address)); password != "" {
		f.browser().redeem(token, password)
	}
	return made.User.ID
}

// asJSON makes an object of names and texts.
func asJSON(t *testing.T, pairs ...string) string {
	t.Helper()
	m := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		m[pair[0]] = pair[1]
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
