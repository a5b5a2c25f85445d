package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func userImportCommand(a *app) *cobra.Command {
	var r portalv1.ImportUsersRequest
	var columns []string
	c := a.ask("import FILE", "Create and change users by a CSV file", `Reads CSV with a head line; - is stdin. The columns are email, given_name, surname,
job_title, manager_email and active; others are mapped with --map. Each row counts by
itself; rows that fail are printed, and the exit code is 3 then.`, exactly(1, "FILE"),
		func(ctx context.Context, p *portalClient, args []string) error {
			text, err := a.readFile(args[0])
			if err != nil {
				return err
			}
			r.Csv, r.Columns = string(text), map[string]string{}
			for _, pair := range columns {
				from, to, ok := strings.Cut(pair, "=")
				if !ok {
					return usagef("--map %q: it looks like NAME=email", pair)
				}
				r.Columns[from] = to
			}
			report, err := p.people.ImportUsers(ctx, &r)
			if err != nil {
				return err
			}
			return p.printImport(report, r.DryRun)
		})
	c.Flags().BoolVar(&r.DryRun, "dry-run", false, "only judge the rows")
	c.Flags().BoolVar(&r.Update, "update", false, "change users who exist; without it their rows fail")
	c.Flags().BoolVar(&r.Invite, "invite", false, "send activation links to users who are created")
	c.Flags().StringArrayVar(&columns, "map", nil, "a column of the file and what it holds, such as Mail=email; may be repeated")
	return c
}

// readFile reads a file, or stdin for "-".
func (a *app) readFile(name string) ([]byte, error) {
	if name == stdinName {
		return io.ReadAll(a.stdin)
	}
	return os.ReadFile(name)
}

func (p *portalClient) printImport(report *portalv1.ImportUsersResponse, dry bool) error {
	var all []row
	for _, r := range report.GetRows() {
		result := strings.ToLower(strings.TrimPrefix(r.GetResult().String(), "RESULT_"))
		all = append(all, row{r, []string{fmt.Sprint(r.GetLine()), result, r.GetEmail(), strings.Join(r.GetChanges(), " "), r.GetError()}})
	}
	if err := p.rows([]string{"line", "result", "e-mail", "changes", "error"}, all); err != nil {
		return err
	}
	would := ""
	if dry {
		would = "would be "
	}
	p.note("%s%d created, %d changed, %d unchanged, %d failed", would, report.GetCreated(), report.GetChanged(), report.GetUnchanged(), report.GetFailed())
	if report.GetFailed() > 0 {
		return errNegative
	}
	return nil
}

func userExportCommand(a *app) *cobra.Command {
	var filter userFilter
	c := a.ask("export", "Write users to stdout as CSV", "Safe to open in a spreadsheet.", exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		state, service, err := filter.parse()
		if err != nil {
			return err
		}
		stream, err := p.people.ExportUsers(ctx, &portalv1.ExportUsersRequest{Search: filter.search, State: state, Service: service, Role: filter.role})
		if err != nil {
			return err
		}
		return copyText(a.stdout, stream, (*portalv1.ExportUsersResponse).GetCsv)
	})
	filter.declare(c)
	return c
}

// copyText writes the parts of a file as they come.
func copyText[M any](to io.Writer, stream grpc.ServerStreamingClient[M], text func(*M) string) error {
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := io.WriteString(to, text(part)); err != nil {
			return err
		}
	}
}
