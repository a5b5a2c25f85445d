package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/enginetest"
	"github.com/pemba-authz/pemba/server"
)

// worldsAsked is how many random worlds TestWorlds asks.
const worldsAsked = 150

// TestWorlds imports random worlds over the API and demands of checks, bulk
// checks and lookups what the reference evaluator says.
func TestWorlds(t *testing.T) {
	// Walks through worlds may be deeper than requests.
	h := start(t, func(c *server.Config) { c.Limits.Engine.Depth = 1000 })
	asked := map[enginetest.Outcome]int{}
	for seed := uint64(1); seed <= worldsAsked; seed++ {
		w := &world{harness: h, World: enginetest.NewWorld(seed)}
		if err := w.live(asked); err != nil {
			t.Fatalf("%v\n\nin this world:\n%s", err, w)
		}
	}
	for _, o := range []enginetest.Outcome{enginetest.No, enginetest.Conditional, enginetest.Yes} {
		if asked[o] < worldsAsked {
			t.Errorf("only %d questions had the answer %s", asked[o], o)
		}
	}
}

type world struct {
	*harness
	enginetest.World
	ref *enginetest.Reference
}

// String ends the ambiguity between the test and the world.
func (w *world) String() string { return w.World.String() }

func (w *world) live(asked map[enginetest.Outcome]int) error {
	var err error
	if w.ref, err = w.Reference(); err != nil {
		return err
	}
	w.clock.set(w.Now)
	w.writeSchema(w.Schema)
	if err := w.importAll(); err != nil {
		return err
	}
	for _, ask := range []func(map[enginetest.Outcome]int) error{w.checks, w.bulkCheck, w.lookups} {
		if err := ask(asked); err != nil {
			return err
		}
	}
	return w.wipe()
}

func (w *world) importAll() error {
	stream, err := w.permissions.ImportBulkRelationships(context.Background())
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(w.Relationships, 7) {
		m := &v1.ImportBulkRelationshipsRequest{}
		for _, r := range batch {
			m.Relationships = append(m.Relationships, fromRelationship(w.TB, r))
		}
		if err := stream.Send(m); err != nil {
			return fmt.Errorf("importing: %w", err)
		}
	}
	resp, err := stream.CloseAndRecv()
	if err == nil && resp.NumLoaded != uint64(len(w.Relationships)) {
		err = fmt.Errorf("%d of %d relationships were imported", resp.NumLoaded, len(w.Relationships))
	}
	return err
}

// wipe deletes the world, so that another schema may follow: one by one, since
// filters select nothing that has expired.
func (w *world) wipe() error {
	for batch := range slices.Chunk(w.Relationships, 1000) {
		r := &v1.WriteRelationshipsRequest{}
		for _, rel := range batch {
			r.Updates = append(r.Updates, &v1.RelationshipUpdate{
				Operation: v1.RelationshipUpdate_OPERATION_DELETE, Relationship: fromRelationship(w.TB, rel),
			})
		}
		if _, err := w.permissions.WriteRelationships(context.Background(), r); err != nil {
			return err
		}
	}
	return nil
}

// outcome turns a response and an error into what the reference would say.
func outcome(p v1.CheckPermissionResponse_Permissionship, err error) (enginetest.Outcome, error) {
	switch {
	case status.Code(err) == codes.FailedPrecondition && strings.Contains(err.Error(), "close a cycle"):
		return enginetest.Cycle, nil
	case err != nil:
		return 0, err
	case p == v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION:
		return enginetest.Yes, nil
	case p == v1.CheckPermissionResponse_PERMISSIONSHIP_CONDITIONAL_PERMISSION:
		return enginetest.Conditional, nil
	case p == v1.CheckPermissionResponse_PERMISSIONSHIP_NO_PERMISSION:
		return enginetest.No, nil
	}
	return 0, fmt.Errorf("permissionship %s", p)
}

func (w *world) checks(asked map[enginetest.Outcome]int) error {
	for i, q := range w.Questions {
		resp, err := w.permissions.CheckPermission(context.Background(), &v1.CheckPermissionRequest{
			Consistency: &v1.Consistency{Requirement: &v1.Consistency_FullyConsistent{FullyConsistent: true}},
			Resource:    object(w.TB, q.Resource.String()), Permission: q.Relation, Subject: subject(w.TB, q.Subject.String()),
			Context: toStruct(w.TB, w.World.Context), WithTracing: i%4 == 0,
		})
		got, err := outcome(resp.GetPermissionship(), err)
		if err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		want := w.ref.Check(q.Resource, q.Relation, q.Subject)
		if got != want {
			return fmt.Errorf("%s: %s, want %s", q, got, want)
		}
		if i%4 == 0 && resp != nil && resp.DebugTrace.GetCheck().GetPermission() != q.Relation {
			return fmt.Errorf("%s: the trace is of %s", q, resp.DebugTrace.GetCheck().GetPermission())
		}
		asked[got]++
	}
	return nil
}

// bulkCheck asks all questions at once.
func (w *world) bulkCheck(map[enginetest.Outcome]int) error {
	r := &v1.CheckBulkPermissionsRequest{}
	for _, q := range w.Questions {
		item := &v1.CheckBulkPermissionsRequestItem{
			Resource: object(w.TB, q.Resource.String()), Permission: q.Relation, Subject: subject(w.TB, q.Subject.String()),
			Context: toStruct(w.TB, w.World.Context),
		}
		r.Items = append(r.Items, item)
	}
	resp, err := w.permissions.CheckBulkPermissions(context.Background(), r)
	if err != nil {
		return err
	}
	for i, q := range w.Questions {
		pair := resp.Pairs[i]
		got, err := outcome(pair.GetItem().GetPermissionship(), status.FromProto(pair.GetError()).Err())
		if err != nil {
			return fmt.Errorf("in bulk: %s: %w", q, err)
		}
		if want := w.ref.Check(q.Resource, q.Relation, q.Subject); got != want {
			return fmt.Errorf("in bulk: %s: %s, want %s", q, got, want)
		}
	}
	return nil
}

