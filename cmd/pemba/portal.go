package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// portalClient asks the Customer Portal. The files portal_*.go have one group of its
// commands each.
type portalClient struct {
	*app
	session       portalv1.SessionServiceClient
	people        portalv1.PeopleServiceClient
	subscriptions portalv1.SubscriptionServiceClient
	workspaces    portalv1.WorkspaceServiceClient
	diagrams      portalv1.DiagramServiceClient
	groups        portalv1.GroupServiceClient
	audits        portalv1.AuditServiceClient
	settings      portalv1.SettingsServiceClient
	operators     portalv1.OperatorServiceClient
}

func newPortalClient(a *app, conn grpc.ClientConnInterface) *portalClient {
	return &portalClient{
		app:           a,
		session:       portalv1.NewSessionServiceClient(conn),
		people:        portalv1.NewPeopleServiceClient(conn),
		subscriptions: portalv1.NewSubscriptionServiceClient(conn),
		workspaces:    portalv1.NewWorkspaceServiceClient(conn),
		diagrams:      portalv1.NewDiagramServiceClient(conn),
		groups:        portalv1.NewGroupServiceClient(conn),
		audits:        portalv1.NewAuditServiceClient(conn),
		settings:      portalv1.NewSettingsServiceClient(conn),
		operators:     portalv1.NewOperatorServiceClient(conn),
	}
}

// withPortal runs f with a client of the portal of a server.
func (a *app) withPortal(ctx context.Context, f func(*portalClient) error) error {
	t, err := a.target()
	if err != nil {
		return err
	}
	if t.dir != "" {
		return usagef("%s asks a server that runs with --portal, not a directory: give --endpoint HOST:PORT", verb(a.running))
	}
	return a.withClient(ctx, func(cl *client) error { return f(newPortalClient(a, cl.conn)) })
}

