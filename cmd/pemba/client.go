package main

import (
	"context"
	"errors"
	"strconv"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/schema"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// client is what every command talks to: a server, or the node of a directory,
// by the same calls.
type client struct {
	conn         grpc.ClientConnInterface
	transactions pembav1.TransactionServiceClient
	permissions  v1.PermissionsServiceClient
	schemas      v1.SchemaServiceClient
	watches      v1.WatchServiceClient
	texts        pembav1.SchemaServiceClient
	explains     pembav1.ExplainServiceClient
	revisions    pembav1.RevisionServiceClient
	documents    pembav1.DocumentServiceClient
	backups      pembav1.BackupServiceClient
	clusters     pembav1.ClusterServiceClient
	tools        consolev1.SchemaToolsServiceClient
	histories    consolev1.HistoryServiceClient
	nodes        consolev1.NodeServiceClient
	kept         consolev1.BackupServiceClient
	assertions   consolev1.AssertionServiceClient
}

func newClient(conn grpc.ClientConnInterface) *client {
	return &client{
		conn:         conn,
		transactions: pembav1.NewTransactionServiceClient(conn),
		permissions:  v1.NewPermissionsServiceClient(conn),
		schemas:      v1.NewSchemaServiceClient(conn),
		watches:      v1.NewWatchServiceClient(conn),
		texts:        pembav1.NewSchemaServiceClient(conn),
		explains:     pembav1.NewExplainServiceClient(conn),
		revisions:    pembav1.NewRevisionServiceClient(conn),
		documents:    pembav1.NewDocumentServiceClient(conn),
		backups:      pembav1.NewBackupServiceClient(conn),
		clusters:     pembav1.NewClusterServiceClient(conn),
		tools:        consolev1.NewSchemaToolsServiceClient(conn),
		histories:    consolev1.NewHistoryServiceClient(conn),
		nodes:        consolev1.NewNodeServiceClient(conn),
		kept:         consolev1.NewBackupServiceClient(conn),
		assertions:   consolev1.NewAssertionServiceClient(conn),
	}
}

// withClient runs f with a client of what the command talks to.
func (a *app) withClient(ctx context.Context, f func(*client) error) error {
	return a.withTarget(ctx, false, f)
}

// withNewClient is withClient for what may begin with an empty directory.
func (a *app) withNewClient(ctx context.Context, f func(*client) error) error {
	return a.withTarget(ctx, true, f)
}

func (a *app) withTarget(ctx context.Context, create bool, f func(*client) error) error {
	t, err := a.target()
	if err != nil {
		return err
	}
	if t.dir != "" {
		return a.withNode(ctx, t.dir, create, func(n *node) error { return a.talk(ctx, newClient(n.conn), f) })
	}
	conn, err := dial(t.access)
	if err != nil {
		return err
	}
	return errors.Join(a.talk(ctx, newClient(conn), f), conn.Close())
}

// talk runs f with a client. People may give --at as a number.
func (a *app) talk(ctx context.Context, cl *client, f func(*client) error) error {
	if at := a.running.Flags().Lookup(atName); at != nil {
		if number, err := strconv.ParseUint(at.Value.String(), 10, 64); err == nil {
			r, err := cl.revisions.ResolveRevision(ctx, &pembav1.ResolveRevisionRequest{
				Of: &pembav1.ResolveRevisionRequest_Revision{Revision: number},
			})
			if err != nil {
				return err
			}
			if err := at.Value.Set(r.GetToken().GetToken()); err != nil {
				return err
			}
		}
	}
	return f(cl)
}

// number is a revision as people say it. A server that does not know pemba.v1
// leaves it a token.
func (c *client) number(ctx context.Context, token string) string {
	r, err := c.revisions.ResolveRevision(ctx, &pembav1.ResolveRevisionRequest{
		Of: &pembav1.ResolveRevisionRequest_Token{Token: &v1.ZedToken{Token: token}},
	})
	if err != nil {
		return token
	}
	return strconv.FormatUint(r.GetRevision(), 10)
}

const atName = "at"

// atFlag declares --at.
func atFlag(c *cobra.Command, at *string) {
	c.Flags().StringVar(at, atName, "", "answer at this revision (its number or its ZedToken) instead of the newest")
}

// consistencyAt asks for a revision, "" meaning the newest.
func consistencyAt(at string) *v1.Consistency {
	if at == "" {
		return &v1.Consistency{Requirement: &v1.Consistency_FullyConsistent{FullyConsistent: true}}
	}
	return &v1.Consistency{Requirement: &v1.Consistency_AtExactSnapshot{AtExactSnapshot: &v1.ZedToken{Token: at}}}
}

// storedSchema is a schema as a server has it.
type storedSchema struct {
	text    string
	written string // the revision that wrote it; "" where the server does not tell
	readAt  string // the revision it was read at
}

// schemaText reads the schema at a revision, "" meaning the newest. A server
// that does not know pemba.v1 gives a normalised text, and only the newest.
func (c *client) schemaText(ctx context.Context, at string) (storedSchema, error) {
	r, err := c.texts.ReadSchemaText(ctx, &pembav1.ReadSchemaTextRequest{Consistency: consistencyAt(at)})
	if err == nil {
		return storedSchema{r.GetSchemaText(), r.GetWrittenAt().GetToken(), r.GetReadAt().GetToken()}, nil
	}
	if at != "" || status.Code(err) != codes.Unimplemented {
		return storedSchema{}, err
	}
	newest, err := c.schemas.ReadSchema(ctx, &v1.ReadSchemaRequest{})
	return storedSchema{text: newest.GetSchemaText(), readAt: newest.GetReadAt().GetToken()}, err
}

// schema reads and compiles the newest schema.
func (c *client) schema(ctx context.Context) (*schema.Schema, error) {
	stored, err := c.schemaText(ctx, "")
	if err != nil {
		return nil, err
	}
	return stored.compile()
}

// compile compiles what was stored. It has no imports.
func (s storedSchema) compile() (*schema.Schema, error) { return compileSchema("", s.text) }
