package main

import (
	"context"
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

// user finds a company user by e-mail address, name or id.
func (p *portalClient) user(ctx context.Context, word string) (string, error) {
	if !strings.ContainsAny(word, "@ ") {
		if r, err := p.people.GetUser(ctx, &portalv1.GetUserRequest{Id: word}); err == nil {
			return r.GetUser().GetId(), nil
		}
	}
	r, err := p.people.ListUsers(ctx, &portalv1.ListUsersRequest{Search: word})
	if err != nil {
		return "", err
	}
	var all []named
	for _, u := range r.GetUsers() {
		all = append(all, named{u.GetId(), strings.TrimSpace(u.GetGivenName() + " " + u.GetSurname()), u.GetEmail()})
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
		r, err := p.workspaces.ListWorkspaces(ctx, &portalv1.ListWorkspacesRequest{SubscriptionId: s.GetId(), Search: word})
		if err != nil {
			return "", err
		}
		for _, w := range r.GetWorkspaces() {
			all = append(all, named{w.GetId(), w.GetName(), ""})
		}
	}
	return pick("workspace", word, all)
}

// group finds a group by name or id.
func (p *portalClient) group(ctx context.Context, word string) (string, error) {
	r, err := p.groups.ListGroups(ctx, &portalv1.ListGroupsRequest{Search: word})
	if err != nil {
		return "", err
	}
	var all []named
	for _, g := range r.GetGroups() {
		all = append(all, named{g.GetId(), g.GetName(), ""})
	}
	if len(all) == 0 { // it may be an id, which no search finds
		all = append(all, named{id: word})
	}
	return pick("group", word, all)
}

// member finds what may be in a group: "group:NAME", "job-title:NAME" or a user.
func (p *portalClient) member(ctx context.Context, word string) (*portalv1.Member, error) {
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
	id, err := p.user(ctx, word)
	return &portalv1.Member{Member: &portalv1.Member_User{User: id}}, err
}
