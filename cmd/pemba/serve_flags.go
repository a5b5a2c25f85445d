package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/portal"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// serveFlags are the settings of a server as they are given.
type serveFlags struct {
	config             string
	inForce            []server.Setting // the settings, for those who ask
	dataDir, cacheSize string           // of all commands
	retention          time.Duration
	retentionRevisions uint64

	backupDir, backupKey            string
	inMemory                        bool
	bootstrap                       []string
	grpcAddr, httpAddr, metricsAddr string
	public                          string
	authZEN                         authZENFlags
	portal                          portalFlags
	cluster                         clusterFlags

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
	authZEN server.AuthZENConfig
	first   first
	mailer  portal.Mailer // nil: one-time links are written to the log
}

func (f *serveFlags) declare(flags *pflag.FlagSet) {
	flags.StringVar(&f.config, configFlag, "", "YAML file with settings")
	flags.BoolVar(&f.inMemory, "in-memory", false, "keep everything in memory and nothing on disk; --data-dir does not count")
	flags.StringArrayVar(&f.bootstrap, "bootstrap", nil, "validation file, schema (.zed) or relationships (.txt) that a new store begins with; may be repeated")
	flags.StringVar(&f.grpcAddr, "grpc-addr", "127.0.0.1:50051", "address of gRPC")
	flags.StringVar(&f.httpAddr, "http-addr", "127.0.0.1:8080", "address of the JSON gateway, AuthZEN and health")
	flags.StringVar(&f.metricsAddr, "metrics-addr", "127.0.0.1:9090", "address of Prometheus metrics and pprof, which ask for no key")
	flags.StringVar(&f.backupDir, "backup-dir", "", "directory of backups that are made through the API, and of those that a schedule makes there")
	flags.StringVar(&f.backupKey, "backup-key", "", "file with the key, or its public half, that sealed documents of those backups are encrypted to")
	flags.StringVar(&f.public, "public-url", "", "where callers reach HTTP (default: --http-addr)")
	f.authZEN.declare(flags)
	f.portal.declare(flags)
	f.cluster.declare(flags)
	f.declareAuth(flags)
	f.declareObservation(flags)
	f.declareLimits(flags)
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
		{"grpc-addr", f.grpcAddr}, {"http-addr", f.httpAddr}, {"metrics-addr", f.metricsAddr}, {"raft-addr", f.cluster.raft},
	} {
		if err := checkAddr(addr.value); err != nil {
			fault("--%s %q: %w", addr.flag, addr.value, err)
		}
	}
	faults = slices.Concat(faults, f.portal.faults(), f.exposure(), f.cluster.faults(f.inMemory))
	if err := f.positive(); err != nil {
		faults = append(faults, err)
	}
	cache, err := parseSize("cache-size", f.cacheSize)
	if err != nil {
		faults = append(faults, err)
	}
	mismatch := slices.Index(mismatches, f.mismatch)
	if mismatch < 0 {
		fault("--mismatch-zed-token-behavior %q: it is one of %s", f.mismatch, strings.Join(mismatches, ", "))
	}
	faults = append(faults, f.checkObservation()...)
	f.limits.Engine = f.engine
	if f.limits.Memory, err = memoryLimit(f.memory); err != nil {
		faults = append(faults, err)
	}
	s := &settings{
		replica: replica.Config{
			Dir: f.dataDir, InMemory: f.inMemory, Logger: log, MaxTokenWait: f.maxTokenWait, MaxImport: f.maxImport,
			Store: store.Config{CacheBytes: cache, Retention: f.retention, RetentionRevisions: f.retentionRevisions},
		},
		server: server.Config{
			Logger: log, Limits: f.limits, MismatchedToken: server.MismatchedToken(max(mismatch, 0)),
			Version: buildVersion().Version, MaxStaleness: f.cluster.maxStaleness,
		},
	}
	if f.inMemory {
		s.replica.Dir = ""
	}
	if err := f.cluster.settle(&s.replica); err != nil {
		faults = append(faults, err)
	}
	if s.server.Backups, err = f.backups(); err != nil {
		faults = append(faults, err)
	}
	if s.server.Auth, err = f.auth(log); err != nil {
		faults = append(faults, err)
	}
	var names []error
	s.authZEN, names = f.authZEN.config()
	faults = append(faults, names...)
	if s.server.TrustedProxies, err = f.portal.proxies(); err != nil {
		faults = append(faults, err)
	}
	if s.mailer, err = f.portal.mailer(); err != nil {
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

// warnings are settings that work and are rarely meant.
func (f *serveFlags) warnings() []string {
	var warnings []string
	if f.tlsCert == "" && (!loopback(f.grpcAddr) || !loopback(f.httpAddr)) {
		warnings = append(warnings, "without --tls-cert and --tls-key, keys and answers cross the network in plain text")
	}
	if f.cluster.peerInsecure {
		warnings = append(warnings, "--peer-insecure: whoever reaches --raft-addr commands the cluster; let only nodes reach it")
	}
	if f.portal.rawWrites {
		warnings = append(warnings, "--portal-raw-writes: what is written past the portal is in no audit log; serve without it when the repair is done")
	}
	if f.backupKey != "" && f.backupDir == "" {
		warnings = append(warnings, "--backup-key is for backups in --backup-dir, which is not given: it has no effect")
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

func (f *serveFlags) publicURL(secure bool, addr net.Addr) string {
	switch {
	case f.public != "":
		return f.public
	case secure:
		return "https://" + addr.String()
	}
	return "http://" + addr.String()
}
