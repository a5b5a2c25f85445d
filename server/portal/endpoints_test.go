package portal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// endpointRow is a line of testdata/endpoints.txt.
type endpointRow struct {
	method, who, request string
}

func endpointRows(t testing.TB) []endpointRow {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "endpoints.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var out []endpointRow
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(line, " | ", 3)
		if len(parts) != 3 {
			t.Fatalf("%q has no three parts", line)
		}
		out = append(out, endpointRow{parts[0], parts[1], parts[2]})
	}
	return out
}

// endpoints is the customer's fixture with what only some methods need.
func endpoints(t testing.TB) *fixture {
	f := customers(t)
	made := f.by("model_owner", "DiagramService/CreateDiagram", `{"workspaceId": "$model:sales", "name": "free"}`)
	f.ids["diagram:free"] = made["diagram"].(map[string]any)["id"].(string)
	made = f.by("modeler_service_owner", "GroupService/CreateGroup", `{"name": "empty", "subscriptionId": "$subscription:modeler"}`)
	f.ids["group:empty"] = made["group"].(map[string]any)["id"].(string)
	made = f.by("company_admin", "SettingsService/SaveClient", `{"name": "P", "service": "SERVICE_BI", "redirectUrls": ["https://bi.example/cb"], "public": true}`)
	f.ids["client:portal"] = made["client"].(map[string]any)["id"].(string)
	made = f.by("company_admin", "SettingsService/SaveAuthenticator", `{"name": "O", "issuer": "https://id.example", "clientId": "pemba", "clientSecret": "secret", "domains": ["o.example"]}`)
	f.ids["authenticator:other"] = made["authenticator"].(map[string]any)["id"].(string)
	return f
}

