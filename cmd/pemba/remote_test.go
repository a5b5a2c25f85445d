package main

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// TestTransport tries TLS and plain text against both, and what the errors
// suggest.
func TestTransport(t *testing.T) {
	web := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1
	defer web.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	none := func(g *grpc.Server) { v1.RegisterSchemaServiceServer(g, &v1.UnimplementedSchemaServiceServer{}) }
	secure, _ := listenAt(t, "127.0.0.1:0", none, grpc.Creds(credentials.NewServerTLSFromCert(&web.TLS.Certificates[0])))
	plain, _ := listenAt(t, "127.0.0.1:0", none)
	closed, stop := listenAt(t, "127.0.0.1:0", none)
	stop()
	const reached = "does not know this call"
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"TLS by the given CA", []string{"--endpoint", secure, "--ca", ca}, exitRefused, reached},
		{"TLS by nobody known", []string{"--endpoint", secure}, exitUnavailable, "--ca FILE"},
		{"plain text to TLS", []string{"--endpoint", secure, "--insecure"}, exitUnavailable, "leave --insecure out"},
		{"plain text", []string{"--endpoint", plain, "--insecure"}, exitRefused, reached},
		{"a token in plain text", []string{"--endpoint", plain, "--insecure", "--token", "key"}, exitRefused, reached},
		{"TLS to plain text", []string{"--endpoint", plain}, exitUnavailable, "--insecure does, too"},
		{"nobody there", []string{"--endpoint", closed, "--insecure"}, exitUnavailable, "cannot be reached: dial tcp " + closed + ": connect: connection refused"},
		{"no certificate in the file", []string{"--endpoint", secure, "--ca", empty}, exitUsage, "holds no certificate"},
		{"no such file", []string{"--endpoint", secure, "--ca", ca + "x"}, exitFailure, "no such file"},
	} {
		var stdout, stderr strings.Builder
		code := run(append([]string{"schema", "read"}, c.args...), strings.NewReader(""), &stdout, &stderr)
		if code != c.code || !strings.Contains(stderr.String(), c.want) || stdout.Len() > 0 {
			t.Errorf("%s: exit code %d, want %d; stdout %q, stderr %q, want %q in it", c.name, code, c.code, &stdout, &stderr, c.want)
		}
	}
}

// TestCertificateHint says what helps where the server refuses the client's
// certificate, and where the client refuses the server's.
func TestCertificateHint(t *testing.T) {
	for detail, want := range map[string]string{
		"error reading server preface: remote error: tls: certificate required":            "--cert and --key",
		"error reading server preface: remote error: tls: unknown certificate authority":   "--cert and --key",
		"tls: failed to verify certificate: x509: certificate signed by unknown authority": "--ca",
	} {
		if got := transportHint(detail); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %s", detail, got, want)
		}
	}
}
