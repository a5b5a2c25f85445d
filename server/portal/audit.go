package portal

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// auditService is pemba.portal.v1.AuditService. This file reads the log,
// audit_filter.go selects, audit_export.go writes it out and verifies it; access.go
// says who has access to what and why.
type auditService struct {
	portalv1.UnimplementedAuditServiceServer
	*Portal
}

// auditEntry is a record of an audit log.
type auditEntry struct {
	store.Link
	doc entryDoc
}

// auditScan is how many records one answer looks at, at most: a page that is not
// full by then says where to go on.
const auditScan = 50_000

// auditEntries yields the records of the caller's company before a number (0: all),
// the newest first.
func (v *view) auditEntries(ctx context.Context, before uint64, visit func(*auditEntry) (more bool)) error {
	chain := auditChain(v.caller.Company)
	state, ok, err := v.snap.Chain(chain)
	if err != nil || !ok || before > 0 && before <= state.First {
		return err
	}
	key := ""
	if before > 0 {
		key = auditKey(chain, before)
	}
	for doc, err := range v.snap.DocumentsBackward(ctx, chain+"/", key) {
		if err != nil {
			return err
		}
		e, err := readEntry(doc)
		if err != nil {
			return err
		}
		if !visit(e) || e.Number == state.First { // what lies before was removed
			return nil
		}
	}
	return nil
}

func auditKey(chain string, number uint64) string { return fmt.Sprintf("%s/%016x", chain, number) }

func readEntry(doc store.Document) (*auditEntry, error) {
	link, err := store.ParseLink(doc.Value)
	if err != nil {
		return nil, fmt.Errorf("audit record %q: %w", doc.Key, err)
	}
	e := &auditEntry{Link: link}
	return e, decode(store.Document{Key: doc.Key, Value: link.Record}, &e.doc)
}

// auditPage returns a page of the records that fit, the newest first, from before a
// number on where it has no cursor (0: from the newest). None that is older than
// since fits.
func (v *view) auditPage(ctx context.Context, p *portalv1.Paging, before uint64, since time.Time, fits func(*auditEntry) bool) ([]*portalv1.AuditRecord, *portalv1.Page, error) {
	size, err := pageSize(p)
	if err != nil {
		return nil, nil, err
	}
	_, id, err := readCursor(p)
	if err != nil {
		return nil, nil, err
	}
	goesOn := id != ""
	if goesOn {
		if before, err = strconv.ParseUint(id, 10, 64); err != nil {
			return nil, nil, invalid("paging.cursor", "it is none that this list returned")
		}
	}
	var out []*portalv1.AuditRecord
	var next string
	seen, last := 0, uint64(0)
	err = v.auditEntries(ctx, before, func(e *auditEntry) bool {
		past := e.Time.Before(since)
		switch {
		case past && (len(out) > 0 || goesOn || seen == auditScan):
			return false // older ones are only looked at to say which filter excludes most
		case len(out) == size || seen == auditScan:
			next = cursorAfter("", strconv.FormatUint(last, 10))
			return false
		}
		seen, last = seen+1, e.Number
		if fits(e) {
			out = append(out, v.auditMessage(e))
		}
		return true
	})
	page := v.page(next, 0)
	if !goesOn && next == "" {
		page.Total = uint64(len(out))
	}
	return out, page, err
}

// auditMessage is a record as it is answered.
func (v *view) auditMessage(e *auditEntry) *portalv1.AuditRecord {
	d := &e.doc
	given, surname, _ := strings.Cut(d.ActorName, " ")
	return &portalv1.AuditRecord{
		Number: e.Number, Time: timestamppb.New(e.Time), Revision: uint64(e.Revision),
		ZedToken: &v1.ZedToken{Token: v.portal.replica.Token(e.Revision)},
		Actor:    &portalv1.Person{Id: d.Actor, Email: d.ActorEmail, GivenName: given, Surname: surname},
		Action:   d.Action, Target: d.Target, TargetName: d.TargetName, Service: serviceNumber(d.Service), Result: d.Result,
		Sentence: d.Sentence, Address: d.Address, Agent: d.Agent, RequestId: d.RequestID, Before: string(d.Before), After: string(d.After),
		Why: d.Why, Reason: d.Reason, Repeated: uint32(d.Repeated), Permission: d.Permission,
		Hash: e.Hash().String(), Previous: e.Previous.String(),
	}
}

// ListAuditRecords returns the records that the filters select. That the log was
// opened is itself recorded; going on to the next page is not opening it again.
func (s *auditService) ListAuditRecords(ctx context.Context, r *portalv1.ListAuditRecordsRequest) (*portalv1.ListAuditRecordsResponse, error) {
	filter, err := newAuditFilter(r)
	if err != nil {
		return nil, err
	}
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if err := s.openAudit(ctx, v, "audit.open", "opened the audit log", r.GetPaging().GetCursor() == ""); err != nil {
		return nil, err
	}
	before, err := filter.before(v)
	if err != nil {
		return nil, err
	}
	resp := &portalv1.ListAuditRecordsResponse{}
	if resp.Records, resp.Page, err = v.auditPage(ctx, r.Paging, before, filter.since, filter.fits); err != nil {
		return nil, err
	}
	if len(resp.Records) == 0 && resp.Page.Next == "" {
		resp.Excluding = filter.excludingMost()
	}
	policies, _, err := v.auditDays()
	if err != nil {
		return nil, err
	}
	resp.RetentionDays = policies
	return resp, v.oldest(resp)
}

// auditDays is how long the audit log of the caller's company is kept; 0: for ever.
func (v *view) auditDays() (uint32, store.Revision, error) {
	var d struct {
		AuditDays uint32 `json:"audit_days"`
	}
	version, err := v.document(policiesKey(v.caller.Company), &d)
	return d.AuditDays, version, err
}

// oldest says since when there are records.
func (v *view) oldest(resp *portalv1.ListAuditRecordsResponse) error {
	chain := auditChain(v.caller.Company)
	state, ok, err := v.snap.Chain(chain)
	if err != nil || !ok {
		return err
	}
	doc, ok, err := v.snap.Document(auditKey(chain, state.First))
	if err != nil || !ok {
		return err
	}
	e, err := readEntry(doc)
	if err == nil {
		resp.RetainedSince = timestamppb.New(e.Time)
	}
	return err
}

// openAudit refuses whoever may not read the audit log, and notes that it was opened.
func (s *auditService) openAudit(ctx context.Context, v *view, name, sentence string, note bool) error {
	a := &action{name: name, on: v.company(), permission: "read_audit", sentence: sentence}
	if err := v.need(ctx, a.on, a.permission); err != nil {
		s.refused(ctx, a, err)
		return err
	}
	if note {
		e := v.entry(name, a.on.String(), "the audit log")
		e.Sentence, e.Result, e.Permission = sentence, resultAllowed, a.on.String()+"#"+a.permission
		s.notes.add(v.caller.Company, e)
	}
	return nil
}

// GetAuditRecord returns one record.
func (s *auditService) GetAuditRecord(ctx context.Context, r *portalv1.GetAuditRecordRequest) (*portalv1.GetAuditRecordResponse, error) {
	v, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	if err := s.openAudit(ctx, v, "audit.open", "opened a record of the audit log", false); err != nil {
		return nil, err
	}
	doc, ok, err := v.snap.Document(auditKey(auditChain(v.caller.Company), r.Number))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, notFound("audit record", strconv.FormatUint(r.Number, 10))
	}
	e, err := readEntry(doc)
	if err != nil {
		return nil, err
	}
	return &portalv1.GetAuditRecordResponse{Record: v.auditMessage(e)}, nil
}
