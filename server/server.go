// Package server answers the gRPC APIs authzed.api.v1 and pemba.v1, and both
// over HTTP as well.
//
// It turns requests into questions for the engine and transactions for the
// log, and what comes back into responses. It holds no rules of authorization,
// knows no file and no key of the store, and takes every setting from its
// Config.
//
// # Reading order
//
// A request passes interceptors.go, the handler of its service
// (permissions.go, lookups.go, relationships.go, bulk.go, schemas.go, watch.go,
// experimental.go), question.go, which picks the snapshot and makes the engine,
// and, when it failed, errors.go, which is the only place that knows gRPC
// codes. convert.go is the only place that knows both the messages and the
// engine's types; cursor.go makes the tokens by which streams are resumed.
// transactions.go, documents.go, backup.go and cluster.go are what pemba.v1 adds;
// reserved.go refuses what only the portal writes. http.go is the HTTP
// side, which calls the gRPC side over a connection inside the process:
// gateway.go and openapi.go for the RPCs, authzen.go for OpenID AuthZEN.
package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/pemba-authz/pemba/engine"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/portal"
	"github.com/pemba-authz/pemba/server/portal/idp"
	"github.com/pemba-authz/pemba/server/portal/session"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/replica/peer"
)

// Config says what a server serves. Replica is required; every other zero value
// is a good default.
type Config struct {
	Replica *replica.Replica
	Logger  *slog.Logger     // nil: slog.Default()
	Now     func() time.Time // nil: time.Now
	Limits  Limits
	Auth    *Auth                // nil: everybody may do everything
	Tracing trace.TracerProvider // nil: no traces
	Version string               // of the program, for callers that ask; "": "devel"

	// MaxStaleness is how old what the server reads may be at most while it is
	// ready; 0: 10 s.
	MaxStaleness time.Duration

	Network *peer.Network // that the replica has, for metrics; nil: none

	Portal   *portal.Portal // the Customer Portal; nil: it is off
	Reserved *Reserved      // what only the portal writes; nil: nothing

	Backups Backups // where this node keeps backups

	Log      *LogRing  // what the program logs; nil: nothing is kept
	Settings []Setting // of the program, for those who ask
	Surface  []Surface // what it answers beside this server's own

	// TrustedProxies are the addresses of proxies that are believed when they say,
	// in X-Forwarded-For, where a request came from.
	TrustedProxies []netip.Prefix

	// MismatchedToken is what at_least_as_fresh does with a token that another
	// cluster made, or this one before its history was replaced.
	MismatchedToken MismatchedToken
}

// MismatchedToken is what to do with a token of another history.
type MismatchedToken uint8

const (
	MismatchFullConsistency MismatchedToken = iota // read fully consistent
	MismatchMinLatency                             // read what is there
	MismatchError                                  // refuse
)

// Limits bound requests. A zero field means its default.
type Limits struct {
	Updates       int // of one write; default 1,000
	Preconditions int // of one write or delete; default 1,000
	Checks        int // of one bulk check; default 10,000
	PageLimit     int // the largest optional_limit of reads, deletes and lookups; default 1,000
	ExportPage    int // relationships in one message of an export; default 10,000
	Delete        int // relationships of one delete that must be atomic; default 100,000
	Context       int // bytes of a request's caveat context; default 4,096
	Metadata      int // bytes of transaction metadata as JSON; default 65,000

	Message           int   // bytes of one message; default 4 MiB
	ConnectionStreams int   // calls of one connection at the same time; default 1,000
	Calls             int   // single calls at the same time; default 4,096
	Streams           int   // lookups, reads, exports and imports at the same time; default 1,024
	Watches           int   // watches at the same time; default 4,096
	Memory            int64 // bytes in use near which calls are refused; 0: no limit

	Timeout       time.Duration // of a request that is no stream; default 60 s
	StreamTimeout time.Duration // of a stream that is no watch; default 15 min
	ConnectionAge time.Duration // after which clients are asked to connect again; default: never
	Slow          time.Duration // from which on a single call is logged as slow; default 500 ms

	Sandbox time.Duration // that all questions of one sandbox take together; default 5 s

	Heartbeat  time.Duration // between checkpoints of a watch that has nothing else to say; default 1 s
	SlowReader time.Duration // how long a stream waits for its caller to read or to send; default 30 s

	Engine engine.Limits // of one question
}

func (l Limits) withDefaults() Limits {
	for _, field := range []struct {
		limit *int
		value int
	}{
		{&l.Updates, 1_000}, {&l.Preconditions, 1_000}, {&l.Checks, 10_000},
		{&l.PageLimit, 1_000}, {&l.ExportPage, 10_000}, {&l.Delete, 100_000}, {&l.Context, 4_096}, {&l.Metadata, 65_000},
		{&l.Message, 4 << 20}, {&l.ConnectionStreams, 1_000}, {&l.Calls, 4_096}, {&l.Streams, 1_024}, {&l.Watches, 4_096},
	} {
		if *field.limit <= 0 {
			*field.limit = field.value
		}
	}
	for _, field := range []struct {
		limit *time.Duration
		value time.Duration
	}{
		{&l.Timeout, 60 * time.Second}, {&l.StreamTimeout, 15 * time.Minute}, {&l.Slow, 500 * time.Millisecond}, {&l.Sandbox, 5 * time.Second},
		{&l.Heartbeat, time.Second}, {&l.SlowReader, 30 * time.Second},
	} {
		if *field.limit <= 0 {
			*field.limit = field.value
		}
	}
	return l
}

