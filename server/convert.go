package server

import (
	"fmt"
	"slices"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// toConsistency converts what a request says about freshness. None is
// minimize_latency.
func toConsistency(c *v1.Consistency) (replica.Consistency, error) {
	if c == nil {
		return replica.Consistency{Mode: replica.MinimizeLatency}, nil
	}
	switch r := c.Requirement.(type) {
	case *v1.Consistency_MinimizeLatency:
		if !r.MinimizeLatency {
			return replica.Consistency{}, invalid("minimize_latency must be true where it is given")
		}
		return replica.Consistency{Mode: replica.MinimizeLatency}, nil
	case *v1.Consistency_FullyConsistent:
		if !r.FullyConsistent {
			return replica.Consistency{}, invalid("fully_consistent must be true where it is given")
		}
		return replica.Consistency{Mode: replica.FullyConsistent}, nil
	case *v1.Consistency_AtLeastAsFresh:
		return withToken(replica.AtLeastAsFresh, r.AtLeastAsFresh)
	case *v1.Consistency_AtExactSnapshot:
		return withToken(replica.AtExactSnapshot, r.AtExactSnapshot)
	}
	return replica.Consistency{}, &requestError{err: errNoRequirement}
}

func withToken(mode replica.Mode, t *v1.ZedToken) (replica.Consistency, error) {
	if t.GetToken() == "" {
		return replica.Consistency{}, invalid("consistency needs a token, and the one that was given is empty")
	}
	return replica.Consistency{Mode: mode, Token: t.GetToken()}, nil
}

func fromToken(token string) *v1.ZedToken { return &v1.ZedToken{Token: token} }

// toObject converts an object that must be one: not the wildcard. field says
// where it stands in the request.
func toObject(o *v1.ObjectReference, field string) (engine.Object, error) {
	if o.GetObjectId() == engine.Wildcard {
		return engine.Object{}, invalid("%s must be one object: the wildcard * stands only for subjects", field)
	}
	return toObjectOrWildcard(o, field)
}

func toObjectOrWildcard(o *v1.ObjectReference, field string) (engine.Object, error) {
	if o == nil {
		return engine.Object{}, invalid("%s is missing", field)
	}
	if err := engine.CheckTypeName(o.ObjectType); err != nil {
		return engine.Object{}, invalid("%s: %w", field, err)
	}
	if o.ObjectId != engine.Wildcard {
		if err := engine.CheckObjectID(o.ObjectId); err != nil {
			return engine.Object{}, invalid("%s: %w", field, err)
		}
	}
	return engine.Object{Type: o.ObjectType, ID: o.ObjectId}, nil
}

// toSubject converts a subject, which may be a wildcard.
func toSubject(s *v1.SubjectReference, field string) (engine.Subject, error) {
	if s == nil {
		return engine.Subject{}, invalid("%s is missing", field)
	}
	o, err := toObjectOrWildcard(s.Object, field)
	if err != nil {
		return engine.Subject{}, err
	}
	if s.OptionalRelation != "" {
		if o.ID == engine.Wildcard {
			return engine.Subject{}, invalid("%s is a wildcard and has the relation %q: a wildcard has none", field, s.OptionalRelation)
		}
		if err := engine.CheckRelationName(s.OptionalRelation); err != nil {
			return engine.Subject{}, invalid("%s: %w", field, err)
		}
	}
	return engine.Subject{Object: o, Relation: s.OptionalRelation}, nil
}

// checkPermissionName refuses what is no name; the empty one is left to the
// schema, which has no such permission.
func checkPermissionName(name string) error {
	if name == "" {
		return nil
	}
	if err := engine.CheckRelationName(name); err != nil {
		return invalid("permission: %w", err)
	}
	return nil
}

func fromObject(o engine.Object) *v1.ObjectReference {
	return &v1.ObjectReference{ObjectType: o.Type, ObjectId: o.ID}
}

func fromSubject(s engine.Subject) *v1.SubjectReference {
	return &v1.SubjectReference{Object: fromObject(s.Object), OptionalRelation: s.Relation}
}

// toRelationship converts a relationship to be written or deleted.
func toRelationship(r *v1.Relationship) (engine.Relationship, error) {
	if r == nil {
		return engine.Relationship{}, invalid("the relationship is missing")
	}
	resource, err := toObject(r.Resource, "resource")
	if err != nil {
		return engine.Relationship{}, err
	}
	if err := engine.CheckRelationName(r.Relation); err != nil {
		return engine.Relationship{}, invalid("relation: %w", err)
	}
	subject, err := toSubject(r.Subject, "subject")
	if err != nil {
		return engine.Relationship{}, err
	}
	out := engine.Relationship{Resource: resource, Relation: r.Relation, Subject: subject}
	out.Trait, err = toTrait(r)
	if err != nil {
		return engine.Relationship{}, fmt.Errorf("%s: %w", out, err)
	}
	return out, nil
}

func toTrait(r *v1.Relationship) (*engine.Trait, error) {
	if r.OptionalCaveat == nil && r.OptionalExpiresAt == nil {
		return nil, nil
	}
	t := &engine.Trait{}
	if c := r.OptionalCaveat; c != nil {
		if err := checkCaveatName(c.CaveatName); err != nil {
			return nil, err
		}
		t.Caveat = c.CaveatName
		var err error
		if t.Context, err = toMap(c.Context); err != nil {
			return nil, fmt.Errorf("context of caveat %s: %w", c.CaveatName, err)
		}
	}
	if at := r.OptionalExpiresAt; at != nil {
		if err := at.CheckValid(); err != nil {
			return nil, invalid("optional_expires_at: %w", err)
		}
		t.Expires = at.AsTime()
		if t.Expires.IsZero() {
			return nil, invalid("optional_expires_at is %s, which stands for no time; give a later one", t.Expires.Format(time.RFC3339))
		}
	}
	return t, nil
}

// checkCaveatName refuses what cannot be a caveat's name; whether there is such
// a caveat the schema says.
func checkCaveatName(name string) error {
	const most = 128 // bytes
	ok := name != "" && len(name) <= most
	for i := 0; ok && i < len(name); i++ {
		c := name[i]
		ok = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' ||
			i > 0 && (c == '/' || c == '|' || c == '-')
	}
	if !ok {
		return invalid("%.80q is not a caveat name: 1 to %d letters, digits and _ / | -", name, most)
	}
	return nil
}

func fromRelationship(r engine.Relationship) (*v1.Relationship, error) {
	out := &v1.Relationship{Resource: fromObject(r.Resource), Relation: r.Relation, Subject: fromSubject(r.Subject)}
	if r.Trait == nil {
		return out, nil
	}
	if r.Trait.Caveat != "" {
		context, err := fromMap(r.Trait.Context)
		if err != nil {
			return nil, fmt.Errorf("%s: stored context: %w", r.Key(), err)
		}
		out.OptionalCaveat = &v1.ContextualizedCaveat{CaveatName: r.Trait.Caveat, Context: context}
	}
	out.OptionalExpiresAt = fromTime(r.Trait.Expires)
	return out, nil
}

// fromTime converts a time, the zero one to nil.
func fromTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// toFilter converts a filter of relationships.
func toFilter(f *v1.RelationshipFilter) (store.Filter, error) {
	out := store.Filter{
		ResourceType: f.GetResourceType(), ResourceID: f.GetOptionalResourceId(),
		ResourceIDPrefix: f.GetOptionalResourceIdPrefix(), Relation: f.GetOptionalRelation(),
	}
	if s := f.GetOptionalSubjectFilter(); s != nil {
		out.Subject = &store.SubjectFilter{Type: s.SubjectType, ID: s.OptionalSubjectId}
		if s.OptionalRelation != nil {
			relation := s.OptionalRelation.Relation
			out.Subject.Relation = &relation
		}
	}
	switch {
	case out == store.Filter{}:
		return out, invalidFilter(out, "selects everything: give at least one field")
	case out.ResourceID != "" && out.ResourceIDPrefix != "":
		return out, invalidFilter(out, "has both a resource id and a prefix of it: give one")
	}
	return out, nil
}

func toPreconditions(preconditions []*v1.Precondition, limit int) ([]store.Precondition, error) {
	if len(preconditions) > limit {
		return nil, tooMany(v1.ErrorReason_ERROR_REASON_TOO_MANY_PRECONDITIONS_IN_REQUEST, "precondition", len(preconditions), limit)
	}
	out := make([]store.Precondition, len(preconditions))
	for i, p := range preconditions {
		f, err := toFilter(p.GetFilter())
		if err != nil {
			return nil, fmt.Errorf("precondition %d: %w", i, err)
		}
		out[i] = store.Precondition{Filter: f, MustMatch: p.Operation == v1.Precondition_OPERATION_MUST_MATCH}
	}
	return out, nil
}

func toUpdate(u *v1.RelationshipUpdate) (store.Update, error) {
	r, err := toRelationship(u.GetRelationship())
	if err != nil {
		return store.Update{}, err
	}
	switch u.Operation {
	case v1.RelationshipUpdate_OPERATION_CREATE:
		return store.Update{Op: store.Create, Relationship: r}, nil
	case v1.RelationshipUpdate_OPERATION_TOUCH:
		return store.Update{Op: store.Touch, Relationship: r}, nil
	case v1.RelationshipUpdate_OPERATION_DELETE:
		return store.Update{Op: store.Delete, Relationship: r.Key()}, nil
	}
	return store.Update{}, invalid("operation %d is none of CREATE, TOUCH and DELETE", u.Operation)
}

func fromState(s engine.State) v1.CheckPermissionResponse_Permissionship {
	switch s {
	case engine.Yes:
		return v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION
	case engine.Conditional:
		return v1.CheckPermissionResponse_PERMISSIONSHIP_CONDITIONAL_PERMISSION
	default:
		return v1.CheckPermissionResponse_PERMISSIONSHIP_NO_PERMISSION
	}
}

func fromFoundState(s engine.State) v1.LookupPermissionship {
	if s == engine.Conditional {
		return v1.LookupPermissionship_LOOKUP_PERMISSIONSHIP_CONDITIONAL_PERMISSION
	}
	return v1.LookupPermissionship_LOOKUP_PERMISSIONSHIP_HAS_PERMISSION
}

// fromMissing converts the parameters that an answer still needs, nil for none.
func fromMissing(missing []string) *v1.PartialCaveatInfo {
	if len(missing) == 0 {
		return nil
	}
	return &v1.PartialCaveatInfo{MissingRequiredContext: slices.Clone(missing)}
}

// fromTree converts an expansion.
func fromTree(t *engine.Tree) *v1.PermissionRelationshipTree {
	out := &v1.PermissionRelationshipTree{ExpandedObject: fromObject(t.Resource), ExpandedRelation: t.Relation}
	if t.Op == engine.TreeLeaf {
		leaf := &v1.DirectSubjectSet{}
		for _, s := range t.Subjects {
			leaf.Subjects = append(leaf.Subjects, fromSubject(s.Subject))
		}
		out.TreeType = &v1.PermissionRelationshipTree_Leaf{Leaf: leaf}
		return out
	}
	set := &v1.AlgebraicSubjectSet{Operation: fromTreeOp(t.Op)}
	for _, c := range t.Children {
		set.Children = append(set.Children, fromTree(c))
	}
	out.TreeType = &v1.PermissionRelationshipTree_Intermediate{Intermediate: set}
	return out
}

func fromTreeOp(op engine.TreeOp) v1.AlgebraicSubjectSet_Operation {
	switch op {
	case engine.TreeIntersection:
		return v1.AlgebraicSubjectSet_OPERATION_INTERSECTION
	case engine.TreeExclusion:
		return v1.AlgebraicSubjectSet_OPERATION_EXCLUSION
	default:
		return v1.AlgebraicSubjectSet_OPERATION_UNION
	}
}

// fromFoundSubject converts a result of a lookup, in its present form and in
// the deprecated one, which clients still read.
func fromFoundSubject(found engine.SubjectResult) *v1.LookupSubjectsResponse {
	subject := fromResolved(found)
	resp := &v1.LookupSubjectsResponse{Subject: subject}
	//lint:ignore SA1019 clients read it
	resp.SubjectObjectId = subject.SubjectObjectId
	//lint:ignore SA1019 clients read it
	resp.Permissionship = subject.Permissionship
	//lint:ignore SA1019 clients read it
	resp.PartialCaveatInfo = subject.PartialCaveatInfo
	for _, x := range found.Excluded {
		resp.ExcludedSubjects = append(resp.ExcludedSubjects, fromResolved(x))
		//lint:ignore SA1019 clients read it
		resp.ExcludedSubjectIds = append(resp.ExcludedSubjectIds, x.ID)
	}
	return resp
}

// fromResolved converts one subject. Of one that a wildcard leaves out, the
// permissionship says how surely it does.
func fromResolved(found engine.SubjectResult) *v1.ResolvedSubject {
	return &v1.ResolvedSubject{
		SubjectObjectId: found.ID, Permissionship: fromFoundState(found.State), PartialCaveatInfo: fromMissing(found.Missing),
	}
}
