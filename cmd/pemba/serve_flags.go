package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// serveFlags are the settings of a server as they are given.
type serveFlags struct {
	config             string
	dataDir, cacheSize string // of all commands
	retention          time.Duration
	retentionRevisions uint64

	inMemory                              bool
	bootstrap                             []string
	grpcAddr, httpAddr, metricsAddr, raft string
	public                                string

	keys                                []string
	keyFile                             string
	oidcIssuer, oidcAudience, oidcClaim string
	oidcRoles                           []string
	tlsCert, tlsKey, tlsClientCA        string

	otlpEndpoint        string
	otlpInsecure        bool
	traceRatio          float64
	logLevel, logFormat string

	memory       string
	maxTokenWait time.Duration
	mismatch     string
	grace        time.Duration
	limits       server.Limits
	engine       engine.Limits
	maxImport    int
}

// settings are the same, understood.
type settings struct {
	replica replica.Config
	server  server.Config
	tls     *tls.Config // nil: plain text
	first   first
}

func (f *serveFlags) declare(flags *pflag.FlagSet) {
	flags.StringVar(&f.config, configFlag, "", "YAML file with settings")
	flags.BoolVar(&f.inMemory, "in-memory", false, "keep everything in memory and nothing on disk; --data-dir does not count")
	flags.StringArrayVar(&f.bootstrap, "bootstrap", nil, "validation file, schema (.zed) or relationships (.txt) that a new store begins with; may be repeated")
	flags.StringVar(&f.grpcAddr, "grpc-addr", "127.0.0.1:50051", "address of gRPC")
	flags.StringVar(&f.httpAddr, "http-addr", "127.0.0.1:8080", "address of the JSON gateway, AuthZEN and health")
	flags.StringVar(&f.metricsAddr, "metrics-addr", "127.0.0.1:9090", "address of Prometheus metrics and pprof, which ask for no key")
	flags.StringVar(&f.raft, "raft-addr", "127.0.0.1:7000", "address by which other nodes reach this one")
	flags.StringVar(&f.public, "public-url", "", "where callers reach HTTP (default: --http-addr)")
	f.declareAuth(flags)
	f.declareObservation(flags)
	f.declareLimits(flags)
}

func (f *serveFlags) declareAuth(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.keys, "grpc-preshared-key", nil, "key that callers send as bearer token, for role admin; ROLE=KEY for another role; may be repeated")
	flags.StringVar(&f.keyFile, "key-file", "", "file of more keys, by hash, as `pemba key create` prints them; read again when it changes")
	flags.StringVar(&f.oidcIssuer, "oidc-issuer", "", "URL of the issuer whose JWT bearer tokens are taken")
	flags.StringVar(&f.oidcAudience, "oidc-audience", "", "audience that these tokens must have")
	flags.StringVar(&f.oidcClaim, "oidc-role-claim", "roles", "claim whose words give the role")
	flags.StringSliceVar(&f.oidcRoles, "oidc-role", nil, "WORD=ROLE: what a word of the claim is good for; may be repeated")
	flags.StringVar(&f.tlsCert, "tls-cert", "", "PEM file of the certificate for gRPC and HTTP; read again when it changes")
	flags.StringVar(&f.tlsKey, "tls-key", "", "PEM file of its private key")
	flags.StringVar(&f.tlsClientCA, "tls-client-ca", "", "PEM file of the authorities whose client certificates are demanded; without keys and issuer, they are admin")
}

func (f *serveFlags) declareObservation(flags *pflag.FlagSet) {
	flags.StringVar(&f.otlpEndpoint, "otlp-endpoint", "", "host:port of an OpenTelemetry collector (OTLP over gRPC); without one there are no traces")
	flags.BoolVar(&f.otlpInsecure, "otlp-insecure", false, "talk to it without TLS")
	flags.Float64Var(&f.traceRatio, "trace-ratio", 0.01, "share of the traces that begin here, 0 to 1")
	flags.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&f.logFormat, "log-format", "auto", "text, json, or auto: text on a terminal")
	flags.DurationVar(&f.limits.Slow, "slow-request", 500*time.Millisecond, "from which on a call is logged as slow, checks with their trace")
}

