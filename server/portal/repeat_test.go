package portal

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// named is the context of a call that has a name for repetition, and of what it asks
// for.
func named(ctx context.Context, name, request string) context.Context {
	c := *CallerOf(ctx)
	c.RetryKey, c.Request = name, request
	return WithCaller(ctx, &c)
}

// contents is everything that is stored but audit logs, by key, with its version.
func contents(t testing.TB, p *Portal) string {
	t.Helper()
	v, err := p.newest(t.Context())
	done(t, err)
	defer v.close()
	var out strings.Builder
	for doc, err := range v.snap.Documents(t.Context(), "", "") {
		done(t, err)
		if !strings.HasPrefix(doc.Key, auditChain("")) {
			fmt.Fprintln(&out, doc.Key, doc.Version)
		}
	}
	for r, err := range v.snap.Relationships(t.Context(), store.Filter{}, nil) {
		done(t, err)
		fmt.Fprintln(&out, r)
	}
	return out.String()
}

// TestRepeat_EveryMethod calls every method that changes something twice by one name:
// the second call is answered as the first, and changes nothing. What takes something
// away comes last.
func TestRepeat_EveryMethod(t *testing.T) {
	f := endpoints(t)
	repeated := map[string]bool{}
	rows := endpointRows(t)
	slices.SortStableFunc(rows, func(a, b endpointRow) int { return cmp.Compare(a.order(), b.order()) })
	for i, row := range rows {
		row.request = strings.NewReplacer(
			"new@", fmt.Sprintf("new%d@", i), // whom another row creates too
			`"acme", "service": "SERVICE_AI"`, `"globex", "service": "SERVICE_AI"`, // which acme has
			"company_admin@acme", "other_company_admin@globex",
		).Replace(row.request)
		for _, who := range []string{"company_admin", "model_owner", f.find("diagram", "draft", "checked_out_by")[0].Subject.ID, "operator"} {
			ctx := f.as(who)
			if who == "operator" {
				ctx = operator(t)
			}
			ctx = named(ctx, fmt.Sprint(i, who), row.request)
			before := contents(t, f.portal)
			first, err := f.call(ctx, row.method, row.request)
			after := contents(t, f.portal)
			if err != nil || before == after {
				continue
			}
			repeated[row.method] = true
			second, err := f.call(ctx, row.method, row.request)
			switch {
			case err != nil:
				t.Errorf("%s is not repeated: %v", row.method, err)
			case !proto.Equal(withoutLink(first), second):
				t.Errorf("%s answers\n%v and then\n%v", row.method, first, second)
			}
			if now := contents(t, f.portal); now != after {
				t.Errorf("%s acts twice", row.method)
			}
		}
	}
	for _, name := range f.names() {
		if changing.MatchString(name) && !repeated[name] {
			t.Errorf("%s changed nothing, so that it was not repeated", name)
		}
	}
}

// changing are the names of methods that change something.
var changing = regexp.MustCompile(`/(Create|Save|Set|Update|Delete|Include|Remove|Change|Add|Activate|Deactivate|Check|Force|Work|Publish|Unpublish|Resend)`)

// order says when to call a method so that the others still find what they need.
func (row *endpointRow) order() int {
	for order, word := range []string{"/CheckIn", "/DeleteDiagram", "/Delete", "/Remove", "/Deactivate"} {
		if strings.Contains(row.method, word) {
			return 1 + order
		}
	}
	return 0
}

// withoutLink is an answer without its one-time link, which is made once.
func withoutLink(m proto.Message) proto.Message {
	if c, ok := m.(*portalv1.CreateCompanyResponse); ok {
		c.ActivationLink = ""
	}
	return m
}

