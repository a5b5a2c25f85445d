package portal

import (
	"fmt"
	"testing"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// Sizes of the company of BenchmarkFirstPage.
const (
	benchUsers  = 100_000
	benchModels = 100_000
)

// BenchmarkFirstPage measures the first pages of lists of a company of 100,000 users
// and 100,000 models.
func BenchmarkFirstPage(b *testing.B) {
	f := found(b)
	sub := f.buys(portalv1.Service_SERVICE_MODELER, 2*benchUsers, "admin")
	f.fill(sub)
	ctx := as(b, f.id, f.ada)
	workspaces := &workspaceService{Portal: f.Portal}
	subscriptions := &subscriptionService{Portal: f.Portal}
	for _, c := range []struct {
		name string
		ask  func() error
	}{
		{"users", func() error {
			resp, err := f.people.ListUsers(ctx, &portalv1.ListUsersRequest{})
			if err == nil && (len(resp.Users) != defaultPage || resp.Page.Total != benchUsers+1) {
				return fmt.Errorf("%d of %d users", len(resp.Users), resp.Page.Total)
			}
			return err
		}},
		{"users/search", func() error {
			_, err := f.people.ListUsers(ctx, &portalv1.ListUsersRequest{Search: "user 77", Order: "-seen"})
			return err
		}},
		{"users/by-role", func() error {
			_, err := f.people.ListUsersByRole(ctx, &portalv1.ListUsersByRoleRequest{Role: "workspace_owner"})
			return err
		}},
		{"subscription-users", func() error {
			_, err := subscriptions.ListSubscriptionUsers(ctx, &portalv1.ListSubscriptionUsersRequest{Id: sub})
			return err
		}},
		{"workspaces", func() error {
			resp, err := workspaces.ListWorkspaces(ctx, &portalv1.ListWorkspacesRequest{SubscriptionId: sub})
			if err == nil && (len(resp.Workspaces) != defaultPage || resp.Page.Total != benchModels) {
				return fmt.Errorf("%d of %d workspaces", len(resp.Workspaces), resp.Page.Total)
			}
			return err
		}},
		{"workspaces/search", func() error {
			_, err := workspaces.ListWorkspaces(ctx, &portalv1.ListWorkspacesRequest{SubscriptionId: sub, Search: "model 77"})
			return err
		}},
	} {
		if err := c.ask(); err != nil { // the directory is read once
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if err := c.ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fill puts users and models into the firm, as the portal would have written them.
func (f *firm) fill(sub string) {
	f.t.Helper()
	const batch = 500
	var tx store.Transaction
	write := func() {
		_, err := f.replica.Propose(f.t.Context(), replica.Proposal{Tx: tx})
		done(f.t, err)
		tx = store.Transaction{}
	}
	now := f.now()
	for i := range benchUsers {
		a := &action{}
		id, who := fmt.Sprintf("u%06d", i), subject(user(fmt.Sprintf("u%06d", i)), "")
		d := userDoc{Email: fmt.Sprintf("user%d@acme.example", i), GivenName: "User", Surname: fmt.Sprint(i), JobTitle: fmt.Sprintf("Title %d", i%50), Created: now}
		a.document(put(userKey(f.id, id), d), put(emailKey(d.Email), emailDoc{f.id, id}))
		a.relation(store.Touch, company(f.id), "pool_user", who)
		a.relation(store.Touch, subscription(sub), "participant", who)
		model, of := fmt.Sprintf("m%06d", i), user("")
		of.Type, of.ID = "model", model
		a.document(put(workspaceKey(f.id, model), workspaceDoc{Subscription: sub, Kind: "model", Name: fmt.Sprintf("Model %d", i), Created: now, Changed: now, Creator: id}))
		a.relation(store.Touch, of, "subscription", subject(subscription(sub), ""))
		a.relation(store.Touch, of, "owner", who)
		tx.Updates, tx.Documents = append(tx.Updates, a.tx.Updates...), append(tx.Documents, a.tx.Documents...)
		if i%batch == batch-1 {
			write()
		}
	}
}
