package portal

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// operatorService is pemba.portal.v1.OperatorService: companies and what they buy.
type operatorService struct {
	portalv1.UnimplementedOperatorServiceServer
	*Portal
}

// operates makes an action one of whoever runs the installation: an operator with
// a key of the role admin, or an active person with operate on the installation.
// Until it has said yes, the action names no company but the caller's: a refusal is
// noted there, and nobody writes into the audit logs of others.
func (v *view) operates(ctx context.Context, a *action) error {
	if v.caller.Admin {
		a.system = true
		return nil
	}
	a.on, a.permission = installation, "operate"
	if err := v.need(ctx, a.on, a.permission); err != nil {
		return err
	}
	return v.needs(ctx, a, v.company(), "sign_in") // an operator who is deactivated has no right at all
}

// CreateCompany creates a company with its first administrator.
func (s *operatorService) CreateCompany(ctx context.Context, r *portalv1.CreateCompanyRequest) (*portalv1.CreateCompanyResponse, error) {
	first, err := newPerson(r.AdministratorEmail, r.AdministratorGivenName, r.AdministratorSurname)
	if err != nil {
		return nil, under("administrator_", err)
	}
	id, name, err := companyName(r.Id, r.Name)
	if err != nil {
		return nil, err
	}
	made := created{newID()} // the administrator
	written, err := s.answer(ctx, &made, func(v *view, a *action) error {
		a.name = "company.create"
		if err := v.operates(ctx, a); err != nil {
			return err
		}
		a.company = id
		return v.foundCompany(a, id, name, made.ID, first)
	})
	if err != nil {
		return nil, err
	}
	resp := &portalv1.CreateCompanyResponse{AdministratorId: made.ID, WrittenAt: written.WrittenAt}
	resp.Company = &portalv1.Company{Id: id, Name: name, Users: 1}
	if r.NoLink {
		return resp, nil
	}
	if resp.ActivationLink, err = s.sendLink(ctx, id, made.ID, "", firstOr(written.again)); err != nil { // the company is there: another link can be asked for
		s.log.Warn("the first administrator of a company got no link", "company", id, "error", err)
	}
	return resp, nil
}

// foundCompany plans a company with its first person, who administers it.
func (v *view) foundCompany(a *action, id, name, userID string, first *userDoc) error {
	if _, ok, err := v.snap.Document(companyKey(id)); err != nil || ok {
		if err != nil {
			return err
		}
		return &Refusal{Fault: Taken, Field: "id", Msg: fmt.Sprintf("id: there is a company %q already; give another id", id)}
	}
	c, now := company(id), v.engine.Now
	a.target, a.called, a.after = c, name, map[string]any{"name": name, "administrator": first.Email}
	a.sentence = fmt.Sprintf("created the company “%s” with the administrator %s", name, first.name())
	a.document(at(0, put(companyKey(id), companyDoc{Name: name, Created: now})))
	if err := v.addPerson(a, id, userID, first); err != nil {
		return err
	}
	a.relation(store.Create, c, "administrator", subject(user(userID), ""))
	return nil
}

// addPerson plans a new user of a company.
func (v *view) addPerson(a *action, of, userID string, d *userDoc) error {
	var taken emailDoc
	if version, err := v.document(emailKey(d.Email), &taken); err != nil {
		return err
	} else if version != 0 {
		return takenEmail(d.Email)
	}
	d.Created = v.engine.Now
	a.document(at(0, put(emailKey(d.Email), emailDoc{of, userID})), at(0, put(userKey(of, userID), d)))
	a.relation(store.Create, company(of), "pool_user", subject(user(userID), ""))
	return nil
}

