package portal

import (
	"context"
	"slices"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// subscriptionService is pemba.portal.v1.SubscriptionService. This file has the
// cards; subscription_users.go the lists, subscription_roles.go who is what, and
// subscription_removal.go what becomes of those who leave.
type subscriptionService struct {
	portalv1.UnimplementedSubscriptionServiceServer
	*Portal
}

// subscriptionPermissions are those that answers say the caller has.
var subscriptionPermissions = []string{
	"view", "list_users", "list_workspaces", "access_portal", "search_company_pool", "include_user", "remove_user",
	"change_user_role", "set_owner", "manage_settings", "manage_groups", "view_licences", "create_new_user", "create_workspace",
}

// signedIn refuses nobody, and whoever may not sign in.
func (v *view) signedIn(ctx context.Context) error { return v.need(ctx, v.company(), "sign_in") }

// byPerson refuses a call that no person makes: everything below asks what a person
// of a company may do.
func (v *view) byPerson() error {
	if v.caller.User == "" {
		return v.nobody()
	}
	return nil
}

// findSubscription reads a subscription of the caller's company.
func (v *view) findSubscription(id string) (*subscriptionDoc, store.Revision, error) {
	if err := v.byPerson(); err != nil {
		return nil, 0, err
	}
	var d subscriptionDoc
	if engine.CheckObjectID(id) != nil {
		return nil, 0, notFound("subscription", id)
	}
	version, err := v.document(subscriptionKey(v.caller.Company, id), &d)
	if err == nil && version == 0 {
		err = notFound("subscription", id)
	}
	return &d, version, err
}

// ListSubscriptions returns the dashboard.
func (s *subscriptionService) ListSubscriptions(ctx context.Context, _ *portalv1.ListSubscriptionsRequest) (*portalv1.ListSubscriptionsResponse, error) {
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.signedIn(ctx); err != nil {
		return nil, err
	}
	resp := &portalv1.ListSubscriptionsResponse{ReadAt: l.token()}
	ids, err := collect(l.resources(subject(l.company(), ""), "subscription", "company"))
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if open, err := l.may(ctx, subscription(id), "access_portal"); err != nil || !open {
			if err != nil {
				return nil, err
			}
			continue
		}
		card, err := l.card(ctx, id)
		if err != nil {
			return nil, err
		}
		resp.Subscriptions = append(resp.Subscriptions, card)
	}
	slices.SortFunc(resp.Subscriptions, func(a, b *portalv1.Subscription) int { return int(a.Service - b.Service) })
	if len(resp.Subscriptions) == 0 {
		resp.Administrators, err = l.activePeople(l.company(), "administrator")
	}
	return resp, err
}

// GetSubscription returns one card.
func (s *subscriptionService) GetSubscription(ctx context.Context, r *portalv1.GetSubscriptionRequest) (*portalv1.GetSubscriptionResponse, error) {
	l, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if _, _, err := l.findSubscription(r.Id); err != nil {
		return nil, err
	}
	if err := l.need(ctx, subscription(r.Id), "access_portal"); err != nil {
		return nil, err
	}
	card, err := l.card(ctx, r.Id)
	if err != nil {
		return nil, err
	}
	return &portalv1.GetSubscriptionResponse{Subscription: card, ReadAt: l.token()}, nil
}

// card is a subscription as the caller sees it.
func (l *listing) card(ctx context.Context, id string) (*portalv1.Subscription, error) {
	d, _, err := l.findSubscription(id)
	if err != nil {
		return nil, err
	}
	sub := subscription(id)
	card := &portalv1.Subscription{Id: id, Service: serviceNumber(d.Service)}
	if card.Allowed, err = l.allowed(ctx, sub, subscriptionPermissions...); err != nil {
		return nil, err
	}
	var seats seatsDoc
	if _, err := l.document(seatsKey(l.caller.Company, id), &seats); err != nil {
		return nil, err
	}
	card.Users = uint64(seats.Used)
	if slices.Contains(card.Allowed, "view_licences") {
		card.Licences, card.LicencesUsed = d.Licences, seats.Used
	}
	if card.Owners, err = l.people(sub, "owner"); err != nil {
		return nil, err
	}
	card.NoActiveOwner = !slices.ContainsFunc(card.Owners, (*portalv1.Person).GetActive)
	card.Owners = card.Owners[:min(len(card.Owners), maxOwners)]
	if card.Switches, err = l.switches(sub); err != nil {
		return nil, err
	}
	if card.Role, err = l.roleIn(ctx, id); err != nil {
		return nil, err
	}
	readable, err := l.readable(ctx, id, d)
	if err != nil {
		return nil, err
	}
	card.Workspaces = uint64(len(readable))
	card.PortalUrl, err = l.portalURL(ctx, d.Service)
	return card, err
}

// maxOwners is how many owners a row shows.
const maxOwners = 5

// people returns the users whom a relation holds directly: active ones first, by
// name.
func (v *view) people(on engine.Object, relation string) ([]*portalv1.Person, error) {
	ids, err := v.holders(on, relation)
	if err != nil {
		return nil, err
	}
	out := make([]*portalv1.Person, len(ids))
	for i, id := range ids {
		if out[i], err = v.someone(id); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, comparePeople)
	return out, nil
}

// activePeople returns those of people who are active.
func (v *view) activePeople(on engine.Object, relation string) ([]*portalv1.Person, error) {
	people, err := v.people(on, relation)
	return slices.DeleteFunc(people, func(p *portalv1.Person) bool { return !p.Active }), err
}

// switches reads the policies of a subscription.
func (v *view) switches(sub engine.Object) (*portalv1.Switches, error) {
	on := make([]bool, len(switchNames))
	for i, name := range switchNames {
		var err error
		if on[i], err = v.has(sub, name, everybody); err != nil {
			return nil, err
		}
	}
	return &portalv1.Switches{CreateOpen: on[0], PublishOpen: on[1], EditorShareOpen: on[2]}, nil
}

// roleIn is what the caller is in a subscription, the highest.
func (v *view) roleIn(ctx context.Context, id string) (string, error) {
	for _, q := range []struct {
		on             engine.Object
		relation, role string
	}{
		{v.company(), "administrator", "administrator"}, {subscription(id), "owner", roleOwner},
		{subscription(id), "viewer", roleViewer}, {subscription(id), "participant", roleUser},
	} {
		if ok, err := v.may(ctx, q.on, q.relation); err != nil || ok {
			return q.role, err
		}
	}
	return "", nil
}

// readable returns the workspaces of a subscription that the caller may read.
func (l *listing) readable(ctx context.Context, id string, d *subscriptionDoc) ([]*workspaceRow, error) {
	all, err := l.may(ctx, subscription(id), "list_workspaces")
	if err != nil {
		return nil, err
	}
	var rows []*workspaceRow
	of := l.directory.workspaces[l.caller.Company]
	if all {
		for _, row := range of {
			if row.doc.Subscription == id {
				rows = append(rows, row)
			}
		}
		return rows, nil
	}
	for found, err := range l.engine.LookupResources(ctx, workspaceKind(d.Service), "read", subject(user(l.caller.User), ""), "") {
		if err != nil {
			return nil, err
		}
		if row := of[found.ID]; row != nil && row.doc.Subscription == id && found.State == engine.Yes {
			rows = append(rows, row)
		}
	}
	return rows, nil
}
