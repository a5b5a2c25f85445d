package main

import (
	"context"
	"errors"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"

	"github.com/pemba-authz/pemba/server/backup"
)

// watchFlags are what a watch may be given.
type watchFlags struct {
	types, filters []string
	from           string
}

func watchCommand(a *app) *cobra.Command {
	var f watchFlags
	c := &cobra.Command{
		Use:   "watch",
		Short: "Print changes as they are made",
		Long: `Prints every change of relationships from now on, or after the revision of --from, and
that the schema was replaced. When the server goes away it connects again and goes on
without a gap or a repeat, until Ctrl-C. With -o jsonl it is one JSON object a line.`,
		Example: "  pemba watch --type document\n  pemba watch --filter 'document#viewer' --from REVISION -o jsonl",
		Args:    exactly(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if a.format != "auto" && a.format != "jsonl" {
				return usagef("watch -o %s: a watch has no end, it is printed as text or as jsonl", a.format)
			}
			request, err := f.request()
			if err != nil {
				return err
			}
			return a.withClient(c.Context(), func(cl *client) error {
				return a.watch(c.Context(), cl, request)
			})
		},
	}
	c.Flags().StringArrayVar(&f.types, "type", nil, "only relationships of resources of this type (repeatable)")
	c.Flags().StringArrayVar(&f.filters, "filter", nil, "only relationships that match, as document:plan#owner@user; parts may be left out (repeatable)")
	c.Flags().StringVar(&f.from, "from", "", "begin after this revision instead of now")
	c.MarkFlagsMutuallyExclusive("type", "filter")
	return c
}

func (f *watchFlags) request() (*v1.WatchRequest, error) {
	request := &v1.WatchRequest{
		OptionalObjectTypes: f.types,
		OptionalUpdateKinds: []v1.WatchKind{
			v1.WatchKind_WATCH_KIND_INCLUDE_RELATIONSHIP_UPDATES,
			v1.WatchKind_WATCH_KIND_INCLUDE_SCHEMA_UPDATES,
			v1.WatchKind_WATCH_KIND_INCLUDE_CHECKPOINTS,
		},
	}
	for _, name := range f.types {
		if err := checkNames(name, "", false); err != nil || name == "" {
			return nil, usagef("--type %q is not a type name", name)
		}
	}
	for _, text := range f.filters {
		parsed, err := parseFilter(text)
		if err != nil {
			return nil, err
		}
		request.OptionalRelationshipFilters = append(request.OptionalRelationshipFilters, parsed.RelationshipFilter)
	}
	if f.from != "" {
		request.OptionalStartCursor = &v1.ZedToken{Token: f.from}
	}
	return request, nil
}

// How long a watch waits before it connects again: longer each time in vain.
const (
	firstPause = 100 * time.Millisecond
	mostPause  = 5 * time.Second
)

// watch follows the changes until ctx ends. It goes on after a connection was
// lost, once one was made.
func (a *app) watch(ctx context.Context, cl *client, request *v1.WatchRequest) error {
	if request.OptionalStartCursor == nil { // a place to go on from, whatever comes
		stored, err := cl.schemaText(ctx, "")
		if err != nil {
			return err
		}
		request.OptionalStartCursor = &v1.ZedToken{Token: stored.readAt}
	}
	w := &watcher{app: a, out: a.list(), request: request}
	pause := firstPause
	for {
		before := w.received
		err := w.follow(ctx, cl)
		switch {
		case ctx.Err() != nil:
			return w.out.close()
		case w.received == 0 || !lost(err):
			return errors.Join(w.out.close(), err)
		case w.received > before:
			pause = firstPause
			a.note("pemba: %s; connecting again", message(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, mostPause)
	}
}

// lost reports whether a watch that ended so may go on: the server is gone, or
// cut off a reader that was too slow.
func lost(err error) bool {
	return isCode(err, codes.Unavailable) || isCode(err, codes.ResourceExhausted) ||
		isCode(err, codes.Canceled) || isCode(err, codes.DeadlineExceeded)
}

// watcher is one watch over all of its connections.
type watcher struct {
	app     *app
	out     *printer
	request *v1.WatchRequest // its cursor is the last checkpoint

	received int // responses
	printed  int // events since the checkpoint
	skip     int // events after the checkpoint that an earlier connection printed
}

// follow prints what one connection brings.
func (w *watcher) follow(ctx context.Context, cl *client) error {
	w.skip, w.printed = w.printed, 0
	stream, err := cl.watches.Watch(ctx, w.request)
	if err != nil {
		return err
	}
	for {
		r, err := stream.Recv()
		if err != nil {
			w.printed = max(w.printed, w.skip)
			return err
		}
		w.received++
		if err := w.show(r); err != nil {
			return err
		}
	}
}

// show prints the events of one response. Only a checkpoint is a place to go on
// from: the changes of a revision may come in several responses.
func (w *watcher) show(r *v1.WatchResponse) error {
	at := r.GetChangesThrough().GetToken()
	for _, u := range r.GetUpdates() {
		if err := w.event(updateEvent(at, u)); err != nil {
			return err
		}
	}
	if r.GetSchemaUpdated() {
		if err := w.event(watchJSON{Revision: at, Operation: "schema"}); err != nil {
			return err
		}
	}
	if r.GetIsCheckpoint() {
		w.request.OptionalStartCursor = r.GetChangesThrough()
		w.printed, w.skip = 0, 0
	}
	return w.out.out.Flush()
}

// event prints one event, unless an earlier connection did.
func (w *watcher) event(e watchJSON) error {
	if w.printed++; w.printed <= w.skip {
		return nil
	}
	return w.out.add(e.item(w.app.palette()))
}

// watchJSON is an event as data.
type watchJSON struct {
	Revision     string               `json:"revision"`
	Operation    string               `json:"operation"` // touch, delete or schema
	Relationship *backup.Relationship `json:"relationship,omitempty"`
	text         string               // of the relationship
}

func updateEvent(at string, u *v1.RelationshipUpdate) watchJSON {
	r := relationshipFrom(u.GetRelationship())
	data := backup.RelationshipData(r)
	e := watchJSON{Revision: at, Operation: "touch", Relationship: &data, text: r.String()}
	if u.GetOperation() == v1.RelationshipUpdate_OPERATION_DELETE {
		e.Operation = "delete"
	}
	return e
}

func (e watchJSON) item(color palette) item {
	paint := map[string]func(string) string{"touch": color.good, "delete": color.bad, "schema": color.maybe}[e.Operation]
	text := color.dim(e.Revision) + " " + paint(e.Operation)
	if e.text != "" {
		text += " " + e.text
	}
	return item{text: text, value: e}
}
