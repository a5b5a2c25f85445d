package server

import (
	"context"
	"errors"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// ReviewSchema says what a text would change, and what stands against it.
func (t *schemaTools) ReviewSchema(ctx context.Context, r *consolev1.ReviewSchemaRequest) (*consolev1.ReviewSchemaResponse, error) {
	text, err := schema.Compile(r.SchemaText, schema.Options{Caveats: t.caveats})
	if err != nil {
		return nil, err
	}
	live, counts, err := t.live(ctx)
	if err != nil {
		return nil, err
	}
	defer live.Close()
	resp := &consolev1.ReviewSchemaResponse{
		ReadAt:   live.token(),
		Warnings: newRanges(r.SchemaText).problems(consolev1.Problem_SEVERITY_WARNING, text.Warnings()),
	}
	if n := len(resp.Warnings); n > maxProblems {
		resp.Warnings = resp.Warnings[:maxProblems]
	}
	switch _, written, err := live.snap.SchemaRevision(); {
	case err == nil:
		resp.WrittenAt = fromToken(t.replica.Token(written))
	case !errors.Is(err, store.ErrNoSchema):
		return nil, err
	}
	v := &review{asked: live, counts: counts, text: text, left: reviewReads, reserved: t.reserved}
	if resp.Changes, err = v.changes(ctx); err != nil {
		return nil, err
	}
	resp.Unjudged = v.unjudged
	for _, c := range resp.Changes {
		resp.Blocked = resp.Blocked || c.Class == consolev1.SchemaChange_CLASS_BLOCKED
	}
	if r.RunAssertions {
		err = v.assertions(ctx, t.Server, resp)
	}
	return resp, err
}

// live is a question at the newest revision, and how many relationships of each
// kind there are at exactly that one.
func (s *Server) live(ctx context.Context) (*asked, map[store.Kind]int64, error) {
	fresh, err := s.replica.Snapshot(ctx, replica.Consistency{Mode: replica.FullyConsistent})
	if err != nil {
		return nil, nil, err
	}
	fresh.Close()
	stats := s.replica.StoreStats()
	if _, err := s.replica.WaitFor(ctx, stats.Head); err != nil { // an import may be writing it
		return nil, nil, err
	}
	snap, err := s.replica.SnapshotAt(stats.Head)
	if err != nil {
		return nil, nil, err
	}
	a, err := s.ask(snap, s.now(), nil)
	return a, stats.Counts, err
}

const (
	reviewReads    = 1_000_000 // relationships that one review looks at
	reviewExamples = 3         // of one obstacle
)

// review compares the live schema with a text.
type review struct {
	*asked
	counts   map[store.Kind]int64
	text     *schema.Schema
	left     int       // relationships that may still be looked at
	unjudged []string  // constraints
	reserved *reserved // what only the portal changes; nil: nothing
}

// under is the engine of the same relationships under the text. Answers are kept
// for the live schema alone.
func (v *review) under() engine.Engine {
	e := v.engine
	e.Schema, e.Reader = v.text, struct{ engine.Reader }{v.snap}
	return e
}

// changes returns the differences, each with its class and its obstacles.
func (v *review) changes(ctx context.Context) ([]*consolev1.SchemaChange, error) {
	found := schema.Diff(v.engine.Schema, v.text)
	demands := schema.Compat(v.engine.Schema, v.text)
	violated, err := v.judge(ctx, demands.Judged)
	if err != nil {
		return nil, err
	}
	out := make([]*consolev1.SchemaChange, len(found))
	for i := range found {
		c := &found[i]
		out[i] = fromSchemaChange(c)
		out[i].Class, out[i].Reasons = v.class(c)
		if out[i].Obstacles, err = v.obstacles(ctx, c, &demands); err != nil {
			return nil, err
		}
		if o := violated[c.Constraint]; o != nil {
			out[i].Obstacles = append(out[i].Obstacles, o)
		}
		if v.reserved != nil && c.Kind != schema.DefinitionAdded && c.Kind != schema.CaveatAdded {
			if name := v.reserved.named(*c); name != "" {
				out[i].Class = consolev1.SchemaChange_CLASS_BLOCKED
				out[i].Reasons = append(out[i].Reasons, name+" belongs to the Customer Portal: leave it as it is")
			}
		}
		if len(out[i].Obstacles) > 0 {
			out[i].Class = consolev1.SchemaChange_CLASS_BLOCKED
		}
	}
	return out, nil
}

// class says whether a change is safe, relationships apart, and why not.
func (v *review) class(c *schema.Change) (consolev1.SchemaChange_Class, []string) {
	const changes = consolev1.SchemaChange_CLASS_CHANGES_MEANING
	switch c.Kind {
	case schema.DefinitionRemoved, schema.CaveatRemoved:
		return changes, []string{"requests that name it are refused"}
	case schema.RelationRemoved, schema.PermissionRemoved:
		return changes, []string{"requests that name it are refused, and arrows that lead to it hold nothing there"}
	case schema.SubjectTypeRemoved:
		return changes, []string{"writes of such relationships are refused"}
	case schema.ConstraintAdded, schema.ConstraintChanged:
		if c.Before != "" && c.Before == c.Constraint.String() { // its comment
			return consolev1.SchemaChange_CLASS_SAFE, nil
		}
		return changes, []string{"writes that violate it are refused"}
	case schema.PermissionExprChanged, schema.CaveatExprChanged, schema.ParameterAdded, schema.ParameterRemoved, schema.ParameterTypeChanged:
		return changes, nil
	case schema.RelationAdded, schema.PermissionAdded:
		if by := arrowsTo(v.engine.Schema, c.Relation); by != "" {
			return changes, []string{"an arrow of " + by + " leads to it"}
		}
	}
	return consolev1.SchemaChange_CLASS_SAFE, nil
}

// arrowsTo returns a permission of a schema with an arrow that would lead to a
// member which its schema does not have yet, "" for none.
func arrowsTo(s *schema.Schema, added *schema.Relation) string {
	for _, r := range s.Relations() {
		if r.IsPermission() && leadsTo(r.Expr, added) {
			return r.String()
		}
	}
	return ""
}

func leadsTo(x schema.Expr, added *schema.Relation) bool {
	some := func(of ...schema.Expr) bool {
		for _, x := range of {
			if leadsTo(x, added) {
				return true
			}
		}
		return false
	}
	switch x := x.(type) {
	case *schema.Union:
		return some(x.Of...)
	case *schema.Intersection:
		return some(x.Of...)
	case *schema.Exclusion:
		return some(x.Base, x.Minus)
	case *schema.ArrowExpr:
		if x.Right != added.Name {
			return false
		}
		for i, a := range x.Left.Allowed {
			if a.Type.Name == added.Type.Name && x.Targets[i] == nil {
				return true
			}
		}
	}
	return false
}
