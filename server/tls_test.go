package server_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/server"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newECDSA(t)}
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

// issue makes a certificate for 127.0.0.1, and its key, in PEM form.
func (a *authority) issue(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private := newECDSA(t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &private.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// files are the PEM files of a listener.
type files struct{ cert, key, ca string }

func newFiles(t *testing.T) files {
	dir := t.TempDir()
	return files{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "ca.crt")}
}

func (f files) write(t *testing.T, cert, key []byte) {
	t.Helper()
	for name, data := range map[string][]byte{f.cert: cert, f.key: key} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// trusting is a client that trusts an authority, and may show a certificate.
func trusting(t *testing.T, a *authority, shown ...[]byte) grpc.DialOption {
	t.Helper()
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	config.RootCAs.AddCert(a.cert)
	if len(shown) > 0 {
		cert, err := tls.X509KeyPair(shown[0], shown[1])
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{cert}
	}
	return grpc.WithTransportCredentials(credentials.NewTLS(config))
}

// TestTLSReload replaces the certificate of a running server by one of another
// authority, by way of a moment at which the files do not fit together.
func TestTLSReload(t *testing.T) {
	f, before, after := newFiles(t), newAuthority(t), newAuthority(t)
	cert, key := before.issue(t, "server")
	f.write(t, cert, key)
	clock := &manualClock{at: time.Now()}
	config, err := server.NewTLS(server.TLSConfig{Cert: f.cert, Key: f.key, Now: clock.now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	p := listen(t, nil, grpc.Creds(credentials.NewTLS(config)))
	expect := func(when string, a *authority, want codes.Code) {
		t.Helper()
		_, err := v1.NewSchemaServiceClient(p.dial(t, trusting(t, a))).ReadSchema(t.Context(), &v1.ReadSchemaRequest{})
		if status.Code(err) != want {
			t.Errorf("%s: %v, want %v", when, err, want)
		}
	}
	expect("before", before, codes.NotFound)
	newCert, newKey := after.issue(t, "server")
	f.write(t, newCert, key)
	clock.move(2 * time.Second)
	expect("half replaced", before, codes.NotFound)
	f.write(t, newCert, append([]byte("\n"), newKey...))
	clock.move(2 * time.Second)
	expect("replaced", after, codes.NotFound)
	expect("replaced", before, codes.Unavailable)
}

func TestMutualTLS(t *testing.T) {
	f, a, other := newFiles(t), newAuthority(t), newAuthority(t)
	cert, key := a.issue(t, "server")
	f.write(t, cert, key)
	if err := os.WriteFile(f.ca, a.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := server.NewTLS(server.TLSConfig{Cert: f.cert, Key: f.key, ClientCA: f.ca})
	if err != nil {
		t.Fatal(err)
	}
	clientCert, clientKey := a.issue(t, "client-of-a")
	otherCert, otherKey := other.issue(t, "client-of-another")
	for _, keys := range [][]server.Key{nil, {mustKey(t, "needed-beside-the-certificate")}} {
		p := listen(t, func(c *server.Config) {
			c.Auth = mustAuth(t, server.AuthConfig{Certificates: true, Keys: keys})
		}, grpc.Creds(credentials.NewTLS(config)))
		for _, c := range []struct {
			name   string
			option grpc.DialOption
			alone  codes.Code // without a token, where certificates are enough
			token  codes.Code // without a token, where it is needed too
		}{
			{"certificate", trusting(t, a, clientCert, clientKey), codes.OK, codes.Unauthenticated},
			{"none", trusting(t, a), codes.Unavailable, codes.Unavailable},
			{"of another authority", trusting(t, a, otherCert, otherKey), codes.Unavailable, codes.Unavailable},
		} {
			want := c.alone
			if keys != nil {
				want = c.token
			}
			_, err := v1.NewSchemaServiceClient(p.dial(t, c.option)).WriteSchema(t.Context(), &v1.WriteSchemaRequest{})
			if status.Code(err) != want {
				t.Errorf("%s, keys %t: %v, want %v", c.name, keys != nil, err, want)
			}
		}
		if keys == nil && !strings.Contains(p.log.text(), "cert:CN=client-of-a") {
			t.Errorf("the log does not say who called: %s", p.log.text())
		}
	}
}

// TestCertificateIsNeeded calls over plain text a server that goes by
// certificates.
func TestCertificateIsNeeded(t *testing.T) {
	p := listen(t, func(c *server.Config) { c.Auth = mustAuth(t, server.AuthConfig{Certificates: true}) })
	_, err := v1.NewSchemaServiceClient(p.dial(t)).ReadSchema(t.Context(), &v1.ReadSchemaRequest{})
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("%v, want Unauthenticated", err)
	}
}

func TestTLSFaults(t *testing.T) {
	f := newFiles(t)
	for _, c := range []struct {
		config server.TLSConfig
		want   []string
	}{
		{server.TLSConfig{}, []string{"a certificate and its key"}},
		{server.TLSConfig{Cert: f.cert, Key: f.key, ClientCA: f.ca}, []string{"tls.crt", "TLS client CA"}},
	} {
		_, err := server.NewTLS(c.config)
		if err == nil {
			t.Errorf("%+v is no fault", c.config)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %q is missing", err, want)
			}
		}
	}
	if err := os.WriteFile(f.ca, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.write(t, nil, nil)
	if _, err := server.NewTLS(server.TLSConfig{Cert: f.cert, Key: f.key, ClientCA: f.ca}); err == nil || !strings.Contains(err.Error(), "no certificate in PEM form") {
		t.Error(err)
	}
}
