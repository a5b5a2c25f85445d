// Package console is the web console: the files that Vite made of src, and how a
// browser gets them. It knows nothing of what the pages show; they ask the same
// API as everybody. Start reading at Handler; of the pages, at src/routes.tsx.
//
// A program that is built without the files (they need Node, and `make console`)
// serves a page that says so.
package console

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// Path is where the console is served.
const Path = "/console/"

const (
	indexFile   = "index.html"
	packed      = ".gz"           // files are packed when they are built
	nonceMarker = "__CSP_NONCE__" // in index.html
)

// Handler serves the console that is in the program, under Path.
func Handler() (http.Handler, error) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("the console: %w", err)
	}
	return newConsole(files)
}

// asset is one file, which never changes.
type asset struct {
	kind, etag string
	packed     []byte
}

// console serves the files. It is safe for concurrent use.
type console struct {
	index  string // "": it was not built
	assets map[string]asset
}

// newConsole reads index.html and what stands packed in assets.
func newConsole(files fs.FS) (*console, error) {
	c := &console{assets: map[string]asset{}}
	index, err := fs.ReadFile(files, indexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the console: %w", err)
	}
	if !bytes.Contains(index, []byte(nonceMarker)) {
		return nil, fmt.Errorf("the console: %s has no %s", indexFile, nonceMarker)
	}
	c.index = string(index)
	err = fs.WalkDir(files, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		plain, ok := strings.CutSuffix(name, packed)
		if !ok {
			return fmt.Errorf("%s is not packed", name)
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		c.assets[plain] = asset{kind: mime.TypeByExtension(path.Ext(plain)), etag: `"` + hex.EncodeToString(sum[:16]) + `"`, packed: data}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the console: %w", err)
	}
	return c, nil
}

// ServeHTTP implements http.Handler.
func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the console is read with GET", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // addresses of pages may hold one-time tokens
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if strings.HasPrefix(name, "assets/") {
		c.serveAsset(w, r, name)
		return
	}
	c.servePage(w, r)
}

// serveAsset serves a file whose name changes with what is in it.
func (c *console) serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	a, ok := c.assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", a.etag)
	h.Set("Content-Type", a.kind)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == a.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		write(w, r, a.packed)
		return
	}
	plain, err := unpack(a.packed)
	if err != nil {
		http.Error(w, "the file cannot be unpacked", http.StatusInternalServerError)
		return
	}
	write(w, r, plain)
}

func unpack(data []byte) ([]byte, error) {
	in, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(in)
}

// servePage answers every other path with the one page, which looks at the path
// itself. Each answer has its own nonce.
func (c *console) servePage(w http.ResponseWriter, r *http.Request) {
	nonce := rand.Text()
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy(nonce))
	page := c.index
	if page == "" {
		w.WriteHeader(http.StatusServiceUnavailable)
		page = notBuilt
	}
	write(w, r, []byte(strings.ReplaceAll(page, nonceMarker, nonce)))
}

func write(w http.ResponseWriter, r *http.Request, text []byte) {
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(text) // an error means that the browser is gone
}

// policy lets a page load from here alone. Style attributes are what positions
// rows and panels; style elements need the nonce.
func policy(nonce string) string {
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self' 'nonce-" + nonce + "'", "style-src-attr 'unsafe-inline'",
		"img-src 'self' data:", "font-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'",
	}, "; ")
}

// notBuilt is the page of a program without the console.
const notBuilt = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Pemba</title>
<style nonce="` + nonceMarker + `">body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:4em auto;padding:0 1em;color-scheme:light dark}</style></head>
<body><main>
<h1>The console is not in this program</h1>
<p>It was built without Node.js. Run <code>make console</code>, which needs Node.js 20.19 or newer with npm, and then <code>make build</code>.</p>
<p>The API is served all the same, and the command line does everything the console does.</p>
</main></body>
</html>
`
