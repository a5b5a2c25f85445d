package peer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/pemba-authz/pemba/server/reload"
)

// protocol is what members agree on in the handshake: nobody else has it.
const protocol = "pemba-peer"

// trust is this member's certificate and the authority that it trusts.
type trust struct{ current *reload.Value[*tls.Config] }

// newTrust reads the files. It names every fault.
func newTrust(c *Config) (*trust, error) {
	cert, key, ca := c.Cert, c.Key, c.CA
	load := func() (*tls.Config, error) { return loadTrust(cert, key, ca) }
	current, err := reload.New(c.Logger, c.Now, load, cert, key, ca)
	if err != nil {
		return nil, err
	}
	return &trust{current}, nil
}

func loadTrust(certFile, keyFile, caFile string) (*tls.Config, error) {
	var faults []error
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		faults = append(faults, fmt.Errorf("certificate %s with key %s: %w", certFile, keyFile, err))
	}
	authorities := x509.NewCertPool()
	pem, err := os.ReadFile(caFile)
	switch {
	case err != nil:
		faults = append(faults, fmt.Errorf("authority: %w", err))
	case !authorities.AppendCertsFromPEM(pem):
		faults = append(faults, fmt.Errorf("authority %s: it holds no certificate in PEM form", caFile))
	}
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{protocol},
		Certificates:           []tls.Certificate{cert},
		RootCAs:                authorities,
		ClientCAs:              authorities,
		ClientAuth:             tls.RequireAndVerifyClientCert,
		SessionTicketsDisabled: true, // every connection shows its certificate
	}, errors.Join(faults...)
}

// server returns the listening side of a connection.
func (t *trust) server(raw net.Conn) *tls.Conn { return tls.Server(raw, t.current.Get()) }

// client returns the dialing side of a connection to a host.
func (t *trust) client(raw net.Conn, host string) *tls.Conn {
	config := t.current.Get().Clone()
	config.ServerName = host
	return tls.Client(raw, config)
}

// expires returns when this member's certificate does.
func (t *trust) expires() time.Time {
	return t.current.Get().Certificates[0].Leaf.NotAfter
}
