package portal

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// noted opens a portal with a stepped clock whose notes are written only by the test.
func noted(t *testing.T) (*firm, *clock) {
	t.Helper()
	c := &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	p := openAt(t, c.now)
	return &firm{p, t, "acme", acme(t, p, "acme"), &peopleService{Portal: p}}, c
}

// log returns the entries of the firm's audit log of an action, the oldest first.
func (f *firm) log(action string) []*entryDoc {
	f.t.Helper()
	var out []*entryDoc
	for doc, err := range f.state().snap.Documents(f.t.Context(), auditChain(f.id)+"/", "") {
		done(f.t, err)
		e, err := readEntry(doc)
		done(f.t, err)
		if e.doc.Action == action {
			out = append(out, &e.doc)
		}
	}
	return out
}

// TestNotes_TenAMinuteAreRecorded has a user try the same again and again: ten are
// recorded, and how many more there were when the minute is over.
func TestNotes_TenAMinuteAreRecorded(t *testing.T) {
	f, c := noted(t)
	bea := f.hire("Bea", "")
	n := newNotes(f.Portal)
	try := func(times int) {
		for range times {
			n.refused(as(t, "acme", bea), &action{name: "user.create", on: company("acme"), sentence: "created somebody"},
				&Refusal{Fault: NotAllowed, Resource: company("acme"), Permission: "create_user", Msg: "you may not"})
		}
	}
	try(25)
	n.flush(t.Context())
	if got := f.log("user.create"); len(got) != 1+10 { // the first created Bea
		t.Errorf("%d are recorded", len(got))
	}
	try(5)
	c.move(59 * time.Second)
	n.flush(t.Context())
	if got := f.log("user.create"); len(got) != 1+10 {
		t.Errorf("within the minute: %d are recorded", len(got))
	}
	c.move(time.Second)
	n.flush(t.Context())
	got := f.log("user.create")
	last := got[len(got)-1]
	if len(got) != 1+10+1 || last.Repeated != 20 || last.Result != resultRefused || last.ActorName != "Bea Berg" || last.Permission != "company:acme#create_user" {
		t.Errorf("%d are recorded; the last is %+v", len(got), last)
	}
	try(1)
	n.flush(t.Context())
	if got := f.log("user.create"); len(got) != 1+10+1+1 {
		t.Errorf("in the next minute: %d are recorded", len(got))
	}
}

// TestNotes_NamesMakeNoDifference refuses by one rule with other names each time.
func TestNotes_NamesMakeNoDifference(t *testing.T) {
	f, c := noted(t)
	n := newNotes(f.Portal)
	for i := range 30 {
		n.refused(as(t, "acme", f.ada), &action{name: "administrator.remove", on: company("acme")}, broken("12", "user %d is the last", i))
	}
	c.move(time.Minute)
	n.flush(t.Context())
	if got := f.log("administrator.remove"); len(got) != 11 || got[10].Repeated != 20 {
		t.Errorf("%d are recorded", len(got))
	}
}

// TestNotes_OthersAreNotCrowdedOut has one actor fill his ten; another's are recorded.
func TestNotes_OthersAreNotCrowdedOut(t *testing.T) {
	f, _ := noted(t)
	bea := f.hire("Bea", "")
	n := newNotes(f.Portal)
	for _, who := range []string{f.ada, bea} {
		for range 12 {
			n.refused(as(t, "acme", who), &action{name: "user.edit", on: company("acme")}, broken("5", "no"))
		}
	}
	n.flush(t.Context())
	if got := len(f.log("user.edit")); got != 20 {
		t.Errorf("%d are recorded", got)
	}
}

// TestNotes_WhatIsNoRefusalIsNotNoted lists what the log does not get.
func TestNotes_WhatIsNoRefusalIsNotNoted(t *testing.T) {
	f, _ := noted(t)
	n := newNotes(f.Portal)
	a := &action{name: "user.edit", on: company("acme")}
	n.refused(as(t, "acme", f.ada), a, invalid("email", "no"))
	n.refused(as(t, "acme", f.ada), a, notFound("user", "x"))
	n.refused(as(t, "acme", f.ada), a, fmt.Errorf("the disk is full"))
	n.refused(t.Context(), a, broken("5", "nobody's company"))
	n.flush(t.Context())
	if got := len(f.log("user.edit")); got != 0 {
		t.Errorf("%d are recorded", got)
	}
}

