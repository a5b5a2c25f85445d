package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// directory holds, in memory, what lists of people and workspaces are searched and
// sorted by, exactly as it is at one revision. It follows the log: before a list is
// read, what changed since is read again, and nothing else. It decides nothing: who
// may see a row and do what with it is asked of the engine at the same revision.
type directory struct {
	mu         sync.RWMutex
	revision   store.Revision                   // 0: nothing was read yet
	people     map[string]map[string]*personRow // by company and user
	workspaces map[string]map[string]*workspaceRow
	companies  map[string]string // name by id
}

// personRow is a user as lists show him. Rows are replaced, never changed.
type personRow struct {
	id          string
	doc         userDoc
	version     store.Revision
	seen        seenDoc
	search      string // lower case: what a search looks through
	byName      string // lower case: what lists are sorted by
	deactivated bool
	admin       bool
	roles       map[string]string // by subscription: "owner", "viewer", "user"; direct ones
}

// person is the row as other lists show it.
func (r *personRow) person() *portalv1.Person {
	return &portalv1.Person{Id: r.id, Email: r.doc.Email, GivenName: r.doc.GivenName, Surname: r.doc.Surname, Active: !r.deactivated}
}

// workspaceRow is a workspace as lists show it. Rows are replaced, never changed.
type workspaceRow struct {
	id      string
	doc     workspaceDoc
	version store.Revision
	name    string   // lower case, to sort by
	search  string   // lower case: what a search looks through
	owners  []string // users
}

// listing is a directory that stands still, and the state of its revision. It must
// be closed.
type listing struct {
	*view
	directory *directory
}

func (l *listing) close() {
	l.directory.mu.RUnlock()
	l.view.close()
}

// list returns the directory and the state of one and the same revision, as fresh
// as read gives it.
func (p *Portal) list(ctx context.Context) (*listing, error) {
	v, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	d := &p.directory
	for {
		d.mu.RLock()
		if d.revision == v.snap.Revision() {
			return &listing{v, d}, nil
		}
		ahead := d.revision > v.snap.Revision()
		d.mu.RUnlock()
		if ahead { // somebody else brought it further: go on from there
			v.close()
			if v, err = p.readAt(ctx, replica.Consistency{Mode: replica.MinimizeLatency}); err != nil {
				return nil, err
			}
		}
		if err := d.follow(ctx, v); err != nil {
			v.close()
			return nil, err
		}
	}
}

// follow brings the directory to the revision of a view, if it is behind.
func (d *directory) follow(ctx context.Context, v *view) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.revision >= v.snap.Revision() {
		return nil
	}
	changed, err := d.changed(ctx, v)
	if _, expired := errors.AsType[*store.ExpiredRevisionError](err); expired || d.revision == 0 {
		return d.load(ctx, v)
	}
	if err != nil {
		return err
	}
	for key := range changed.people {
		if err := d.readPerson(v, key.company, key.id); err != nil {
			return err
		}
	}
	for key := range changed.workspaces {
		if err := d.readWorkspace(v, key.company, key.id); err != nil {
			return err
		}
	}
	for id := range changed.companies {
		if err := d.readCompany(v, id); err != nil {
			return err
		}
	}
	d.revision = v.snap.Revision()
	return nil
}

type rowKey struct{ company, id string }

// changes are the rows that may be different now.
type changes struct {
	people, workspaces map[rowKey]bool
	companies          map[string]bool
}

