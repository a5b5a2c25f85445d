package portal

import (
	"context"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	portalv1 "github.com/pemba-authz/pemba/server/api/pemba/portal/v1"
)

// why returns the relationships by which a user has a permission, from the object
// down to the user; none when he has it not.
func (v *view) why(ctx context.Context, userID string, on engine.Object, permission string) ([]*portalv1.Step, error) {
	answer, step, err := v.engine.Explain(ctx, on, permission, subject(user(userID), ""))
	if err != nil || answer.State != engine.Yes {
		return nil, err
	}
	var steps []*portalv1.Step
	seen := map[engine.Relationship]bool{}
	for _, r := range granting(step, nil, map[*engine.Step]bool{}) {
		key := r.Key()
		if seen[key] {
			continue
		}
		seen[key] = true
		steps = append(steps, v.step(key))
	}
	return steps, nil
}

// granting appends the stored relationships on which the yes of a step rests. Of a
// union one granting part is enough.
func granting(s *engine.Step, to []engine.Relationship, done map[*engine.Step]bool) []engine.Relationship {
	if s == nil || !grants(s) || done[s] {
		return to
	}
	done[s] = true
	if s.Elsewhere != nil {
		return granting(s.Elsewhere, to, done)
	}
	if s.Relationship != nil && (s.Stored || s.Kind == engine.StepFollow) {
		to = append(to, *s.Relationship)
	}
	for i, part := range s.Steps {
		if s.Kind == engine.StepExclusion && i > 0 {
			break // what is not there has no relationship
		}
		to = granting(part, to, done)
		one := s.Kind == engine.StepUnion || s.Kind == engine.StepSet || s.Kind == engine.StepArrow && !s.All
		if one && grants(part) {
			break
		}
	}
	return to
}

// grants tells whether a step says yes. That of following a relationship says only
// that the relationship holds: the set that it names decides.
func grants(s *engine.Step) bool {
	if s.State != engine.Yes || s.Kind != engine.StepFollow {
		return s.State == engine.Yes
	}
	for _, set := range s.Steps {
		if !grants(set) {
			return false
		}
	}
	return len(s.Steps) > 0
}

// step says a relationship as data and as a sentence.
func (v *view) step(r engine.Relationship) *portalv1.Step {
	return &portalv1.Step{
		Resource: r.Resource.String(), Relation: r.Relation, Subject: r.Subject.String(),
		Sentence: v.sentence(r),
	}
}

// sentence says a relationship for people.
func (v *view) sentence(r engine.Relationship) string {
	on := v.called(r.Resource)
	who, is := v.called(r.Subject.Object), "is"
	switch {
	case r.Subject.IsWildcard():
		who = "everybody"
	case r.Subject.Relation != "" && r.Subject.Type == "group":
		who, is = "the members of "+who, "are"
	case r.Subject.Relation != "":
		who, is = "the holders of "+who, "are"
	}
	switch r.Relation {
	case "company", "subscription", "model", "service":
		return capital(on) + " belongs to " + who
	case "pool_user":
		return capital(who) + " " + is + " registered in " + on
	case "participant":
		return capital(who) + " " + is + " included in " + on
	case "direct_member":
		return capital(who) + " " + is + " in " + on
	case "holder":
		return capital(who) + " has " + on
	case "create_open", "publish_open", "editor_share_open":
		return "The switch “" + r.Relation + "” of " + on + " is on"
	case "published":
		return capital(on) + " is published"
	case "checked_out_by":
		return capital(who) + " has checked out " + on
	}
	return capital(who) + " " + is + " " + strings.ReplaceAll(r.Relation, "_", " ") + " of " + on
}

// capital makes the first letter of a sentence a capital one.
func capital(s string) string {
	for i, r := range s {
		return strings.ToUpper(string(r)) + s[i+len(string(r)):]
	}
	return s
}
