package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/pemba-authz/pemba/engine"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/backup"
)

// historyPage is how many are asked for at once.
const historyPage = 1_000

// schemaVersionJSON is a schema that was written, as data.
type schemaVersionJSON struct {
	Revision uint64 `json:"revision"`
	Token    string `json:"token"`
	Time     string `json:"time,omitempty"` // missing: it is not known any more
	Actor    string `json:"actor,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Bytes    uint64 `json:"bytes"`
}

func schemaHistoryCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "history",
		Short: "List the schemas that were written, the newest first",
		Long: `Lists every schema, with who wrote it, when and why as far as the history is retained.
pemba schema read --at REVISION prints one that is.`,
		Args: exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withClient(c.Context(), func(cl *client) error {
				out := a.list("revision", "time", "actor", "reason", "bytes")
				return errors.Join(a.printSchemas(c.Context(), cl, out), out.close())
			})
		},
	}
}

func (a *app) printSchemas(ctx context.Context, cl *client, out *printer) error {
	req := &consolev1.ListSchemasRequest{Consistency: consistencyAt(""), OptionalLimit: historyPage}
	for {
		page, err := cl.tools.ListSchemas(ctx, req)
		if err != nil {
			return err
		}
		for _, s := range page.GetSchemas() {
			d := schemaVersionJSON{Revision: s.GetRevision(), Token: s.GetWrittenAt().GetToken(), Actor: s.GetActor(), Reason: s.GetReason(), Bytes: s.GetBytes()}
			if s.GetRecorded() {
				d.Time = s.GetTime().AsTime().Format(time.RFC3339)
			}
			revision := strconv.FormatUint(d.Revision, 10)
			text := words(revision, d.Time, d.Actor, d.Reason)
			if err := out.add(item{text: text, cells: []string{revision, d.Time, d.Actor, d.Reason, strconv.FormatUint(d.Bytes, 10)}, value: d}); err != nil {
				return err
			}
		}
		if req.OptionalCursor = page.GetAfterResultCursor(); req.OptionalCursor == nil {
			return nil
		}
	}
}

// words joins what is not empty.
func words(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "  ")
}

// eventJSON is what a revision did to a relationship, as data.
type eventJSON struct {
	Revision     uint64              `json:"revision"`
	Operation    string              `json:"operation"` // created, replaced, deleted or expired
	Relationship backup.Relationship `json:"relationship"`
	Time         string              `json:"time,omitempty"` // missing: it is not known any more
	Actor        string              `json:"actor,omitempty"`
	Metadata     any                 `json:"metadata,omitempty"`
}

func relationshipHistoryCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "history RESOURCE [RELATION [SUBJECT]]",
		Short: "List what happened to relationships, the newest first",
		Long: `Lists which revisions wrote and deleted the relationships of a resource, or some of
them, when and by whom, as far back as the history is retained.`,
		Example: "  pemba relationship history document:plan\n  pemba relationship history document:plan viewer user:ana",
		Args:    between(1, 3, "RESOURCE [RELATION [SUBJECT]]"),
		RunE: func(c *cobra.Command, args []string) error {
			req, err := historyRequest(args)
			if err != nil {
				return usagef("%w", err)
			}
			return a.withClient(c.Context(), func(cl *client) error {
				out := a.list("revision", "operation", "relationship", "time", "actor")
				since, err := a.printHistory(c.Context(), cl, req, out)
				err = errors.Join(err, out.close())
				if err == nil && since != "" {
					a.note("the history is whole since %s", since)
				}
				return err
			})
		},
	}
}

func historyRequest(args []string) (*consolev1.ReadHistoryRequest, error) {
	resource, err := engine.ParseObject(args[0])
	if err != nil {
		return nil, err
	}
	req := &consolev1.ReadHistoryRequest{
		Consistency: consistencyAt(""), OptionalLimit: historyPage,
		Resource: &v1.ObjectReference{ObjectType: resource.Type, ObjectId: resource.ID},
	}
	if len(args) > 1 {
		req.OptionalRelation = args[1]
	}
	if len(args) > 2 {
		s, err := engine.ParseSubject(args[2])
		if err != nil {
			return nil, err
		}
		req.OptionalSubject = &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: s.Type, ObjectId: s.ID}, OptionalRelation: s.Relation}
	}
	return req, nil
}

// printHistory returns since when the history is whole.
func (a *app) printHistory(ctx context.Context, cl *client, req *consolev1.ReadHistoryRequest, out *printer) (since string, err error) {
	for {
		page, err := cl.histories.ReadHistory(ctx, req)
		if err != nil {
			return "", err
		}
		for _, e := range page.GetEvents() {
			if err := out.add(eventItem(e)); err != nil {
				return "", err
			}
		}
		if at := page.GetRetainedSince(); at != nil {
			since = at.AsTime().Format(time.RFC3339)
		}
		if req.OptionalCursor = page.GetAfterResultCursor(); req.OptionalCursor == nil {
			return since, nil
		}
	}
}

func eventItem(e *consolev1.HistoryEvent) item {
	r := relationshipFrom(e.GetRelationship())
	d := eventJSON{
		Revision: e.GetRevision(), Operation: strings.ToLower(strings.TrimPrefix(e.GetOperation().String(), "OPERATION_")),
		Relationship: backup.RelationshipData(r), Actor: e.GetActor(),
	}
	if e.GetRecorded() {
		d.Time = e.GetTime().AsTime().Format(time.RFC3339)
	}
	if m := e.GetMetadata(); m != nil {
		d.Metadata = m.AsMap()
	}
	revision := strconv.FormatUint(d.Revision, 10)
	return item{
		text:  fmt.Sprintf("%s  %-8s  %s", revision, d.Operation, words(r.String(), d.Time, d.Actor)),
		cells: []string{revision, d.Operation, r.String(), d.Time, d.Actor}, value: d,
	}
}

// writeSchemaFor replaces the schema that is live now for a reason. When another
// one comes in between, the write is refused.
func (c *client) writeSchemaFor(ctx context.Context, text, reason string) (*v1.ZedToken, error) {
	req := &consolev1.WriteSchemaRequest{SchemaText: text, Reason: reason}
	switch stored, err := c.schemaText(ctx, ""); {
	case err == nil:
		req.Seen = &v1.ZedToken{Token: stored.written}
	case !isCode(err, codes.NotFound):
		return nil, err
	}
	r, err := c.tools.WriteSchema(ctx, req)
	return r.GetWrittenAt(), err
}
