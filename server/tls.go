package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/pemba-authz/pemba/server/reload"
)

// TLSConfig names the PEM files of a listener. They are read again when they
// change; connections that are open keep what they began with.
type TLSConfig struct {
	Cert, Key string // the server's certificate (with its chain) and private key
	ClientCA  string // "": callers need no certificate of their own

	Logger *slog.Logger     // nil: slog.Default()
	Now    func() time.Time // nil: time.Now
}

// NewTLS reads the files. It names every fault.
func NewTLS(c TLSConfig) (*tls.Config, error) {
	if c.Cert == "" || c.Key == "" {
		return nil, errors.New("TLS needs a certificate and its key")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	files := []string{c.Cert, c.Key}
	if c.ClientCA != "" {
		files = append(files, c.ClientCA)
	}
	current, err := reload.New(c.Logger, c.Now, c.load, files...)
	if err != nil {
		return nil, err
	}
	base := current.Get().Clone()
	base.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return current.Get(), nil }
	return base, nil
}

func (c TLSConfig) load() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	var faults []error
	cert, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		faults = append(faults, fmt.Errorf("TLS certificate %s with key %s: %w", c.Cert, c.Key, err))
	}
	config.Certificates = []tls.Certificate{cert}
	if c.ClientCA != "" {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs = x509.NewCertPool()
		pem, err := os.ReadFile(c.ClientCA)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("TLS client CA: %w", err))
		case !config.ClientCAs.AppendCertsFromPEM(pem):
			faults = append(faults, fmt.Errorf("TLS client CA %s: it holds no certificate in PEM form", c.ClientCA))
		}
	}
	return config, errors.Join(faults...)
}