// Server serves authzed.api.v1 from one replica. It is safe for concurrent use.
type Server struct {
	config     Config
	replica    *replica.Replica
	reserved   *reserved // nil: nothing is
	log        *slog.Logger
	limits     Limits
	candidates *candidateCache
	metrics    *metrics
	series     series
	taking     sync.Mutex // held while a backup is made
	gates      *gates
	provider   *idp.Provider // nil: without the portal
	visitors   *visitors
	sessions   *session.Keeper
	tracer     trace.Tracer
	handlers   sync.WaitGroup // of streams
	retired    atomic.Bool    // set by Retire
	drained    atomic.Bool    // by command
	drain      sync.Once
	draining   chan struct{} // closed by Drain
}

// New returns a server of the replica. It does not own the replica: the caller
// closes it after the gRPC server has stopped.
func New(c Config) (*Server, error) {
	if c.Replica == nil {
		return nil, errors.New("making the server: no replica is given")
	}
	if c.MismatchedToken > MismatchError {
		return nil, fmt.Errorf("making the server: mismatched-token behaviour %d is unknown", c.MismatchedToken)
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MaxStaleness <= 0 {
		c.MaxStaleness = 10 * time.Second
	}
	if c.Version == "" {
		c.Version = "devel"
	}
	held, err := newReserved(c.Reserved)
	if err != nil {
		return nil, fmt.Errorf("making the server: %w", err)
	}
	candidates, err := newCandidateCache()
	if err != nil {
		return nil, fmt.Errorf("making the server: %w", err)
	}
	visitors, err := newVisitors()
	if err != nil {
		return nil, fmt.Errorf("making the server: %w", err)
	}
	s := &Server{
		config: c, replica: c.Replica, reserved: held, log: c.Logger, limits: c.Limits.withDefaults(),
		candidates: candidates, metrics: newMetrics(), visitors: visitors,
		draining: make(chan struct{}),
	}
	if c.Portal != nil {
		if s.provider, err = s.newProvider(); err != nil {
			return nil, fmt.Errorf("making the server: %w", err)
		}
	}
	s.gates = newGates(s.limits)
	s.tracer = tracerOf(c.Tracing)
	s.metrics.registry.MustRegister(newReplicaCollector(c.Replica.Status), newClusterCollector(s))
	if c.Network != nil {
		s.metrics.registry.MustRegister(newPeerCollector(c.Network.Stats))
	}
	if c.Portal != nil {
		s.sessions = c.Portal.Sessions()
	} else {
		s.sessions = session.Open(session.Config{Replica: c.Replica, Logger: c.Logger, Now: c.Now})
	}
	return s, nil
}

// Options returns the options of a gRPC server whose services Register adds:
// its limits and the interceptors that every call passes.
func (s *Server) Options() []grpc.ServerOption {
	options := append(s.limitOptions(),
		grpc.ForceServerCodecV2(envelopeCodec{encoding.GetCodecV2(proto.Name)}),
		grpc.ChainUnaryInterceptor(s.unaryInterceptors()...),
		grpc.ChainStreamInterceptor(s.streamInterceptors()...),
	)
	if s.config.Tracing != nil {
		options = append(options, grpc.StatsHandler(traceCalls(s.config.Tracing)))
	}
	return options
}

// Register adds all services to a gRPC server that was made with Options.
func (s *Server) Register(g *grpc.Server) {
	r := registrar{g, s}
	permissions, schemas := &permissionsService{Server: s}, newSchemaService(s)
	v1.RegisterPermissionsServiceServer(r, permissions)
	v1.RegisterSchemaServiceServer(r, schemas)
	v1.RegisterWatchServiceServer(r, &watchService{Server: s})
	v1.RegisterExperimentalServiceServer(r, &experimentalService{Server: s, permissions: permissions, schemas: schemas})
	pembav1.RegisterClusterServiceServer(r, &clusterService{Server: s})
	pembav1.RegisterExplainServiceServer(r, &explainService{Server: s})
	pembav1.RegisterRevisionServiceServer(r, &revisionService{Server: s})
	pembav1.RegisterTransactionServiceServer(r, &transactionService{Server: s})
	pembav1.RegisterDocumentServiceServer(r, &documentService{Server: s})
	pembav1.RegisterBackupServiceServer(r, &backupService{Server: s})
	pembav1.RegisterSchemaServiceServer(r, &schemaTextService{Server: s})
	consolev1.RegisterSchemaToolsServiceServer(r, newSchemaTools(s))
	consolev1.RegisterAssertionServiceServer(r, &assertionService{Server: s})
	consolev1.RegisterHistoryServiceServer(r, &historyService{Server: s})
	portalv1.RegisterSessionServiceServer(r, newSessionService(s))
	consolev1.RegisterSandboxServiceServer(r, newSandboxService(s))
	consolev1.RegisterNodeServiceServer(r, &nodeService{Server: s})
	consolev1.RegisterBackupServiceServer(r, &backupDirectory{Server: s})
	if s.config.Portal != nil {
		s.config.Portal.Register(r)
	}
	reflection.Register(g)
	healthv1.RegisterHealthServer(r, newHealthService(s, g))
}
