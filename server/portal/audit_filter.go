package portal

import (
	"strings"
	"time"

	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// auditFilter selects records. It counts what each of its parts excludes.
type auditFilter struct {
	parts    []auditPart
	excluded []int
	since    time.Time // zero: any
	until    time.Time // zero: any
}

type auditPart struct {
	name string
	fits func(*auditEntry) bool
}

func newAuditFilter(r *portalv1.ListAuditRecordsRequest) (*auditFilter, error) {
	f := &auditFilter{}
	add := func(given bool, name string, fits func(*auditEntry) bool) {
		if given {
			f.parts = append(f.parts, auditPart{name, fits})
		}
	}
	service, search := serviceID(r.Service), strings.ToLower(strings.TrimSpace(r.Search))
	if r.Result != "" && r.Result != resultAllowed && r.Result != resultRefused {
		return nil, invalid("result", "%.40q is none; it is allowed, refused or empty", r.Result)
	}
	if r.Service != portalv1.Service_SERVICE_UNSPECIFIED && service == "" {
		return nil, invalid("service", "%d is none of the five services", r.Service)
	}
	if len(r.Search) > maxSearch {
		return nil, invalid("search", "it has %d bytes; at most %d are looked for", len(r.Search), maxSearch)
	}
	var since, until time.Time
	if r.Since != nil {
		since = r.Since.AsTime()
	}
	if r.Until != nil {
		until = r.Until.AsTime()
	}
	if r.Since != nil && r.Until != nil && !since.Before(until) {
		return nil, invalid("until", "it is not after since: nothing lies between them")
	}
	add(r.Since != nil, "since", func(e *auditEntry) bool { return !e.Time.Before(since) })
	add(r.Until != nil, "until", func(e *auditEntry) bool { return e.Time.Before(until) })
	add(r.Actor != "", "actor", func(e *auditEntry) bool { return e.doc.Actor == r.Actor })
	add(r.Action != "", "action", func(e *auditEntry) bool { return strings.HasPrefix(e.doc.Action, r.Action) })
	add(r.Target != "", "target", func(e *auditEntry) bool { return strings.HasPrefix(e.doc.Target, r.Target) })
	add(service != "", "service", func(e *auditEntry) bool { return e.doc.Service == service })
	add(r.Result != "", "result", func(e *auditEntry) bool { return e.doc.Result == r.Result })
	add(search != "", "search", func(e *auditEntry) bool {
		d := &e.doc
		return strings.Contains(strings.ToLower(strings.Join([]string{d.ActorName, d.ActorEmail, d.TargetName, d.Sentence, d.Reason, d.Action}, "\n")), search)
	})
	f.since, f.until, f.excluded = since, until, make([]int, len(f.parts))
	return f, nil
}

// fits reports whether all parts select a record.
func (f *auditFilter) fits(e *auditEntry) bool {
	ok := true
	for i, p := range f.parts {
		if !p.fits(e) {
			f.excluded[i]++
			ok = false
		}
	}
	return ok
}

// excludingMost names the part that excluded most, "" when nothing was.
func (f *auditFilter) excludingMost() string {
	most, name := 0, ""
	for i, n := range f.excluded {
		if n > most {
			most, name = n, f.parts[i].name
		}
	}
	return name
}

// skip counts records that were not looked at: a part excludes all of them.
func (f *auditFilter) skip(name string, count uint64) {
	for i, p := range f.parts {
		if p.name == name {
			f.excluded[i] += int(count)
		}
	}
}
