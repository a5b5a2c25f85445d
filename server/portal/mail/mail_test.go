package mail

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	recipient = "ada@acme.example"
	subject   = "Ihr Zugang – für Sie"
	// text has what mail servers and their protocol are picky about.
	text = "Hello Ada,\n\n.\n..a line that begins with dots\nFrom here on: größer = 100 %\n\nhttps://pemba.example/console/invite/" +
		"pemba_link_abcdefghijklmnopqrstuvwxyz?with=a_long_query_that_is_longer_than_a_line_of_a_mail_may_be\n"
)

// withLogin are the ways by which a password may be sent.
var withLogin = []Security{StartTLS, TLS}

func login(s Security) Config {
	return Config{User: "portal", Password: "correct horse", Security: s}
}

// TestSendsWhole proves that what arrives is what was sent, and that the connection is
// closed then.
func TestSendsWhole(t *testing.T) {
	for name, c := range map[string]Config{
		"starttls": {Security: StartTLS}, "starttls by default": {}, "tls": {Security: TLS}, "plain": {Security: Plain},
		"starttls with a login": login(StartTLS), "tls with a login": login(TLS),
	} {
		t.Run(name, func(t *testing.T) {
			s, sender := serve(t, c, nil)
			if err := sender.Send(t.Context(), recipient, subject, text); err != nil {
				t.Fatal(err)
			}
			s.closed()
			checkMail(t, s.mail)
			if !slices.Contains(s.commands, "RCPT TO:<"+recipient+">") || !slices.Contains(s.commands, "QUIT") {
				t.Errorf("it said %q", s.commands)
			}
			proof := "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00portal\x00correct horse"))
			if said := slices.Contains(s.commands, proof); said != (c.User != "") {
				t.Errorf("it logged in: %v; it said %q", said, s.commands)
			}
			if started := slices.Contains(s.commands, "STARTTLS"); started != (c.Security == StartTLS || c.Security == "") {
				t.Errorf("it started TLS: %v", started)
			}
		})
	}
}

func checkMail(t *testing.T, raw string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, raw)
	}
	to, err := m.Header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Address != recipient {
		t.Errorf("to %v, %v", to, err)
	}
	from, err := m.Header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].String() != `"Pemba" <portal@pemba.example>` {
		t.Errorf("from %v, %v", from, err)
	}
	if got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil || got != subject {
		t.Errorf("the subject is %q, %v", got, err)
	}
	if _, err := m.Header.Date(); err != nil || m.Header.Get("Message-Id") == "" {
		t.Errorf("the headers are %v: %v", m.Header, err)
	}
	if encoding := m.Header.Get("Content-Transfer-Encoding"); encoding != "quoted-printable" {
		t.Fatalf("the text comes as %q", encoding)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.ReplaceAll(string(body), "\r\n", "\n"); strings.TrimRight(got, "\n") != strings.TrimRight(text, "\n") {
		t.Errorf("the text is\n%s", got)
	}
}

