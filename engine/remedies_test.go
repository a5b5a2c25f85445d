package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/engine"
)

func TestRemedies(t *testing.T) {
	e := portal(t)
	ctx := context.Background()
	for question, want := range map[string]string{
		// One change: the role, or the end of the deactivation.
		"model:sales#edit@user:model_contributor": "+model:sales#editor@user:model_contributor | +model:sales#owner@user:model_contributor | " +
			"+group:analysts#direct_member@user:model_contributor | +subscription:modeler#owner@user:model_contributor",
		"model:sales#edit@user:deactivated_model_editor": "-company:acme#deactivated@user:deactivated_model_editor",
		// Two: the lock and the role.
		"diagram:draft#save@user:lock_holder_demoted": "+diagram:draft#checked_out_by@user:lock_holder_demoted, +model:sales#editor@user:lock_holder_demoted | " +
			"+diagram:draft#checked_out_by@user:lock_holder_demoted, +model:sales#owner@user:lock_holder_demoted | " +
			"+diagram:draft#checked_out_by@user:lock_holder_demoted, +group:analysts#direct_member@user:lock_holder_demoted | " +
			"+diagram:draft#checked_out_by@user:lock_holder_demoted, +subscription:modeler#owner@user:lock_holder_demoted",
		// Three: another company's user is not even in the pool.
		"diagram:draft#save@user:other_company_admin": "+company:acme#pool_user@user:other_company_admin, +diagram:draft#checked_out_by@user:other_company_admin, +subscription:modeler#owner@user:other_company_admin | " +
			"+company:acme#administrator@user:other_company_admin, +company:acme#pool_user@user:other_company_admin, +diagram:draft#checked_out_by@user:other_company_admin",
	} {
		q, err := engine.ParseRelationship(question)
		if err != nil {
			t.Fatal(err)
		}
		a, steps, err := e.Explain(ctx, q.Resource, q.Relation, q.Subject)
		if err != nil || a.State != engine.No {
			t.Fatalf("%s: %v %v", question, a.State, err)
		}
		remedies, err := e.Remedies(ctx, q.Resource, q.Relation, q.Subject, steps, 4)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range remedies {
			var changes []string
			for _, c := range r {
				changes = append(changes, fmt.Sprintf("%c%s", "+-"[map[bool]int{true: 1}[c.Remove]], c.Relationship))
			}
			got = append(got, strings.Join(changes, ", "))
		}
		if s := strings.Join(got, " | "); s != want {
			t.Errorf("%s:\ngot  %s\nwant %s", question, s, want)
		}
	}
}
