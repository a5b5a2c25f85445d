package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/portal"
	"github.com/pemba-authz/pemba/server/portal/mail"
)

// portalFlags are the settings of the Customer Portal as they are given.
type portalFlags struct {
	on, rawWrites  bool
	trustedProxies []string

	smtpAddr, smtpFrom, smtpUser, smtpPasswordFile, smtpTLS string
}

func (f *portalFlags) declare(flags *pflag.FlagSet) {
	flags.BoolVar(&f.on, "portal", false, "serve the Customer Portal: its definitions become part of the schema, and only it writes their relationships")
	flags.BoolVar(&f.rawWrites, "portal-raw-writes", false, "with --portal: the other APIs may write the portal's relationships and documents too, past its rules and its audit log")
	flags.StringSliceVar(&f.trustedProxies, "trusted-proxies", nil, "addresses or networks of proxies that are believed in X-Forwarded-For, such as 10.0.0.0/8; may be repeated")
	flags.StringVar(&f.smtpAddr, "smtp-addr", "", "HOST:PORT of the mail server that sends one-time links; without it they are written to the log")
	flags.StringVar(&f.smtpFrom, "smtp-from", "", "address that these mails come from")
	flags.StringVar(&f.smtpUser, "smtp-user", "", "user of the mail server, if it asks for one")
	flags.StringVar(&f.smtpPasswordFile, "smtp-password-file", "", "file of the password of --smtp-user")
	flags.StringVar(&f.smtpTLS, "smtp-tls", string(mail.StartTLS), "starttls, tls, or none for a mail server on this machine")
}

// faults returns what does not go together.
func (f *portalFlags) faults() []error {
	var faults []error
	if f.rawWrites && !f.on {
		faults = append(faults, errors.New("--portal-raw-writes is about what the portal keeps: give --portal, or leave it out"))
	}
	if f.smtpAddr != "" && !f.on {
		faults = append(faults, errors.New("--smtp-addr is about mails of the portal: give --portal, or leave it out"))
	}
	if f.smtpAddr == "" && (f.smtpFrom != "" || f.smtpUser != "" || f.smtpPasswordFile != "") {
		faults = append(faults, errors.New("--smtp-from, --smtp-user and --smtp-password-file need --smtp-addr"))
	}
	return faults
}

// proxies reads the networks of trusted proxies; an address is a network of one.
func (f *portalFlags) proxies() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range f.trustedProxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var addr netip.Addr
			if addr, err = netip.ParseAddr(text); err == nil {
				p, err = addr.Prefix(addr.BitLen())
			}
		}
		if err != nil {
			return nil, fmt.Errorf("--trusted-proxies %q: it is an address or a network, such as 10.0.0.0/8", text)
		}
		out = append(out, p)
	}
	return out, nil
}

// mailer returns nil when links are written to the log.
func (f *portalFlags) mailer() (portal.Mailer, error) {
	if f.smtpAddr == "" {
		return nil, nil
	}
	c := mail.Config{Addr: f.smtpAddr, From: f.smtpFrom, User: f.smtpUser, Security: mail.Security(f.smtpTLS)}
	if f.smtpPasswordFile != "" {
		text, err := os.ReadFile(f.smtpPasswordFile)
		if err != nil {
			return nil, fmt.Errorf("--smtp-password-file: %w", err)
		}
		c.Password = strings.TrimRight(string(text), "\r\n")
	}
	sender, err := mail.New(c)
	if err != nil {
		return nil, fmt.Errorf("--smtp-addr: %w", err)
	}
	return sender, nil
}

// firstRunPath is the page on which the first company is made.
const firstRunPath = "/console/first-run"

// openPortal begins to serve the portal on a node whose listeners are open.
func (n *daemon) openPortal(f *serveFlags, s *settings) error {
	url := f.publicURL(s.tls != nil, n.http.Addr())
	n.codes = make(chan string, 1)
	var err error
	n.portal, err = portal.Open(portal.Config{
		Replica: n.replica, Logger: n.log, PublicURL: url, Mailer: s.mailer,
		Build: s.server.Version, Node: n.replica.Status().ID,
		FirstRun: func(code string) {
			n.log.Warn("there is no company yet: make the first with this one-time code, or with that of another node; the first that is used ends them all", "url", url+firstRunPath, "one_time_code", code)
			n.codes <- code
		},
	})
	if err != nil {
		return err
	}
	s.server.Portal = n.portal
	s.server.Reserved = &server.Reserved{
		Schema: portal.Schema, Documents: []string{portal.DocumentPrefix}, RawWrites: f.portal.rawWrites,
	}
	return nil
}

// printFirstRun says how the first company is made. The log has it too, for those who
// have no terminal.
func (a *app) printFirstRun(url, code string) error {
	return a.one([]string{"first_run", "code"}, item{
		text:  fmt.Sprintf("there is no company yet: make the first at\n  %s\nwith the one-time code of this node, or of another\n  %s", url, code),
		cells: []string{url, code},
		value: map[string]string{"first_run": url, "code": code},
	})
}