// TestClosesWhatFails proves that no connection is left behind by a mail that could not
// be sent, wherever it went wrong, and that the password was not sent in plain text.
func TestClosesWhatFails(t *testing.T) {
	noTLS := "250-mail.example\n250-AUTH LOGIN PLAIN\n250 8BITMIME"
	type failure struct {
		name    string
		config  Config
		answers map[string]string
		want    string // in the error
	}
	failures := []failure{
		{"greeting", login(StartTLS), map[string]string{"": "554 no"}, "554"},
		{"hello", login(StartTLS), map[string]string{"EHLO": "550 no", "HELO": "550 no"}, "550"},
		{"STARTTLS is not offered", login(StartTLS), map[string]string{"EHLO": noTLS}, "does not support STARTTLS"},
		{"STARTTLS is refused", login(StartTLS), map[string]string{"STARTTLS": "454 not now"}, "454"},
	}
	for _, way := range withLogin {
		failures = append(failures,
			failure{"login is refused by " + string(way), login(way), map[string]string{"AUTH": "535 wrong"}, "535"},
			failure{"login is not offered by " + string(way), login(way), map[string]string{"EHLO": "250-mail.example\n250 STARTTLS"}, "AUTH"},
			failure{"login is of another kind by " + string(way), login(way), map[string]string{"EHLO": "250-mail.example\n250-STARTTLS\n250 AUTH GSSAPI"}, "authentication mechanism"},
		)
	}
	for _, command := range []string{"MAIL", "RCPT", "DATA", "."} {
		failures = append(failures, failure{command + " is refused", Config{Security: Plain}, map[string]string{command: "550 no"}, "550"})
	}
	for _, f := range failures {
		t.Run(f.name, func(t *testing.T) {
			s, sender := serve(t, f.config, f.answers)
			err := sender.Send(t.Context(), recipient, subject, text)
			if err == nil || !strings.Contains(err.Error(), f.want) || strings.Contains(err.Error(), "correct horse") {
				t.Errorf("the error is %v; it should say %q", err, f.want)
			}
			s.closed()
			for _, command := range s.commands {
				if strings.HasPrefix(command, "AUTH") && f.want != "535" {
					t.Errorf("it said %q", command)
				}
			}
		})
	}
}

// TestClosesWithoutTrust proves that a server that nobody vouches for gets neither
// password nor mail, and that the connection is closed.
func TestClosesWithoutTrust(t *testing.T) {
	for _, way := range withLogin {
		t.Run(string(way), func(t *testing.T) {
			s, sender := serve(t, login(way), nil)
			sender.tls.RootCAs = x509.NewCertPool()
			if err := sender.Send(t.Context(), recipient, subject, text); err == nil || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("the error is %v", err)
			}
			s.closed()
			for _, command := range s.commands {
				if strings.HasPrefix(command, "AUTH") || strings.HasPrefix(command, "MAIL") {
					t.Errorf("it said %q", command)
				}
			}
		})
	}
}

// TestFarewellFails proves that a mail that was taken is sent, though the server does
// not say goodbye: it would arrive twice else.
func TestFarewellFails(t *testing.T) {
	s, sender := serve(t, login(StartTLS), map[string]string{"QUIT": "421 too late"})
	if err := sender.Send(t.Context(), recipient, subject, text); err != nil {
		t.Error(err)
	}
	s.closed()
	checkMail(t, s.mail)
}

// TestEndsWithItsContext proves that a server that is silent holds nobody who has
// given up, at any step.
func TestEndsWithItsContext(t *testing.T) {
	for _, silent := range []string{"", "EHLO", "STARTTLS", "AUTH", "MAIL", ".", "QUIT"} {
		t.Run("at "+silent, func(t *testing.T) {
			ctx, end := context.WithCancel(t.Context())
			defer end()
			s, sender := serve(t, login(StartTLS), map[string]string{silent: "-"})
			var waiting sync.WaitGroup
			defer waiting.Wait()
			waiting.Go(func() {
				select {
				case <-s.silent:
					end()
				case <-s.over:
				}
			})
			err := sender.Send(ctx, recipient, subject, text)
			if taken := silent == "QUIT"; (err == nil) != taken {
				t.Errorf("the error is %v", err)
			}
			s.closed()
		})
	}
}

// TestNew proves that each fault of a configuration is named.
func TestNew(t *testing.T) {
	for name, c := range map[string]Config{
		"no HOST:PORT":          {Addr: "mail.example", From: "a@b.example"},
		"is no e-mail address":  {Addr: "mail.example:25", From: "nobody"},
		"is none of starttls":   {Addr: "mail.example:25", From: "a@b.example", Security: "ssl"},
		"not sent to a mail se": {Addr: "mail.example:25", From: "a@b.example", Security: Plain, User: "x"},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%+v: %v; it should say %q", c, err, name)
		}
	}
}
