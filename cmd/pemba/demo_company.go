package main

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// demoSize is how much is made.
type demoSize struct{ users, models, diagrams int }

// account is somebody who can sign in.
type account struct{ id, email, given, surname, password, token string }

// demo makes a company by the API of the portal, as people would.
type demo struct {
	*app
	size                     demoSize
	box                      *postbox
	consoleURL, grpc         string
	modelerAddr, operatorKey string

	conn                 *grpc.ClientConn
	admin, owner, editor account
	people               []demoPerson
	model, modelName     string
	clientID             string
	clientSecret         string
}

const demoDomain = "harbour.example"

// fill makes everything.
func (d *demo) fill(ctx context.Context, code string) (err error) {
	if d.conn, err = dial(access{Endpoint: d.grpc, Insecure: true}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.conn.Close()) }()
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return d.found(ctx, code) },
		d.hire, d.invite, d.groupUp, d.subscribe, d.model1, d.models, d.registerClient,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// by is a client of somebody.
func (d *demo) by(ctx context.Context, who account, f func(ctx context.Context, p *portalClient) error) error {
	return f(withToken(ctx, who.token), newPortalClient(d.app, d.conn))
}

// found makes the company with its administrator.
func (d *demo) found(ctx context.Context, code string) error {
	d.admin = account{email: "ingrid.solberg@" + demoDomain, given: "Ingrid", surname: "Solberg", password: rand.Text()[:16]}
	r := &portalv1.CompleteFirstRunRequest{
		Code: code, CompanyId: "harbour", CompanyName: "Harbour Insurance", GivenName: d.admin.given, Surname: d.admin.surname,
		Email: d.admin.email, Password: d.admin.password,
	}
	for number := range len(portalv1.Service_name) {
		if number > 0 {
			r.Purchases = append(r.Purchases, &portalv1.Purchase{Service: portalv1.Service(number), Licences: uint32(d.size.users + 50)})
		}
	}
	return d.by(ctx, d.admin, func(ctx context.Context, p *portalClient) error {
		session, err := p.session.CompleteFirstRun(ctx, r)
		d.admin.token = session.GetToken()
		return err
	})
}

// hire imports the people of the company.
func (d *demo) hire(ctx context.Context) error {
	d.people = demoPeople(d.size.users - 3)
	var text strings.Builder
	w := csv.NewWriter(&text)
	_ = w.Write([]string{"email", "given_name", "surname", "job_title", "manager_email"})
	for _, p := range d.people {
		_ = w.Write([]string{p.email, p.given, p.surname, p.title, d.admin.email})
	}
	w.Flush()
	return d.by(ctx, d.admin, func(ctx context.Context, p *portalClient) error {
		r, err := p.people.ImportUsers(ctx, &portalv1.ImportUsersRequest{Csv: text.String()})
		if err != nil {
			return err
		}
		for i, row := range r.GetRows() {
			if row.GetError() != "" {
				return fmt.Errorf("importing %s: %s", row.GetEmail(), row.GetError())
			}
			d.people[i].id = row.GetUserId()
		}
		return nil
	})
}

// invite makes the owner and the editor, who set their passwords by their links.
func (d *demo) invite(ctx context.Context) error {
	d.owner = account{email: "marcus.oyelaran@" + demoDomain, given: "Marcus", surname: "Oyelaran", password: rand.Text()[:16]}
	d.editor = account{email: "lena.vogt@" + demoDomain, given: "Lena", surname: "Vogt", password: rand.Text()[:16]}
	return d.by(ctx, d.admin, func(ctx context.Context, p *portalClient) error {
		for who, title := range map[*account]string{&d.owner: "Head of Claims", &d.editor: "Claims Analyst"} {
			made, err := p.people.CreateUser(ctx, &portalv1.CreateUserRequest{Email: who.email, GivenName: who.given, Surname: who.surname, JobTitle: title, ManagerEmail: d.admin.email})
			if err != nil {
				return err
			}
			who.id = made.GetUser().GetId()
			link, err := d.box.link(ctx, who.email)
			if err != nil {
				return err
			}
			session, err := p.session.RedeemLink(ctx, &portalv1.RedeemLinkRequest{Token: link, Password: who.password})
			if err != nil {
				return err
			}
			who.token = session.GetToken()
		}
		return nil
	})
}

func demoUser(id string) *portalv1.Member {
	return &portalv1.Member{Member: &portalv1.Member_User{User: id}}
}

func demoGroup(id string) *portalv1.Member {
	return &portalv1.Member{Member: &portalv1.Member_Group{Group: id}}
}

// groupUp makes groups by department, and one of all of them.
func (d *demo) groupUp(ctx context.Context) error {
	return d.by(ctx, d.admin, func(ctx context.Context, p *portalClient) error {
		var all []*portalv1.Member
		for _, department := range demoDepartments {
			var members []*portalv1.Member
			for _, person := range d.people {
				if person.department == department && len(members) < 60 {
					members = append(members, demoUser(person.id))
				}
			}
			made, err := p.groups.CreateGroup(ctx, &portalv1.CreateGroupRequest{Name: department + " team", Description: "Everybody who works in " + department, Members: members})
			if err != nil {
				return err
			}
			all = append(all, demoGroup(made.GetGroup().GetId()))
		}
		_, err := p.groups.CreateGroup(ctx, &portalv1.CreateGroupRequest{Name: "Operations", Description: "All teams together", Members: all})
		return err
	})
}

