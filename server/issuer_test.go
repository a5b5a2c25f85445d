package server_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	clientID     = "pemba"
	clientSecret = "what-only-the-provider-knows"
)

// issuer is an OpenID Connect provider of others, by a certified library, that has
// people of its own. What it answers can be changed on the way.
type issuer struct {
	t       *testing.T
	url     string
	server  *httptest.Server
	storage *storage.Storage
	client  *http.Client
	other   *rsa.PrivateKey // that it does not publish

	mu     sync.Mutex
	people map[string]*storage.User
	change map[string]func(answer map[string]any) // by path
	seen   []string                               // codes and tokens that it gave
}

// GetUserByID, GetUserByUsername and ExampleClientID implement storage.UserStore.
func (i *issuer) GetUserByID(id string) *storage.User {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.people[id]
}
func (i *issuer) GetUserByUsername(name string) *storage.User { return i.GetUserByID(name) }
func (i *issuer) ExampleClientID() string                     { return "none" }

// newIssuer starts one that knows an installation.
func newIssuer(t *testing.T, callback string) *issuer {
	t.Helper()
	i := &issuer{t: t, people: map[string]*storage.User{}, change: map[string]func(map[string]any){}}
	var err error
	if i.other, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	i.url = "http://" + listener.Addr().String()
	i.storage = storage.NewStorageWithClients(i, map[string]*storage.Client{clientID: storage.WebClient(clientID, clientSecret, callback)})
	provider, err := op.NewProvider(&op.Config{CodeMethodS256: true}, i.storage, op.StaticIssuer(i.url), op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	i.server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: i.changed(provider), ReadHeaderTimeout: time.Minute}}
	i.server.Start()
	t.Cleanup(i.server.Close)
	i.client = i.server.Client()
	i.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return i
}

// changed changes answers in JSON.
func (i *issuer) changed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		change := i.change[r.URL.Path]
		i.mu.Unlock()
		if r.URL.Path != "/oauth/token" && change == nil {
			next.ServeHTTP(w, r)
			return
		}
		given := httptest.NewRecorder()
		next.ServeHTTP(given, r)
		var answer map[string]any
		if err := json.Unmarshal(given.Body.Bytes(), &answer); err != nil {
			i.t.Errorf("%s: %v", r.URL.Path, err)
		}
		if change != nil && given.Code == http.StatusOK {
			change(answer)
		}
		for _, name := range []string{"access_token", "id_token"} {
			if token, ok := answer[name].(string); ok {
				i.saw(token)
			}
		}
		text, err := json.Marshal(answer)
		if err != nil {
			i.t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		w.WriteHeader(given.Code)
		_, _ = w.Write(text)
	})
}

func (i *issuer) saw(secret string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.seen = append(i.seen, secret)
}

// on changes the answers of a path from now on.
func (i *issuer) on(path string, change func(answer map[string]any)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.change[path] = change
}

// person adds somebody whom the provider knows.
func (i *issuer) person(id, email string, verified bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.people[id] = &storage.User{ID: id, Username: id, Password: "secret", Email: email, EmailVerified: verified}
}

// signIn is what happens at the provider once it is asked: somebody proves who he is,
// and the browser is sent back. It returns where to.
func (i *issuer) signIn(redirect, person string) *url.URL {
	i.t.Helper()
	login := i.sent(redirect)
	id := login.Query().Get("authRequestID")
	if err := i.storage.CheckUsernamePassword(person, "secret", id); err != nil {
		i.t.Fatalf("at the provider: %v (%s)", err, login)
	}
	back := i.sent(i.url + "/authorize/callback?id=" + url.QueryEscape(id))
	i.saw(back.Query().Get("code"))
	return back
}

// sent returns where a page of the provider sends a browser.
func (i *issuer) sent(address string) *url.URL {
	i.t.Helper()
	resp, err := i.client.Get(address)
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	to, err := resp.Location()
	if err != nil {
		text, _ := io.ReadAll(resp.Body)
		i.t.Fatalf("%s: %d %s", address, resp.StatusCode, text)
	}
	return to
}

// key is with what a token is signed.
type key struct {
	algorithm jose.SignatureAlgorithm
	key       any
}

// own is the key that the provider publishes.
func (i *issuer) own() key {
	i.t.Helper()
	k, err := i.storage.SigningKey(i.t.Context())
	if err != nil {
		i.t.Fatal(err)
	}
	return key{jose.RS256, k.Key()}
}

// resigned changes the claims of the id tokens, and signs them by a key.
func (i *issuer) resigned(by key, claims map[string]any) func(map[string]any) {
	own, err := i.storage.SigningKey(i.t.Context())
	if err != nil {
		i.t.Fatal(err)
	}
	return func(answer map[string]any) {
		token, err := jose.ParseSignedCompact(answer["id_token"].(string), []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			i.t.Error(err)
			return
		}
		said := map[string]any{}
		if err := json.Unmarshal(token.UnsafePayloadWithoutVerification(), &said); err != nil {
			i.t.Error(err)
		}
		for name, value := range claims {
			if said[name] = value; value == nil {
				delete(said, name)
			}
		}
		payload, err := json.Marshal(said)
		if err != nil {
			i.t.Error(err)
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: by.algorithm, Key: by.key}, (&jose.SignerOptions{}).WithHeader("kid", own.ID()))
		if err != nil {
			i.t.Error(err)
			return
		}
		signed, err := signer.Sign(payload)
		if err != nil {
			i.t.Error(err)
			return
		}
		if answer["id_token"], err = signed.CompactSerialize(); err != nil {
			i.t.Error(err)
		}
	}
}