// TestRepeat_Names are good for one request of one person, for some time.
func TestRepeat_Names(t *testing.T) {
	f, c := noted(t)
	bea := f.hire("Bea", "")
	done(t, f.include(bea))
	create := func(by, address, request string) (*portalv1.CreateUserResponse, error) {
		return f.people.CreateUser(named(as(t, "acme", by), "k", request), &portalv1.CreateUserRequest{Email: address, GivenName: "Cid", NoInvitation: true})
	}
	// What is refused is not remembered.
	_, err := create(f.ada, "bea@acme.example", "first")
	denied(t, "a taken address", err, Taken, "5")
	made, err := create(f.ada, "cid@acme.example", "second")
	done(t, err)
	_, err = create(f.ada, "dan@acme.example", "third")
	if !fits[*replica.RetryMismatchError](err) {
		t.Errorf("another request by the same name: %v", err)
	}
	other, err := create(bea, "dan@acme.example", "third")
	done(t, err)
	if other.User.Id == made.User.Id {
		t.Error("the name of somebody else is taken for one's own")
	}
	// What became of it later does not count.
	name := "Cidney"
	_, err = f.people.UpdateUser(as(t, "acme", f.ada), &portalv1.UpdateUserRequest{Id: made.User.Id, GivenName: &name})
	done(t, err)
	again, err := create(f.ada, "cid@acme.example", "second")
	done(t, err)
	if !proto.Equal(made, again) {
		t.Errorf("%v and then %v", made, again)
	}
	c.move(repeatTime)
	done(t, f.Sweep(t.Context()))
	again, err = create(f.ada, "cid@acme.example", "second")
	done(t, err)
	if !proto.Equal(made, again) {
		t.Errorf("%v and after some time %v", made, again)
	}
	c.move(time.Millisecond)
	done(t, f.Sweep(t.Context()))
	_, err = create(f.ada, "cid@acme.example", "second")
	denied(t, "when it is forgotten", err, Taken, "5")
}

// TestRepeat_AtOnce makes one call many times at the same moment, by one name: all
// are answered alike, and it is done once.
func TestRepeat_AtOnce(t *testing.T) {
	o := newOffice(t)
	w := o.workspace("uli", "acme-modeler")
	s := &diagramService{Portal: o.Portal}
	for round := range 20 {
		ctx := named(o.as("uli"), fmt.Sprint(round), "")
		ids := make([]string, 8)
		var all sync.WaitGroup
		for i := range ids {
			all.Go(func() {
				made, err := s.CreateDiagram(ctx, &portalv1.CreateDiagramRequest{WorkspaceId: w, Name: "Flow"})
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = made.Diagram.Id
			})
		}
		all.Wait()
		if n := len(slices.Compact(slices.Sorted(slices.Values(ids)))); n != 1 {
			t.Fatalf("%d diagrams: %v", n, ids)
		}
		list, err := s.ListDiagrams(o.as("uli"), &portalv1.ListDiagramsRequest{WorkspaceId: w})
		done(t, err)
		if len(list.Diagrams) != round+1 {
			t.Fatalf("%d diagrams after %d calls", len(list.Diagrams), round+1)
		}
	}
}

// TestRepeat_RemovalInSteps repeats a removal that took several transactions after the
// user was included again: he keeps what he has got since.
func TestRepeat_RemovalInSteps(t *testing.T) {
	o := newOffice(t)
	s := &subscriptionService{Portal: o.Portal}
	tx := store.Transaction{}
	for range clearedAtOnce + 10 {
		w := o.workspace("uli", "acme-modeler")
		a := &action{}
		on := diagram(w)
		on.Type = "model"
		a.relation(store.Create, on, roleEditor, subject(user(o.id["eli"]), ""))
		tx.Updates = append(tx.Updates, a.tx.Updates...)
	}
	propose(t, o.Portal, tx)
	w := o.workspace("uli", "acme-modeler")
	remove := func() *portalv1.Written {
		t.Helper()
		got, err := s.RemoveSubscriptionUser(named(o.as("ada"), "k", ""), &portalv1.RemoveSubscriptionUserRequest{Id: "acme-modeler", Member: o.member("eli")})
		done(t, err)
		return got
	}
	first := remove()
	if again := remove(); !proto.Equal(first, again) {
		t.Errorf("%v and then %v", first, again)
	}
	done(t, o.include("acme-modeler", "eli", roleUser))
	done(t, o.give("uli", w, "eli", roleEditor, ""))
	if again := remove(); !proto.Equal(first, again) {
		t.Errorf("%v and after he was included again %v", first, again)
	}
	if role := o.roleOf(w, "eli"); role != roleEditor {
		t.Errorf("a removal of before took his role: %q", role)
	}
}