func (f *serveFlags) declareLimits(flags *pflag.FlagSet) {
	flags.IntVar(&f.limits.Updates, "write-relationships-max-updates-per-call", 1_000, "updates of one write")
	flags.IntVar(&f.engine.Depth, "max-depth", 50, "hops from object to object that an answer may take")
	flags.IntVar(&f.engine.Candidates, "max-lookup-candidates", 1_000_000, "results that a lookup may have to consider")
	flags.IntVar(&f.maxImport, "max-import-relationships", 250_000, "relationships of one bulk import")
	flags.IntVar(&f.limits.Message, "max-message-bytes", 4<<20, "bytes of one request message")
	flags.IntVar(&f.limits.Calls, "max-calls", 4_096, "single calls at the same time")
	flags.IntVar(&f.limits.Streams, "max-streams", 1_024, "lookups, reads, exports and imports at the same time")
	flags.IntVar(&f.limits.Watches, "max-watches", 4_096, "watches at the same time")
	flags.IntVar(&f.limits.ConnectionStreams, "max-connection-streams", 1_000, "calls of one connection at the same time")
	flags.DurationVar(&f.limits.Timeout, "request-timeout", time.Minute, "time of a call that is no stream")
	flags.DurationVar(&f.limits.StreamTimeout, "stream-timeout", 15*time.Minute, "time of a stream that is no watch")
	flags.DurationVar(&f.limits.SlowReader, "stream-idle-timeout", 30*time.Second, "how long a stream waits for its caller to read or to send")
	flags.DurationVar(&f.limits.ConnectionAge, "max-connection-age", 0, "after which clients are asked to connect again (default: never)")
	flags.StringVar(&f.memory, "memory-limit", "", "memory near which calls are refused, such as 4GiB; 0 is no limit (default: nine tenths of what there is)")
	flags.DurationVar(&f.maxTokenWait, "max-token-wait", 5*time.Second, "how long a read waits for the revision of its token")
	flags.StringVar(&f.mismatch, "mismatch-zed-token-behavior", "full-consistency", "what a token of another history means to at_least_as_fresh: full-consistency, min-latency or error")
	flags.DurationVar(&f.grace, "shutdown-grace-period", 30*time.Second, "how long calls that run are waited for in the end")
}

// mismatches are the words of --mismatch-zed-token-behavior.
var mismatches = []string{
	server.MismatchFullConsistency: "full-consistency",
	server.MismatchMinLatency:      "min-latency",
	server.MismatchError:           "error",
}

// settings understands the flags, and names every fault.
func (f *serveFlags) settings(log *slog.Logger) (*settings, error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !f.inMemory && f.dataDir == "" {
		fault("no store is named: give --data-dir DIR, or --in-memory to keep nothing")
	}
	for _, addr := range []struct{ flag, value string }{
		{"grpc-addr", f.grpcAddr}, {"http-addr", f.httpAddr}, {"metrics-addr", f.metricsAddr}, {"raft-addr", f.raft},
	} {
		if err := checkAddr(addr.value); err != nil {
			fault("--%s %q: %w", addr.flag, addr.value, err)
		}
	}
	faults = append(faults, f.exposure()...)
	if err := f.positive(); err != nil {
		faults = append(faults, err)
	}
	cache, err := parseSize(f.cacheSize)
	if err != nil {
		faults = append(faults, err)
	}
	mismatch := -1
	for i, word := range mismatches {
		if f.mismatch == word {
			mismatch = i
		}
	}
	if mismatch < 0 {
		fault("--mismatch-zed-token-behavior %q: it is one of %s", f.mismatch, strings.Join(mismatches, ", "))
	}
	if f.traceRatio < 0 || f.traceRatio > 1 {
		fault("--trace-ratio %v: it is between 0 and 1", f.traceRatio)
	}
	faults = append(faults, f.checkLog()...)
	f.limits.Engine = f.engine
	if f.limits.Memory, err = memoryLimit(f.memory); err != nil {
		faults = append(faults, err)
	}
	s := &settings{
		replica: replica.Config{
			Dir: f.dataDir, InMemory: f.inMemory, Logger: log, RaftAddr: f.raft, MaxTokenWait: f.maxTokenWait, MaxImport: f.maxImport,
			Store: store.Config{CacheBytes: cache, Retention: f.retention, RetentionRevisions: f.retentionRevisions},
		},
		server: server.Config{Logger: log, Limits: f.limits, MismatchedToken: server.MismatchedToken(max(mismatch, 0)), Version: buildVersion().Version},
	}
	if f.inMemory {
		s.replica.Dir = ""
	}
	if s.server.Auth, err = f.auth(log); err != nil {
		faults = append(faults, err)
	}
	if s.tls, err = f.tls(log); err != nil {
		faults = append(faults, err)
	}
	if s.first, err = readBootstrap(f.bootstrap); err != nil {
		faults = append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, usagef("%w", err)
	}
	return s, nil
}

