package portal

import (
	"errors"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// refusal returns the refusal that an error is; it fails the test for any other.
func refusal(t testing.TB, err error) *Refusal {
	t.Helper()
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		t.Fatalf("%v is no refusal", err)
	}
	return r
}

// acme creates a company with an administrator, whose id it returns.
func acme(t testing.TB, p *Portal, id string) string {
	t.Helper()
	s := &operatorService{Portal: p}
	made, err := s.CreateCompany(operator(t), &portalv1.CreateCompanyRequest{
		Id: id, Name: id, AdministratorEmail: "admin@" + id + ".example", AdministratorGivenName: "Ada", AdministratorSurname: "Min",
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.AdministratorId
}

func TestOperator(t *testing.T) {
	p := open(t)
	s := &operatorService{Portal: p}
	ctx := operator(t)
	admin := acme(t, p, "acme")

	_, err := s.CreateCompany(ctx, &portalv1.CreateCompanyRequest{Name: "Acme", AdministratorEmail: "x@acme.example", AdministratorGivenName: "X"})
	if r := refusal(t, err); r.Fault != Taken || r.Field != "id" {
		t.Errorf("the same id again: %+v", r)
	}
	_, err = s.CreateCompany(ctx, &portalv1.CreateCompanyRequest{Name: "Globex", AdministratorEmail: "ADMIN@acme.example", AdministratorGivenName: "X"})
	if r := refusal(t, err); r.Fault != Taken || r.Field != "email" || r.Rule != "5" {
		t.Errorf("the same address in other letters: %+v", r)
	}
	buy := &portalv1.CreateSubscriptionRequest{CompanyId: "acme", Service: portalv1.Service_SERVICE_MODELER, Licences: 3, OwnerEmail: "admin@acme.example"}
	if _, err := s.CreateSubscription(ctx, buy); err != nil {
		t.Fatal(err)
	}
	_, err = s.CreateSubscription(ctx, buy)
	if r := refusal(t, err); r.Fault != Rule || r.Rule != "2" {
		t.Errorf("the same service again: %+v", r)
	}
	_, err = s.CreateSubscription(as(t, "acme", admin), buy)
	if r := refusal(t, err); r.Fault != NotAllowed || r.Permission != "operate" {
		t.Errorf("by an administrator who is no operator: %+v", r)
	}
	list, err := s.ListCompanies(ctx, &portalv1.ListCompaniesRequest{Search: "ac"})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Companies) != 1 || list.Companies[0].Users != 1 || len(list.Companies[0].Services) != 1 {
		t.Errorf("companies: %v", list.Companies)
	}
	v, err := p.read(as(t, "acme", admin))
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()
	why, err := v.why(t.Context(), admin, subscription("acme-modeler"), "include_user")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range why {
		t.Log(step.Resource, step.Relation, step.Subject, "—", step.Sentence)
	}
	if len(why) == 0 {
		t.Error("nothing says why")
	}
}