// everybody returns the names of all people of the fixture, and "" for nobody.
func (f *fixture) everybody() []string {
	names := []string{""}
	for name := range f.ids {
		if name, ok := strings.CutPrefix(name, "user:"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// spent is a name for repetition that was used for something else: a call with it is
// judged whole, and what it would write is refused.
const spent = "spent"

// dry is the context of a call that somebody makes and that changes nothing.
func (f *fixture) dry(who string) context.Context {
	c := *CallerOf(f.as(who))
	c.RetryKey = spent
	return WithCaller(f.Context(), &c)
}

// spend uses up the name for repetition of somebody.
func (f *fixture) spend(who string) {
	f.Helper()
	if key := CallerOf(f.dry(who)).repeatKey(); key != "" {
		propose(f, f.portal, store.Transaction{Documents: []store.DocumentUpdate{seal(key, repeatDoc{Request: "something else"})}})
	}
}

// may says whether somebody has what a line of the table asks for: as the customer's
// table of decisions says, or where it says nothing, the engine.
func (f *fixture) may(v *view, table map[decision]bool, who, terms string) (yes bool) {
	f.Helper()
	for _, alternative := range strings.Split(terms, " or ") {
		all := true
		for _, term := range strings.Split(alternative, " & ") {
			object, permission, _ := strings.Cut(term, "#")
			if object == "own" {
				object = "company:" + CallerOf(f.as(who)).Company
			}
			all = all && f.decided(v, table, object, permission, who)
		}
		yes = yes || all
	}
	return yes
}

func (f *fixture) decided(v *view, table map[decision]bool, object, permission, who string) bool {
	f.Helper()
	if who == "" {
		return false
	}
	if allow, ok := table[decision{resource: object, permission: permission, subject: "user:" + who}]; ok {
		return allow
	}
	allow, err := v.can(f.Context(), f.id("user:"+who), f.object(object), permission)
	if err != nil {
		f.Fatal(err)
	}
	return allow
}

// TestEndpoints calls every method as everybody and as nobody: it does what it is
// asked for exactly where the table of decisions says so.
func TestEndpoints(t *testing.T) {
	f := endpoints(t)
	table := map[decision]bool{}
	for _, d := range decisions(t) {
		allow := d.allow
		d.allow = false
		table[d] = allow
	}
	v, err := f.portal.read(t.Context())
	done(t, err)
	defer v.close()
	for _, who := range f.everybody() {
		f.spend(who)
	}
	calls := 0
	for _, row := range endpointRows(t) {
		for _, who := range f.everybody() {
			calls++
			_, err := f.call(f.dry(who), row.method, row.request)
			want := f.may(v, table, who, row.who)
			if got := f.outcome(who, row, err); got != want {
				t.Errorf("%s as %q: allowed is %t, want %t: %v", row.method, who, got, want, err)
			}
		}
	}
	t.Logf("%d calls", calls)
}

// outcome says whether a call was allowed, and fails the test when it was refused
// for another reason than that it is not.
func (f *fixture) outcome(who string, row endpointRow, err error) bool {
	f.Helper()
	r, refused := errors.AsType[*Refusal](err)
	if !refused {
		if err != nil && !fits[*replica.RetryMismatchError](err) {
			f.Errorf("%s as %q: %v", row.method, who, err)
		}
		return true
	}
	switch {
	case who == "" && r.Fault != NotSignedIn:
		f.Errorf("%s as nobody: %v, want that nobody is signed in", row.method, err)
	case f.is("company:globex#pool_user@user:"+who) && strings.Contains(row.request, "$") && r.Fault != NotFound && !strings.HasPrefix(row.method, "Operator"):
		f.Errorf("%s with the ids of another company: %v, want that there is none", row.method, err)
	case r.Fault == NotAllowed && (r.Permission == "" || !strings.Contains(r.Msg, r.Permission)):
		f.Errorf("%s as %q: %v, which names no permission", row.method, who, err)
	case r.Fault == NotAllowed && r.Resource != installation && (len(r.Grantors) == 0 || !strings.Contains(r.Msg, "ask ")):
		f.Errorf("%s as %q: %v, which says nobody who can give the permission", row.method, who, err)
	case r.Fault == Rule && r.Rule == "":
		f.Errorf("%s as %q: %v, which names no rule", row.method, who, err)
	}
	return false
}

// TestEndpointsAreListed keeps the table complete.
func TestEndpointsAreListed(t *testing.T) {
	listed := map[string]bool{}
	for _, row := range endpointRows(t) {
		listed[row.method] = true
	}
	for _, name := range newAPI(open(t)).names() {
		if !listed[name] {
			t.Errorf("%s is not in testdata/endpoints.txt: say who may call it", name)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("testdata/endpoints.txt has %s, which is no method", name)
	}
}

// TestForeignIDs calls every method with ids of another company, and with ids that
// nobody has: the answers are the same but for the id.
func TestForeignIDs(t *testing.T) {
	f := endpoints(t)
	f.spend("other_company_admin")
	ctx := f.dry("other_company_admin")
	for _, row := range endpointRows(t) {
		if !placeholder.MatchString(row.request) || strings.HasPrefix(row.method, "Operator") {
			continue
		}
		_, foreign := f.call(ctx, row.method, row.request)
		_, absent := f.call(ctx, row.method, placeholder.ReplaceAllString(row.request, "nobodyhasthisid"))
		if foreign == nil || absent == nil {
			t.Errorf("%s: %v for ids of another company, %v for none", row.method, foreign, absent)
			continue
		}
		if a, b := withoutIDs(f, foreign), withoutIDs(f, absent); a != b || refusal(t, foreign).Fault != NotFound || refusal(t, absent).Fault != NotFound {
			t.Errorf("%s:\n%s for ids of another company\n%s for ids that nobody has", row.method, a, b)
		}
	}
}

var quoted = regexp.MustCompile(`"[^"]*"`)

func withoutIDs(f *fixture, err error) string {
	text := err.Error()
	for _, id := range f.ids {
		text = strings.ReplaceAll(text, `"`+id+`"`, `"nobodyhasthisid"`)
	}
	return quoted.ReplaceAllString(text, "ID")
}