func checkAddr(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return errors.New("an address is HOST:PORT, such as 127.0.0.1:50051")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return errors.New("the port is a number from 0 to 65535; 0 takes a free one")
	}
	return nil
}

// positive names the limits that are not above 0.
func (f *serveFlags) positive() error {
	var faults []error
	for _, n := range []struct {
		flag  string
		value int64
	}{
		{"write-relationships-max-updates-per-call", int64(f.limits.Updates)}, {"max-depth", int64(f.engine.Depth)},
		{"max-lookup-candidates", int64(f.engine.Candidates)}, {"max-import-relationships", int64(f.maxImport)},
		{"max-message-bytes", int64(f.limits.Message)}, {"max-calls", int64(f.limits.Calls)},
		{"max-streams", int64(f.limits.Streams)}, {"max-watches", int64(f.limits.Watches)},
		{"max-connection-streams", int64(f.limits.ConnectionStreams)}, {"request-timeout", int64(f.limits.Timeout)},
		{"stream-timeout", int64(f.limits.StreamTimeout)}, {"stream-idle-timeout", int64(f.limits.SlowReader)},
		{"slow-request", int64(f.limits.Slow)}, {"max-token-wait", int64(f.maxTokenWait)},
		{"shutdown-grace-period", int64(f.grace)}, {"retention", int64(f.retention)},
	} {
		if n.value <= 0 {
			faults = append(faults, fmt.Errorf("--%s: it must be above 0", n.flag))
		}
	}
	if f.limits.ConnectionAge < 0 {
		faults = append(faults, errors.New("--max-connection-age: it must not be negative"))
	}
	return errors.Join(faults...)
}

// exposure refuses to serve everybody on an address that everybody reaches.
func (f *serveFlags) exposure() []error {
	if f.authConfig(nil).Enabled() {
		return nil
	}
	var faults []error
	for _, p := range []struct{ flag, addr string }{{"grpc-addr", f.grpcAddr}, {"http-addr", f.httpAddr}} {
		if checkAddr(p.addr) == nil && !loopback(p.addr) {
			faults = append(faults, fmt.Errorf("--%s %s: without --grpc-preshared-key, --key-file, --oidc-issuer or --tls-client-ca only loopback addresses are served, such as 127.0.0.1:50051", p.flag, p.addr))
		}
	}
	return faults
}

// warnings are settings that work and are rarely meant.
func (f *serveFlags) warnings() []string {
	var warnings []string
	if f.tlsCert == "" && (!loopback(f.grpcAddr) || !loopback(f.httpAddr)) {
		warnings = append(warnings, "without --tls-cert and --tls-key, keys and answers cross the network in plain text")
	}
	if !loopback(f.metricsAddr) {
		warnings = append(warnings, "metrics and profiles ask for no key: let only operators reach --metrics-addr")
	}
	for _, key := range f.keys {
		if server.GuessableKey(key) {
			warnings = append(warnings, "a preshared key is short enough to be guessed; `pemba key create` makes better ones")
			break
		}
	}
	return warnings
}

