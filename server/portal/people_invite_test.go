package portal

import (
	"context"
	"strings"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// letters takes mails and hands them on.
type letters chan string

func (l letters) Send(_ context.Context, to, _, text string) error {
	l <- to + "\n" + text
	return nil
}

// TestInvitations sends a link to whoever is created, with what is said to him, and a
// new one until he has a password.
func TestInvitations(t *testing.T) {
	o := newOffice(t)
	mails := make(letters, 10)
	o.config.Mailer = mails
	people, sessions := &peopleService{Portal: o.Portal}, o.SessionService()
	made, err := people.CreateUser(o.as("ada"), &portalv1.CreateUserRequest{Email: "nia@acme.example", GivenName: "Nia", Message: "Welcome aboard."})
	if err != nil {
		t.Fatal(err)
	}
	first := <-mails
	if !strings.HasPrefix(first, "nia@acme.example\n") || !strings.Contains(first, "Welcome aboard.") {
		t.Errorf("the invitation says: %s", first)
	}
	again, err := people.ResendInvitation(o.as("ada"), &portalv1.ResendInvitationRequest{Id: made.User.Id})
	if err != nil || again.Audit == 0 {
		t.Fatalf("sending again: %v (%v)", again, err)
	}
	token := func(mail string) string {
		_, after, _ := strings.Cut(mail, "/invite/")
		line, _, _ := strings.Cut(after, "\n")
		return line
	}
	second := <-mails
	redeem := func(mail string) error {
		_, err := sessions.RedeemLink(o.as(""), &portalv1.RedeemLinkRequest{Token: token(mail), Password: "a good long password"})
		return err
	}
	if r := refusal(t, redeem(first)); r.Fault != NotFound {
		t.Errorf("the link before is still good: %v", r)
	}
	if err := redeem(second); err != nil {
		t.Fatal(err)
	}
	_, err = people.ResendInvitation(o.as("ada"), &portalv1.ResendInvitationRequest{Id: made.User.Id})
	ruled(t, err, "18")
	_, err = people.ResendInvitation(o.as("eli"), &portalv1.ResendInvitationRequest{Id: made.User.Id})
	missing(t, err, "create_user")

	list, err := people.ListUserSessions(o.as("ada"), &portalv1.ListUserSessionsRequest{Id: made.User.Id})
	if err != nil || len(list.Sessions) != 1 {
		t.Fatalf("the sessions are %v (%v)", list.GetSessions(), err)
	}
	if _, err := people.EndUserSessions(o.as("ada"), &portalv1.EndUserSessionsRequest{Id: made.User.Id}); err != nil {
		t.Fatal(err)
	}
	list, err = people.ListUserSessions(o.as("ada"), &portalv1.ListUserSessionsRequest{Id: made.User.Id})
	if err != nil || len(list.Sessions) != 0 {
		t.Errorf("after their end there are %v (%v)", list.GetSessions(), err)
	}
}
