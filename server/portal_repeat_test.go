package server_test

import (
	"log/slog"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/pemba-authz/pemba/server"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/portal"
)

// startPortal starts a server with the portal, for whom no key is needed.
func startPortal(t *testing.T) *harness {
	t.Helper()
	var p *portal.Portal
	h := start(t, func(c *server.Config) {
		var err error
		p, err = portal.Open(portal.Config{Replica: c.Replica, Logger: slog.New(slog.DiscardHandler), Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		c.Portal, c.Reserved = p, &server.Reserved{Schema: portal.Schema, Documents: []string{portal.DocumentPrefix}}
	})
	t.Cleanup(p.Close)
	if err := p.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestPortalRepeat names a call of the portal by the header of the other APIs: its
// repetition is answered as the first, and another request by that name is refused.
func TestPortalRepeat(t *testing.T) {
	h := startPortal(t)
	operators := portalv1.NewOperatorServiceClient(h.conn)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "idempotency-key", "company-1")
	ask := &portalv1.CreateCompanyRequest{Id: "acme", Name: "Acme", AdministratorEmail: "ada@acme.example", AdministratorGivenName: "Ada", NoLink: true}
	first, err := operators.CreateCompany(ctx, ask)
	if err != nil {
		t.Fatal(err)
	}
	second, err := operators.CreateCompany(ctx, ask)
	if err != nil || !proto.Equal(first, second) {
		t.Errorf("%v and then %v (%v)", first, second, err)
	}
	ask = &portalv1.CreateCompanyRequest{Id: "globex", Name: "Globex", AdministratorEmail: "bea@globex.example", AdministratorGivenName: "Bea", NoLink: true}
	if _, err := operators.CreateCompany(ctx, ask); status.Code(err) != codes.InvalidArgument {
		t.Errorf("another request by the same name: %v", err)
	}
	if _, err := operators.CreateCompany(t.Context(), ask); err != nil {
		t.Errorf("the same without a name: %v", err)
	}
}
