package portal

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/engine"
)

// decision is a row of the customer's table.
type decision struct {
	resource, permission, subject string
	allow                         bool
}

func decisions(t testing.TB) []decision {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "testdata", "portal", "decisions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []decision
	for _, row := range rows[1:] {
		out = append(out, decision{row[0], row[1], row[2], row[3] == "allow"})
	}
	return out
}

// object returns the object of the portal that a name of the fixture stands for.
func (f *fixture) object(name string) engine.Object {
	kind, _, _ := strings.Cut(name, ":")
	return engine.Object{Type: kind, ID: f.id(name)}
}

// TestDecisions builds the customer's fixture through the API and holds every row of
// his table against it.
func TestDecisions(t *testing.T) {
	f := customers(t)
	v, err := f.portal.read(t.Context())
	done(t, err)
	defer v.close()
	rows := decisions(t)
	for _, d := range rows {
		got, err := v.can(t.Context(), f.id(d.subject), f.object(d.resource), d.permission)
		done(t, err)
		if got != d.allow {
			t.Errorf("%s#%s@%s: the portal says %t, the table %t", d.resource, d.permission, d.subject, got, d.allow)
		}
	}
	t.Logf("%d decisions", len(rows))
}

// TestFixture compares what the API made with the customer's file, relationship by
// relationship.
func TestFixture(t *testing.T) {
	f := customers(t)
	want := []string{
		// What has a role in a subscription is of it: its groups are.
		"group:analysts#subscription@subscription:modeler", "group:cashiers#subscription@subscription:modeler",
		"group:reviewers#subscription@subscription:modeler", "group:reviewers_emea#subscription@subscription:modeler",
	}
	for _, r := range f.want {
		// A removal clears the roles (rule 8): the API leaves no role behind, as
		// older data may have it. No decision is another one for it.
		if text := r.String(); text != "model:sales#editor@user:removed_from_subscription_editor" {
			want = append(want, text)
		}
	}
	got := f.stored()
	for _, r := range want {
		if !slices.Contains(got, r) {
			t.Errorf("missing: %s", r)
		}
	}
	for _, r := range got {
		if !slices.Contains(want, r) {
			t.Errorf("too many: %s", r)
		}
	}
}