// TestRepeat_Import repeats an import of several transactions, of which the last did
// not come to pass: it goes on where it ended, and tells of all rows.
func TestRepeat_Import(t *testing.T) {
	f := found(t)
	var whole strings.Builder
	whole.WriteString("email,given_name,job_title\n")
	for i := range importBatch + 5 {
		fmt.Fprintf(&whole, "u%d@acme.example,U%d,Analyst\n", i, i)
	}
	part := strings.Join(strings.SplitAfter(whole.String(), "\n")[:importBatch+1], "")
	imports := func(csv string) *portalv1.ImportUsersResponse {
		t.Helper()
		resp, err := f.people.ImportUsers(named(as(t, "acme", f.ada), "k", ""), &portalv1.ImportUsersRequest{Csv: csv, Update: true})
		done(t, err)
		return resp
	}
	first := imports(part) // as far as the first transaction
	if first.Created != importBatch {
		t.Fatalf("%v", first)
	}
	title := "Boss"
	_, err := f.people.UpdateUser(as(t, "acme", f.ada), &portalv1.UpdateUserRequest{Id: first.Rows[0].UserId, JobTitle: &title})
	done(t, err)
	second := imports(whole.String())
	if second.Created != importBatch+5 || second.Rows[0].UserId != first.Rows[0].UserId {
		t.Errorf("%d are created, %v", second.Created, second.Rows[0])
	}
	if u := f.user(first.Rows[0].UserId); u.JobTitle != title {
		t.Errorf("an import of before took the title %s", u.JobTitle)
	}
	if third := imports(whole.String()); !proto.Equal(second, third) {
		t.Errorf("%v and then %v", second, third)
	}
}

// TestRepeat_SecretsAreShownOnce repeats calls whose answers have secrets.
func TestRepeat_SecretsAreShownOnce(t *testing.T) {
	f := found(t)
	ctx := named(as(t, "acme", f.ada), "k", "client")
	save := func() (*portalv1.SaveClientResponse, error) {
		return (&settingsService{Portal: f.Portal}).SaveClient(ctx, &portalv1.SaveClientRequest{
			Name: "P", Service: portalv1.Service_SERVICE_BI, RedirectUrls: []string{"https://bi.example/cb"},
		})
	}
	made, err := save()
	done(t, err)
	if made.Secret == "" {
		t.Fatal("no secret")
	}
	before := contents(t, f.Portal)
	_, err = save()
	denied(t, "a client", err, Conflict, "")
	ctx = named(as(t, "acme", f.ada), "k2", "token")
	s := &sessionService{Portal: f.Portal}
	_, err = s.CreateMyToken(ctx, &portalv1.CreateMyTokenRequest{Name: "robot"})
	done(t, err)
	after := contents(t, f.Portal)
	_, err = s.CreateMyToken(ctx, &portalv1.CreateMyTokenRequest{Name: "robot"})
	denied(t, "a token", err, Conflict, "")
	if before == after || contents(t, f.Portal) != after {
		t.Error("the first call makes a token, and the second none")
	}
	if strings.Contains(stored(t, f.Portal, repeatPrefix), made.Secret) {
		t.Error("a secret is stored")
	}
}

// stored is the text of the documents under a prefix.
func stored(t testing.TB, p *Portal, prefix string) string {
	t.Helper()
	v, err := p.newest(t.Context())
	done(t, err)
	defer v.close()
	var out strings.Builder
	for doc, err := range v.snap.Documents(t.Context(), prefix, "") {
		done(t, err)
		fmt.Fprintf(&out, "%s %s\n", doc.Key, doc.Value)
	}
	return out.String()
}

// TestRepeat_ChangePassword repeats a change after which the present password is
// another one: it is no wrong password.
func TestRepeat_ChangePassword(t *testing.T) {
	f := found(t)
	const old, next = "the password of before", "the password of since"
	d, err := f.newPassword(t.Context(), old, "ada@acme.example", defaultPolicies)
	done(t, err)
	propose(t, f.Portal, store.Transaction{Documents: []store.DocumentUpdate{seal(passwordKey("acme", f.ada), d)}})
	change := func() (*portalv1.Written, error) {
		return (&sessionService{Portal: f.Portal}).ChangePassword(named(as(t, "acme", f.ada), "k", ""), &portalv1.ChangePasswordRequest{Present: old, Password: next})
	}
	first, err := change()
	done(t, err)
	second, err := change()
	done(t, err)
	if !proto.Equal(first, second) {
		t.Errorf("%v and then %v", first, second)
	}
}

