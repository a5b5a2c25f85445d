package server

import (
	"context"
	"errors"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"

	"github.com/pemba-authz/pemba/engine"
	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// explainService is pemba.v1.ExplainService.
type explainService struct {
	pembav1.UnimplementedExplainServiceServer
	*Server
}

// maxRemedies is how many remedies a denial may be explained with.
const maxRemedies = 100

// Explain answers a check with its steps and, for a denial, its remedies. A walk
// that a limit ended is an answer, too: its steps show where.
func (e *explainService) Explain(ctx context.Context, r *pembav1.ExplainRequest) (*pembav1.ExplainResponse, error) {
	q, err := toCheck(r)
	if err != nil {
		return nil, err
	}
	if r.Remedies > maxRemedies {
		return nil, invalid("remedies is %d; at most %d are looked for", r.Remedies, maxRemedies)
	}
	a, err := e.question(ctx, r.Consistency, r.Context)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	resp, err := explained(ctx, &a.engine, q, int(r.Remedies))
	if err != nil {
		return nil, err
	}
	resp.CheckedAt = a.token()
	return resp, nil
}

// explained answers a check with its steps and at most so many remedies.
func explained(ctx context.Context, e *engine.Engine, q checkQuestion, remedies int) (*pembav1.ExplainResponse, error) {
	resp := &pembav1.ExplainResponse{}
	asked := traced(*e)
	answer, root, err := asked.Explain(ctx, q.resource, q.permission, q.subject)
	switch {
	case root != nil && limited(err):
		resp.Undecided = err.Error()
	case err != nil:
		return nil, err
	default:
		resp.Permissionship, resp.PartialCaveatInfo = fromState(answer.State), fromMissing(answer.Missing)
		resp.ExpiresAt = fromTime(answer.Until)
	}
	if resp.Steps, err = fromSteps(root); err != nil {
		return nil, err
	}
	if resp.Undecided == "" && answer.State == engine.No && remedies > 0 {
		found, err := e.Remedies(ctx, q.resource, q.permission, q.subject, root, remedies)
		if err != nil {
			return nil, err
		}
		resp.Remedies, err = fromRemedies(found)
		return resp, err
	}
	return resp, nil
}

// limited reports whether a walk ended at a limit.
func limited(err error) bool {
	_, deep := errors.AsType[*engine.DepthError](err)
	_, wide := errors.AsType[*engine.LimitError](err)
	return deep || wide
}

// Expand shows a set and what it is made of.
func (e *explainService) Expand(ctx context.Context, r *pembav1.ExpandRequest) (*pembav1.ExpandResponse, error) {
	resource, err := toObject(r.Resource, "resource")
	if err != nil {
		return nil, err
	}
	if err := checkPermissionName(r.Permission); err != nil {
		return nil, err
	}
	a, err := e.question(ctx, r.Consistency, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	tree, err := a.engine.Expand(ctx, resource, r.Permission, r.Recursive)
	if err != nil {
		return nil, err
	}
	out, err := fromExpansion(tree)
	return &pembav1.ExpandResponse{ExpandedAt: a.token(), Tree: out}, err
}

// stepList lays a tree of steps out as a list, in which steps name each other by
// their place.
type stepList struct {
	places map[*engine.Step]uint32
	steps  []*engine.Step
}

func (l *stepList) add(s *engine.Step) {
	l.places[s] = uint32(len(l.steps))
	l.steps = append(l.steps, s)
	for _, child := range s.Steps {
		l.add(child)
	}
}

// fromSteps converts a walk.
func fromSteps(root *engine.Step) ([]*pembav1.ExplainStep, error) {
	l := stepList{places: map[*engine.Step]uint32{}}
	l.add(root)
	out := make([]*pembav1.ExplainStep, len(l.steps))
	for i, s := range l.steps {
		step, err := fromStep(s)
		if err != nil {
			return nil, err
		}
		if at, ok := l.places[s.Elsewhere]; ok {
			step.AnsweredBy = &at
		}
		for _, child := range s.Steps {
			step.Children = append(step.Children, l.places[child])
		}
		out[i] = step
	}
	return out, nil
}

// fromStep converts one step without what it is tied to.
func fromStep(s *engine.Step) (*pembav1.ExplainStep, error) {
	out := &pembav1.ExplainStep{
		Kind:           pembav1.ExplainStep_Kind(s.Kind) + pembav1.ExplainStep_KIND_SET,
		Permissionship: fromState(s.State), Relation: s.Relation,
		Stored: s.Stored, All: s.All, Missing: s.Missing, Repeated: s.Repeated,
	}
	if s.Undecided {
		out.Permissionship = v1.CheckPermissionResponse_PERMISSIONSHIP_UNSPECIFIED
	}
	if s.Resource.Type != "" {
		out.Resource = fromObject(s.Resource)
	}
	if s.Relationship == nil {
		return out, nil
	}
	var err error
	out.Relationship, err = fromRelationship(*s.Relationship)
	return out, err
}

func fromRemedies(remedies []engine.Remedy) ([]*pembav1.Remedy, error) {
	out := make([]*pembav1.Remedy, len(remedies))
	for i, remedy := range remedies {
		out[i] = &pembav1.Remedy{}
		for _, c := range remedy {
			u := &v1.RelationshipUpdate{Operation: v1.RelationshipUpdate_OPERATION_CREATE}
			if c.Remove {
				u.Operation = v1.RelationshipUpdate_OPERATION_DELETE
			}
			var err error
			if u.Relationship, err = fromRelationship(c.Relationship); err != nil {
				return nil, err
			}
			out[i].Changes = append(out[i].Changes, u)
		}
	}
	return out, nil
}

// fromExpansion converts an expansion with all it has; fromTree leaves out what
// authzed.api.v1 has no place for.
func fromExpansion(t *engine.Tree) (*pembav1.ExpandTree, error) {
	out := &pembav1.ExpandTree{
		Resource: fromObject(t.Resource), Relation: t.Relation, Repeated: t.Repeated,
		Operation: pembav1.ExpandTree_Operation(t.Op) + pembav1.ExpandTree_OPERATION_LEAF,
	}
	for _, s := range t.Subjects {
		r, err := fromRelationship(engine.Relationship{Resource: t.Resource, Relation: t.Relation, Subject: s.Subject, Trait: s.Trait})
		if err != nil {
			return nil, err
		}
		out.Relationships = append(out.Relationships, r)
	}
	for _, child := range t.Children {
		c, err := fromExpansion(child)
		if err != nil {
			return nil, err
		}
		out.Children = append(out.Children, c)
	}
	if t.Via == nil {
		return out, nil
	}
	var err error
	out.Via, err = fromRelationship(*t.Via)
	return out, err
}