var companyID = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])$`)

// companyName reads the id and the name of a new company. An id that is not given
// is made from the name.
func companyName(id, name string) (string, string, error) {
	name, err := line("name", name, 1, 100)
	if err != nil {
		return "", "", err
	}
	if id == "" {
		id = strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-"), "-")
		id = strings.Trim(id[:min(len(id), 40)], "-")
	}
	if !companyID.MatchString(id) {
		return "", "", invalid("id", "%.50q is none; an id has 2 to 40 of a-z, 0-9 and -, and does not begin or end with -", id)
	}
	return id, name, nil
}

// ListCompanies returns the companies of the installation by name.
func (s *operatorService) ListCompanies(ctx context.Context, r *portalv1.ListCompaniesRequest) (*portalv1.ListCompaniesResponse, error) {
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if !l.caller.Admin {
		if err := l.need(ctx, installation, "observe"); err != nil {
			return nil, err
		}
	}
	var rows []sorted[string]
	search := strings.ToLower(r.Search)
	for id, name := range l.directory.companies {
		if strings.Contains(strings.ToLower(name), search) || strings.Contains(id, search) {
			rows = append(rows, sorted[string]{strings.ToLower(name), id, id})
		}
	}
	page, next, err := cut(rows, r.Paging, false)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.ListCompaniesResponse{Page: l.page(next, len(rows))}
	for _, id := range page {
		row, err := l.companyRow(id)
		if err != nil {
			return nil, err
		}
		resp.Companies = append(resp.Companies, row)
	}
	return resp, nil
}

func (l *listing) companyRow(id string) (*portalv1.Company, error) {
	var d companyDoc
	if _, err := l.document(companyKey(id), &d); err != nil {
		return nil, err
	}
	row := &portalv1.Company{Id: id, Name: d.Name, CreatedAt: timestamppb.New(d.Created), Users: uint64(len(l.directory.people[id]))}
	subs, err := collect(l.resources(subject(company(id), ""), "subscription", "company"))
	if err != nil {
		return nil, err
	}
	for _, sub := range subs {
		service, err := l.single(subscription(sub), "service", "service")
		if err != nil {
			return nil, err
		}
		row.Services = append(row.Services, serviceNumber(service))
	}
	slices.Sort(row.Services)
	return row, nil
}

// CreateSubscription is a purchase: the company gets one of the five services.
func (s *operatorService) CreateSubscription(ctx context.Context, r *portalv1.CreateSubscriptionRequest) (*portalv1.CreateSubscriptionResponse, error) {
	service := serviceID(r.Service)
	if service == "" {
		return nil, invalid("service", "it is missing; it is one of the five services")
	}
	if r.Licences == 0 {
		return nil, invalid("licences", "at least one is bought")
	}
	id, ownerEmail := r.CompanyId+"-"+service, strings.TrimSpace(r.OwnerEmail)
	written, err := s.act(ctx, func(v *view, a *action) error {
		a.name = "subscription.create"
		if err := v.operates(ctx, a); err != nil {
			return err
		}
		a.company = r.CompanyId
		if _, ok, err := v.snap.Document(companyKey(r.CompanyId)); err != nil || !ok {
			if err != nil {
				return err
			}
			return &Refusal{Fault: NotFound, Msg: fmt.Sprintf("there is no company %.50q", r.CompanyId)}
		}
		var owner emailDoc
		if version, err := v.document(emailKey(ownerEmail), &owner); err != nil {
			return err
		} else if version == 0 || owner.Company != r.CompanyId {
			return invalid("owner_email", "%.200q is no user of the company; create the user first", r.OwnerEmail)
		}
		if err := v.buy(a, r.CompanyId, id, service, r.Licences, owner.User); err != nil {
			return err
		}
		return v.owned(a, r.CompanyId, owner.User)
	})
	if err != nil {
		return nil, err
	}
	return &portalv1.CreateSubscriptionResponse{SubscriptionId: id, WrittenAt: written.WrittenAt}, nil
}

// buy plans a subscription with its first owner. Editors do not share at first
// (rules 11 and 14, and the table of roles).
func (v *view) buy(a *action, of, id, service string, licences uint32, owner string) error {
	if _, ok, err := v.snap.Document(subscriptionKey(of, id)); err != nil || ok {
		if err != nil {
			return err
		}
		return broken("2", "the company has a subscription of %s already; a company has at most one of each service", serviceName(service))
	}
	sub, who := subscription(id), subject(user(owner), "")
	a.target, a.called, a.service = sub, "the subscription of "+serviceName(service), service
	a.sentence = fmt.Sprintf("bought %s with %d licences", serviceName(service), licences)
	a.after = map[string]any{"service": service, "licences": licences, "owner": owner}
	a.document(
		at(0, put(subscriptionKey(of, id), subscriptionDoc{Service: service, Licences: licences, Created: v.engine.Now})),
		at(0, put(seatsKey(of, id), seatsDoc{Used: 1, Direct: 1})),
	)
	a.relation(store.Create, sub, "company", subject(company(of), ""))
	a.relation(store.Create, sub, "service", subject(serviceObject(service), ""))
	a.relation(store.Create, sub, "participant", who)
	a.relation(store.Create, sub, "owner", who)
	a.relation(store.Create, sub, "create_open", everybody)
	if service == "modeler" {
		a.relation(store.Create, sub, "publish_open", everybody)
	}
	return nil
}

// owned makes a purchase depend on its owner's being active, and tells everybody
// who depends on what the company has bought.
func (v *view) owned(a *action, of, owner string) error {
	who := subject(user(owner), "")
	off, err := v.has(company(of), "deactivated", who)
	if err != nil {
		return err
	}
	if off {
		return invalid("owner_email", "this user is not active; name another owner, or activate the user first")
	}
	a.must(owner, company(of), "active_user", true)
	var d companyDoc
	version, err := v.document(companyKey(of), &d)
	if err == nil {
		a.document(at(version, put(companyKey(of), d)))
	}
	return err
}

// SetLicences changes how many licences were bought.
func (s *operatorService) SetLicences(ctx context.Context, r *portalv1.SetLicencesRequest) (*portalv1.Written, error) {
	if r.Licences == 0 {
		return nil, invalid("licences", "at least one is bought")
	}
	return s.act(ctx, func(v *view, a *action) error {
		a.name = "subscription.licences"
		if err := v.operates(ctx, a); err != nil {
			return err
		}
		of, err := v.single(subscription(r.Id), "company", "company")
		if err != nil {
			return err
		}
		if of == "" {
			return &Refusal{Fault: NotFound, Msg: fmt.Sprintf("there is no subscription %.64q", r.Id)}
		}
		a.company = of
		var d subscriptionDoc
		version, err := v.document(subscriptionKey(of, r.Id), &d)
		if err != nil {
			return err
		}
		var seats seatsDoc
		used, err := v.document(seatsKey(of, r.Id), &seats)
		if err != nil {
			return err
		}
		if r.Licences < seats.Used {
			return broken("19", "%d licences are in use; remove users first, or leave at least so many", seats.Used)
		}
		a.target, a.called, a.service = subscription(r.Id), "the subscription of "+serviceName(d.Service), d.Service
		a.before, a.after = map[string]any{"licences": d.Licences}, map[string]any{"licences": r.Licences}
		a.sentence = fmt.Sprintf("changed the licences of %s from %d to %d", serviceName(d.Service), d.Licences, r.Licences)
		a.unchanged = d.Licences == r.Licences
		d.Licences = r.Licences
		a.relies(seatsKey(of, r.Id), used)
		a.document(at(version, put(subscriptionKey(of, r.Id), d)))
		return nil
	})
}

// SetOperator gives a person the workbench and the operations, or takes them.
func (s *operatorService) SetOperator(ctx context.Context, r *portalv1.SetOperatorRequest) (*portalv1.Written, error) {
	roles := []string{"operator", "observer"}
	if r.Role != "" && !slices.Contains(roles, r.Role) {
		return nil, invalid("role", "%.40q is none; it is operator, observer or empty", r.Role)
	}
	address := strings.TrimSpace(r.Email)
	return s.act(ctx, func(v *view, a *action) error {
		a.name = "operator.set"
		if err := v.operates(ctx, a); err != nil {
			return err
		}
		var who emailDoc
		if version, err := v.document(emailKey(address), &who); err != nil {
			return err
		} else if version == 0 {
			return invalid("email", "nobody has the address %.200q; create the user first", address)
		}
		a.company, a.target = who.Company, user(who.User)
		if who.User == v.caller.User && r.Role == "operator" {
			return broken("12", "nobody makes himself an operator")
		}
		a.unchanged, a.before = true, map[string]any{"role": ""}
		for _, role := range roles {
			has, err := v.has(installation, role, subject(user(who.User), ""))
			if err != nil {
				return err
			}
			if has {
				a.before = map[string]any{"role": role}
			}
			if has == (role == r.Role) {
				continue
			}
			op := store.Delete
			if role == r.Role {
				op = store.Create
			}
			a.unchanged = false
			a.relation(op, installation, role, subject(user(who.User), ""))
		}
		a.after = map[string]any{"role": r.Role}
		a.called, a.sentence = address, fmt.Sprintf("made %s %s of the installation", address, r.Role)
		if r.Role == "" {
			a.sentence = fmt.Sprintf("took the installation from %s, who is neither operator nor observer any more", address)
		}
		return nil
	})
}

// ListOperators returns who may use the workbench and the operations.
func (s *operatorService) ListOperators(ctx context.Context, _ *portalv1.ListOperatorsRequest) (*portalv1.ListOperatorsResponse, error) {
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if !l.caller.Admin {
		if err := l.need(ctx, installation, "observe"); err != nil {
			return nil, err
		}
	}
	resp := &portalv1.ListOperatorsResponse{ReadAt: l.token()}
	for _, role := range []string{"operator", "observer"} {
		ids, err := l.holders(installation, role)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			for of, people := range l.directory.people {
				if row := people[id]; row != nil {
					resp.Operators = append(resp.Operators, &portalv1.Operator{Person: row.person(), CompanyId: of, Role: role})
				}
			}
		}
	}
	return resp, nil
}