// changed collects what changed between the directory's revision and the view's.
func (d *directory) changed(ctx context.Context, v *view) (*changes, error) {
	c := &changes{map[rowKey]bool{}, map[rowKey]bool{}, map[string]bool{}}
	if d.revision == 0 {
		return c, nil
	}
	for record, err := range v.snap.Changes(ctx, d.revision) {
		if err != nil {
			return nil, err
		}
		for _, doc := range record.Documents {
			c.document(doc.Key)
		}
		for i := range record.Changes {
			if err := c.relationship(v, &record.Changes[i].Relationship); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// document notes the row of a document.
func (c *changes) document(key string) {
	company, kind, id := splitKey(key)
	switch kind {
	case "company":
		c.companies[company] = true
	case "user", "seen":
		c.people[rowKey{company, id}] = true
	case "workspace":
		c.workspaces[rowKey{company, id}] = true
	}
}

// splitKey returns the parts of the key of a document of a company: its id, what
// the document is and the id of that. The first is empty for other documents.
func splitKey(key string) (company, kind, id string) {
	rest, ok := strings.CutPrefix(key, DocumentPrefix+"c/")
	if !ok {
		return "", "", ""
	}
	company, rest, _ = strings.Cut(rest, "/")
	kind, id, _ = strings.Cut(rest, "/")
	return company, kind, id
}

// relationship notes the row of the user of a relationship that rows show.
func (c *changes) relationship(v *view, r *engine.Relationship) error {
	if r.Subject.Type != "user" || r.Subject.Relation != "" {
		return nil
	}
	switch r.Resource.Type {
	case "company":
		c.people[rowKey{r.Resource.ID, r.Subject.ID}] = true
	case "subscription":
		of, err := v.single(r.Resource, "company", "company")
		if err != nil {
			return err
		}
		c.people[rowKey{of, r.Subject.ID}] = true
	case "model", "project":
		if r.Relation != "owner" {
			return nil
		}
		sub, err := v.single(r.Resource, "subscription", "subscription")
		if err != nil {
			return err
		}
		of, err := v.single(subscription(sub), "company", "company")
		if err != nil {
			return err
		}
		c.workspaces[rowKey{of, r.Resource.ID}] = true
	}
	return nil
}

// load reads everything.
func (d *directory) load(ctx context.Context, v *view) error {
	d.people, d.workspaces, d.companies = map[string]map[string]*personRow{}, map[string]map[string]*workspaceRow{}, map[string]string{}
	for doc, err := range v.snap.Documents(ctx, DocumentPrefix+"c/", "") {
		if err != nil {
			return err
		}
		company, kind, id := splitKey(doc.Key)
		switch kind {
		case "company":
			err = d.setCompany(company, doc)
		case "user":
			err = d.setPerson(company, id, doc)
		case "seen":
			if row := d.people[company][id]; row != nil { // "seen" comes before "user"
				err = decode(doc, &row.seen)
			} else {
				row = &personRow{id: id}
				err = decode(doc, &row.seen)
				d.put(company, row)
			}
		case "workspace":
			err = d.setWorkspace(company, id, doc)
		}
		if err != nil {
			return err
		}
	}
	if err := d.loadRoles(ctx, v); err != nil {
		return err
	}
	if err := d.loadOwners(ctx, v); err != nil {
		return err
	}
	d.revision = v.snap.Revision()
	return nil
}

// loadRoles reads what relationships say of the people.
func (d *directory) loadRoles(ctx context.Context, v *view) error {
	for id := range d.people {
		for _, relation := range []string{"deactivated", "administrator"} {
			for u, err := range v.subjects(company(id), relation, "user", "") {
				if err != nil {
					return err
				}
				if row := d.people[id][u]; row != nil {
					row.deactivated = row.deactivated || relation == "deactivated"
					row.admin = row.admin || relation == "administrator"
				}
			}
		}
		for sub, err := range v.resources(subject(company(id), ""), "subscription", "company") {
			if err != nil {
				return err
			}
			for _, relation := range []string{"participant", "viewer", "owner"} {
				for u, err := range v.subjects(subscription(sub), relation, "user", "") {
					if err != nil {
						return err
					}
					if row := d.people[id][u]; row != nil {
						row.setRole(sub, relation)
					}
				}
			}
		}
	}
	return ctx.Err()
}

// loadOwners reads whose the workspaces are.
func (d *directory) loadOwners(ctx context.Context, v *view) error {
	rows := map[engine.Object]*workspaceRow{}
	for _, of := range d.workspaces {
		for id, row := range of {
			rows[engine.Object{Type: row.doc.Kind, ID: id}] = row
		}
	}
	for kind := range workspaceRoles {
		for r, err := range v.snap.Relationships(ctx, store.Filter{ResourceType: kind, Relation: roleOwner}, nil) {
			if err != nil {
				return err
			}
			if row := rows[r.Resource]; row != nil {
				row.owners = append(row.owners, r.Subject.ID)
			}
		}
	}
	return nil
}

// setRole notes a role; the later of participant, viewer, owner counts.
func (r *personRow) setRole(sub, relation string) {
	if r.roles == nil {
		r.roles = map[string]string{}
	}
	if relation == "participant" {
		relation = roleUser
	}
	r.roles[sub] = relation
}

func (d *directory) setCompany(id string, doc store.Document) error {
	var c companyDoc
	err := decode(doc, &c)
	d.companies[id] = c.Name
	return err
}

func (d *directory) setPerson(company, id string, doc store.Document) error {
	row := &personRow{id: id, version: doc.Version}
	if old := d.people[company][id]; old != nil {
		row.seen = old.seen
	}
	if err := decode(doc, &row.doc); err != nil {
		return err
	}
	u := &row.doc
	row.byName = strings.ToLower(u.name())
	row.search = strings.ToLower(u.GivenName + " " + u.Surname + "\n" + u.Email + "\n" + u.JobTitle)
	d.put(company, row)
	return nil
}

func (d *directory) put(company string, row *personRow) {
	if d.people[company] == nil {
		d.people[company] = map[string]*personRow{}
	}
	d.people[company][row.id] = row
}

func (d *directory) setWorkspace(company, id string, doc store.Document) error {
	row := &workspaceRow{id: id, version: doc.Version}
	if err := decode(doc, &row.doc); err != nil {
		return err
	}
	row.name = strings.ToLower(row.doc.Name)
	row.search = row.name + "\n" + strings.ToLower(row.doc.Description)
	if d.workspaces[company] == nil {
		d.workspaces[company] = map[string]*workspaceRow{}
	}
	d.workspaces[company][id] = row
	return nil
}

// readPerson reads one row again.
func (d *directory) readPerson(v *view, of, id string) error {
	doc, ok, err := v.snap.Document(userKey(of, id))
	if err != nil {
		return err
	}
	delete(d.people[of], id)
	if !ok {
		return nil
	}
	if err := d.setPerson(of, id, doc); err != nil {
		return err
	}
	row := d.people[of][id]
	if _, err := v.document(seenKey(of, id), &row.seen); err != nil {
		return err
	}
	s := subject(user(id), "")
	if row.deactivated, err = v.has(company(of), "deactivated", s); err != nil {
		return err
	}
	if row.admin, err = v.has(company(of), "administrator", s); err != nil {
		return err
	}
	for _, relation := range []string{"participant", "viewer", "owner"} {
		for sub, err := range v.resources(s, "subscription", relation) {
			if err != nil {
				return err
			}
			row.setRole(sub, relation)
		}
	}
	return nil
}

func (d *directory) readWorkspace(v *view, of, id string) error {
	doc, ok, err := v.snap.Document(workspaceKey(of, id))
	if err != nil {
		return err
	}
	delete(d.workspaces[of], id)
	if !ok {
		return nil
	}
	if err := d.setWorkspace(of, id, doc); err != nil {
		return err
	}
	row := d.workspaces[of][id]
	row.owners, err = v.holders(engine.Object{Type: row.doc.Kind, ID: id}, roleOwner)
	return err
}

func (d *directory) readCompany(v *view, id string) error {
	doc, ok, err := v.snap.Document(companyKey(id))
	if err != nil || !ok {
		return err
	}
	return d.setCompany(id, doc)
}

// decode reads the value of a document.
func decode(doc store.Document, value any) error {
	if err := json.Unmarshal(doc.Value, value); err != nil {
		return fmt.Errorf("document %q: %w", doc.Key, err)
	}
	return nil
}
