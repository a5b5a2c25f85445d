package portal

import (
	"errors"
	"strings"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// linkIn returns the token of the link in a mail.
func linkIn(mail string) string {
	_, after, _ := strings.Cut(mail, "/invite/")
	line, _, _ := strings.Cut(after, "\n")
	return line
}

// arrival is a firm to which somebody was invited, by a mail.
func arrival(t *testing.T) (f *firm, mails letters, nia, link string) {
	t.Helper()
	f = found(t)
	mails = make(letters, 10)
	f.config.Mailer = mails
	made, err := f.people.CreateUser(as(t, f.id, f.ada), &portalv1.CreateUserRequest{Email: "nia@acme.example", GivenName: "Nia"})
	done(t, err)
	return f, mails, made.User.Id, linkIn(<-mails)
}

func (f *firm) redeem(link string) (string, error) {
	resp, err := f.SessionService().RedeemLink(as(f.t, "", ""), &portalv1.RedeemLinkRequest{Token: link, Password: "a good long password"})
	return resp.GetToken(), err
}

// TestRule05_DeactivatedIsSignedOut makes a user inactive and active again: nothing that
// opened his roles before opens them now.
func TestRule05_DeactivatedIsSignedOut(t *testing.T) {
	f, mails, nia, link := arrival(t)
	session, err := f.redeem(link)
	done(t, err)
	machine, err := (&sessionService{Portal: f.Portal}).CreateMyToken(as(t, f.id, nia), &portalv1.CreateMyTokenRequest{Name: "robot"})
	done(t, err)
	f.mailer.ask("nia@acme.example")
	link = linkIn(<-mails)
	for _, token := range []string{session, machine.Token} {
		if _, err := f.SignedIn(t.Context(), token, ""); err != nil {
			t.Fatal(err)
		}
	}
	done(t, f.turn(nia, false))
	done(t, f.turn(nia, true))
	for _, token := range []string{session, machine.Token} {
		if _, err := f.SignedIn(t.Context(), token, ""); !errors.Is(err, ErrEnded) {
			t.Errorf("what was given before opens again: %v", err)
		}
	}
	if _, err := f.redeem(link); !errors.Is(err, errLink) {
		t.Errorf("a link of before is good again: %v", err)
	}
}

// TestLinkGoesWithTheAddress corrects an address to which a link was sent: whoever got
// it does not come in.
func TestLinkGoesWithTheAddress(t *testing.T) {
	f, mails, nia, link := arrival(t)
	for _, address := range []string{"Nia@acme.example", "nina@acme.example"} {
		if _, err := f.SessionService().InspectLink(as(t, "", ""), &portalv1.InspectLinkRequest{Token: link}); err != nil {
			t.Fatal(err)
		}
		_, err := f.people.UpdateUser(as(t, f.id, f.ada), &portalv1.UpdateUserRequest{Id: nia, Email: &address})
		done(t, err)
	}
	if _, err := f.redeem(link); !errors.Is(err, errLink) {
		t.Fatalf("the link to the address of before: %v", err)
	}
	_, err := f.people.ResendInvitation(as(t, f.id, f.ada), &portalv1.ResendInvitationRequest{Id: nia})
	done(t, err)
	mail := <-mails
	if !strings.HasPrefix(mail, "nina@acme.example\n") {
		t.Errorf("the new link goes to: %s", mail)
	}
	_, err = f.redeem(linkIn(mail))
	done(t, err)
}

// TestMails_AreNotCrowdedOut has strangers ask for more links than are waited for, while
// an invitation goes out.
func TestMails_AreNotCrowdedOut(t *testing.T) {
	f := found(t)
	m := newMailer(f.Portal) // which does not run
	f.mailer, f.config.Mailer = m, make(letters)
	for range asksWaiting + 10 {
		m.ask("nobody@acme.example")
	}
	_, err := f.people.CreateUser(as(t, f.id, f.ada), &portalv1.CreateUserRequest{Email: "nia@acme.example", GivenName: "Nia"})
	done(t, err)
	if len(m.asks) != asksWaiting || len(m.mails) != 1 {
		t.Errorf("%d ask, and %d mails wait", len(m.asks), len(m.mails))
	}
}

// TestTokensOfMachines stay when a password is changed or reset, unless they are to go,
// and whoever administers the company sees and ends them.
func TestTokensOfMachines(t *testing.T) {
	f, mails, nia, link := arrival(t)
	s := &sessionService{Portal: f.Portal}
	token := func(name string) *portalv1.CreateMyTokenResponse {
		t.Helper()
		made, err := s.CreateMyToken(as(t, f.id, nia), &portalv1.CreateMyTokenRequest{Name: name})
		done(t, err)
		return made
	}
	opens := func(what string, made *portalv1.CreateMyTokenResponse, want bool) {
		t.Helper()
		if _, err := f.SignedIn(t.Context(), made.Token, ""); (err == nil) != want {
			t.Errorf("%s: the token opens: %v", what, err)
		}
	}
	_, err := f.redeem(link)
	done(t, err)
	const password, next = "a good long password", "another good password"
	one := token("one")
	_, err = s.ChangePassword(as(t, f.id, nia), &portalv1.ChangePasswordRequest{Present: password, Password: next})
	done(t, err)
	opens("a change", one, true)
	_, err = s.ChangePassword(as(t, f.id, nia), &portalv1.ChangePasswordRequest{Present: next, Password: password, RevokeTokens: true})
	done(t, err)
	opens("a change that revokes", one, false)

	one = token("one")
	reset := func(revoke bool) {
		t.Helper()
		f.mailer.ask("nia@acme.example")
		_, err := s.RedeemLink(as(t, "", ""), &portalv1.RedeemLinkRequest{Token: linkIn(<-mails), Password: password, RevokeTokens: revoke})
		done(t, err)
	}
	reset(false)
	opens("a reset", one, true)
	reset(true)
	opens("a reset that revokes", one, false)

	one, two := token("one"), token("two")
	list, err := f.people.ListUserSessions(as(t, f.id, f.ada), &portalv1.ListUserSessionsRequest{Id: nia})
	done(t, err)
	if len(list.Tokens) != 2 || len(list.Sessions) != 1 {
		t.Errorf("an administrator sees %v", list)
	}
	end := func(id string) {
		t.Helper()
		_, err := f.people.EndUserSessions(as(t, f.id, f.ada), &portalv1.EndUserSessionsRequest{Id: nia, SessionId: id})
		done(t, err)
	}
	end(two.Id)
	opens("revoked by an administrator", two, false)
	opens("another", one, true)
	end("")
	opens("all ended by an administrator", one, false)
}
