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
	mailsWaiting = 1_000 // more are dropped, and that is logged
	mailTries    = 3
	mailPause    = 10 * time.Second // between tries
	mailTimeout  = time.Minute
)

// message is a mail with a one-time link.
type message struct {
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
	p.mailer.put(mailJob{message: m})
	return true
}

// mailer does, one after the other, what callers do not wait for.
type mailer struct {
	portal *Portal
	jobs   chan mailJob
}

// mailJob is a message to send, or an address whose user asks for a link.
type mailJob struct {
	message *message
	address string
}

func newMailer(p *Portal) *mailer { return &mailer{p, make(chan mailJob, mailsWaiting)} }

// ask notes that whoever has an address wants a link.
func (m *mailer) ask(address string) { m.put(mailJob{address: address}) }

func (m *mailer) put(j mailJob) {
	select {
	case m.jobs <- j:
	default:
		m.portal.log.Error("a mail was dropped: too many wait", "waiting", mailsWaiting)
	}
}

// run works until the portal is closed.
func (m *mailer) run() {
	ctx := m.portal.ctx
	for {
		select {
		case j := <-m.jobs:
			if err := m.do(ctx, j); err != nil && ctx.Err() == nil {
				m.portal.log.Error("a one-time link could not be sent", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (m *mailer) do(ctx context.Context, j mailJob) error {
	if j.message != nil {
		return m.send(ctx, j.message)
	}
	who, err := m.portal.holder(ctx, j.address)
	if err != nil || who.User == "" {
		return err
	}
	_, err = m.portal.sendLink(ctx, who.Company, who.User, "", linkPause)
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