// lookups asks for the resources of the question's subject page by page, and
// for the subjects of its resource.
func (w *world) lookups(map[enginetest.Outcome]int) error {
	for i, q := range w.Questions {
		if i%8 != 0 {
			continue
		}
		if err := w.lookupResources(q); err != nil {
			return fmt.Errorf("looking up resources for %s: %w", q, err)
		}
		if err := w.lookupSubjects(q); err != nil {
			return fmt.Errorf("looking up subjects for %s: %w", q, err)
		}
	}
	return nil
}

// lookupResources compares the pages of two of a lookup with the reference.
func (w *world) lookupResources(q enginetest.Question) error {
	want := map[string]enginetest.Outcome{}
	for _, id := range w.ref.Objects(q.Resource.Type) {
		switch o := w.ref.Check(engine.Object{Type: q.Resource.Type, ID: id}, q.Relation, q.Subject); o {
		case enginetest.Cycle:
			return nil // nor has the lookup an answer, if it comes across this one
		case enginetest.No:
		default:
			want[id] = o
		}
	}
	got, last := map[string]enginetest.Outcome{}, ""
	r := &v1.LookupResourcesRequest{
		ResourceObjectType: q.Resource.Type, Permission: q.Relation, Subject: subject(w.TB, q.Subject.String()),
		Context: toStruct(w.TB, w.World.Context), OptionalLimit: 2,
	}
	for more := true; more; {
		stream, err := w.permissions.LookupResources(context.Background(), r)
		if err != nil {
			return err
		}
		page, err := drain(stream)
		if err != nil {
			return err
		}
		for _, found := range page {
			if found.ResourceObjectId <= last {
				return fmt.Errorf("%s comes after %s", found.ResourceObjectId, last)
			}
			last = found.ResourceObjectId
			got[last], r.OptionalCursor = foundOutcome(found.Permissionship), found.AfterResultCursor
		}
		more = len(page) == 2
	}
	if !maps.Equal(got, want) {
		return fmt.Errorf("found %v, want %v", got, want)
	}
	return nil
}

func foundOutcome(p v1.LookupPermissionship) enginetest.Outcome {
	if p == v1.LookupPermissionship_LOOKUP_PERMISSIONSHIP_CONDITIONAL_PERMISSION {
		return enginetest.Conditional
	}
	return enginetest.Yes
}

// lookupSubjects demands that every subject that was found is one, and that the
// subject of the question is found, or meant by the wildcard.
func (w *world) lookupSubjects(q enginetest.Question) error {
	if w.ref.Check(q.Resource, q.Relation, q.Subject) == enginetest.Cycle {
		return nil
	}
	r := &v1.LookupSubjectsRequest{
		Resource: object(w.TB, q.Resource.String()), Permission: q.Relation, Context: toStruct(w.TB, w.World.Context),
		SubjectObjectType: q.Subject.Type, OptionalSubjectRelation: q.Subject.Relation,
	}
	stream, err := w.permissions.LookupSubjects(context.Background(), r)
	if err != nil {
		return err
	}
	results, err := drain(stream)
	if status.Code(err) == codes.FailedPrecondition && strings.Contains(err.Error(), "close a cycle") {
		return nil
	}
	if err != nil {
		return err
	}
	pages, err := subjectsByPage(context.Background(), w.permissions, r, 2)
	if err != nil || len(pages) != len(results) {
		return fmt.Errorf("%d results by page, %d at once, %w", len(pages), len(results), err)
	}
	found, wildcard := enginetest.No, enginetest.No
	for _, r := range results {
		if page := pages[r.Subject.SubjectObjectId]; page == nil || !proto.Equal(page.Subject, r.Subject) || len(page.ExcludedSubjects) != len(r.ExcludedSubjects) {
			return fmt.Errorf("%s is found as %v by page", r.Subject, page)
		}
		id, o := r.Subject.SubjectObjectId, foundOutcome(r.Subject.Permissionship)
		if id == engine.Wildcard {
			wildcard = o
			if slices.ContainsFunc(r.ExcludedSubjects, func(x *v1.ResolvedSubject) bool { return x.SubjectObjectId == q.Subject.ID }) {
				wildcard = enginetest.No
			}
			continue
		}
		s := engine.Subject{Object: engine.Object{Type: q.Subject.Type, ID: id}, Relation: q.Subject.Relation}
		if want := w.ref.Check(q.Resource, q.Relation, s); o != want {
			return fmt.Errorf("%s is found as %s, want %s", s, o, want)
		}
		if id == q.Subject.ID {
			found = o
		}
	}
	if want := w.ref.Check(q.Resource, q.Relation, q.Subject); found != want && wildcard != want {
		return fmt.Errorf("found as %s, by the wildcard as %s, want %s", found, wildcard, want)
	}
	return nil
}

// drain receives a stream to its end.
func drain[M any](stream grpc.ServerStreamingClient[M]) ([]*M, error) {
	var all []*M
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, m)
	}
}
