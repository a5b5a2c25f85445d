package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

func auditCommands(a *app) *cobra.Command {
	return group("audit", "Who did what, and who may do what, and why", "Reading the audit log is itself recorded.",
		auditListCommand(a), auditShowCommand(a), auditExportCommand(a), auditVerifyCommand(a), auditWhoCommand(a), auditWhyCommand(a))
}

var auditColumns = []string{"number", "time", "who", "action", "on", "result", "what"}

func auditRow(r *portalv1.AuditRecord) row {
	what := r.GetSentence()
	if r.GetReason() != "" {
		what = r.GetReason()
	}
	if r.GetRepeated() > 0 {
		what += fmt.Sprintf(" (%d times more)", r.GetRepeated())
	}
	return row{r, []string{fmt.Sprint(r.GetNumber()), when(r.GetTime()), personWords(r.GetActor()), r.GetAction(), r.GetTargetName(), r.GetResult(), what}}
}

func auditRows(all []*portalv1.AuditRecord) []row {
	var out []row
	for _, r := range all {
		out = append(out, auditRow(r))
	}
	return out
}

// auditFilter are the flags that select records.
type auditFilter struct{ actor, action, target, service, result, search, since, until string }

func (f *auditFilter) declare(c *cobra.Command) {
	c.Flags().StringVar(&f.actor, "actor", "", "only of a user")
	c.Flags().StringVar(&f.action, "action", "", "only actions whose name begins so, such as workspace.access")
	c.Flags().StringVar(&f.target, "target", "", "only about this, such as model:ID")
	c.Flags().StringVar(&f.service, "service", "", "only of a service")
	c.Flags().StringVar(&f.result, "result", "", "only allowed or refused")
	c.Flags().StringVar(&f.search, "search", "", "only with this text")
	c.Flags().StringVar(&f.since, "since", "", "only from this time on (RFC 3339), or so long ago (24h)")
	c.Flags().StringVar(&f.until, "until", "", "only before this time")
	complete(c, "service", serviceWords()...)
	complete(c, "result", "allowed", "refused")
}

func (f *auditFilter) request(ctx context.Context, p *portalClient) (*portalv1.ListAuditRecordsRequest, error) {
	r := &portalv1.ListAuditRecordsRequest{Action: f.action, Target: f.target, Result: f.result, Search: f.search}
	var err error
	if r.Service, err = parseService(f.service); err != nil {
		return nil, err
	}
	if r.Since, err = moment("since", f.since); err != nil {
		return nil, err
	}
	if r.Until, err = moment("until", f.until); err != nil {
		return nil, err
	}
	if f.actor != "" {
		r.Actor, err = p.user(ctx, f.actor)
	}
	return r, err
}

// moment reads a time, or how long ago it was.
func moment(flag, text string) (*timestamppb.Timestamp, error) {
	if text == "" {
		return nil, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return timestamppb.New(time.Now().Add(-ago)), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, usagef("--%s %q: it is a time such as 2026-11-29T10:00:00Z, or a duration such as 24h", flag, text)
	}
	return timestamppb.New(at), nil
}

func auditListCommand(a *app) *cobra.Command {
	var f paged
	var filter auditFilter
	c := a.ask("list", "List the audit log, the newest first", "", exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		r, err := filter.request(ctx, p)
		if err != nil {
			return err
		}
		excluding := ""
		all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
			r.Paging = page
			got, err := p.audits.ListAuditRecords(ctx, r)
			excluding = got.GetExcluding()
			return auditRows(got.GetRecords()), got.GetPage(), err
		})
		if err != nil {
			return err
		}
		if len(all) == 0 && excluding != "" {
			p.note("nothing fits; what excludes most is %s", excluding)
		}
		return p.rows(auditColumns, all)
	})
	f.declare(c)
	filter.declare(c)
	return c
}

func auditShowCommand(a *app) *cobra.Command {
	return a.ask("show NUMBER", "Show one record, with why it was allowed", "", exactly(1, "NUMBER"), func(ctx context.Context, p *portalClient, args []string) error {
		n, err := strconv.ParseUint(args[0], 10, 64)
		if err != nil {
			return usagef("%q is no number of a record", args[0])
		}
		got, err := p.audits.GetAuditRecord(ctx, &portalv1.GetAuditRecordRequest{Number: n})
		if err != nil {
			return err
		}
		r := got.GetRecord()
		return p.facts(r, []string{"number", "time", "who", "action", "on", "result", "what", "reason", "permission", "why", "before", "after", "from", "request", "hash", "previous"},
			fmt.Sprint(r.GetNumber()), when(r.GetTime()), personWords(r.GetActor()), r.GetAction(), r.GetTargetName(), r.GetResult(), r.GetSentence(), r.GetReason(),
			r.GetPermission(), sentences(r.GetWhy()), r.GetBefore(), r.GetAfter(), r.GetAddress(), r.GetRequestId(), r.GetHash(), r.GetPrevious())
	})
}