// TestNotes_AreBounded notes more than is kept, by more keys than are counted apart,
// with texts that no log takes between them.
func TestNotes_AreBounded(t *testing.T) {
	f, _ := noted(t)
	n := newNotes(f.Portal)
	n.add("acme", &entryDoc{Action: "sign_in", Sentence: strings.Repeat("x", 64<<10)})
	for i := range notesKeys + 10 {
		n.add("acme", &entryDoc{Action: "sign_in", Address: fmt.Sprintf("192.0.2.%d", i)})
	}
	if len(n.pending) != notesPending || len(n.seen) > notesKeys+1 {
		t.Errorf("%d wait, %d are counted", len(n.pending), len(n.seen))
	}
	n.flush(t.Context())
	if got := len(f.log("sign_in")); got != notesPending-1 {
		t.Errorf("%d are recorded", got)
	}
}

// TestNotes_AreKept has the log refuse to be written: what was noted waits.
func TestNotes_AreKept(t *testing.T) {
	f, _ := noted(t)
	n := newNotes(f.Portal)
	n.add("acme", &entryDoc{Action: "sign_in"})
	over, end := context.WithCancel(t.Context())
	end()
	n.flush(over)
	if got := len(f.log("sign_in")); got != 0 || len(n.pending) != 1 {
		t.Errorf("%d are recorded, %d wait", got, len(n.pending))
	}
	n.flush(t.Context())
	if got := len(f.log("sign_in")); got != 1 {
		t.Errorf("%d are recorded", got)
	}
}

// TestNotes_OfOthersStayClosed has somebody try what operators do, with the names of
// other companies: their logs have nothing of it, and none begins for a company that is
// not there.
func TestNotes_OfOthersStayClosed(t *testing.T) {
	f, _ := noted(t)
	acme(t, f.Portal, "globex")
	bea := f.hire("Bea", "")
	s := &operatorService{Portal: f.Portal}
	for _, name := range []string{"globex", "nowhere"} {
		_, err := s.CreateCompany(as(t, "acme", bea), &portalv1.CreateCompanyRequest{Id: name, Name: name, AdministratorEmail: "x@y.example", AdministratorGivenName: "X"})
		notOperator(t, err)
		_, err = s.CreateSubscription(as(t, "acme", bea), &portalv1.CreateSubscriptionRequest{CompanyId: name, Service: portalv1.Service_SERVICE_BI, Licences: 1})
		notOperator(t, err)
	}
	f.notes.flush(t.Context())
	if got := f.log("subscription.create"); len(got) != 2 || got[0].ActorName != "Bea Berg" {
		t.Errorf("the caller's own log has %v", got)
	}
	globex, there, err := f.state().snap.Chain(auditChain("globex"))
	done(t, err)
	_, begun, err := f.state().snap.Chain(auditChain("nowhere"))
	done(t, err)
	if !there || globex.Next != globex.First+1 || begun {
		t.Errorf("a stranger wrote into the log of globex (%v), or began one (%v)", globex, begun)
	}
}

// notOperator holds an error to the refusal of somebody who is none.
func notOperator(t *testing.T, err error) {
	t.Helper()
	if r := refusal(t, err); r.Permission != "operate" || !strings.Contains(r.Msg, "whoever runs the installation") {
		t.Errorf("refused by %q: %v", r.Permission, r)
	}
}

// TestOperator_Deactivated is no operator any more.
func TestOperator_Deactivated(t *testing.T) {
	f, _ := noted(t)
	bea := f.hire("Bea", "")
	s := &operatorService{Portal: f.Portal}
	_, err := s.SetOperator(operator(t), &portalv1.SetOperatorRequest{Email: "bea@acme.example", Role: "operator"})
	done(t, err)
	create := func(name string) error {
		_, err := s.CreateCompany(as(t, "acme", bea), &portalv1.CreateCompanyRequest{Name: name, AdministratorEmail: "x@" + name + ".example", AdministratorGivenName: "X"})
		return err
	}
	done(t, create("globex"))
	done(t, f.turn(bea, false))
	missing(t, create("initech"), "sign_in")
	for range 2 { // the second changes nothing
		_, err = s.SetOperator(operator(t), &portalv1.SetOperatorRequest{Email: " BEA@acme.example "})
		done(t, err)
	}
	got := f.log("operator.set")
	if len(got) != 2 || string(got[1].Before) != `{"role":"operator"}` || !strings.HasPrefix(got[1].Sentence, "took the installation from BEA@acme.example") {
		t.Errorf("recorded: %+v", got)
	}
}
