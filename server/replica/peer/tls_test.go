package peer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// dialLog opens a connection for raft.
func dialLog(n *Network, address string) (net.Conn, error) {
	return streams{n.log}.Dial(raft.ServerAddress(address), patience)
}

// TestTrust: only members of one authority reach each other, under their own
// names, and both sides count why not.
func TestTrust(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	with := func(change func(*x509.Certificate)) *x509.Certificate {
		c := member()
		change(c)
		return c
	}
	right := func(t *testing.T) Config { return a.files(t, member(), a) }
	plain := func(*testing.T) Config { return Config{} }
	for _, c := range []struct {
		name           string
		dials, listens func(*testing.T) Config
		counts         [2]string // by the one that dials, and the one that listens
		want           string    // in the error of the one that dials
	}{
		{"both are members", right, right, [2]string{}, ""},
		{"the one that dials has another authority's certificate",
			func(t *testing.T) Config { return other.files(t, member(), a) }, right,
			[2]string{"dial_tls", "accept_tls"}, "does not trust this member's certificate"},
		{"the one that listens has another authority's certificate",
			right, func(t *testing.T) Config { return other.files(t, member(), a) },
			[2]string{"dial_tls", "accept_tls"}, "certificate signed by unknown authority"},
		{"the one that listens has a certificate for another host",
			right, func(t *testing.T) Config {
				return a.files(t, with(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"elsewhere"} }), a)
			},
			[2]string{"dial_tls", "accept_tls"}, "127.0.0.1"},
		{"the one that dials may have a certificate for another host",
			func(t *testing.T) Config {
				return a.files(t, with(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"elsewhere"} }), a)
			}, right,
			[2]string{}, ""},
		{"the one that dials has an expired certificate",
			func(t *testing.T) Config {
				return a.files(t, with(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), a)
			}, right,
			[2]string{"dial_tls", "accept_tls"}, "does not trust this member's certificate"},
		{"the one that listens has an expired certificate",
			right, func(t *testing.T) Config {
				return a.files(t, with(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), a)
			},
			[2]string{"dial_tls", "accept_tls"}, "expired"},
		{"the one that dials has a certificate for servers only",
			func(t *testing.T) Config {
				return a.files(t, with(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), a)
			}, right,
			[2]string{"dial_tls", "accept_tls"}, "does not trust this member's certificate"},
		{"the one that dials has none", plain, right, [2]string{"dial_silent", "accept_garbage"}, "uses TLS"},
		{"the one that listens has none", right, plain, [2]string{"dial_tls", "accept_garbage"}, "TLS handshake failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dials, listens := start(t, c.dials(t), nil), start(t, c.listens(t), named("b"))
			if c.want == "" {
				answers(t, dials, listens.Address(), "b")
				return
			}
			if _, err := dialLog(dials, listens.Address()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("raft's connection: %v; %q is missing", err, c.want)
			}
			if _, err := state(t.Context(), t, dials, listens.Address()); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the call: %v; %q is missing", err, c.want)
			}
			until(t, "both have counted", func() bool {
				return dials.Stats().Failures[c.counts[0]] >= 2 && listens.Stats().Failures[c.counts[1]] >= 2
			})
			if n := dials.Stats().Log.Dialed + listens.Stats().Log.Accepted + listens.Stats().Calls.Accepted; n > 0 {
				t.Errorf("%d connections count as made", n)
			}
		})
	}
}

// TestOldTLS: versions before 1.3 and other protocols get nowhere.
func TestOldTLS(t *testing.T) {
	a := newAuthority(t)
	c := a.files(t, member(), a)
	n := start(t, c, nil)
	for _, change := range []func(*tls.Config){
		func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 },
		func(c *tls.Config) { c.NextProtos = []string{"h2"} },
	} {
		config, err := loadTrust(c.Cert, c.Key, c.CA)
		if err != nil {
			t.Fatal(err)
		}
		config.ServerName = "127.0.0.1"
		change(config)
		conn, err := tls.Dial("tcp", n.Address(), config)
		if err == nil {
			_ = conn.Close()
			t.Error("the handshake succeeded")
		}
	}
}

