package server_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/enginetest"
	"github.com/pemba-authz/pemba/schema/syntax"
)

var portalSeed = flag.Uint64("portal-seed", 1, "of the random questions of TestPortalQuestions")

// portalQuestions is how many questions TestPortalQuestions asks.
const portalQuestions = 10_000

// TestPortalQuestions asks a node random questions about the customer's portal,
// one by one and in bulk, and demands what the reference evaluator says.
func TestPortalQuestions(t *testing.T) {
	n := startNode(t)
	n.writeSchema(t, portalFile(t, "schema.zed"))
	var rels []engine.Relationship
	for line := range strings.Lines(portalFile(t, "relationships.txt")) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		r, err := engine.ParseRelationship(line)
		if err != nil {
			t.Fatal(err)
		}
		rels = append(rels, r)
	}
	n.load(t, rels)
	file, faults := syntax.Parse(portalFile(t, "schema.zed"))
	if faults != nil {
		t.Fatal(faults)
	}
	ref, err := enginetest.NewReference(file, rels, nil, startOfTime)
	if err != nil {
		t.Fatal(err)
	}
	questions := askPortal(ref, rels)
	answered := map[enginetest.Outcome]int{}
	var wants []enginetest.Outcome
	for _, q := range questions {
		want := ref.Check(q.Resource, q.Relation, q.Subject)
		wants = append(wants, want)
		answered[want]++
	}
	if answered[enginetest.Yes] < portalQuestions/20 || answered[enginetest.No] < portalQuestions/20 {
		t.Fatalf("the answers are too much alike: %v", answered)
	}
	n.demandOneByOne(t, questions, wants)
	n.demandInBulk(t, questions, wants)
}

// askPortal makes random questions: mostly of users.
func askPortal(ref *enginetest.Reference, rels []engine.Relationship) []enginetest.Question {
	random := rand.New(rand.NewPCG(*portalSeed, 0))
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	var types []string // that have relations and objects
	for _, name := range ref.Types() {
		if len(ref.Relations(name)) > 0 && len(ref.Objects(name)) > 0 {
			types = append(types, name)
		}
	}
	users := ref.Objects("user")
	var questions []enginetest.Question
	for range portalQuestions {
		typ := pick(types)
		q := enginetest.Question{
			Resource: engine.Object{Type: typ, ID: pick(ref.Objects(typ))}, Relation: pick(ref.Relations(typ)),
			Subject: engine.Subject{Object: engine.Object{Type: "user", ID: pick(users)}},
		}
		if random.IntN(10) == 0 { // whoever stands in a relationship: a group's members, say
			if s := rels[random.IntN(len(rels))].Subject; !s.IsWildcard() {
				q.Subject = s
			}
		}
		questions = append(questions, q)
	}
	return questions
}

func (n *node) demandOneByOne(t *testing.T, questions []enginetest.Question, wants []enginetest.Outcome) {
	t.Helper()
	const callers = 4
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := caller; i < len(questions); i += callers {
				q := questions[i]
				resp, err := n.permissions.CheckPermission(context.Background(), &v1.CheckPermissionRequest{
					Consistency: fullyConsistent, Resource: object(t, q.Resource.String()),
					Permission: q.Relation, Subject: subject(t, q.Subject.String()),
				})
				got, err := outcome(resp.GetPermissionship(), err)
				if err != nil || got != wants[i] {
					t.Errorf("-portal-seed %d: %s: %s, %v; want %s", *portalSeed, q, got, err, wants[i])
				}
			}
		})
	}
	wg.Wait()
}

func (n *node) demandInBulk(t *testing.T, questions []enginetest.Question, wants []enginetest.Outcome) {
	t.Helper()
	r := &v1.CheckBulkPermissionsRequest{Consistency: fullyConsistent}
	for _, q := range questions {
		r.Items = append(r.Items, &v1.CheckBulkPermissionsRequestItem{
			Resource: object(t, q.Resource.String()), Permission: q.Relation, Subject: subject(t, q.Subject.String()),
		})
	}
	resp, err := n.permissions.CheckBulkPermissions(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range questions {
		got, err := outcome(resp.Pairs[i].GetItem().GetPermissionship(), nil)
		if err != nil || got != wants[i] {
			t.Errorf("-portal-seed %d: in bulk: %s: %s, %v; want %s", *portalSeed, q, got, err, wants[i])
		}
	}
}
