package mail

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// patience bounds a test that would hang otherwise; no test waits so long that passes.
const patience = time.Minute

// server is a mail server for one connection. It answers each command by the name of
// it, and the beginning of a connection by "": with "-" it says nothing.
type server struct {
	t       *testing.T
	addr    string
	tls     *tls.Config
	at      Security
	answers map[string]string

	silent   chan struct{} // closed once it says nothing
	over     chan struct{} // closed once the client has closed the connection
	commands []string      // what it said, once it is over
	mail     string        // what came as data, without dots that were doubled
	end      error         // how the connection ended: io.EOF, if the client closed it
}

// usual is what a server says that takes every mail.
var usual = map[string]string{
	"": "220 mail.example ESMTP", "EHLO": "250-mail.example\n250-STARTTLS\n250-AUTH LOGIN PLAIN\n250 8BITMIME", "HELO": "250 mail.example",
	"STARTTLS": "220 go ahead", "AUTH": "235 welcome", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go ahead", ".": "250 taken",
	"QUIT": "221 bye", "RSET": "250 ok", "NOOP": "250 ok",
}

// serve starts a server and returns a sender that trusts it.
func serve(t *testing.T, c Config, answers map[string]string) (*server, *Sender) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	certificate, roots := certificates(t)
	s := &server{t: t, addr: listener.Addr().String(), at: c.Security, answers: answers, silent: make(chan struct{}), over: make(chan struct{})}
	s.tls = &tls.Config{Certificates: []tls.Certificate{certificate}}
	c.Addr, c.From = s.addr, "Pemba <portal@pemba.example>"
	sender, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	sender.tls.RootCAs = roots
	go s.run(listener)
	t.Cleanup(func() {
		_ = listener.Close() // for a test in which nobody connected
		<-s.over
	})
	return s, sender
}

func (s *server) run(listener net.Listener) {
	defer close(s.over)
	conn, err := listener.Accept()
	_ = listener.Close()
	if err != nil {
		s.end = err
		return
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.end = err
		return
	}
	if s.at == TLS {
		conn = tls.Server(conn, s.tls)
	}
	s.end = s.talk(conn)
}

// talk goes on until the client ends it, whatever it was told.
func (s *server) talk(conn net.Conn) error {
	r, command := bufio.NewReader(conn), ""
	for {
		answer, ok := s.answers[command]
		if !ok {
			answer = usual[command]
		}
		if answer == "-" {
			close(s.silent) // no client says more then
		} else {
			if _, err := io.WriteString(conn, strings.ReplaceAll(answer, "\n", "\r\n")+"\r\n"); err != nil {
				return err
			}
		}
		switch {
		case command == "STARTTLS" && strings.HasPrefix(answer, "220"):
			secret := tls.Server(conn, s.tls)
			if err := secret.Handshake(); err == nil {
				conn, r = secret, bufio.NewReader(secret)
			} // else what comes is no command, but its end is
		case command == "DATA" && strings.HasPrefix(answer, "354"):
			data, err := io.ReadAll(textproto.NewReader(r).DotReader())
			if err != nil {
				return err
			}
			s.mail, command = string(data), "."
			continue
		}
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		s.commands = append(s.commands, strings.TrimSpace(line))
		command, _, _ = strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " ")
	}
}

// closed waits until the client has closed the connection.
func (s *server) closed() {
	s.t.Helper()
	<-s.over
	if timeout := net.Error(nil); errors.As(s.end, &timeout) && timeout.Timeout() {
		s.t.Errorf("the connection stayed open: after %q", s.commands)
	}
}

// certificates returns a certificate of 127.0.0.1, and who vouches for it.
func certificates(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, roots
}
