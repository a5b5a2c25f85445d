package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// Reserved is what only the Customer Portal writes, which proposes past the
// services of this package: whoever calls them may read it, rely on it in
// preconditions and guards, and count it.
type Reserved struct {
	Schema    string   // whose definitions and caveats are reserved
	Documents []string // what the keys of reserved documents begin with

	// RawWrites lets everybody write relationships and documents all the same. The
	// definitions stay as they are.
	RawWrites bool
}

// reserved is a Reserved that was understood.
type reserved struct {
	*Reserved
	schema *schema.Schema
}

// newReserved compiles the schema; nil for nil.
func newReserved(r *Reserved) (*reserved, error) {
	if r == nil {
		return nil, nil
	}
	s, err := schema.Compile(r.Schema, schema.Options{Caveats: caveat.New()})
	if err != nil {
		return nil, fmt.Errorf("the reserved definitions: %w", err)
	}
	return &reserved{r, s}, nil
}

// reservedError refuses to write what is reserved.
type reservedError struct {
	what string // `relationships of "user"`
	meta map[string]string
}

func (e *reservedError) Error() string {
	return e.what + " are written by the Customer Portal alone: change them there, or serve with --portal-raw-writes"
}

// reservedReason is the reason of refusals for what is reserved, which the shared
// API has no word for.
const reservedReason portalReason = "RESERVED"

func reservedType(name string) error {
	return &reservedError{fmt.Sprintf("relationships of %q", name), map[string]string{"definition_name": name}}
}

// reservedSchemaError refuses a schema that changes what is reserved.
type reservedSchemaError struct {
	names   []string // of definitions and caveats, sorted
	changes []string
}

func (e *reservedSchemaError) Error() string {
	return fmt.Sprintf("the schema changes %s, which belong to the Customer Portal; leave them as `pemba schema read` prints them, and add others:\n\t%s",
		strings.Join(e.names, ", "), strings.Join(e.changes, "\n\t"))
}

// reservedTries is how often a schema is compared with the stored one, each time but
// the first because that was replaced before the new one was applied.
const reservedTries = 5

var errSchemaChanges = &replica.UnavailableError{Msg: "others keep replacing the schema; repeat the request"}

// checkReserved refuses a transaction that writes what is reserved. It is asked
// where a request arrives, before anything goes to another member.
func (s *Server) checkReserved(ctx context.Context, tx *store.Transaction) error {
	if s.reserved == nil {
		return nil
	}
	if tx.Schema != nil {
		if err := s.checkReservedSchema(ctx, tx); err != nil {
			return err
		}
	}
	if s.reserved.RawWrites {
		return nil
	}
	for i := range tx.Updates {
		if err := s.reserved.check(&tx.Updates[i].Relationship); err != nil {
			return fmt.Errorf("update %d: %w", i, err)
		}
	}
	for i, u := range tx.Documents {
		if err := s.reserved.checkKey(u.Key); err != nil {
			return fmt.Errorf("document update %d: %w", i, err)
		}
	}
	for i, r := range tx.Records {
		if err := s.reserved.checkKey(r.Chain + "/"); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
	}
	return s.checkReservedDeletes(ctx, tx.Deletes)
}

// check refuses a relationship of a reserved type.
func (r *reserved) check(rel *engine.Relationship) error {
	if r != nil && !r.RawWrites && r.schema.Type(rel.Resource.Type) != nil {
		return reservedType(rel.Resource.Type)
	}
	return nil
}

// checkKey refuses the key of a reserved document.
func (r *reserved) checkKey(key string) error {
	for _, prefix := range r.Documents {
		if strings.HasPrefix(key, prefix) {
			return &reservedError{fmt.Sprintf("documents under %q", prefix), map[string]string{"document_prefix": prefix}}
		}
	}
	return nil
}

