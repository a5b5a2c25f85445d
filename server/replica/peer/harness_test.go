package peer

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// until waits for something to become true.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(2*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

// service answers calls by its functions.
type service struct {
	peerv1.UnimplementedPeerServiceServer
	state   func(context.Context) (*peerv1.StateResponse, error)
	propose func(context.Context, *peerv1.ProposeRequest) (*peerv1.ProposeResponse, error)
}

func (s *service) State(ctx context.Context, _ *peerv1.StateRequest) (*peerv1.StateResponse, error) {
	return s.state(ctx)
}

func (s *service) Propose(ctx context.Context, r *peerv1.ProposeRequest) (*peerv1.ProposeResponse, error) {
	return s.propose(ctx, r)
}

// named answers with a name.
func named(name string) *service {
	return &service{state: func(context.Context) (*peerv1.StateResponse, error) {
		return &peerv1.StateResponse{Name: name}, nil
	}}
}

// start listens, and answers calls if s is not nil.
func start(t *testing.T, c Config, s *service) *Network {
	t.Helper()
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	n, err := Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	if s != nil {
		n.Serve(s)
	}
	return n
}

// state asks the member at an address for its state.
func state(ctx context.Context, t *testing.T, n *Network, address string) (*peerv1.StateResponse, error) {
	t.Helper()
	client, err := n.Peer(address)
	if err != nil {
		t.Fatal(err)
	}
	return client.State(ctx, &peerv1.StateRequest{})
}

// answers wants the member at an address to give a name.
func answers(t *testing.T, n *Network, address, name string) {
	t.Helper()
	if got, err := state(t.Context(), t, n, address); err != nil || got.GetName() != name {
		t.Errorf("%s answers %v, %v; want %s", address, got, err, name)
	}
}

// noLeaks wants all goroutines of this package, and of what it uses, to have ended,
// or to end soon.
func noLeaks(t *testing.T) {
	t.Helper()
	var stacks []string
	defer func() {
		if t.Failed() {
			t.Log(strings.Join(stacks, "\n\n"))
		}
	}()
	until(t, "all goroutines have ended", func() bool {
		buf := make([]byte, 4<<20)
		stacks = nil
		for s := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if !strings.Contains(s, "testing.tRunner") &&
				(strings.Contains(s, "server/replica/peer.") || strings.Contains(s, "hashicorp/raft.") || strings.Contains(s, "google.golang.org/grpc")) {
				stacks = append(stacks, s)
			}
		}
		return len(stacks) == 0
	})
}

// logged collects log records as text.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// member is a certificate that is right for a member on 127.0.0.1.
func member() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

// files writes a certificate that a signs, its key, and the authorities that its
// owner trusts, and returns a configuration with them.
func (a *authority) files(t *testing.T, template *x509.Certificate, trusted ...*authority) Config {
	t.Helper()
	dir := t.TempDir()
	c := Config{Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key"), CA: filepath.Join(dir, "ca.crt")}
	a.write(t, c, template, trusted...)
	return c
}

// write is files for a configuration that is there.
func (a *authority) write(t *testing.T, c Config, template *x509.Certificate, trusted ...*authority) {
	t.Helper()
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var cas []byte
	for _, b := range trusted {
		cas = append(cas, b.pem...)
	}
	for name, data := range map[string][]byte{
		c.Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		c.Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
		c.CA:   cas,
	} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
