package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

const (
	maxReason      = 1_000 // bytes
	reasonKey      = "reason"
	defaultSchemas = 100 // in one list, when no limit is given
)

// WriteSchema replaces the schema that the writer has seen.
func (t *schemaTools) WriteSchema(ctx context.Context, r *consolev1.WriteSchemaRequest) (*consolev1.WriteSchemaResponse, error) {
	switch n := len(r.Reason); {
	case n == 0:
		return nil, invalid("reason is missing: say why the schema is replaced, for those who look later")
	case n > maxReason:
		return nil, invalid("reason has %d bytes; at most %d are allowed", n, maxReason)
	}
	seen := store.Revision(0)
	if r.Seen != nil {
		if r.Seen.Token == "" {
			return nil, invalid("seen has an empty token: give the written_at of the schema that is replaced, or leave seen out when there is none")
		}
		var err error
		if seen, err = t.replica.ParseToken(r.Seen.Token); err != nil {
			return nil, err
		}
	}
	tx := store.Transaction{Schema: &r.SchemaText, SchemaSeen: &seen, Metadata: map[string]any{reasonKey: r.Reason}}
	result, err := t.proposeOnce(ctx, tx, r.IdempotencyKey)
	if conflict, ok := errors.AsType[*store.SchemaVersionError](err); ok {
		return nil, t.schemaConflict(conflict)
	}
	if err != nil {
		return nil, err
	}
	return &consolev1.WriteSchemaResponse{WrittenAt: fromToken(result.Token)}, nil
}

// schemaConflictError says who has replaced a schema meanwhile.
type schemaConflictError struct {
	err     *store.SchemaVersionError
	version *consolev1.SchemaVersion
}

func (e *schemaConflictError) Error() string {
	text := e.err.Error()
	if v := e.version; v.GetRecorded() {
		who := v.Actor
		if who == "" {
			who = "a caller without a name"
		}
		text += fmt.Sprintf(": %s wrote it at %s", who, v.Time.AsTime().Format("2006-01-02 15:04:05 UTC"))
		if v.Reason != "" {
			text += fmt.Sprintf(" (%s)", v.Reason)
		}
	}
	return text
}

func (e *schemaConflictError) metadata() map[string]string {
	m := map[string]string{"revision": strconv.FormatUint(uint64(e.err.Have), 10)}
	if v := e.version; v.GetRecorded() {
		m["actor"], m["reason"], m["time"] = v.Actor, v.Reason, v.Time.AsTime().Format("2006-01-02T15:04:05.000Z")
	}
	return m
}

// schemaConflict finds out who wrote the schema that is in the way.
func (t *schemaTools) schemaConflict(e *store.SchemaVersionError) error {
	conflict := &schemaConflictError{err: e}
	snap, err := t.replica.SnapshotAt(t.replica.Head())
	if err != nil {
		return conflict // what matters is known
	}
	defer snap.Close()
	if v, _, err := t.schemaVersion(snap, e.Have); err == nil {
		conflict.version = v
	}
	return conflict
}

// schemaVersion says what is known of the schema that a revision wrote, and what
// it is; NOT_FOUND when it wrote none.
func (t *schemaTools) schemaVersion(snap *replica.Snapshot, rev store.Revision) (*consolev1.SchemaVersion, string, error) {
	text, ok, err := snap.SchemaText(rev)
	if err != nil {
		return nil, "", err
	}
	if !ok {
		return nil, "", status.Errorf(codes.NotFound, "revision %d wrote no schema; ListSchemas has those that did", rev)
	}
	v := &consolev1.SchemaVersion{Revision: uint64(rev), WrittenAt: fromToken(t.replica.Token(rev)), Bytes: uint64(len(text))}
	head, ok, err := snap.RecordHead(rev)
	if err != nil || !ok {
		return v, text, err
	}
	v.Recorded, v.Time, v.Actor = true, fromTime(head.Time), head.Actor
	if reason, ok := head.Metadata[reasonKey].(string); ok {
		v.Reason = reason
	}
	return v, text, nil
}