func auditExportCommand(a *app) *cobra.Command {
	var filter auditFilter
	var format string
	c := a.ask("export", "Write the audit log to stdout", "", exactly(0, ""), func(ctx context.Context, p *portalClient, _ []string) error {
		r, err := filter.request(ctx, p)
		if err != nil {
			return err
		}
		stream, err := p.audits.ExportAuditRecords(ctx, &portalv1.ExportAuditRecordsRequest{
			Actor: r.Actor, Action: r.Action, Target: r.Target, Service: r.Service, Result: r.Result, Since: r.Since, Until: r.Until, Search: r.Search, Format: format,
		})
		if err != nil {
			return err
		}
		return copyText(a.stdout, stream, (*portalv1.ExportAuditRecordsResponse).GetText)
	})
	filter.declare(c)
	c.Flags().StringVar(&format, "format", "ndjson", "csv or ndjson")
	complete(c, "format", "csv", "ndjson")
	return c
}

func auditVerifyCommand(a *app) *cobra.Command {
	return a.ask("verify", "Recompute the chain of hashes of the audit log", "The exit code is 3 when a record does not fit.", exactly(0, ""),
		func(ctx context.Context, p *portalClient, _ []string) error {
			r, err := p.audits.VerifyAudit(ctx, &portalv1.VerifyAuditRequest{})
			if err != nil {
				return err
			}
			fault := r.GetFault()
			if fault != "" {
				fault = fmt.Sprintf("record %d: %s", r.GetFaultAt(), fault)
			}
			err = p.facts(r, []string{"records", "first", "last", "head", "fault"},
				fmt.Sprint(r.GetRecords()), fmt.Sprint(r.GetFirst()), fmt.Sprint(r.GetLast()), r.GetHead(), fault)
			if err == nil && fault != "" {
				return errNegative
			}
			return err
		})
}

func auditWhoCommand(a *app) *cobra.Command {
	var f paged
	c := a.ask("who RESOURCE PERMISSION", "List who has a permission, and why", "A resource is TYPE:ID, such as model:ID.", exactly(2, "RESOURCE PERMISSION"),
		func(ctx context.Context, p *portalClient, args []string) error {
			all, err := p.pages(&f, func(page *portalv1.Paging) ([]row, *portalv1.Page, error) {
				r, err := p.audits.ListAccessTo(ctx, &portalv1.ListAccessToRequest{Resource: args[0], Permission: args[1], Paging: page, Why: true})
				var out []row
				for _, h := range r.GetHolders() {
					out = append(out, row{h, []string{personWords(h.GetPerson()), h.GetHow(), sentences(h.GetWhy())}})
				}
				return out, r.GetPage(), err
			})
			if err != nil {
				return err
			}
			return p.rows([]string{"who", "how", "why"}, all)
		})
	f.declare(c)
	return c
}

func auditWhyCommand(a *app) *cobra.Command {
	return a.ask("why RESOURCE PERMISSION USER", "Say whether a user has a permission, and why or why not", "The exit code is 3 when he has not.", exactly(3, "RESOURCE PERMISSION USER"),
		func(ctx context.Context, p *portalClient, args []string) error {
			id, err := p.user(ctx, args[2])
			if err != nil {
				return err
			}
			r, err := p.audits.Explain(ctx, &portalv1.ExplainRequest{Resource: args[0], Permission: args[1], UserId: id})
			if err != nil {
				return err
			}
			var grantors string
			for i, g := range r.GetGrantors() {
				if i > 0 {
					grantors += ", "
				}
				grantors += personWords(g)
			}
			err = p.facts(r, []string{"holds", "answer", "why", "would help", "ask"},
				yesNo(r.GetHolds()), r.GetSentence(), sentences(r.GetWhy()), sentences(r.GetRemedies()), grantors)
			if err == nil && !r.GetHolds() {
				return errNegative
			}
			return err
		})
}
