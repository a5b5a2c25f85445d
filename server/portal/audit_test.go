package portal

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// days writes a record on each of some days, of which the policy of the company keeps
// thirty.
func days(t *testing.T, count int) (*firm, *clock) {
	t.Helper()
	f, c := noted(t)
	for i := range count {
		_, err := f.act(as(t, "acme", f.ada), func(v *view, a *action) error {
			a.name, a.on, a.permission, a.sentence = fmt.Sprintf("day.%d", i), v.company(), "manage_security_policies", "did something"
			a.document(put(policiesKey("acme"), map[string]any{"audit_days": 30}))
			return nil
		})
		done(t, err)
		c.move(24 * time.Hour)
	}
	return f, c
}

// verified returns what is wrong with the firm's audit log.
func (f *firm) verified() *portalv1.VerifyAuditResponse {
	f.t.Helper()
	resp, err := (&auditService{Portal: f.Portal}).VerifyAudit(as(f.t, f.id, f.ada), &portalv1.VerifyAuditRequest{})
	done(f.t, err)
	if resp.Fault != "" {
		f.t.Errorf("record %d: %s", resp.FaultAt, resp.Fault)
	}
	return resp
}

// TestAuditRetention_RemovesAPrefix removes what is older than the policy says, day by
// day, and never the newest record.
func TestAuditRetention_RemovesAPrefix(t *testing.T) {
	f, c := days(t, 40)
	before := f.verified()
	done(t, f.retain(t.Context(), "acme"))
	after := f.verified()
	if after.First != 12 || after.Last != 41 || after.Head != before.Head { // the record of day 10 is the twelfth
		t.Errorf("thirty days are kept: %v, and before %v", after, before)
	}
	c.move(400 * 24 * time.Hour)
	done(t, f.retain(t.Context(), "acme"))
	after = f.verified()
	if after.Records != 1 || after.Last != before.Last || after.Head != before.Head {
		t.Errorf("the newest alone is kept: %v, and before %v", after, before)
	}
	done(t, f.retain(t.Context(), "acme")) // nothing more is removed
	list, err := (&auditService{Portal: f.Portal}).ListAuditRecords(as(t, "acme", f.ada), &portalv1.ListAuditRecordsRequest{})
	done(t, err)
	if len(list.Records) != 1 || list.RetentionDays != 30 || list.Page.Next != "" {
		t.Errorf("%v", list)
	}
}

// TestAuditList walks a log of 40 records in pages and by filters.
func TestAuditList(t *testing.T) {
	f, c := days(t, 40)
	s := &auditService{Portal: f.Portal}
	ask := func(r *portalv1.ListAuditRecordsRequest) *portalv1.ListAuditRecordsResponse {
		resp, err := s.ListAuditRecords(as(t, "acme", f.ada), r)
		done(t, err)
		return resp
	}
	var walked []uint64
	r := &portalv1.ListAuditRecordsRequest{Paging: &portalv1.Paging{Size: 7}}
	for {
		resp := ask(r)
		for _, record := range resp.Records {
			walked = append(walked, record.Number)
		}
		if r.Paging.Cursor = resp.Page.Next; r.Paging.Cursor == "" {
			break
		}
	}
	for i, number := range walked {
		if len(walked) != 41 || number != uint64(41-i) {
			t.Fatalf("%v", walked)
		}
	}
	future := timestamppb.New(c.now().Add(time.Hour))
	for _, q := range []struct {
		what  string
		r     *portalv1.ListAuditRecordsRequest
		count int
		hint  string
	}{
		{"by action", &portalv1.ListAuditRecordsRequest{Action: "day.3"}, 11, ""},
		{"by actor", &portalv1.ListAuditRecordsRequest{Actor: f.ada}, 40, ""},
		{"by nobody", &portalv1.ListAuditRecordsRequest{Actor: "nobody", Action: "day."}, 0, "actor"},
		{"since the last week", &portalv1.ListAuditRecordsRequest{Since: timestamppb.New(c.now().AddDate(0, 0, -7))}, 7, ""},
		{"until the first week", &portalv1.ListAuditRecordsRequest{Until: timestamppb.New(c.now().AddDate(0, 0, -33))}, 8, ""},
		{"since the future", &portalv1.ListAuditRecordsRequest{Since: future}, 0, "since"},
		{"until the future", &portalv1.ListAuditRecordsRequest{Until: future}, 41, ""},
	} {
		resp := ask(q.r)
		if len(resp.Records) != q.count || resp.Excluding != q.hint || resp.Page.Next != "" {
			t.Errorf("%s: %d records, %q excludes most", q.what, len(resp.Records), resp.Excluding)
		}
	}
	for field, bad := range map[string]*portalv1.ListAuditRecordsRequest{
		"result": {Result: "perhaps"}, "service": {Service: 9}, "search": {Search: strings.Repeat("x", maxSearch+1)}, "until": {Since: future, Until: future},
	} {
		_, err := s.ListAuditRecords(as(t, "acme", f.ada), bad)
		if r := denied(t, field, err, Invalid, ""); r.Field != field {
			t.Errorf("%s: the field is %s", field, r.Field)
		}
	}
	f.notes.flush(t.Context())
	if got := len(f.log("audit.open")); got != 8 {
		t.Errorf("%d openings of the log are recorded", got)
	}
}

