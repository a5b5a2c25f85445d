package main

import (
	"context"
	"errors"
	"strings"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// named is one thing that a word may mean.
type named struct{ id, name, more string }

// pick finds what a word names: by id, or by a name that no other has. what is the
// word for the kind of thing.
func pick(what, word string, all []named) (string, error) {
	var found []named
	for _, n := range all {
		switch {
		case n.id == word:
			return n.id, nil
		case strings.EqualFold(n.name, word), n.more != "" && strings.EqualFold(n.more, word):
			found = append(found, n)
		}
	}
	switch len(found) {
	case 0:
		return "", refusedf("there is no %s %q that you may see", what, word)
	case 1:
		return found[0].id, nil
	}
	ids := make([]string, len(found))
	for i, n := range found {
		ids[i] = n.id
	}
	return "", refusedf("%q names several %ss; give an id: %s", word, what, strings.Join(ids, ", "))
}

// members makes what a search found something to pick from.
func members(all []*portalv1.Member) []named {
	out := make([]named, len(all))
	for i, m := range all {
		switch {
		case m.GetUser() != "":
			out[i] = named{m.GetUser(), m.GetName(), m.GetEmail()}
		case m.GetGroup() != "":
			out[i] = named{m.GetGroup(), m.GetName(), ""}
		default:
			out[i] = named{m.GetJobTitle(), m.GetName(), ""}
		}
	}
	return out
}

// pickMember finds the member that a word names.
func pickMember(word string, all []*portalv1.Member) (*portalv1.Member, error) {
	id, err := pick("person or group", word, members(all))
	if err != nil {
		return nil, err
	}
	for i, n := range members(all) {
		if n.id == id {
			return &portalv1.Member{Member: all[i].Member}, nil
		}
	}
	return nil, refusedf("there is nobody %q", word)
}

// everyPage asks for a list page by page: a word may name what stands on the last, and
// name several things that stand on different ones.
func everyPage(ask func(p *portalv1.Paging) (*portalv1.Page, error)) error {
	page := &portalv1.Paging{Size: pageRows}
	for {
		got, err := ask(page)
		if err != nil || got.GetNext() == "" {
			return err
		}
		page.Cursor = got.GetNext()
	}
}

// most is how many a search for people and groups returns at most: those who are called
// exactly as is searched for come first.
const most = 50

// user finds a company user by e-mail address, name or id. Everybody finds himself.
func (p *portalClient) user(ctx context.Context, word string) (string, error) {
	if !strings.ContainsAny(word, "@ ") {
		if r, err := p.people.GetUser(ctx, &portalv1.GetUserRequest{Id: word}); err == nil {
			return r.GetUser().GetId(), nil
		}
	}
	var all []named
	err := everyPage(func(page *portalv1.Paging) (*portalv1.Page, error) {
		r, err := p.people.ListUsers(ctx, &portalv1.ListUsersRequest{Search: word, Paging: page})
		for _, u := range r.GetUsers() {
			all = append(all, named{u.GetId(), strings.TrimSpace(u.GetGivenName() + " " + u.GetSurname()), u.GetEmail()})
		}
		return r.GetPage(), err
	})
	if err != nil {
		if me, _ := p.session.GetMe(ctx, &portalv1.GetMeRequest{}); strings.EqualFold(me.GetPerson().GetEmail(), word) {
			return me.GetPerson().GetId(), nil
		}
		return "", err
	}
	return pick("user", word, all)
}

// subscription finds a subscription by the word for its service, or by id.
func (p *portalClient) subscription(ctx context.Context, word string) (string, error) {
	r, err := p.subscriptions.ListSubscriptions(ctx, &portalv1.ListSubscriptionsRequest{})
	if err != nil {
		return "", err
	}
	var all []named
	for _, s := range r.GetSubscriptions() {
		all = append(all, named{s.GetId(), serviceWord(s.GetService()), ""})
	}
	return pick("subscription", word, all)
}

// workspace finds a workspace by name in all subscriptions, or by id.
func (p *portalClient) workspace(ctx context.Context, word string) (string, error) {
	if r, err := p.workspaces.GetWorkspace(ctx, &portalv1.GetWorkspaceRequest{Id: word}); err == nil {
		return r.GetWorkspace().GetId(), nil
	}
	subs, err := p.subscriptions.ListSubscriptions(ctx, &portalv1.ListSubscriptionsRequest{})
	if err != nil {
		return "", err
	}
	var all []named
	for _, s := range subs.GetSubscriptions() {
		err := everyPage(func(page *portalv1.Paging) (*portalv1.Page, error) {
			r, err := p.workspaces.ListWorkspaces(ctx, &portalv1.ListWorkspacesRequest{SubscriptionId: s.GetId(), Search: word, Paging: page})
			for _, w := range r.GetWorkspaces() {
				all = append(all, named{w.GetId(), w.GetName(), ""})
			}
			return r.GetPage(), err
		})
		if err != nil {
			return "", err
		}
	}
	return pick("workspace", word, all)
}

// group finds a group by name or id.
func (p *portalClient) group(ctx context.Context, word string) (string, error) {
	var all []named
	err := everyPage(func(page *portalv1.Paging) (*portalv1.Page, error) {
		r, err := p.groups.ListGroups(ctx, &portalv1.ListGroupsRequest{Search: word, Paging: page})
		for _, g := range r.GetGroups() {
			all = append(all, named{g.GetId(), g.GetName(), ""})
		}
		return r.GetPage(), err
	})
	if err != nil {
		return "", err
	}
	if len(all) == 0 { // it may be an id, which no search finds
		all = append(all, named{id: word})
	}
	return pick("group", word, all)
}

// members finds what words name that may be in a group: "group:NAME", "job-title:NAME"
// or a user. sub is the subscription of the group, whose owners see the company's users
// through it; "" for a group of the company.
func (p *portalClient) members(ctx context.Context, sub string, words []string) ([]*portalv1.Member, error) {
	var all []*portalv1.Member
	for _, word := range words {
		m, err := p.member(ctx, sub, word)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func (p *portalClient) member(ctx context.Context, sub, word string) (*portalv1.Member, error) {
	if name, ok := strings.CutPrefix(word, "group:"); ok {
		id, err := p.group(ctx, name)
		return &portalv1.Member{Member: &portalv1.Member_Group{Group: id}}, err
	}
	if name, ok := strings.CutPrefix(word, "job-title:"); ok {
		r, err := p.groups.ListJobTitles(ctx, &portalv1.ListJobTitlesRequest{Search: name})
		if err != nil {
			return nil, err
		}
		var all []named
		for _, t := range r.GetJobTitles() {
			all = append(all, named{t.GetId(), t.GetName(), ""})
		}
		id, err := pick("job title", name, all)
		return &portalv1.Member{Member: &portalv1.Member_JobTitle{JobTitle: id}}, err
	}
	if sub != "" {
		return p.ofCompany(ctx, sub, word, false)
	}
	id, err := p.user(ctx, word)
	if _, unknown := errors.AsType[*coded](err); unknown {
		err = refusedf("%w; a group is named group:NAME, the holders of a job title job-title:NAME", err)
	}
	return &portalv1.Member{Member: &portalv1.Member_User{User: id}}, err
}

// ofCompany finds somebody of the company as the owners of a subscription see him: he is
// included in it, or found in the pool.
func (p *portalClient) ofCompany(ctx context.Context, sub, word string, groups bool) (*portalv1.Member, error) {
	found, err := p.subscriptions.SearchPool(ctx, &portalv1.SearchPoolRequest{Id: sub, Search: word, Groups: groups, Limit: most})
	if err != nil {
		return nil, err
	}
	in, err := p.allIncluded(ctx, sub, word)
	if err != nil {
		return nil, err
	}
	return pickMember(word, append(found.GetMembers(), in...))
}

// allIncluded returns those who are included in a subscription and match a word.
func (p *portalClient) allIncluded(ctx context.Context, sub, word string) ([]*portalv1.Member, error) {
	var all []*portalv1.Member
	err := everyPage(func(page *portalv1.Paging) (*portalv1.Page, error) {
		r, err := p.subscriptions.ListSubscriptionUsers(ctx, &portalv1.ListSubscriptionUsersRequest{Id: sub, Search: word, Paging: page})
		for _, u := range r.GetUsers() {
			all = append(all, u.GetMember())
		}
		return r.GetPage(), err
	})
	return all, err
}
