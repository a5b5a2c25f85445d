package portal

import (
	"strings"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func TestRule05_EmailIdentifiesAUser(t *testing.T) {
	f := found(t)
	bea := f.hire("Bea", "")
	cid := f.hire("Cid", "")
	_, err := f.create("BEA@ACME.example", "Bertha")
	if r := denied(t, "the same address in other letters", err, Taken, "5"); r.Field != "email" {
		t.Errorf("%+v", r)
	}
	g := f.other("globex")
	_, err = g.create("bea@acme.example", "Bert")
	denied(t, "the address of another company's user", err, Taken, "5")
	taken, own, spelled := "bea@acme.example", "bea.berg@acme.example", "Bea.Berg@acme.example"
	_, err = f.people.UpdateUser(as(t, "acme", f.ada), &portalv1.UpdateUserRequest{Id: cid, Email: &taken})
	denied(t, "changing to an address that is taken", err, Taken, "5")
	for _, address := range []string{own, spelled} {
		_, err = f.people.UpdateUser(as(t, "acme", f.ada), &portalv1.UpdateUserRequest{Id: bea, Email: &address})
		done(t, err)
		if u := f.user(bea); u.Email != address {
			t.Errorf("the address is %s, and not %s", u.Email, address)
		}
	}
	_, err = f.people.UpdateUser(as(t, "acme", f.ada), &portalv1.UpdateUserRequest{Id: cid, Email: &taken})
	done(t, err) // it is free now
}

func TestRule05_WhatIsKeptOfAUser(t *testing.T) {
	f := found(t)
	made, err := f.people.CreateUser(as(t, "acme", f.ada), &portalv1.CreateUserRequest{
		Email: "bea@acme.example", GivenName: " Bea ", Surname: "Berg", JobTitle: "Analyst", ManagerEmail: "ada@acme.example", NoInvitation: true,
	})
	done(t, err)
	u := f.user(made.User.Id)
	if u.GivenName != "Bea" || u.Surname != "Berg" || u.JobTitle != "Analyst" || u.ManagerEmail != "ada@acme.example" || u.Version != made.User.Version || made.Audit == 0 {
		t.Errorf("%v", u)
	}
	none, name := "", "Beatrix"
	_, err = f.people.UpdateUser(as(t, "acme", f.ada), &portalv1.UpdateUserRequest{Id: u.Id, GivenName: &name, JobTitle: &none, ManagerEmail: &none, IfVersion: u.Version})
	done(t, err)
	if u := f.user(u.Id); u.GivenName != "Beatrix" || u.JobTitle != "" || u.ManagerEmail != "" {
		t.Errorf("%v", u)
	}
	_, err = f.people.UpdateUser(as(t, "acme", f.ada), &portalv1.UpdateUserRequest{Id: u.Id, GivenName: &name, IfVersion: u.Version})
	denied(t, "a change of what was changed meanwhile", err, Conflict, "")
	before := f.Portal.replica.Head()
	_, err = f.people.UpdateUser(as(t, "acme", f.ada), &portalv1.UpdateUserRequest{Id: u.Id, GivenName: &name})
	done(t, err)
	if f.Portal.replica.Head() != before {
		t.Error("a change that changes nothing was written")
	}
}

func TestRule05_DeactivatedKeepsRolesAndHasNoRight(t *testing.T) {
	f := found(t)
	sub := f.buys(portalv1.Service_SERVICE_MODELER, 5, "admin")
	bea := hire(t, f.Portal, "acme", f.ada, sub, "bea", roleOwner)
	rights := func() (has int) {
		v, err := f.read(as(t, "acme", bea))
		done(t, err)
		defer v.close()
		for _, q := range []asked{{company("acme"), "sign_in"}, {subscription(sub), "include_user"}, {subscription(sub), "access_portal"}} {
			ok, err := v.may(t.Context(), q.on, q.permission)
			done(t, err)
			if ok {
				has++
			}
		}
		if kept, err := v.has(subscription(sub), roleOwner, subject(user(bea), "")); err != nil || !kept {
			t.Errorf("the role is not kept (%v)", err)
		}
		return has
	}
	if n := rights(); n != 3 {
		t.Errorf("active: %d of 3 rights", n)
	}
	done(t, f.turn(bea, false))
	if n := rights(); n != 0 {
		t.Errorf("deactivated: %d rights", n)
	}
	done(t, f.turn(bea, false)) // it is done already
	done(t, f.turn(bea, true))
	if n := rights(); n != 3 {
		t.Errorf("activated again: %d of 3 rights", n)
	}
}

func TestRule12_NobodyMakesHimselfAdministrator(t *testing.T) {
	f := found(t)
	bea := f.hire("Bea", "")
	_, err := f.people.IncludeAdministrator(as(t, "acme", bea), &portalv1.IncludeAdministratorRequest{UserId: bea})
	if r := denied(t, "by a plain user", err, NotAllowed, ""); r.Permission != "include_administrator" {
		t.Errorf("%+v", r)
	}
	_, err = f.people.IncludeAdministrator(as(t, "acme", f.ada), &portalv1.IncludeAdministratorRequest{UserId: f.ada})
	denied(t, "by one who is", err, Rule, "12")
	done(t, f.include(bea))
	if u := f.user(bea); !u.Administrator {
		t.Errorf("%v", u)
	}
	done(t, f.include(bea))
	cid := f.hire("Cid", "")
	done(t, f.turn(cid, false))
	denied(t, "an inactive one", f.include(cid), Rule, "6")
}

func TestRule12_AnActiveAdministratorStays(t *testing.T) {
	f := found(t)
	bea := f.hire("Bea", "")
	denied(t, "removing the only one", f.remove(f.ada), Rule, "12")
	denied(t, "deactivating the only one", f.turn(f.ada, false), Rule, "12")
	done(t, f.include(bea))
	done(t, f.turn(bea, false))
	denied(t, "removing the only active one", f.remove(f.ada), Rule, "12")
	if r := denied(t, "deactivating the only active one", f.turn(f.ada, false), Rule, "12"); !strings.Contains(r.Msg, "the only active administrator") {
		t.Errorf("%s", r.Msg)
	}
	done(t, f.turn(bea, true))
	done(t, f.remove(f.ada))
	_, err := f.people.ListAdministrators(as(t, "acme", f.ada), &portalv1.ListAdministratorsRequest{})
	denied(t, "one who was removed", err, NotAllowed, "")
	list, err := f.people.ListAdministrators(as(t, "acme", bea), &portalv1.ListAdministratorsRequest{})
	done(t, err)
	if len(list.Administrators) != 1 || list.Administrators[0].Id != bea || len(list.Allowed) != 1 {
		t.Errorf("%v", list)
	}
}

func TestRule12_EverySubscriptionKeepsAnActiveOwner(t *testing.T) {
	f := found(t)
	bea, cid := f.hire("Bea", ""), f.hire("Cid", "")
	modeler := f.buys(portalv1.Service_SERVICE_MODELER, 5, "bea")
	f.buys(portalv1.Service_SERVICE_AI, 5, "bea")
	r := denied(t, "the only owner of two", f.turn(bea, false), Rule, "12")
	for _, want := range []string{"Modeler", "Artificial Intelligence", "Bea Berg"} {
		if !strings.Contains(r.Msg, want) {
			t.Errorf("%q does not name %s", r.Msg, want)
		}
	}
	preview, err := f.people.PreviewDeactivation(as(t, "acme", f.ada), &portalv1.PreviewDeactivationRequest{Id: bea})
	done(t, err)
	blocks := 0
	for _, e := range preview.Effects {
		if e.Blocks && e.Kind == "last_owner" {
			blocks++
		}
	}
	if preview.Allowed || blocks != 2 {
		t.Errorf("%v", preview)
	}
	s := &subscriptionService{Portal: f.Portal}
	for _, sub := range []string{modeler, "acme-ai"} {
		_, err := s.IncludeUsers(as(t, "acme", f.ada), &portalv1.IncludeUsersRequest{Id: sub, Members: []*portalv1.Member{theUser(cid)}, Role: roleOwner})
		done(t, err)
	}
	preview, err = f.people.PreviewDeactivation(as(t, "acme", f.ada), &portalv1.PreviewDeactivationRequest{Id: bea})
	done(t, err)
	if !preview.Allowed || len(preview.Effects) != 3 {
		t.Errorf("%v", preview)
	}
	done(t, f.turn(bea, false))
	denied(t, "the last active one", f.turn(cid, false), Rule, "12")
	_, err = (&operatorService{Portal: f.Portal}).CreateSubscription(operator(t), &portalv1.CreateSubscriptionRequest{
		CompanyId: "acme", Service: portalv1.Service_SERVICE_BI, Licences: 1, OwnerEmail: "bea@acme.example",
	})
	denied(t, "a purchase for an inactive owner", err, Invalid, "")
}

func TestRule10_TitlesAndGroupsHaveDifferentNames(t *testing.T) {
	f := found(t)
	bea := f.hire("Bea", "Analyst")
	cid := f.hire("Cid", "ANALYST")
	if u := f.user(cid); u.JobTitle != "Analyst" {
		t.Errorf("the title is spelled %q", u.JobTitle)
	}
	title := f.title("analyst")
	if title == "" || f.holders(title) != 2 {
		t.Errorf("%q has %d holders", title, f.holders(title))
	}
	f.group("Writers")
	_, err := f.retitle(bea, "writers")
	if r := denied(t, "a title like a group", err, Taken, "10"); r.Field != "job_title" {
		t.Errorf("%+v", r)
	}
	for _, id := range []string{bea, cid} {
		_, err := f.retitle(id, "Architect")
		done(t, err)
	}
	if f.title("analyst") != "" || f.holders(title) != 0 || f.holders(f.title("ARCHITECT")) != 2 {
		t.Error("a title that nobody has is still there")
	}
}

func TestRule10_ATitleInAGroupIsKept(t *testing.T) {
	f := found(t)
	bea := f.hire("Bea", "Analyst")
	title := f.title("Analyst")
	readers, writers := f.group("Readers"), f.group("Writers")
	for _, g := range []string{readers, writers} {
		done(t, f.members(g, "job_title:"+title))
	}
	_, err := f.retitle(bea, "")
	done(t, err)
	if f.title("analyst") != title || f.holders(title) != 0 {
		t.Error("a title that two groups contain is gone")
	}
	_, err = f.retitle(bea, "ANALYST")
	done(t, err)
	if f.title("analyst") != title || f.user(bea).JobTitle != "Analyst" {
		t.Error("the title began anew")
	}
	_, err = f.retitle(bea, "")
	done(t, err)
	done(t, f.members(readers, "-job_title:"+title))
	if f.title("analyst") != title {
		t.Error("a title that a group contains is gone")
	}
	done(t, f.members(writers, "-job_title:"+title))
	if f.title("analyst") != "" {
		t.Error("a title that nobody has and no group contains is still there")
	}
	everyRevision(t, f.Portal, 2)
}

func TestRule10_GroupsOfASubscriptionStayInIt(t *testing.T) {
	f := found(t)
	s := &groupService{Portal: f.Portal}
	create := func(name, sub string) string {
		made, err := s.CreateGroup(as(t, "acme", f.ada), &portalv1.CreateGroupRequest{Name: name, SubscriptionId: sub})
		done(t, err)
		return made.Group.Id
	}
	modeler, ai := f.buys(portalv1.Service_SERVICE_MODELER, 5, "admin"), f.buys(portalv1.Service_SERVICE_AI, 5, "admin")
	all, ours, also, theirs := create("All", ""), create("Ours", modeler), create("Also ours", modeler), create("Theirs", ai)
	done(t, f.members(ours, "group:"+all, "group:"+also))
	denied(t, "into a group of the company", f.members(all, "group:"+theirs), Rule, "10")
	denied(t, "into a group of another subscription", f.members(ours, "group:"+theirs), Rule, "10")
}
