package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/pemba-authz/pemba/console"
	"github.com/pemba-authz/pemba/server/portal"
	"github.com/pemba-authz/pemba/server/portal/idp"
)

// HTTPConfig says what the HTTP side of a server is like.
type HTTPConfig struct {
	// PublicURL is where callers reach this side: "https://authz.example.com".
	// AuthZEN's discovery document names it. "": http://127.0.0.1:8080.
	PublicURL string

	AuthZEN AuthZENConfig

	// MaxBody is how many bytes of a request's body are read; 0: 8 MiB. Of an
	// import it is 64 times as many.
	MaxBody int64
}

const (
	defaultPublicURL = "http://127.0.0.1:8080"
	defaultMaxBody   = 8 << 20
	importBodies     = 64 // bodies of other requests that one of an import may be as large as
)

// HTTP is the HTTP side of a server: every RPC as JSON, AuthZEN, the OpenAPI
// description and the state of health. It holds no rules of its own: each
// request becomes a call of the gRPC side over a connection inside the process,
// so that identity, limits, log and metrics are the same for both.
type HTTP struct {
	handler http.Handler
	inner   *grpc.Server
	conn    *grpc.ClientConn
	served  chan error
}

// ServeHTTP implements http.Handler.
func (h *HTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.handler.ServeHTTP(w, r) }

// NewHTTP makes the HTTP side of the server. The caller must Close it.
func (s *Server) NewHTTP(c HTTPConfig) (*HTTP, error) {
	if c.PublicURL == "" {
		c.PublicURL = defaultPublicURL
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	if c.MaxBody <= 0 {
		c.MaxBody = defaultMaxBody
	}
	if err := c.AuthZEN.validate(); err != nil {
		return nil, fmt.Errorf("making the HTTP side: %w", err)
	}
	h := &HTTP{inner: grpc.NewServer(s.Options()...), served: make(chan error, 1)}
	s.Register(h.inner)
	listener := bufconn.Listen(1 << 20)
	go func() { h.served <- h.inner.Serve(listener) }()
	var err error
	h.conn, err = grpc.NewClient("passthrough:///pemba",
		grpc.WithTransportCredentials(insecure.NewCredentials()), // it never leaves the process
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)))
	if err == nil {
		h.handler, err = s.routes(c, h.conn)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the HTTP side: %w", err), h.Close())
	}
	return h, nil
}

// Close ends the calls that run and everything that NewHTTP started. Requests
// must have ended: shut down the http.Server first.
func (h *HTTP) Close() error {
	var err error
	if h.conn != nil {
		err = h.conn.Close()
	}
	h.inner.Stop()
	return errors.Join(err, <-h.served)
}

// routes is the table of paths.
func (s *Server) routes(c HTTPConfig, conn *grpc.ClientConn) (http.Handler, error) {
	gateway, err := newGateway(conn)
	if err != nil {
		return nil, err
	}
	description, err := openAPI()
	if err != nil {
		return nil, err
	}
	pages, err := console.Handler()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", withCookies(limitBody(c.MaxBody, gateway)))
	mux.Handle("GET /{$}", http.RedirectHandler(console.Path, http.StatusFound))
	mux.Handle(console.Path, pages)
	if s.provider != nil {
		mux.Handle(idp.Path+"/", s.provider)
		mux.HandleFunc("GET "+portal.CallbackPath, s.callback)
	}
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, description) })
	s.registerHealth(mux)
	s.newAuthZEN(c, conn).register(mux)
	return withRequestID(sameOrigin(mux)), nil
}

// importPaths are the paths whose bodies are streams of messages.
var importPaths = map[string]bool{
	"/v1/relationships/importbulk":              true,
	"/v1/experimental/relationships/bulkimport": true,
}

func limitBody(limit int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := limit
		if importPaths[r.URL.Path] {
			most *= importBodies
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		next.ServeHTTP(w, r)
	})
}

const requestIDHeader = "X-Request-Id"

// withRequestID answers with the caller's request id unchanged, or with one
// that is made here, and which the calls made for the request have too.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if id == "" {
			id = rand.Text()
			r.Header.Set(requestIDHeader, id)
		}
		w.Header().Set(requestIDHeader, id)
		next.ServeHTTP(w, r)
	})
}

// writeJSON answers with a value that can be marshalled.
func writeJSON(w http.ResponseWriter, code int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		code, text = http.StatusInternalServerError, []byte(`"the answer cannot be written as JSON"`)
	}
	writeText(w, code, text)
}

func writeText(w http.ResponseWriter, code int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// An error means that the caller is gone.
	_, _ = w.Write(append(text, '\n'))
}
