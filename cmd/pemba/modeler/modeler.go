package modeler

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"

	"google.golang.org/grpc"
)

//go:embed pages
var pages embed.FS

// Config says whose portal it is. All but Logger are required.
type Config struct {
	URL          string // where browsers reach it, without a slash at the end
	Issuer       string // of the identity provider
	ClientID     string
	ClientSecret string
	Pemba        grpc.ClientConnInterface // to Pemba, without a token
	Key          string                   // of the service, with the role check
	Portal       string                   // where the Customer Portal is, for a link
	Logger       *slog.Logger             // nil: slog.Default()
}

// Modeler is the portal of the service. It is safe for concurrent use.
type Modeler struct {
	config  Config
	log     *slog.Logger
	signIns *signIns
	pemba   *pemba
	pages   *template.Template
	handler http.Handler
}

// New makes the portal. It asks the identity provider when the first person signs in,
// so that the two may start in any order.
func New(c Config) (*Modeler, error) {
	var faults []error
	for _, field := range []struct{ name, value string }{{"url", c.URL}, {"issuer", c.Issuer}, {"client id", c.ClientID}, {"key", c.Key}} {
		if field.value == "" {
			faults = append(faults, fmt.Errorf("the %s is missing", field.name))
		}
	}
	if c.Pemba == nil {
		faults = append(faults, errors.New("the connection to Pemba is missing"))
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	templates, err := template.ParseFS(pages, "pages/*.html")
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, fmt.Errorf("making the modeler: %w", err)
	}
	m := &Modeler{config: c, log: c.Logger, pages: templates, pemba: newPemba(c.Pemba, c.Key)}
	m.signIns = newSignIns(c, func(w http.ResponseWriter, code int, note string) {
		m.show(w, "failure.html", code, page{Title: "Not signed in", Note: note, Failed: true})
	})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", m.signedIn(m.models))
	mux.HandleFunc("GET /models/{model}", m.signedIn(m.model))
	mux.HandleFunc("GET /diagrams/{diagram}", m.signedIn(m.diagram))
	mux.HandleFunc("POST /diagrams/{diagram}/{action}", m.signedIn(m.act))
	mux.HandleFunc("GET /callback", m.signIns.callback)
	mux.HandleFunc("POST /sign-out", m.signIns.signOut)
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pages, "pages/style.css") })
	m.handler = http.NewCrossOriginProtection().Handler(mux)
	return m, nil
}

// ServeHTTP implements http.Handler.
func (m *Modeler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self' "+m.config.Issuer+"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	m.handler.ServeHTTP(w, r)
}

// page is what every page shows.
type page struct {
	Title  string
	Person string
	Portal string
	Note   string // what was done, or why it was refused
	Failed bool
	Data   any
}

func (m *Modeler) show(w http.ResponseWriter, name string, code int, p page) {
	p.Portal = m.config.Portal
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	if err := m.pages.ExecuteTemplate(w, name, p); err != nil {
		m.log.Warn("a page was not written", "page", name, "error", err)
	}
}