// loopback reports whether only this machine reaches an address.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// authConfig collects who may call, with the faults of it in faults.
func (f *serveFlags) authConfig(faults *[]error) server.AuthConfig {
	fault := func(err error) {
		if faults != nil {
			*faults = append(*faults, err)
		}
	}
	c := server.AuthConfig{KeyFile: f.keyFile, Certificates: f.tlsClientCA != ""}
	for _, text := range f.keys {
		key, err := server.PlainKey(text)
		if err != nil {
			fault(fmt.Errorf("--grpc-preshared-key: %w", err))
		}
		c.Keys = append(c.Keys, key)
	}
	if f.oidcIssuer == "" {
		if f.oidcAudience != "" || len(f.oidcRoles) > 0 {
			fault(errors.New("--oidc-audience and --oidc-role need --oidc-issuer"))
		}
		return c
	}
	c.OIDC = &server.OIDCConfig{Issuer: f.oidcIssuer, Audience: f.oidcAudience, Claim: f.oidcClaim, Roles: map[string]server.Role{}}
	for _, text := range f.oidcRoles {
		word, roleName, _ := strings.Cut(text, "=")
		role, err := server.ParseRole(roleName)
		if err != nil || word == "" {
			fault(fmt.Errorf("--oidc-role %q: it is WORD=ROLE, such as authz-admins=admin", text))
			continue
		}
		c.OIDC.Roles[word] = role
	}
	return c
}

// auth returns nil when everybody may call.
func (f *serveFlags) auth(log *slog.Logger) (*server.Auth, error) {
	var faults []error
	c := f.authConfig(&faults)
	c.Logger = log
	if !c.Enabled() {
		return nil, errors.Join(faults...)
	}
	auth, err := server.NewAuth(c)
	if err != nil {
		faults = append(faults, err)
	}
	return auth, errors.Join(faults...)
}

// tls returns nil without certificates.
func (f *serveFlags) tls(log *slog.Logger) (*tls.Config, error) {
	switch {
	case f.tlsCert == "" && f.tlsKey == "" && f.tlsClientCA == "":
		return nil, nil
	case f.tlsCert == "" || f.tlsKey == "":
		return nil, errors.New("--tls-cert, --tls-key: TLS needs both")
	}
	return server.NewTLS(server.TLSConfig{Cert: f.tlsCert, Key: f.tlsKey, ClientCA: f.tlsClientCA, Logger: log})
}

// tracing returns nil without an endpoint.
func (f *serveFlags) tracing(ctx context.Context) (*server.Tracing, error) {
	if f.otlpEndpoint == "" {
		return nil, nil
	}
	return server.NewTracing(ctx, server.TracingConfig{
		Endpoint: f.otlpEndpoint, Insecure: f.otlpInsecure, Ratio: f.traceRatio, Version: buildVersion().Version,
	})
}

func (f *serveFlags) publicURL(secure bool, addr net.Addr) string {
	switch {
	case f.public != "":
		return f.public
	case secure:
		return "https://" + addr.String()
	}
	return "http://" + addr.String()
}

func (f *serveFlags) checkLog() []error {
	var faults []error
	if err := checkLevel(f.logLevel); err != nil {
		faults = append(faults, err)
	}
	switch f.logFormat {
	case "auto", "text", "json":
	default:
		faults = append(faults, fmt.Errorf("--log-format %q: it is one of auto, text, json", f.logFormat))
	}
	return faults
}

func checkLevel(text string) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("--log-level %q: it is one of debug, info, warn, error", text)
	}
	return nil
}

// newLogger returns a log. What is no level is info.
func newLogger(out io.Writer, levelName, format string) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(levelName)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if format == "json" || format == "auto" && !isTerminal(out) {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// memoryLimit reads --memory-limit and tells the garbage collector, unless
// GOMEMLIMIT has told it. 0 is no limit.
func memoryLimit(text string) (int64, error) {
	limit := memoryBytes() / 10 * 9
	if text != "" {
		var err error
		if limit, err = parseSize(text); err != nil {
			return 0, usagef("--memory-limit %s: a size is a number with KiB, MiB or GiB, such as 4GiB; 0 is no limit", text)
		}
		if limit < 0 {
			return 0, nil
		}
	} else if os.Getenv("GOMEMLIMIT") != "" {
		return debug.SetMemoryLimit(-1), nil
	}
	debug.SetMemoryLimit(limit)
	return limit, nil
}