// includeAtOnce is how many people one request includes.
const includeAtOnce = 50

// subscribe includes people in the services.
func (d *demo) subscribe(ctx context.Context) error {
	return d.by(ctx, d.admin, func(ctx context.Context, p *portalClient) error {
		subs, err := p.subscriptions.ListSubscriptions(ctx, &portalv1.ListSubscriptionsRequest{})
		if err != nil {
			return err
		}
		for i, sub := range subs.GetSubscriptions() {
			include := func(role string, members ...*portalv1.Member) error {
				for len(members) > 0 {
					part := members[:min(len(members), includeAtOnce)]
					members = members[len(part):]
					if _, err := p.subscriptions.IncludeUsers(ctx, &portalv1.IncludeUsersRequest{Id: sub.GetId(), Role: role, Members: part}); err != nil {
						return err
					}
				}
				return nil
			}
			if err := include("owner", demoUser(d.owner.id)); err != nil {
				return err
			}
			if err := include("viewer", demoUser(d.people[0].id)); err != nil {
				return err
			}
			var users []*portalv1.Member
			for j, person := range d.people[1:] {
				if i == 0 || j%5 == i {
					users = append(users, demoUser(person.id))
				}
			}
			if i == 0 {
				users = append(users, demoUser(d.editor.id))
			}
			if err := include("user", users...); err != nil {
				return err
			}
		}
		return nil
	})
}

// model1 makes the model of the tour: the owner's, which the editor edits.
func (d *demo) model1(ctx context.Context) error {
	d.modelName = "Motor claims"
	return d.by(ctx, d.owner, func(ctx context.Context, p *portalClient) error {
		made, err := p.workspaces.CreateWorkspace(ctx, &portalv1.CreateWorkspaceRequest{SubscriptionId: "harbour-modeler", Name: d.modelName, Description: "From the first call to the payment."})
		if err != nil {
			return err
		}
		d.model = made.GetWorkspace().GetId()
		_, err = p.workspaces.ChangeAccess(ctx, &portalv1.ChangeAccessRequest{Id: d.model, Changes: []*portalv1.AccessChange{
			{Member: demoUser(d.editor.id), Role: "editor"},
			{Member: demoUser(d.people[1].id), Role: "editor"},
			{Member: demoUser(d.people[2].id), Role: "contributor"},
		}})
		return err
	})
}

// models makes the other models and all diagrams, and publishes every other one.
func (d *demo) models(ctx context.Context) error {
	return d.by(ctx, d.owner, func(ctx context.Context, p *portalClient) error {
		ids := []string{d.model}
		for i := 1; i < d.size.models; i++ {
			name := demoModelName(i)
			made, err := p.workspaces.CreateWorkspace(ctx, &portalv1.CreateWorkspaceRequest{SubscriptionId: "harbour-modeler", Name: name, Description: "How " + strings.ToLower(name) + " works."})
			if err != nil {
				return err
			}
			ids = append(ids, made.GetWorkspace().GetId())
			n := len(d.people)
			_, err = p.workspaces.ChangeAccess(ctx, &portalv1.ChangeAccessRequest{Id: made.GetWorkspace().GetId(), Changes: []*portalv1.AccessChange{
				{Member: demoUser(d.people[1+(3*i)%(n-1)].id), Role: "editor"},
				{Member: demoUser(d.people[1+(3*i+1)%(n-1)].id), Role: "contributor"},
			}})
			if err != nil {
				return err
			}
		}
		for i := range d.size.diagrams {
			name := demoSteps[i%len(demoSteps)]
			if round := i / (len(demoSteps) * len(ids)); round > 0 {
				name = fmt.Sprintf("%s %d", name, round+1)
			}
			made, err := p.diagrams.CreateDiagram(ctx, &portalv1.CreateDiagramRequest{WorkspaceId: ids[(i/len(demoSteps))%len(ids)], Name: name, Content: demoContent(name)})
			if err != nil {
				return err
			}
			if i%2 == 0 {
				if _, err := p.diagrams.Publish(ctx, &portalv1.PublishRequest{Id: made.GetDiagram().GetId()}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// registerClient makes the client of Modeler Services.
func (d *demo) registerClient(ctx context.Context) error {
	url := "http://" + d.modelerAddr
	return d.by(ctx, d.admin, func(ctx context.Context, p *portalClient) error {
		made, err := p.settings.SaveClient(ctx, &portalv1.SaveClientRequest{
			Service: portalv1.Service_SERVICE_MODELER, Name: "Modeler Services", RedirectUrls: []string{url + "/callback"}, LogoutUrls: []string{url + "/"}, PortalUrl: url + "/",
		})
		d.clientID, d.clientSecret = made.GetClient().GetId(), made.GetSecret()
		return err
	})
}
