package main

import (
	"context"
	"strings"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pemba-authz/pemba/engine"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
	"github.com/pemba-authz/pemba/server/suite"
)

// explain asks a question and for the way to its answer.
func (c *client) explain(ctx context.Context, q question, at string, values *structpb.Struct) (result, error) {
	r, err := c.explains.Explain(ctx, &pembav1.ExplainRequest{
		Consistency: consistencyAt(at), Resource: wireObject(q.resource), Permission: q.permission,
		Subject: wireSubject(q.subject), Context: values, Remedies: nearestShown,
	})
	if err != nil {
		return result{}, err
	}
	out := result{
		answer:   engine.Answer{State: stateOf(r.GetPermissionship()), Missing: r.GetPartialCaveatInfo().GetMissingRequiredContext()},
		revision: c.number(ctx, r.GetCheckedAt().GetToken()), undecided: r.GetUndecided(), steps: stepsOf(r.GetSteps()),
	}
	if until := r.GetExpiresAt(); until != nil {
		out.answer.Until = until.AsTime()
	}
	for _, remedy := range r.GetRemedies() {
		var changes engine.Remedy
		for _, u := range remedy.GetChanges() {
			changes = append(changes, engine.Change{
				Remove:       u.GetOperation() == v1.RelationshipUpdate_OPERATION_DELETE,
				Relationship: relationshipFrom(u.GetRelationship()),
			})
		}
		out.nearest = append(out.nearest, changes)
	}
	return out, nil
}

// stepsOf ties steps together again, which name each other by their places, and
// returns the first; nil for none. A place that is not in the list is passed
// over.
func stepsOf(list []*pembav1.ExplainStep) *engine.Step {
	if len(list) == 0 {
		return nil
	}
	steps := make([]engine.Step, len(list))
	for i, wire := range list {
		s := &steps[i]
		*s = engine.Step{
			Kind: kindOf(wire.GetKind()), State: stateOf(wire.GetPermissionship()),
			Resource: objectOf(wire.GetResource()), Relation: wire.GetRelation(),
			Stored: wire.GetStored(), All: wire.GetAll(), Missing: wire.GetMissing(), Repeated: wire.GetRepeated(),
			Undecided: wire.GetPermissionship() == v1.CheckPermissionResponse_PERMISSIONSHIP_UNSPECIFIED,
		}
		if wire.GetRelationship() != nil {
			r := relationshipFrom(wire.GetRelationship())
			s.Relationship = &r
		}
		if wire.AnsweredBy != nil && int(wire.GetAnsweredBy()) < len(steps) {
			s.Elsewhere = &steps[wire.GetAnsweredBy()]
		}
		for _, child := range wire.GetChildren() {
			if int(child) > i && int(child) < len(steps) { // below: a tree has no way back
				s.Steps = append(s.Steps, &steps[child])
			}
		}
	}
	return &steps[0]
}

// kindOf converts the kind of a step; one that is not known here is a set.
func kindOf(k pembav1.ExplainStep_Kind) engine.StepKind {
	if k < pembav1.ExplainStep_KIND_SET || k > pembav1.ExplainStep_KIND_NIL {
		return engine.StepSet
	}
	return engine.StepKind(k - pembav1.ExplainStep_KIND_SET)
}

// explanation draws the steps of a walk as a tree, one line a step.
func explanation(color palette, root *engine.Step) string {
	if root == nil {
		return ""
	}
	return stepBranch(color, deciding(root, map[*engine.Step]bool{})).draw(color)
}

// deciding leaves out of a grant what did not contribute to it: the alternatives
// that were tried in vain. Of a refusal every step counts. Where that left out
// the only place that shows how a set was answered, it is shown here.
func deciding(s *engine.Step, shown map[*engine.Step]bool) *engine.Step {
	if s.Elsewhere != nil && !shown[s.Elsewhere] {
		s = s.Elsewhere
	}
	shown[s] = true
	alternatives := s.State != engine.No && !s.All &&
		s.Kind != engine.StepIntersection && s.Kind != engine.StepExclusion && s.Kind != engine.StepFollow
	short := *s
	short.Steps = nil
	for _, child := range s.Steps {
		if !alternatives || !inVain(child) {
			short.Steps = append(short.Steps, deciding(child, shown))
		}
	}
	return &short
}

// inVain reports whether a step granted nothing. A relationship that was
// followed granted nothing if the set it leads to did not.
func inVain(s *engine.Step) bool {
	if s.Kind == engine.StepFollow && len(s.Steps) == 1 {
		return inVain(s.Steps[0])
	}
	return s.State == engine.No
}

