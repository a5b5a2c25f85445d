package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/server"
)

// testIssuer is an OIDC issuer: a discovery document, keys, and tokens.
type testIssuer struct {
	*httptest.Server
	key  *ecdsa.PrivateKey
	down atomic.Bool
}

func newTestIssuer(t *testing.T) *testIssuer {
	t.Helper()
	i := &testIssuer{key: newECDSA(t)}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		if i.down.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		i.answer(t, w, map[string]any{
			"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		point, err := i.key.PublicKey.Bytes()
		if err != nil {
			t.Error(err)
			return
		}
		i.answer(t, w, map[string]any{"keys": []any{map[string]any{
			"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "1", "x": raw(point[1:33]), "y": raw(point[33:]),
		}}})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func newECDSA(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (i *testIssuer) answer(t *testing.T, w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		t.Error(err)
	}
}

func raw(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// sign makes a token of claims.
func sign(t *testing.T, key *ecdsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := raw([]byte(`{"alg":"ES256","kid":"1","typ":"JWT"}`)) + "." + raw(body)
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + raw(signature)
}

func TestOIDC(t *testing.T) {
	issuer := newTestIssuer(t)
	claims := func(change map[string]any) map[string]any {
		c := map[string]any{
			"iss": issuer.URL, "aud": "pemba", "sub": "ana", "exp": time.Now().Add(time.Hour).Unix(),
			"realm": map[string]any{"roles": []string{"readers", "others"}},
		}
		for name, value := range change {
			c[name] = value
		}
		return c
	}
	p := listen(t, func(c *server.Config) {
		c.Auth = mustAuth(t, server.AuthConfig{
			Keys: []server.Key{mustKey(t, "a-key-beside-tokens")},
			OIDC: &server.OIDCConfig{
				Issuer: issuer.URL, Audience: "pemba", Claim: "realm.roles",
				Roles: map[string]server.Role{"checkers": server.RoleCheck, "readers": server.RoleRead, "admins": server.RoleAdmin},
			},
		})
	})
	client := v1.NewSchemaServiceClient(p.dial(t))
	read := func(token string) error {
		_, err := client.ReadSchema(as(t.Context(), token), &v1.ReadSchemaRequest{})
		return err
	}
	if err := read("a-key-beside-tokens"); status.Code(err) != codes.NotFound {
		t.Fatalf("the key: %v", err)
	}
	issuer.down.Store(true)
	good := sign(t, issuer.key, claims(nil))
	if err := read(good); status.Code(err) != codes.Unavailable || retryDelay(err) <= 0 {
		t.Errorf("while the issuer is down: %v", err)
	}
	if err := read("a-key-beside-tokens"); status.Code(err) != codes.NotFound {
		t.Errorf("keys work while the issuer is down: %v", err)
	}
}

func TestOIDCTokens(t *testing.T) {
	issuer := newTestIssuer(t)
	p := listen(t, func(c *server.Config) {
		c.Auth = mustAuth(t, server.AuthConfig{OIDC: &server.OIDCConfig{
			Issuer: issuer.URL, Audience: "pemba", Claim: "realm.roles",
			Roles: map[string]server.Role{"checkers": server.RoleCheck, "readers": server.RoleRead, "admins": server.RoleAdmin},
		}})
	})
	client := v1.NewSchemaServiceClient(p.dial(t))
	roles := func(words any) map[string]any { return map[string]any{"realm": map[string]any{"roles": words}} }
	for _, c := range []struct {
		name   string
		change map[string]any
		key    *ecdsa.PrivateKey
		read   codes.Code
		write  codes.Code
		msg    string
	}{
		{name: "reader", change: roles([]string{"readers", "others"}), read: codes.NotFound, write: codes.PermissionDenied, msg: "has the role read"},
		{name: "highest role", change: roles([]string{"checkers", "admins"}), read: codes.NotFound, write: codes.OK},
		{name: "words in a text", change: roles("others readers"), read: codes.NotFound, write: codes.PermissionDenied},
		{name: "checker", change: roles([]string{"checkers"}), read: codes.PermissionDenied, write: codes.PermissionDenied},
		{name: "no known word", change: roles([]string{"others"}), read: codes.PermissionDenied, write: codes.PermissionDenied, msg: "gives it no role"},
		{name: "no claim", read: codes.PermissionDenied, write: codes.PermissionDenied, msg: "gives it no role"},
		{name: "claim of another kind", change: roles(7), read: codes.PermissionDenied, write: codes.PermissionDenied, msg: "gives it no role"},
		{name: "other audience", change: map[string]any{"aud": "others"}, read: codes.PermissionDenied, write: codes.PermissionDenied, msg: "not valid here"},
		{name: "other issuer", change: map[string]any{"iss": "https://example.com"}, read: codes.PermissionDenied, write: codes.PermissionDenied, msg: "not valid here"},
		{name: "expired", change: map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}, read: codes.PermissionDenied, write: codes.PermissionDenied, msg: "has expired"},
		{name: "forged", change: roles([]string{"admins"}), key: newECDSA(t), read: codes.PermissionDenied, write: codes.PermissionDenied, msg: "not valid here"},
	} {
		claims := map[string]any{"iss": issuer.URL, "aud": "pemba", "sub": "ana", "exp": time.Now().Add(time.Hour).Unix()}
		for name, value := range c.change {
			claims[name] = value
		}
		key := issuer.key
		if c.key != nil {
			key = c.key
		}
		ctx := as(t.Context(), sign(t, key, claims))
		if _, err := client.ReadSchema(ctx, &v1.ReadSchemaRequest{}); status.Code(err) != c.read {
			t.Errorf("%s reads: %v, want %v", c.name, err, c.read)
		}
		_, err := client.WriteSchema(ctx, &v1.WriteSchemaRequest{Schema: ""})
		if status.Code(err) != c.write || !strings.Contains(status.Convert(err).Message(), c.msg) {
			t.Errorf("%s writes: %v, want %v %q", c.name, err, c.write, c.msg)
		}
	}
}
