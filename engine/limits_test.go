package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
)

func compile(t testing.TB, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Compile(text, schema.Options{Caveats: caveat.New()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func relationship(t testing.TB, format string, args ...any) engine.Relationship {
	t.Helper()
	r, err := engine.ParseRelationship(fmt.Sprintf(format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// clique is groups that all contain each other, directly and by a permission,
// and one member.
func clique(t testing.TB, n int) *engine.Engine {
	var rels []engine.Relationship
	for i := range n {
		rels = append(rels, relationship(t, "group:g%d#active@user:in", i), relationship(t, "group:g%d#active@user:out", i))
		for k := range n {
			rels = append(rels,
				relationship(t, "group:g%d#member@group:g%d#member", i, k),
				relationship(t, "group:g%d#direct@group:g%d#everyone", i, k))
		}
	}
	rels = append(rels, relationship(t, "group:g%d#member@user:in", n-1), relationship(t, "group:g%d#direct@user:in", n-1))
	return &engine.Engine{
		Schema: compile(t, `definition user {}
			definition group {
				relation active: user
				relation member: user | group#member
				relation direct: user | group#everyone
				permission everyone = direct & active
			}`),
		Reader: engine.NewMemory(rels...),
		Now:    portalNow,
	}
}

// A dense cycle costs a walk as much as it has relationships, not as many as it
// has ways. Reads are bounded by the relationships, far below the ways (n!).
func TestDenseCycle(t *testing.T) {
	const n = 40
	e := clique(t, n)
	e.Limits.Reads = 50 * n
	ctx := context.Background()
	group := engine.Object{Type: "group", ID: "g0"}
	for _, relation := range []string{"member", "everyone"} {
		for id, want := range map[string]engine.State{"in": engine.Yes, "out": engine.No} {
			a, err := e.Check(ctx, group, relation, engine.Subject{Object: engine.Object{Type: "user", ID: id}})
			if err != nil || a.State != want {
				t.Errorf("%s %s: %v %v", relation, id, a, err)
			}
		}
		subjects, err := gather(e.LookupSubjects(ctx, group, relation, "user", "", ""))
		if err != nil || len(subjects) != 1 || subjects[0].ID != "in" {
			t.Errorf("%s: subjects %v %v", relation, subjects, err)
		}
		resources, err := gather(e.LookupResources(ctx, "group", relation, engine.Subject{Object: engine.Object{Type: "user", ID: "in"}}, ""))
		if err != nil || len(resources) != n {
			t.Errorf("%s: %d resources %v", relation, len(resources), err)
		}
	}
}

func gather[T any](seq func(func(T, error) bool)) (all []T, err error) {
	for v, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Every question stops when its client is gone, and says so.
func TestCancelled(t *testing.T) {
	e := clique(t, 40)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	group := engine.Object{Type: "group", ID: "g0"}
	user := engine.Subject{Object: engine.Object{Type: "user", ID: "out"}}
	_, checkErr := e.Check(ctx, group, "everyone", user)
	_, _, explainErr := e.Explain(ctx, group, "everyone", user)
	_, subjectsErr := gather(e.LookupSubjects(ctx, group, "everyone", "user", "", ""))
	_, resourcesErr := gather(e.LookupResources(ctx, "group", "everyone", user, ""))
	_, expandErr := e.Expand(ctx, group, "everyone", true)
	for name, err := range map[string]error{
		"check": checkErr, "explain": explainErr, "subjects": subjectsErr, "resources": resourcesErr, "expand": expandErr,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each limit that is reached is an error that names it, never an answer.
func TestLimits(t *testing.T) {
	ctx := context.Background()
	group := engine.Object{Type: "group", ID: "g0"}
	user := engine.Subject{Object: engine.Object{Type: "user", ID: "in"}}
	for name, c := range map[string]struct {
		limits engine.Limits
		ask    func(e *engine.Engine) error
	}{
		"reads of a check": {engine.Limits{Reads: 3}, func(e *engine.Engine) error {
			_, err := e.Check(ctx, group, "everyone", user)
			return err
		}},
		"candidates of resources": {engine.Limits{Candidates: 5}, func(e *engine.Engine) error {
			_, err := gather(e.LookupResources(ctx, "group", "member", user, ""))
			return err
		}},
		"bytes of resources": {engine.Limits{CandidateBytes: 5}, func(e *engine.Engine) error {
			_, err := gather(e.LookupResources(ctx, "group", "member", user, ""))
			return err
		}},
		"candidates of subjects": {engine.Limits{Candidates: 5}, func(e *engine.Engine) error {
			_, err := gather(e.LookupSubjects(ctx, group, "member", "user", "", ""))
			return err
		}},
		"bytes of subjects": {engine.Limits{CandidateBytes: 1}, func(e *engine.Engine) error {
			_, err := gather(e.LookupSubjects(ctx, group, "member", "user", "", ""))
			return err
		}},
		"nodes of an expansion": {engine.Limits{Candidates: 5, Depth: 1000}, func(e *engine.Engine) error {
			_, err := e.Expand(ctx, group, "member", true)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e := clique(t, 20)
			e.Limits = c.limits
			var limit *engine.LimitError
			if err := c.ask(e); !errors.As(err, &limit) || limit.Limit == 0 || limit.What == "" {
				t.Errorf("%v", err)
			}
		})
	}
}
