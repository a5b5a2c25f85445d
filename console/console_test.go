package console

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func built(t *testing.T) http.Handler {
	t.Helper()
	var script bytes.Buffer
	z := gzip.NewWriter(&script)
	if _, err := z.Write([]byte("run()")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := newConsole(fstest.MapFS{
		"index.html":          {Data: []byte(`<meta name="csp-nonce" content="__CSP_NONCE__">`)},
		"assets/a-1234.js.gz": {Data: script.Bytes()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func get(t *testing.T, h http.Handler, method, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

// TestPages: every path but those of assets is the page, with its own nonce.
func TestPages(t *testing.T) {
	h := built(t)
	nonces := map[string]bool{}
	nonce := regexp.MustCompile(`content="(\w+)"`)
	for _, path := range []string{"/console/", "/console/people/u1", "/console/invite/a.b"} {
		resp, body := get(t, h, "GET", path)
		m := nonce.FindStringSubmatch(body)
		if resp.StatusCode != 200 || m == nil {
			t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
		}
		nonces[m[1]] = true
		policy := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "'nonce-"+m[1]+"'") || !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") {
			t.Errorf("%s: policy %q, nonce %s", path, policy, m[1])
		}
		if got := resp.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
	if len(nonces) != 3 {
		t.Errorf("%d nonces for 3 answers", len(nonces))
	}
	if resp, _ := get(t, h, "POST", "/console/"); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", resp.StatusCode)
	}
}

// TestAssets: packed for those who take it, and kept for good by its tag.
func TestAssets(t *testing.T) {
	h := built(t)
	resp, body := get(t, h, "GET", "/console/assets/a-1234.js")
	if resp.StatusCode != 200 || body != "run()" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/javascript") {
		t.Errorf("plain: %d %q %s", resp.StatusCode, body, resp.Header.Get("Content-Type"))
	}
	if got := resp.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("Cache-Control %q", got)
	}
	zipped, body := get(t, h, "GET", "/console/assets/a-1234.js", "Accept-Encoding", "br, gzip")
	if zipped.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("not packed: %v", zipped.Header)
	}
	if plain, err := unpack([]byte(body)); err != nil || string(plain) != "run()" {
		t.Errorf("unpacked: %q, %v", plain, err)
	}
	again, body := get(t, h, "GET", "/console/assets/a-1234.js", "If-None-Match", resp.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("known: %d %q", again.StatusCode, body)
	}
	if resp, _ := get(t, h, "GET", "/console/assets/gone.js"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("an asset that does not exist: %d", resp.StatusCode)
	}
}

// TestNotBuilt: a program without the files says how to get them.
func TestNotBuilt(t *testing.T) {
	c, err := newConsole(fstest.MapFS{".gitkeep": {}})
	if err != nil {
		t.Fatal(err)
	}
	resp, body := get(t, c, "GET", "/console/people")
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "make console") || strings.Contains(body, nonceMarker) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// TestBroken: files that were not built for the program are found at its start.
func TestBroken(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"no nonce":   {"index.html": {Data: []byte("<html>")}},
		"not packed": {"index.html": {Data: []byte(nonceMarker)}, "assets/a.js": {Data: []byte("run()")}},
	} {
		if _, err := newConsole(files); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// TestEmbedded: what is in this program can be served.
func TestEmbedded(t *testing.T) {
	h, err := Handler()
	if err != nil {
		t.Fatal(err)
	}
	if resp, body := get(t, h, "GET", "/console/"); resp.StatusCode != 200 && resp.StatusCode != 503 || body == "" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}