// ListSchemas lists the schemas that were written, the newest first.
func (t *schemaTools) ListSchemas(ctx context.Context, r *consolev1.ListSchemasRequest) (*consolev1.ListSchemasResponse, error) {
	if err := checkLimit(r.OptionalLimit, t.limits.PageLimit); err != nil {
		return nil, err
	}
	a, cursors, place, err := t.resume(ctx, r, r.Consistency, r.OptionalCursor, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	revisions, err := a.snap.SchemaRevisions()
	if err != nil {
		return nil, err
	}
	if place != "" {
		before, err := strconv.ParseUint(place, 10, 64)
		if err != nil {
			return nil, errMalformedCursor
		}
		n, _ := slices.BinarySearch(revisions, store.Revision(before))
		revisions = revisions[:n]
	}
	floor, _, err := a.snap.Retained()
	if err != nil {
		return nil, err
	}
	resp := &consolev1.ListSchemasResponse{ReadAt: a.token(), RecordedFrom: uint64(floor)}
	limit := int(r.OptionalLimit)
	if limit == 0 {
		limit = defaultSchemas
	}
	for _, rev := range slices.Backward(revisions) {
		if n := len(resp.Schemas); n == limit {
			resp.AfterResultCursor = cursors.at(strconv.FormatUint(resp.Schemas[n-1].Revision, 10))
			break
		}
		v, _, err := t.schemaVersion(a.snap, rev)
		if err != nil {
			return nil, err
		}
		resp.Schemas = append(resp.Schemas, v)
	}
	return resp, nil
}

// ReadSchema returns the schema that one revision wrote.
func (t *schemaTools) ReadSchema(ctx context.Context, r *consolev1.ReadSchemaRequest) (*consolev1.ReadSchemaResponse, error) {
	snap, err := t.snapshot(ctx, r.Consistency)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	rev := store.Revision(r.Revision)
	if rev == 0 {
		if _, rev, err = snap.SchemaRevision(); err != nil {
			return nil, err
		}
	}
	resp := &consolev1.ReadSchemaResponse{ReadAt: fromToken(snap.Token())}
	resp.Version, resp.SchemaText, err = t.schemaVersion(snap, rev)
	return resp, err
}

// DiffSchemas tells how the schemas of two revisions differ.
func (t *schemaTools) DiffSchemas(ctx context.Context, r *consolev1.DiffSchemasRequest) (*consolev1.DiffSchemasResponse, error) {
	if r.To == 0 {
		return nil, invalid("to is missing: give a revision of ListSchemas")
	}
	snap, err := t.snapshot(ctx, r.Consistency)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	compiled := func(rev uint64) (*schema.Schema, error) {
		if rev == 0 {
			return &schema.Schema{}, nil
		}
		_, text, err := t.schemaVersion(snap, store.Revision(rev))
		if err != nil {
			return nil, err
		}
		return schema.Compile(text, schema.Options{Caveats: t.caveats, Lenient: true})
	}
	from, err := compiled(r.From)
	if err != nil {
		return nil, err
	}
	to, err := compiled(r.To)
	if err != nil {
		return nil, err
	}
	resp := &consolev1.DiffSchemasResponse{ReadAt: fromToken(snap.Token())}
	for _, c := range schema.Diff(from, to) {
		resp.Changes = append(resp.Changes, fromSchemaChange(&c))
	}
	return resp, nil
}

// DescribeRelation says what depends on a relation, and how much is stored in it.
func (t *schemaTools) DescribeRelation(ctx context.Context, r *consolev1.DescribeRelationRequest) (*consolev1.DescribeRelationResponse, error) {
	a, counts, err := t.live(ctx)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	relation, err := engine.Resolve(a.engine.Schema, r.Definition, r.Relation)
	if err != nil {
		return nil, err
	}
	resp := &consolev1.DescribeRelationResponse{
		ReadAt: a.token(), Declaration: relation.Declaration(), Doc: relation.PlainDoc(), Permission: relation.IsPermission(),
		Reaches: relationNames(a.engine.Schema.NeededBy(relation)), Needs: relationNames(a.engine.Schema.Needs(relation)),
	}
	for _, typ := range a.engine.Schema.Types() {
		if relation.Reaches(typ.Name, "") {
			resp.SubjectTypes = append(resp.SubjectTypes, typ.Name)
		}
	}
	for _, allowed := range relation.Allowed {
		k := store.Kind{Type: r.Definition, Relation: r.Relation, SubjectType: allowed.Type.Name, Wildcard: allowed.Wildcard, Expires: allowed.Expiration}
		if allowed.Relation != nil {
			k.SubjectRelation = allowed.Relation.Name
		}
		if allowed.Caveat != nil {
			k.Caveat = allowed.Caveat.Name
		}
		n := uint64(counts[k])
		resp.Counts = append(resp.Counts, &consolev1.RelationCount{Allowed: allowed.String(), Count: n})
		resp.Relationships += n
	}
	return resp, nil
}

func relationNames(all []*schema.Relation) []string {
	out := make([]string, len(all))
	for i, r := range all {
		out[i] = r.String()
	}
	return out
}
