package portal

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/server/store"
)

// everyRevision holds the invariants of the portal to each revision after one.
func everyRevision(t testing.TB, p *Portal, after store.Revision) {
	t.Helper()
	for rev := after + 1; rev <= p.replica.Head(); rev++ {
		if faults := faultsAt(t, p, rev); len(faults) > 0 {
			t.Fatalf("revision %d:\n%s", rev, strings.Join(faults, "\n"))
		}
	}
}

// faultsAt says what breaks a rule at a revision.
func faultsAt(t testing.TB, p *Portal, rev store.Revision) []string {
	t.Helper()
	snap, err := p.replica.SnapshotAt(rev)
	done(t, err)
	defer snap.Close()
	v := &view{portal: p, snap: snap, caller: &Caller{}}
	return v.broken(t)
}

// broken says what in a state breaks a rule. It reads relationships and documents
// alone, and none of the code that plans changes.
func (v *view) broken(t testing.TB) []string {
	t.Helper()
	w := &world{view: v, t: t, emails: map[string]string{}}
	for doc, err := range v.snap.Documents(t.Context(), emailKey(""), "") {
		done(t, err)
		if address, ok := strings.CutPrefix(doc.Key, DocumentPrefix+"email/"); ok {
			var d emailDoc
			done(t, decode(doc, &d))
			w.emails[address] = d.Company + "/" + d.User
		}
	}
	for doc, err := range v.snap.Documents(t.Context(), DocumentPrefix+"c/", "") {
		done(t, err)
		company, kind, id := splitKey(doc.Key)
		w.document(doc, company, kind, id)
	}
	for address, who := range w.emails {
		w.fault("the address %s belongs to %s, who has another", address, who)
	}
	return w.faults
}

type world struct {
	*view
	t      testing.TB
	emails map[string]string // by address, whose; those that were not seen at their user
	faults []string
}

func (w *world) fault(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

func (w *world) document(doc store.Document, of, kind, id string) {
	switch kind {
	case "company":
		w.keepsActive(of, company(of).String(), "administrator")
	case "user":
		var d userDoc
		done(w.t, decode(doc, &d))
		address := strings.ToLower(d.Email)
		if w.emails[address] != of+"/"+id {
			w.fault("the user %s has the address %s, which is %s's", id, address, w.emails[address])
		}
		delete(w.emails, address)
		w.titled(of, id, d.JobTitle)
	case "title":
		var d titleDoc
		done(w.t, decode(doc, &d))
		holders, err := w.holders(jobTitle(id), "holder")
		done(w.t, err)
		if int(d.Holders) != len(holders) {
			w.fault("the title %s says that it has %d holders, and has %d", d.Name, d.Holders, len(holders))
		}
		w.named(of, d.Name, groupNameDoc{Title: id})
	case "group":
		var d groupDoc
		done(w.t, decode(doc, &d))
		w.named(of, d.Name, groupNameDoc{Group: id})
		if w.inside(id)["group:"+id] {
			w.fault("the group %s is in itself", d.Name)
		}
	case "subscription":
		w.keepsActive(of, subscription(id).String(), "owner")
		w.seated(doc, of, id)
	case "workspace":
		w.workspace(doc, of, id)
	case "diagram":
		w.diagram(doc, of, id)
	}
}

// keepsActive demands an active holder of a role (rule 12).
func (w *world) keepsActive(of, on, relation string) {
	kind, id, _ := strings.Cut(on, ":")
	object := company(id)
	object.Type = kind
	holders, err := w.holders(object, relation)
	done(w.t, err)
	if !slices.ContainsFunc(holders, func(id string) bool {
		off, err := w.has(company(of), "deactivated", subject(user(id), ""))
		done(w.t, err)
		return !off
	}) {
		w.fault("%s has no active %s among %v", on, relation, holders)
	}
}

// titled demands that a user holds the title that his document has, and no other.
func (w *world) titled(of, id, title string) {
	var has []string
	for t, err := range w.resources(subject(user(id), ""), "job_title", "holder") {
		done(w.t, err)
		var d titleDoc
		_, err := w.view.document(titleKey(of, t), &d)
		done(w.t, err)
		has = append(has, d.Name)
	}
	if title == "" && len(has) > 0 || title != "" && !slices.Equal(has, []string{title}) {
		w.fault("the user %s is called %q, and holds %q", id, title, has)
	}
}

// named demands that a name is taken by what has it (rule 10).
func (w *world) named(of, name string, want groupNameDoc) {
	var d groupNameDoc
	_, err := w.view.document(groupNameKey(of, name), &d)
	done(w.t, err)
	if d != want {
		w.fault("the name %s is taken by %+v, and not by %+v", name, d, want)
	}
}

// inside returns everything that is in a group, as "user:anna" and "group:writers".
func (w *world) inside(id string) map[string]bool {
	in := map[string]bool{}
	var walk func(id string)
	walk = func(id string) {
		for _, kind := range groupKinds {
			for m, err := range w.subjects(group(id), "direct_member", kind.Type, kind.Relation) {
				done(w.t, err)
				name := kind.Type + ":" + m
				if in[name] {
					continue
				}
				in[name] = true
				switch kind.Type {
				case "group":
					walk(m)
				case "job_title":
					holders, err := w.holders(jobTitle(m), "holder")
					done(w.t, err)
					for _, h := range holders {
						in["user:"+h] = true
					}
				}
			}
		}
	}
	walk(id)
	return in
}

// seated demands that as many licences are used as users are included, and no more
// than there are (rule 19).
func (w *world) seated(doc store.Document, of, id string) {
	var d subscriptionDoc
	done(w.t, decode(doc, &d))
	var seats seatsDoc
	_, err := w.view.document(seatsKey(of, id), &seats)
	done(w.t, err)
	in := map[string]bool{}
	direct, err := w.holders(subscription(id), "participant")
	done(w.t, err)
	for _, u := range direct {
		in[u] = true
	}
	for g, err := range w.subjects(subscription(id), "participant", "group", "member") {
		done(w.t, err)
		for name := range w.inside(g) {
			if u, ok := strings.CutPrefix(name, "user:"); ok {
				in[u] = true
			}
		}
	}
	if int(seats.Used) != len(in) || int(seats.Direct) != len(direct) || seats.Used > d.Licences {
		w.fault("%s counts %+v of %d licences, and %d users are included, %d themselves", id, seats, d.Licences, len(in), len(direct))
	}
}