// checkReservedDeletes refuses filters that select relationships of reserved
// types, or would if there were any.
func (s *Server) checkReservedDeletes(ctx context.Context, deletes []store.FilterDelete) error {
	for i := range deletes {
		f := &deletes[i].Filter
		if s.reserved.schema.Type(f.ResourceType) != nil {
			return reservedType(f.ResourceType)
		}
		if f.ResourceType != "" {
			continue
		}
		stored, _, err := s.storedSchema(ctx)
		if err != nil {
			return err
		}
		if reached := s.reserved.reached(stored, f); reached != "" {
			return fmt.Errorf("the filter names no resource type and reaches %q: %w", reached, reservedType(reached))
		}
	}
	return nil
}

// reached returns a reserved type of which a filter without a resource type can
// select relationships, "" for none.
func (r *reserved) reached(stored *schema.Schema, f *store.Filter) string {
	for _, t := range stored.Types() {
		if r.schema.Type(t.Name) != nil && slices.ContainsFunc(t.Members, func(m *schema.Relation) bool { return selects(f, m) }) {
			return t.Name
		}
	}
	return ""
}

// selects reports whether a filter can select relationships of a relation.
func selects(f *store.Filter, m *schema.Relation) bool {
	if m.IsPermission() || f.Relation != "" && f.Relation != m.Name {
		return false
	}
	return f.Subject == nil || f.Subject.Type == "" || slices.ContainsFunc(m.Allowed, func(a *schema.Allowed) bool { return a.Type.Name == f.Subject.Type })
}

// storedSchema returns the newest schema, one of nothing when there is none, and the
// revision at which it was seen.
func (s *Server) storedSchema(ctx context.Context) (*schema.Schema, store.Revision, error) {
	snap, err := s.replica.Snapshot(ctx, replica.Consistency{Mode: replica.FullyConsistent})
	if err != nil {
		return nil, 0, err
	}
	defer snap.Close()
	stored, err := snap.Schema()
	if errors.Is(err, store.ErrNoSchema) {
		return &schema.Schema{}, snap.Revision(), nil
	}
	return stored, snap.Revision(), err
}

// checkReservedSchema refuses a schema in which a reserved definition or caveat
// is missing or means something else than in the stored one. Of what is not
// stored yet, it must mean what the portal will write. Comments, layout and order
// do not count. What does not compile is refused later, with its places.
//
// The transaction is made to depend on the stored schema's being still that one: the
// portal may write a newer one before it is applied.
func (s *Server) checkReservedSchema(ctx context.Context, tx *store.Transaction) error {
	next, err := schema.Compile(*tx.Schema, schema.Options{Caveats: caveat.New()})
	if err != nil {
		return nil
	}
	stored, seen, err := s.storedSchema(ctx)
	if err != nil {
		return err
	}
	if tx.SchemaSeen == nil {
		tx.SchemaSeen = &seen
	}
	refusal := &reservedSchemaError{}
	note := func(c schema.Change) {
		if name := s.reserved.named(c); name != "" {
			refusal.changes = append(refusal.changes, c.String())
			if !slices.Contains(refusal.names, name) {
				refusal.names = append(refusal.names, name)
			}
		}
	}
	for _, c := range schema.Diff(stored, next) {
		if c.Kind != schema.DefinitionAdded && c.Kind != schema.CaveatAdded {
			note(c)
		}
	}
	for _, c := range schema.Diff(s.reserved.schema, next) {
		if c.Kind == schema.DefinitionRemoved || c.Kind == schema.CaveatRemoved {
			continue
		}
		if c.Type != nil && stored.Type(c.Type.Name) == nil || c.Caveat != nil && stored.Caveat(c.Caveat.Name) == nil {
			note(c)
		}
	}
	if len(refusal.changes) == 0 {
		return nil
	}
	slices.Sort(refusal.names)
	return refusal
}

// named returns the reserved definition or caveat whose meaning a change
// concerns, "" for none.
func (r *reserved) named(c schema.Change) string {
	switch {
	case c.Comment():
		return ""
	case c.Type != nil && r.schema.Type(c.Type.Name) != nil:
		return fmt.Sprintf("definition %q", c.Type.Name)
	case c.Caveat != nil && r.schema.Caveat(c.Caveat.Name) != nil:
		return fmt.Sprintf("caveat %q", c.Caveat.Name)
	}
	return ""
}
