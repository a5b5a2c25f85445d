package portal

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Mailer sends mails. Send returns when the mail server has taken it, or refused.
type Mailer interface {
	Send(ctx context.Context, to, subject, text string) error
}

const (
	asksWaiting  = 1_000             // addresses for which a link is asked; more are dropped, and that is logged
	mailsWaiting = 2 * maxImportRows // links that wait to be sent: those of whole imports; more are dropped too
	mailTries    = 3
	mailPause    = 10 * time.Second // between tries
	mailTimeout  = time.Minute
)

// message is a mail with a one-time link.
type message struct {
	user           string // id
	to, name, kind string
	note           string // of whoever invites; may be empty
	expires        time.Time
	link           string
}

func (m *message) with(link string) *message {
	m.link = link
	return m
}

// post hands a message to the mailer; false says that there is none.
func (p *Portal) post(m *message) bool {
	if p.config.Mailer == nil {
		return false
	}
	select {
	case p.mailer.mails <- m:
	default:
		p.log.Error("a one-time link was not sent: too many wait; send it again", "user", m.user, "waiting", mailsWaiting)
	}
	return true
}

// mailer does, one after the other, what callers do not wait for. Anybody can ask for
// links, so that what is asked waits apart: it keeps no mail from being sent.
type mailer struct {
	portal *Portal
	asks   chan string // addresses whose users want a link
	mails  chan *message
}

func newMailer(p *Portal) *mailer {
	return &mailer{p, make(chan string, asksWaiting), make(chan *message, mailsWaiting)}
}

// ask notes that whoever has an address wants a link.
func (m *mailer) ask(address string) {
	select {
	case m.asks <- address:
	default:
		m.portal.log.Error("somebody who asked for a link gets none: too many ask", "waiting", asksWaiting)
	}
}

// run works until the portal is closed.
func (m *mailer) run() {
	ctx := m.portal.ctx
	for {
		select {
		case msg := <-m.mails:
			if err := m.send(ctx, msg); err != nil && ctx.Err() == nil {
				m.portal.log.Error("a one-time link could not be sent; send it again", "user", msg.user, "error", err)
			}
		case address := <-m.asks:
			if err := m.link(ctx, address); err != nil && ctx.Err() == nil {
				m.portal.log.Error("a one-time link that somebody asked for could not be made", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// link makes a link for whoever has an address, if somebody has.
func (m *mailer) link(ctx context.Context, address string) error {
	who, err := m.portal.holder(ctx, address)
	if err != nil || who.User == "" {
		return err
	}
	_, err = m.portal.sendLink(ctx, who.Company, who.User, "", forgot)
	return err
}

// holder returns who has an address; nobody when the result is empty.
func (p *Portal) holder(ctx context.Context, address string) (emailDoc, error) {
	var who emailDoc
	v, err := p.newest(ctx)
	if err != nil {
		return who, err
	}
	defer v.close()
	_, err = v.document(emailKey(address), &who)
	return who, err
}

// send tries a few times.
func (m *mailer) send(ctx context.Context, msg *message) (err error) {
	for i := range mailTries {
		if i > 0 {
			select {
			case <-time.After(mailPause):
			case <-ctx.Done():
				return err
			}
		}
		attempt, end := context.WithTimeout(ctx, mailTimeout)
		err = m.portal.config.Mailer.Send(attempt, msg.to, msg.subject(), msg.text())
		end()
		if err == nil {
			return nil
		}
	}
	return err
}

func (m *message) subject() string {
	if m.kind == linkReset {
		return "Your new password in the Customer Portal"
	}
	return "Your account in the Customer Portal"
}

func (m *message) text() string {
	what := "An account in the Customer Portal was made for you. Choose your password here:"
	end := "The link can be used once, until " + m.expires.UTC().Format("2 January 2006, 15:04 UTC") + "."
	switch m.kind {
	case linkReset:
		what = "Choose a new password for the Customer Portal here:"
	case linkSignIn:
		what, end = "An account in the Customer Portal was made for you. Sign in with your e-mail address here:", "Your company signs you in: you need no password of the portal."
	}
	if m.note != "" {
		what = m.note + "\n\n" + what
	}
	return fmt.Sprintf(`Hello %s,

%s

%s

%s If you did not expect this mail, do nothing.
`, strings.TrimSpace(m.name), what, m.link, end)
}