// manualClock is a clock that stands still until it is moved.
type manualClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *manualClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *manualClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// TestRotation replaces the authority of running members: first both are trusted,
// then each member gets a certificate of the new one, then the old one goes. They
// reach each other all the time, and what is open stays.
func TestRotation(t *testing.T) {
	before, after := newAuthority(t), newAuthority(t)
	clock := &manualClock{at: time.Now()}
	configs := []Config{before.files(t, member(), before), before.files(t, member(), before)}
	var nodes []*Network
	for _, c := range configs {
		c.Now = clock.now
		nodes = append(nodes, start(t, c, named("member")))
	}
	reach := func(when string) {
		t.Helper()
		clock.move(2 * time.Second)
		for i, from := range nodes {
			c, err := dialLog(from, nodes[1-i].Address())
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			_ = c.Close()
			answers(t, from, nodes[1-i].Address(), "member") // over the connection of the beginning
		}
	}
	reach("before")
	later := member()
	later.NotAfter = later.NotAfter.Add(time.Hour).Truncate(time.Second)
	for i, c := range configs {
		before.write(t, c, member(), before, after)
		reach("one more trusts both")
		if i == 0 {
			continue
		}
		for _, c := range configs {
			after.write(t, c, later, before, after)
			reach("one more has a new certificate")
		}
		for _, c := range configs {
			after.write(t, c, later, after)
			reach("one more has forgotten the old authority")
		}
	}
	for _, n := range nodes {
		s := n.Stats()
		if !s.CertificateExpires.Equal(later.NotAfter) {
			t.Errorf("the certificate expires %v, want %v", s.CertificateExpires, later.NotAfter)
		}
		if s.Calls.Accepted != 1 {
			t.Errorf("%d connections for calls, want the one of the beginning", s.Calls.Accepted)
		}
	}
	old := start(t, before.files(t, member(), before, after), nil)
	if _, err := dialLog(old, nodes[0].Address()); err == nil {
		t.Error("a certificate of the old authority is still good")
	}
}

// TestHalfRotation: files that do not fit together change nothing.
func TestHalfRotation(t *testing.T) {
	a := newAuthority(t)
	clock, log := &manualClock{at: time.Now()}, &logged{}
	c := a.files(t, member(), a)
	c.Now, c.Logger = clock.now, log.logger()
	n := start(t, c, named("itself"))
	elsewhere := a.files(t, member(), a)
	cert, err := os.ReadFile(elsewhere.Cert)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Cert, append(cert, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	clock.move(2 * time.Second)
	answers(t, n, n.Address(), "itself")
	if !strings.Contains(log.String(), "cannot be used") {
		t.Errorf("the log says nothing: %s", log)
	}
}

// TestConfigFaults: all faults are named at once.
func TestConfigFaults(t *testing.T) {
	a := newAuthority(t)
	good := a.files(t, member(), a)
	noPEM := filepath.Join(t.TempDir(), "none.pem")
	if err := os.WriteFile(noPEM, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config Config
		want   []string
	}{
		{Config{}, []string{"not host:port"}},
		{Config{Listen: "127.0.0.1:0", Advertise: "host", Cert: "x"}, []string{"to advertise", "all three"}},
		{Config{Listen: "127.0.0.1:0", Advertise: "0.0.0.0:1"}, []string{"name one host"}},
		{Config{Listen: "127.0.0.1:0", Advertise: ":1"}, []string{"name one host"}},
		{Config{Listen: ":0", Insecure: true}, []string{"all addresses"}},
		{Config{Listen: "[::]:0", Insecure: true}, []string{"all addresses"}},
		{Config{Listen: "192.0.2.1:0"}, []string{"commands the cluster"}},
		{Config{Listen: "0.0.0.0:0", Advertise: "a:1"}, []string{"commands the cluster"}},
		{Config{Listen: "127.0.0.1:99999"}, []string{"99999"}},
		{Config{Listen: "127.0.0.1:0", Cert: noPEM, Key: noPEM, CA: noPEM}, []string{"certificate " + noPEM, "authority " + noPEM}},
		{Config{Listen: "127.0.0.1:0", Cert: good.Cert, Key: good.Key, CA: "/nowhere"}, []string{"/nowhere"}},
		{Config{Listen: "127.0.0.1:0", Cert: good.Cert, Key: good.Cert, CA: good.CA}, []string{"with key"}},
	} {
		c.config.Logger = slog.New(slog.DiscardHandler)
		n, err := Listen(t.Context(), c.config)
		if err == nil {
			_ = n.Close()
			t.Errorf("%+v is no fault", c.config)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %q is missing", err, want)
			}
		}
	}
}

// TestAdvertise: a member is known by what it says, port 0 apart.
func TestAdvertise(t *testing.T) {
	n := start(t, Config{Listen: "0.0.0.0:0", Advertise: "localhost:0", Insecure: true}, named("everywhere"))
	host, port, err := net.SplitHostPort(n.Address())
	if err != nil || host != "localhost" || port == "0" {
		t.Fatalf("the address is %s", n.Address())
	}
	answers(t, n, n.Address(), "everywhere")
	if got := n.Transport().LocalAddr(); string(got) != n.Address() {
		t.Errorf("raft calls it %s, want %s", got, n.Address())
	}
	if n := start(t, Config{Advertise: "proxy.example:7"}, nil); n.Address() != "proxy.example:7" {
		t.Errorf("the address is %s", n.Address())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := Listen(ctx, Config{Listen: "localhost:0"}); err == nil {
		t.Error("it listens after it was told not to", n.Close())
	}
}