// stepBranch makes a branch of a step. A step that only leads to another one
// shares its line with it.
func stepBranch(color palette, s *engine.Step) branch {
	b := branch{text: mark(color, s) + " " + stepText(color, s)}
	steps := s.Steps
	if only := onlyStep(s); only != nil {
		switch only.Kind {
		case engine.StepUnion, engine.StepIntersection, engine.StepExclusion:
			b.text += color.dim(": " + stepSubject(only))
			steps = only.Steps
		case engine.StepRelationship:
			return stepBranch(color, only)
		case engine.StepFollow:
			b.text += color.dim(" by " + only.Relationship.String())
			steps = only.Steps
		}
	}
	for _, child := range steps {
		b.below = append(b.below, stepBranch(color, child))
	}
	return b
}

// onlyStep returns the step that stands alone below a set or an arrow and says
// the same, nil when there is none.
func onlyStep(s *engine.Step) *engine.Step {
	if len(s.Steps) != 1 || s.Kind != engine.StepSet && s.Kind != engine.StepArrow {
		return nil
	}
	only := s.Steps[0]
	if only.State == s.State || only.Kind == engine.StepFollow && only.State == engine.Yes {
		return only
	}
	return nil
}

func mark(color palette, s *engine.Step) string {
	switch {
	case s.Undecided:
		return color.maybe("…")
	case s.State == engine.Yes && s.Kind == engine.StepFollow:
		return color.dim("→") // it leads on: what it leads to decides
	case s.State == engine.Yes:
		return color.good("✓")
	case s.State == engine.Conditional:
		return color.maybe("?")
	}
	return color.bad("✗")
}

// stepText says what a step did.
func stepText(color palette, s *engine.Step) string {
	text := stepSubject(s)
	switch {
	case s.Undecided:
		text += color.maybe(" (not decided within the depth limit)")
	case s.Repeated:
		text += color.dim(" (see above)")
	case s.State == engine.Conditional && len(s.Steps) == 0:
		text += color.maybe(" (needs " + strings.Join(s.Missing, ", ") + ")")
	case s.Stored && s.State == engine.No && len(s.Steps) == 0:
		text += color.dim(" (" + whyNot(s.Relationship.Trait) + ")")
	}
	return text
}

func stepSubject(s *engine.Step) string {
	switch s.Kind {
	case engine.StepSet:
		return s.Resource.String() + "#" + s.Relation
	case engine.StepUnion:
		return "one of " + s.Relation
	case engine.StepIntersection:
		return "all of " + s.Relation
	case engine.StepExclusion:
		return "the first without the second of " + s.Relation
	case engine.StepArrow:
		return s.Relation + " of " + s.Resource.String()
	case engine.StepSelf:
		return "self: " + s.Resource.String()
	case engine.StepNil:
		return "nil: nobody"
	case engine.StepFollow:
		return s.Relationship.String()
	case engine.StepRelationship:
		if s.Stored {
			return s.Relationship.String()
		}
		return "no relationship " + s.Relationship.String()
	}
	return s.Kind.String()
}

// whyNot says why a stored relationship does not count.
func whyNot(t *engine.Trait) string {
	switch {
	case t == nil:
		return "does not count"
	case t.Caveat == "":
		return "expired"
	case t.Expires.IsZero():
		return "its caveat is false"
	}
	return "expired, or its caveat is false"
}

// stepJSON is a step as data.
type stepJSON struct {
	Kind         string     `json:"kind"`
	Result       string     `json:"result"` // allow, deny, conditional or undecided
	Resource     string     `json:"resource,omitempty"`
	Relation     string     `json:"relation,omitempty"` // of an operator: the expression
	Relationship string     `json:"relationship,omitempty"`
	Stored       bool       `json:"stored,omitempty"`
	Missing      []string   `json:"missing,omitempty"`
	Repeated     bool       `json:"repeated,omitempty"`
	Steps        []stepJSON `json:"steps,omitempty"`
}

func stepData(s *engine.Step) *stepJSON {
	if s == nil {
		return nil
	}
	data := &stepJSON{
		Kind: s.Kind.String(), Result: suite.Word(s.State), Relation: s.Relation,
		Stored: s.Stored, Missing: s.Missing, Repeated: s.Repeated,
	}
	if s.Undecided {
		data.Result = "undecided"
	}
	if s.Resource.Type != "" {
		data.Resource = s.Resource.String()
	}
	if s.Relationship != nil {
		data.Relationship = s.Relationship.String()
	}
	for _, child := range s.Steps {
		data.Steps = append(data.Steps, *stepData(child))
	}
	return data
}
