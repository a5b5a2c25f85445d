package main

import (
	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pemba-authz/pemba/engine"
)

// Between the messages of the API and what is read and printed here.

func wireObject(o engine.Object) *v1.ObjectReference {
	return &v1.ObjectReference{ObjectType: o.Type, ObjectId: o.ID}
}

func wireSubject(s engine.Subject) *v1.SubjectReference {
	return &v1.SubjectReference{Object: wireObject(s.Object), OptionalRelation: s.Relation}
}

func wireRelationship(r engine.Relationship) (*v1.Relationship, error) {
	out := &v1.Relationship{Resource: wireObject(r.Resource), Relation: r.Relation, Subject: wireSubject(r.Subject)}
	if r.Trait == nil {
		return out, nil
	}
	if r.Trait.Caveat != "" {
		values, err := structOf(r.Trait.Context)
		if err != nil {
			return nil, err
		}
		out.OptionalCaveat = &v1.ContextualizedCaveat{CaveatName: r.Trait.Caveat, Context: values}
	}
	if !r.Trait.Expires.IsZero() {
		out.OptionalExpiresAt = timestamppb.New(r.Trait.Expires)
	}
	return out, nil
}

// structOf converts what a JSON decoder gave, nil for nothing.
func structOf(values map[string]any) (*structpb.Struct, error) {
	if len(values) == 0 {
		return nil, nil
	}
	return structpb.NewStruct(values)
}

func objectOf(o *v1.ObjectReference) engine.Object {
	return engine.Object{Type: o.GetObjectType(), ID: o.GetObjectId()}
}

func subjectOf(s *v1.SubjectReference) engine.Subject {
	return engine.Subject{Object: objectOf(s.GetObject()), Relation: s.GetOptionalRelation()}
}

func relationshipFrom(r *v1.Relationship) engine.Relationship {
	out := engine.Relationship{Resource: objectOf(r.GetResource()), Relation: r.GetRelation(), Subject: subjectOf(r.GetSubject())}
	if r.GetOptionalCaveat() == nil && r.GetOptionalExpiresAt() == nil {
		return out
	}
	out.Trait = &engine.Trait{Caveat: r.GetOptionalCaveat().GetCaveatName()}
	if values := r.GetOptionalCaveat().GetContext(); len(values.GetFields()) > 0 {
		out.Trait.Context = values.AsMap()
	}
	if at := r.GetOptionalExpiresAt(); at != nil {
		out.Trait.Expires = at.AsTime()
	}
	return out
}

// stateOf converts an answer; one that a walk did not reach is No.
func stateOf(p v1.CheckPermissionResponse_Permissionship) engine.State {
	switch p {
	case v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION:
		return engine.Yes
	case v1.CheckPermissionResponse_PERMISSIONSHIP_CONDITIONAL_PERMISSION:
		return engine.Conditional
	}
	return engine.No
}

// foundState converts the answer for something that a lookup found.
func foundState(p v1.LookupPermissionship) engine.State {
	if p == v1.LookupPermissionship_LOOKUP_PERMISSIONSHIP_CONDITIONAL_PERMISSION {
		return engine.Conditional
	}
	return engine.Yes
}