// TestRepeat_Links repeats calls that made a user and came to no link: the repetition
// sends it, once.
func TestRepeat_Links(t *testing.T) {
	f := found(t)
	mails := make(letters, 10)
	f.config.Mailer = mails
	subs := &subscriptionService{Portal: f.Portal}
	f.buys(portalv1.Service_SERVICE_MODELER, 10, "admin")
	for name, call := range map[string]func(ctx context.Context, dies bool) error{
		"new@acme.example": func(ctx context.Context, dies bool) error {
			_, err := f.people.CreateUser(ctx, &portalv1.CreateUserRequest{Email: "new@acme.example", GivenName: "New", NoInvitation: dies})
			return err
		},
		"row@acme.example": func(ctx context.Context, dies bool) error {
			_, err := f.people.ImportUsers(ctx, &portalv1.ImportUsersRequest{Csv: "email,given_name\nrow@acme.example,Row\n", Invite: !dies})
			return err
		},
		"sub@acme.example": func(ctx context.Context, dies bool) error {
			_, err := subs.CreateSubscriptionUser(ctx, &portalv1.CreateSubscriptionUserRequest{Id: "acme-modeler", Email: "sub@acme.example", GivenName: "Sub", Role: roleUser})
			if dies && err == nil {
				<-mails
				forgetLinks(t, f.Portal)
			}
			return err
		},
	} {
		ctx := named(as(t, "acme", f.ada), name, "")
		done(t, call(ctx, true))
		for range 2 {
			done(t, call(ctx, false))
		}
		if mail := <-mails; !strings.HasPrefix(mail, name) || len(mails) > 0 {
			t.Errorf("%s: %d more, and %s", name, len(mails), mail)
		}
	}
	operators := &operatorService{Portal: f.Portal}
	found := func(dies bool) string {
		made, err := operators.CreateCompany(named(operator(t), "k", ""), &portalv1.CreateCompanyRequest{Name: "Globex", AdministratorEmail: "g@globex.example", AdministratorGivenName: "G", NoLink: dies})
		done(t, err)
		return made.AdministratorId
	}
	if first := found(true); found(false) != first || !strings.HasPrefix(<-mails, "g@globex.example") {
		t.Error("the administrator of a company that was made before gets no link")
	}
}

// forgetLinks drops all links, as if they had never been made.
func forgetLinks(t *testing.T, p *Portal) {
	t.Helper()
	v, err := p.newest(t.Context())
	done(t, err)
	defer v.close()
	tx := store.Transaction{}
	for doc, err := range v.snap.Documents(t.Context(), DocumentPrefix, "") {
		done(t, err)
		if strings.HasPrefix(doc.Key, linkPrefix) || strings.Contains(doc.Key, "/link/") {
			tx.Documents = append(tx.Documents, drop(doc.Key))
		}
	}
	propose(t, p, tx)
}

// TestRepeat_SaveAuthenticator does not ask the provider again, which may be gone.
func TestRepeat_SaveAuthenticator(t *testing.T) {
	f := found(t)
	save := func(enabled bool) (*portalv1.SaveAuthenticatorResponse, error) {
		return (&settingsService{Portal: f.Portal}).SaveAuthenticator(named(as(t, "acme", f.ada), "k", ""), &portalv1.SaveAuthenticatorRequest{
			Name: "Okta", Issuer: "https://127.0.0.1:1", ClientId: "pemba", Domains: []string{"acme.example"}, Enabled: enabled,
		})
	}
	first, err := save(false) // which is not asked at all
	done(t, err)
	second, err := save(true)
	done(t, err)
	if first.Authenticator.Id != second.Authenticator.Id || first.Authenticator.Version != second.Authenticator.Version {
		t.Errorf("%v and then %v", first, second)
	}
}
