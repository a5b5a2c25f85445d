// Package mail sends the portal's mails by SMTP. It refuses to know what is in them.
// Start reading at New.
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Security is how the connection to the mail server is kept secret.
type Security string

const (
	StartTLS Security = "starttls" // TLS after a greeting in plain text; demanded
	TLS      Security = "tls"      // TLS from the first byte
	Plain    Security = "none"     // for a server on the same machine
)

// Config says which mail server is used. Addr and From are required.
type Config struct {
	Addr     string // HOST:PORT
	From     string // name@example.com, or Name <name@example.com>
	User     string // "": the server asks for none
	Password string
	Security Security // "": StartTLS
}

// Sender sends mails. It is safe for concurrent use: each mail has a connection of
// its own.
type Sender struct {
	config  Config
	host    string
	tls     *tls.Config
	options []gomail.Option
}

// timeout bounds each step of the conversation with the mail server.
const timeout = 20 * time.Second

// New names every fault of a configuration. The server is not asked yet.
func New(c Config) (*Sender, error) {
	var faults []error
	host, portText, err := net.SplitHostPort(c.Addr)
	port, portErr := strconv.Atoi(portText)
	if err != nil || portErr != nil || host == "" {
		faults = append(faults, fmt.Errorf("the mail server %q is no HOST:PORT, such as mail.example.com:587", c.Addr))
	}
	if _, err := mail.ParseAddress(c.From); err != nil {
		faults = append(faults, fmt.Errorf("the sender %q is no e-mail address", c.From))
	}
	s := &Sender{config: c, host: host, tls: &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}}
	s.options = []gomail.Option{gomail.WithPort(port), gomail.WithTimeout(timeout), gomail.WithTLSConfig(s.tls)}
	switch c.Security {
	case "", StartTLS:
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case TLS:
		s.options = append(s.options, gomail.WithSSL())
	case Plain:
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.NoTLS))
		if c.User != "" {
			faults = append(faults, errors.New("a password is not sent to a mail server without TLS"))
		}
	default:
		faults = append(faults, fmt.Errorf("security %q is none of starttls, tls, none", c.Security))
	}
	if c.User != "" {
		s.options = append(s.options, gomail.WithOpportunisticSMTPAuth(logins...), gomail.WithUsername(c.User), gomail.WithPassword(c.Password))
	}
	return s, errors.Join(faults...)
}

// logins are the ways to prove who one is, the best first. All go through TLS.
var logins = []gomail.SMTPAuthType{
	gomail.SMTPAuthSCRAMSHA256PLUS, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1PLUS, gomail.SMTPAuthSCRAMSHA1,
	gomail.SMTPAuthCramMD5, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin,
}

// Send returns when the mail server has taken a mail.
func (s *Sender) Send(ctx context.Context, to, subject, text string) error {
	m := gomail.NewMsg()
	if err := errors.Join(m.From(s.config.From), m.To(to)); err != nil {
		return fmt.Errorf("writing a mail: %w", err)
	}
	m.Subject(subject)
	m.SetDate()
	m.SetMessageID()
	m.SetBodyString(gomail.TypeTextPlain, text)
	if err := s.deliver(ctx, m); err != nil {
		return fmt.Errorf("sending a mail by %s: %w", s.config.Addr, err)
	}
	return nil
}

// deliver hands a mail over on a connection of its own, which is closed whatever
// happens: the library leaves it open when the greeting, STARTTLS or the login fails.
// The end of ctx closes it too, which the library looks at only while it dials.
func (s *Sender) deliver(ctx context.Context, m *gomail.Msg) error {
	ctx, end := context.WithCancel(ctx)
	var closing sync.WaitGroup
	defer closing.Wait()
	defer end()
	dial := func(dialing context.Context, network, addr string) (net.Conn, error) {
		conn, err := s.dial(dialing, network, addr)
		if err == nil {
			closing.Add(1)
			context.AfterFunc(ctx, func() { defer closing.Done(); _ = conn.Close() })
		}
		return conn, err
	}
	client, err := gomail.NewClient(s.host, append(slices.Clone(s.options), gomail.WithDialContextFunc(dial))...)
	if err != nil {
		return err
	}
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	if err := client.SendWithSMTPClient(connection, m); err != nil {
		return err
	}
	_ = connection.Quit() // the mail is taken: without a farewell it would be sent again
	return nil
}

func (s *Sender) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if s.config.Security == TLS {
		return (&tls.Dialer{Config: s.tls}).DialContext(ctx, network, addr)
	}
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}
