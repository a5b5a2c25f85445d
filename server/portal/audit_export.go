package portal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// auditColumns are those of an export as CSV.
var auditColumns = []string{
	"number", "time", "revision", "actor", "actor_name", "actor_email", "action", "target", "target_name", "service", "result",
	"sentence", "reason", "permission", "address", "agent", "request_id", "before", "after", "repeated", "hash", "previous",
}

// ExportAuditRecords streams the records that the filters select, the newest first.
func (s *auditService) ExportAuditRecords(r *portalv1.ExportAuditRecordsRequest, stream grpc.ServerStreamingServer[portalv1.ExportAuditRecordsResponse]) error {
	if r.Format != "csv" && r.Format != "ndjson" {
		return invalid("format", "%.40q is none; it is csv or ndjson", r.Format)
	}
	filter, err := newAuditFilter(&portalv1.ListAuditRecordsRequest{
		Actor: r.Actor, Action: r.Action, Target: r.Target, Service: r.Service, Result: r.Result, Since: r.Since, Until: r.Until, Search: r.Search,
	})
	if err != nil {
		return err
	}
	ctx := stream.Context()
	p := &parts{send: func(text string) error { return stream.Send(&portalv1.ExportAuditRecordsResponse{Text: text}) }}
	e := &auditExport{auditService: s, format: r.Format, filter: filter}
	for first := true; first || !e.done; first = false {
		lines, err := e.page(ctx, first)
		if err != nil {
			return err
		}
		if first && r.Format == "csv" {
			lines = append([]string{byteOrderMark + csvLine(slices.Clone(auditColumns)...)}, lines...)
		}
		for _, line := range lines {
			if err := p.line(line); err != nil {
				return err
			}
		}
	}
	return p.flush()
}

// Bounds of what an export reads at once. Between two pages it holds no state: a
// client that reads slowly keeps nothing from being forgotten.
const (
	exportLines   = 100
	exportRecords = 10_000 // that are looked at
)

// auditExport is an export on its way through the log, the newest first. Records are
// only added before where it is.
type auditExport struct {
	*auditService
	format string
	filter *auditFilter
	before uint64 // where it goes on; 0: with the newest
	done   bool
}

// page returns the next lines. Whoever may not read the log any more gets none.
func (x *auditExport) page(ctx context.Context, first bool) (lines []string, err error) {
	v, err := x.newest(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if err := x.openAudit(ctx, v, "audit.export", "exported the audit log", first); err != nil {
		return nil, err
	}
	if first {
		if x.before, err = x.filter.before(v); err != nil {
			return nil, err
		}
	}
	x.done = true // unless there is more than one page
	seen := 0
	var fault error
	err = v.auditEntries(ctx, x.before, func(e *auditEntry) bool {
		if x.done = e.Time.Before(x.filter.since); x.done {
			return false
		}
		if len(lines) == exportLines || seen == exportRecords {
			return false
		}
		seen, x.before = seen+1, e.Number
		if x.filter.fits(e) {
			var line string
			line, fault = exportedRecord(x.format, v.auditMessage(e), &e.doc)
			lines = append(lines, line)
		}
		x.done = true // when it was the last
		return fault == nil
	})
	return lines, errors.Join(err, fault)
}

// exportedRecord is a record as a line of an export.
func exportedRecord(format string, r *portalv1.AuditRecord, d *entryDoc) (string, error) {
	if format == "csv" {
		return csvLine(
			strconv.FormatUint(r.Number, 10), r.Time.AsTime().Format("2006-01-02T15:04:05.000Z"), strconv.FormatUint(r.Revision, 10),
			d.Actor, d.ActorName, d.ActorEmail, r.Action, r.Target, r.TargetName, d.Service, r.Result, r.Sentence, r.Reason, r.Permission,
			r.Address, r.Agent, r.RequestId, r.Before, r.After, strconv.Itoa(d.Repeated), r.Hash, r.Previous,
		), nil
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("audit record %d: %w", r.Number, err)
	}
	return string(text) + "\n", nil
}

// VerifyAudit recomputes the chain of hashes from what is stored.
func (s *auditService) VerifyAudit(ctx context.Context, _ *portalv1.VerifyAuditRequest) (*portalv1.VerifyAuditResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if err := s.openAudit(ctx, v, "audit.verify", "verified the audit log", true); err != nil {
		return nil, err
	}
	chain := auditChain(v.caller.Company)
	state, ok, err := v.snap.Chain(chain)
	if err != nil || !ok {
		return &portalv1.VerifyAuditResponse{}, err
	}
	resp := &portalv1.VerifyAuditResponse{First: state.First}
	number, previous := state.First, state.FloorHash
	for doc, err := range v.snap.Documents(ctx, chain+"/", auditKey(chain, state.First-1)) {
		if err != nil {
			return nil, err
		}
		link, err := store.ParseLink(doc.Value)
		switch {
		case err != nil:
			resp.Fault = err.Error()
		case doc.Key != auditKey(chain, link.Number):
			resp.Fault = fmt.Sprintf("it says that it is record %d", link.Number)
		case link.Number != number:
			resp.Fault = fmt.Sprintf("record %d is missing", number)
		case link.Previous != previous:
			resp.Fault = "its previous hash is not that of the record before"
		}
		if resp.Fault != "" {
			resp.FaultAt = number
			return resp, nil
		}
		resp.Records, resp.Last, resp.Head = resp.Records+1, link.Number, link.Hash().String()
		number, previous = number+1, link.Hash()
	}
	if previous != state.LastHash {
		resp.Fault, resp.FaultAt = "the newest record is missing", number
	}
	return resp, nil
}

// retainBatch is how many records one transaction removes at most; the store has a
// bound of the same size.
const retainBatch = 10_000

// retain removes the records of a company's audit log that are older than its policy
// says. The hash of the last one that is removed is kept, so that the rest still
// verifies.
func (p *Portal) retain(ctx context.Context, company string) error {
	ctx = WithCaller(ctx, &Caller{Company: company})
	for {
		v, err := p.readAt(ctx, replica.Consistency{Mode: replica.FullyConsistent})
		if err != nil {
			return err
		}
		through, err := v.expired(ctx)
		v.close()
		if err != nil || through == 0 {
			return err
		}
		if _, err := p.replica.Propose(ctx, replica.Proposal{Tx: store.Transaction{
			Forget: []store.ForgetRecords{{Chain: auditChain(company), Through: through}}, Actor: "portal",
		}}); err != nil {
			return err
		}
	}
}

// expired returns the number of the newest of the oldest records, at most
// retainBatch, that are too old; 0: none is. The newest of all is kept whatever its
// age: the store needs it to go on.
func (v *view) expired(ctx context.Context) (uint64, error) {
	days, _, err := v.auditDays()
	if err != nil || days == 0 {
		return 0, err
	}
	chain := auditChain(v.caller.Company)
	state, ok, err := v.snap.Chain(chain)
	if err != nil || !ok {
		return 0, err
	}
	limit := v.engine.Now.AddDate(0, 0, -int(days))
	var through uint64
	for doc, err := range v.snap.Documents(ctx, chain+"/", auditKey(chain, state.First-1)) {
		if err != nil {
			return 0, err
		}
		link, err := store.ParseLink(doc.Value)
		if err != nil {
			return 0, err
		}
		if !link.Time.Before(limit) || link.Number == state.Next-1 || link.Number >= state.First+retainBatch {
			break
		}
		through = link.Number
	}
	return through, nil
}