// auditStream takes what is exported.
type auditStream struct {
	exportStream
}

func (s *auditStream) Send(r *portalv1.ExportAuditRecordsResponse) error {
	return s.exportStream.Send(&portalv1.ExportUsersResponse{Csv: r.Text})
}

// TestAuditExport_IsSafeInASpreadsheet exports what users chose to be called.
func TestAuditExport_IsSafeInASpreadsheet(t *testing.T) {
	f := found(t)
	_, err := f.create("evil@acme.example", "=HYPERLINK(1)")
	done(t, err)
	stream := &auditStream{exportStream{ctx: as(t, "acme", f.ada)}}
	done(t, (&auditService{Portal: f.Portal}).ExportAuditRecords(&portalv1.ExportAuditRecordsRequest{Format: "csv"}, stream))
	if got := stream.text.String(); !strings.Contains(got, ",'=HYPERLINK(1),") || strings.Contains(got, ",=") {
		t.Errorf("%s", got)
	}
}

// TestAuditList_UntilIsFoundDirectly lists the oldest records of a log, without looking
// at those that are newer.
func TestAuditList_UntilIsFoundDirectly(t *testing.T) {
	f, c := days(t, 40)
	v := f.state()
	for back, want := range map[int]int{0: 41, 1: 40, 20: 21, 39: 2, 40: 0, 60: 0} {
		filter, err := newAuditFilter(&portalv1.ListAuditRecordsRequest{Until: timestamppb.New(c.now().AddDate(0, 0, -back))})
		done(t, err)
		before, err := filter.before(v)
		done(t, err)
		looked := 0
		got, page, err := v.auditPage(t.Context(), nil, before, filter.since, func(e *auditEntry) bool {
			looked++
			return filter.fits(e)
		})
		done(t, err)
		if len(got) != want {
			t.Errorf("%d days back there are %d records, want %d", back, len(got), want)
		}
		if looked != len(got) || page.Total != uint64(len(got)) {
			t.Errorf("%d days back %d records are looked at, of which %d fit, and %d are said to", back, looked, len(got), page.Total)
		}
	}
}

// TestAuditExport_HoldsNothing exports more than a page while others write and take
// the right to read from whoever exports: it has what was there when it began, and
// ends with the right.
func TestAuditExport_HoldsNothing(t *testing.T) {
	f, _ := noted(t)
	bea := f.hire("Bea", "")
	done(t, f.include(bea))
	write := func(n int) {
		for i := range n {
			_, err := f.act(as(t, "acme", f.ada), func(v *view, a *action) error {
				a.name, a.on, a.permission, a.sentence = fmt.Sprintf("day.%d", i), v.company(), "manage_security_policies", strings.Repeat("x", 2_000)
				return nil
			})
			done(t, err)
		}
	}
	write(3*exportLines - 5)
	export := func(send func(lines int)) (int, error) {
		stream := &slowStream{auditStream: auditStream{exportStream{ctx: as(t, "acme", bea)}}, each: send}
		err := (&auditService{Portal: f.Portal}).ExportAuditRecords(&portalv1.ExportAuditRecordsRequest{Format: "ndjson", Action: "day."}, stream)
		return strings.Count(stream.text.String(), "\n"), err
	}
	got, err := export(func(int) { write(1) })
	if err != nil || got != 3*exportLines-5 {
		t.Errorf("%d records while others write (%v)", got, err)
	}
	sent := 0
	got, err = export(func(lines int) {
		if sent++; sent == 1 {
			done(t, f.remove(bea))
		}
	})
	if r := denied(t, "after the right is gone", err, NotAllowed, ""); r.Permission != "read_audit" || got >= 2*exportLines {
		t.Errorf("%d records, and then %+v", got, r)
	}
}

// slowStream does something before each message.
type slowStream struct {
	auditStream
	each func(lines int)
}

func (s *slowStream) Send(r *portalv1.ExportAuditRecordsResponse) error {
	s.each(strings.Count(r.Text, "\n"))
	return s.auditStream.Send(r)
}
