package portal

import (
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/portal/outside"
	"github.com/pemba-authz/pemba/server/portal/session"
	"github.com/pemba-authz/pemba/server/replica"
)

// Schema is the text of the portal's definitions.
//
//go:embed schema.zed
var Schema string

// Config says what a portal stands on. Replica is required; every other zero value
// is a good default.
type Config struct {
	Replica *replica.Replica
	Logger  *slog.Logger     // nil: slog.Default()
	Now     func() time.Time // nil: time.Now

	// PublicURL is where browsers reach this server, without a slash at the end:
	// links in mails begin with it. "": http://127.0.0.1:8080.
	PublicURL string

	Build, Node string // of the program and its member, shown to operators

	// Mailer sends one-time links; nil: they are written to the log.
	Mailer Mailer

	// FirstRun is told the one-time code by which the first company is made, once
	// it is known that there is none; nil: it is written to the log.
	FirstRun func(code string)
}

// Portal is the Customer Portal of one node. It is safe for concurrent use.
type Portal struct {
	config    Config
	replica   *replica.Replica
	log       *slog.Logger
	directory directory
	notes     *notes
	sessions  *session.Keeper
	hasher    *hasher
	mailer    *mailer
	outside   *outside.Client

	ctx     context.Context // ends with Close
	end     context.CancelFunc
	running sync.WaitGroup
}

// Open begins to serve the portal. Its schema is written as soon as the cluster
// can; until then calls are refused. The caller must Close it, before the replica.
func Open(c Config) (*Portal, error) {
	if c.Replica == nil {
		return nil, errors.New("opening the portal: no replica is given")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://127.0.0.1:8080"
	}
	p := &Portal{config: c, replica: c.Replica, log: c.Logger}
	p.ctx, p.end = context.WithCancel(context.Background())
	p.notes, p.hasher = newNotes(p), newHasher()
	p.sessions = session.Open(session.Config{Replica: c.Replica, Logger: c.Logger, Now: c.Now, Beside: wasSeen})
	p.mailer, p.outside = newMailer(p), outside.New(outside.Config{Loopback: onLoopback(c.PublicURL), Now: c.Now})
	p.running.Go(p.notes.run)
	p.running.Go(p.mailer.run)
	p.running.Go(p.chores)
	p.running.Go(func() {
		if p.install() {
			p.offerFirstRun()
		}
	})
	return p, nil
}

// Close writes what was only noted so far, and ends everything that Open began.
func (p *Portal) Close() {
	p.sessions.Close()
	p.end()
	p.running.Wait()
}

// Register adds the services of the portal to a gRPC server.
func (p *Portal) Register(g grpc.ServiceRegistrar) {
	portalv1.RegisterOperatorServiceServer(g, &operatorService{Portal: p})
	portalv1.RegisterPeopleServiceServer(g, &peopleService{Portal: p})
	portalv1.RegisterWorkspaceServiceServer(g, &workspaceService{Portal: p})
	portalv1.RegisterDiagramServiceServer(g, &diagramService{Portal: p})
	portalv1.RegisterGroupServiceServer(g, &groupService{Portal: p})
	portalv1.RegisterAuditServiceServer(g, &auditService{Portal: p})
	portalv1.RegisterSettingsServiceServer(g, &settingsService{Portal: p})
	portalv1.RegisterSubscriptionServiceServer(g, &subscriptionService{Portal: p})
}

// Services returns the services by which operators and administrators prepare what
// the identity provider serves, for callers in the process.
func (p *Portal) Services() (portalv1.OperatorServiceServer, portalv1.SettingsServiceServer) {
	return &operatorService{Portal: p}, &settingsService{Portal: p}
}

// onLoopback reports whether only this machine reaches an address.
func onLoopback(address string) bool {
	u, err := url.Parse(address)
	return err == nil && loopbackHost(u.Hostname())
}

// publicURL is where browsers reach this server, without a slash at the end.
func (p *Portal) publicURL() string { return strings.TrimSuffix(p.config.PublicURL, "/") }

// now returns the time, as exactly as documents keep it.
func (p *Portal) now() time.Time { return p.config.Now().UTC().Truncate(time.Millisecond) }