// withToken is a context whose calls show a token of a session.
func withToken(ctx context.Context, token string) context.Context {
	if token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

// ask makes a command that asks the portal.
func (a *app) ask(use, short, long string, args cobra.PositionalArgs, run func(ctx context.Context, p *portalClient, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Args: args,
		RunE: func(c *cobra.Command, args []string) error {
			return a.withPortal(c.Context(), func(p *portalClient) error { return run(c.Context(), p, args) })
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
}

// messageJSON is a message as it is printed as data: fields as in the .proto.
func messageJSON(m proto.Message) (json.RawMessage, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("an answer of the server: %w", err)
	}
	var compact strings.Builder
	enc := json.NewEncoder(&compact)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(json.RawMessage(text)); err != nil { // protojson varies its white space
		return nil, err
	}
	return json.RawMessage(strings.TrimSpace(compact.String())), nil
}

// row is one line of an answer: its cells, and the message they are of.
type row struct {
	message proto.Message
	cells   []string
}

// item makes a row what printers take. Without a format it is its cells, in columns.
func (r row) item() (item, error) {
	value, err := messageJSON(r.message)
	return item{text: strings.TrimRight(strings.Join(r.cells, "  "), " "), cells: r.cells, value: value}, err
}

// rows prints a list. For people it is a table.
func (a *app) rows(columns []string, all []row) error {
	if a.format == "auto" {
		a.format = "table"
	}
	p := a.list(columns...)
	for _, r := range all {
		it, err := r.item()
		if err == nil {
			err = p.add(it)
		}
		if err != nil {
			return err
		}
	}
	return p.close()
}

// facts prints one thing: for people a line a fact, without those that are empty.
func (a *app) facts(m proto.Message, names []string, values ...string) error {
	var text []string
	width := 0
	for i, name := range names {
		if values[i] != "" {
			width = max(width, len(name))
		}
	}
	for i, name := range names {
		if values[i] != "" {
			text = append(text, fmt.Sprintf("%-*s  %s", width, name, values[i]))
		}
	}
	value, err := messageJSON(m)
	if err != nil {
		return err
	}
	return a.one(names, item{text: strings.Join(text, "\n"), cells: values, value: value})
}

// did prints that something was changed: the revision as data, a sentence for people.
func (a *app) did(w *portalv1.Written, format string, args ...any) error {
	value, err := messageJSON(w)
	if err != nil {
		return err
	}
	return a.one([]string{"token", "audit"}, item{
		text:  fmt.Sprintf(format, args...),
		cells: []string{w.GetWrittenAt().GetToken(), fmt.Sprint(w.GetAudit())},
		value: value,
	})
}

// paged are the flags of a list that comes in pages.
type paged struct {
	limit uint32
	all   bool
}

func (f *paged) declare(c *cobra.Command) {
	c.Flags().Uint32Var(&f.limit, "limit", 100, "how many to print at most")
	c.Flags().BoolVar(&f.all, "all", false, "print all")
}

// pageRows is how many rows are asked for at once.
const pageRows = 500

// pages collects the rows of a list, page by page, and says on stderr when there are
// more.
func (a *app) pages(f *paged, ask func(p *portalv1.Paging) ([]row, *portalv1.Page, error)) ([]row, error) {
	var out []row
	cursor := ""
	for {
		size := uint32(pageRows)
		if !f.all {
			size = min(size, f.limit-uint32(len(out)))
		}
		got, page, err := ask(&portalv1.Paging{Size: size, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		out = append(out, got...)
		cursor = page.GetNext()
		switch {
		case cursor == "":
			return out, nil
		case !f.all && uint32(len(out)) >= f.limit:
			of := ""
			if n := page.GetTotal(); n > 0 { // of some lists nobody has counted how long they are
				of = fmt.Sprintf(" of %d", n)
			}
			a.note("%d%s; --all prints the rest", len(out), of)
			return out, nil
		}
	}
}

// when prints a time, "" for none.
func when(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().UTC().Format(time.RFC3339)
}

// serviceWord is the word for a service: "modeler".
func serviceWord(s portalv1.Service) string {
	if s == portalv1.Service_SERVICE_UNSPECIFIED {
		return ""
	}
	return strings.ToLower(strings.TrimPrefix(s.String(), "SERVICE_"))
}

// serviceWords are the words for all services.
func serviceWords() []string {
	var words []string
	for number := range len(portalv1.Service_name) {
		if word := serviceWord(portalv1.Service(number)); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// parseService reads the word for a service; "" is none.
func parseService(word string) (portalv1.Service, error) {
	if word == "" {
		return portalv1.Service_SERVICE_UNSPECIFIED, nil
	}
	if number, ok := portalv1.Service_value["SERVICE_"+strings.ToUpper(word)]; ok && number != 0 {
		return portalv1.Service(number), nil
	}
	return 0, usagef("%q is no service; the services are %s", word, strings.Join(serviceWords(), ", "))
}

// personWords is a person in one cell.
func personWords(p *portalv1.Person) string {
	if p == nil {
		return ""
	}
	name := strings.TrimSpace(p.GetGivenName() + " " + p.GetSurname())
	if name == "" {
		return p.GetEmail()
	}
	return name + " <" + p.GetEmail() + ">"
}

// memberWords is a member in one cell.
func memberWords(m *portalv1.Member) string {
	switch {
	case m == nil:
		return ""
	case m.GetUser() != "":
		return m.GetName() + " <" + m.GetEmail() + ">"
	case m.GetGroup() != "":
		return "group " + m.GetName()
	}
	return "job title " + m.GetName()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// effects prints what an action would do, and whether it may be done.
func (a *app) effects(m proto.Message, all []*portalv1.Effect, allowed bool) error {
	var lines []string
	for _, e := range all {
		mark := "- "
		if e.GetBlocks() {
			mark = "! "
		}
		lines = append(lines, mark+e.GetSentence())
	}
	if len(all) == 0 {
		lines = []string{"nothing else changes"}
	}
	if !allowed {
		lines = append(lines, "refused: what is marked with ! stands against it")
	}
	value, err := messageJSON(m)
	if err != nil {
		return err
	}
	if err := a.one([]string{"allowed", "effects"}, item{
		text: strings.Join(lines, "\n"), cells: []string{yesNo(allowed), strings.Join(lines, "; ")}, value: value,
	}); err != nil || allowed {
		return err
	}
	return errNegative
}
