//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
)

const (
	readTimeout  = 2 * time.Second
	writeTimeout = 3 * time.Second
)

// slot says where the state of a kind of key is stored, and what is asked for it.
type slot struct{ relation, permission, subject string }

var slots = map[string]slot{
	"register": {"holds", "holds", "value"},
	"flag":     {"lamp", "lit", "person"},
	"folder":   {"reader", "open", "person"},
	"secret":   {"folder", "folder", "folder"},
}

// schemaOf is the schema in one of its variants, which differ in one permission.
func schemaOf(variant string, id int64) string {
	return fmt.Sprintf(`// Written by operation %d.
definition person {}
definition value {}
definition register { relation holds: value }
definition flag {
	relation lamp: person
	permission lit = lamp
}
definition folder {
	relation reader: person
	permission open = reader
}
definition secret {
	relation folder: folder
	permission view = folder->open
}
definition variant {
	relation first: person
	relation other: person
	permission now = %s
}
`, id, variant)
}

// split cuts type:id.
func split(key string) (typ, id string) {
	typ, id, _ = strings.Cut(key, ":")
	return typ, id
}

// relationship is the one by which a key holds a subject.
func relationship(key, subject string) *v1.Relationship {
	typ, id := split(key)
	s := slots[typ]
	return &v1.Relationship{
		Resource: &v1.ObjectReference{ObjectType: typ, ObjectId: id}, Relation: s.relation,
		Subject: &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: s.subject, ObjectId: subject}},
	}
}

// text is a relationship as the history has it.
func text(r *v1.Relationship) string {
	return fmt.Sprintf("%s:%s#%s@%s:%s", r.Resource.ObjectType, r.Resource.ObjectId, r.Relation, r.Subject.Object.ObjectType, r.Subject.Object.ObjectId)
}

// filter selects whatever a key holds; with a subject, only that.
func filter(key, subject string) *v1.RelationshipFilter {
	typ, id := split(key)
	s := slots[typ]
	f := &v1.RelationshipFilter{ResourceType: typ, OptionalResourceId: id, OptionalRelation: s.relation}
	if subject != "" {
		f.OptionalSubjectFilter = &v1.SubjectFilter{SubjectType: s.subject, OptionalSubjectId: subject}
	}
	return f
}

// marked is the metadata of a write: the changes that it makes carry it.
func marked(o *operation) *structpb.Struct {
	return &structpb.Struct{Fields: map[string]*structpb.Value{"operation": structpb.NewStringValue(strconv.FormatInt(o.ID, 10))}}
}

// markOf reads it back; 0 when there is none.
func markOf(s *structpb.Struct) int64 {
	id, _ := strconv.ParseInt(s.GetFields()["operation"].GetStringValue(), 10, 64)
	return id
}

// send sends a write to a node and fills in what became of it.
func (c *client) send(ctx context.Context, o *operation, keyed bool) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if keyed {
		ctx = metadata.AppendToOutgoingContext(ctx, "idempotency-key", fmt.Sprintf("operation-%d", o.ID))
	}
	o.Tries++
	token, changed, err := c.write(ctx, o)
	o.Result, o.Error = verdict(err), ""
	if err != nil {
		o.Error, o.Strange = err.Error(), o.Strange || !explained(o, err)
		return err
	}
	o.At, o.Changed = token.GetToken(), changed
	return nil
}

// variants writes the relationships by which checks tell which schema counts.
func (c *client) variants(ctx context.Context) (token string, err error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var updates []*v1.RelationshipUpdate
	for _, name := range []string{"first", "other"} {
		updates = append(updates, &v1.RelationshipUpdate{Operation: v1.RelationshipUpdate_OPERATION_TOUCH, Relationship: &v1.Relationship{
			Resource: &v1.ObjectReference{ObjectType: "variant", ObjectId: "x"}, Relation: name,
			Subject: &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: "person", ObjectId: name}},
		}})
	}
	resp, err := c.WriteRelationships(ctx, &v1.WriteRelationshipsRequest{Updates: updates})
	return resp.GetWrittenAt().GetToken(), err
}

// write sends it in the words of the API. changed is whether it must have
// changed something.
func (c *client) write(ctx context.Context, o *operation) (token *v1.ZedToken, changed bool, err error) {
	var updates []*v1.RelationshipUpdate
	var conditions []*v1.Precondition
	add := func(op v1.RelationshipUpdate_Operation, subject string) {
		updates = append(updates, &v1.RelationshipUpdate{Operation: op, Relationship: relationship(o.Key, subject)})
	}
	switch o.Act {
	case actSchema:
		resp, err := c.WriteSchema(ctx, &v1.WriteSchemaRequest{Schema: schemaOf(o.New, o.ID)})
		return resp.GetWrittenAt(), false, err
	case actDelete:
		if o.Old == "" {
			resp, err := c.DeleteRelationships(ctx, &v1.DeleteRelationshipsRequest{RelationshipFilter: filter(o.Key, ""), OptionalTransactionMetadata: marked(o)})
			return resp.GetDeletedAt(), resp.GetRelationshipsDeletedCount() > 0, err
		}
		add(v1.RelationshipUpdate_OPERATION_DELETE, o.Old)
	case actCreate:
		changed = true
		add(v1.RelationshipUpdate_OPERATION_CREATE, o.New)
	case actTouch:
		add(v1.RelationshipUpdate_OPERATION_TOUCH, o.New)
	case actSwap:
		changed = true
		condition := &v1.Precondition{Operation: v1.Precondition_OPERATION_MUST_NOT_MATCH, Filter: filter(o.Key, "")}
		if o.Old != "" {
			condition = &v1.Precondition{Operation: v1.Precondition_OPERATION_MUST_MATCH, Filter: filter(o.Key, o.Old)}
			add(v1.RelationshipUpdate_OPERATION_DELETE, o.Old)
		}
		conditions = append(conditions, condition)
		add(v1.RelationshipUpdate_OPERATION_TOUCH, o.New)
	}
	resp, err := c.WriteRelationships(ctx, &v1.WriteRelationshipsRequest{Updates: updates, OptionalPreconditions: conditions, OptionalTransactionMetadata: marked(o)})
	return resp.GetWrittenAt(), changed, err
}

// ask sends a read to a node and fills in the answer.
func (c *client) ask(ctx context.Context, o *operation) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	o.Tries++
	var err error
	if o.Act == actRead {
		err = c.read(ctx, o)
	} else {
		err = c.check(ctx, o)
	}
	o.Result = verdict(err)
	if o.Result == unknown {
		o.Result = failed // a read does nothing
	}
	if err != nil {
		o.Error, o.Strange = err.Error(), !explained(o, err)
	}
}

// read reads what a key holds; several subjects, which are a fault, with commas.
func (c *client) read(ctx context.Context, o *operation) error {
	stream, err := c.ReadRelationships(ctx, &v1.ReadRelationshipsRequest{Consistency: consistency(o), RelationshipFilter: filter(o.Key, "")})
	if err != nil {
		return err
	}
	var found []string
	for {
		resp, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			o.Answer = strings.Join(found, ",")
			return nil
		}
		if err != nil {
			return err
		}
		o.At = resp.ReadAt.Token
		found = append(found, resp.Relationship.Subject.Object.ObjectId)
	}
}

func (c *client) check(ctx context.Context, o *operation) error {
	typ, id := split(o.Key)
	s, subject := slots[typ], o.New
	switch o.Act {
	case actPeek:
		s = slot{permission: "view", subject: "person"}
	case actWhich:
		s = slot{permission: "now", subject: "person"}
	}
	resp, err := c.CheckPermission(ctx, &v1.CheckPermissionRequest{
		Consistency: consistency(o), Resource: &v1.ObjectReference{ObjectType: typ, ObjectId: id}, Permission: s.permission,
		Subject: &v1.SubjectReference{Object: &v1.ObjectReference{ObjectType: s.subject, ObjectId: subject}},
	})
	if err != nil {
		return err
	}
	o.At = resp.CheckedAt.Token
	o.Answer = strconv.FormatBool(resp.Permissionship == v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION)
	return nil
}

func consistency(o *operation) *v1.Consistency {
	token := &v1.ZedToken{Token: o.Token}
	switch o.Mode {
	case modeFull:
		return &v1.Consistency{Requirement: &v1.Consistency_FullyConsistent{FullyConsistent: true}}
	case modeLeast:
		return &v1.Consistency{Requirement: &v1.Consistency_AtLeastAsFresh{AtLeastAsFresh: token}}
	case modeExact:
		return &v1.Consistency{Requirement: &v1.Consistency_AtExactSnapshot{AtExactSnapshot: token}}
	}
	return &v1.Consistency{Requirement: &v1.Consistency_MinimizeLatency{MinimizeLatency: true}}
}

// verdict is what an error says about whether the operation was done.
func verdict(err error) result {
	st := status.Convert(err)
	switch st.Code() {
	case codes.OK:
		return done
	case codes.AlreadyExists:
		return refused
	case codes.FailedPrecondition:
		if reason(st) == v1.ErrorReason_ERROR_REASON_WRITE_OR_DELETE_PRECONDITION_FAILURE.String() {
			return refused
		}
		return failed
	case codes.ResourceExhausted, codes.Aborted, codes.InvalidArgument, codes.NotFound:
		return failed
	case codes.Unavailable:
		for _, d := range st.Details() {
			if _, ok := d.(*errdetails.RetryInfo); ok {
				return failed // the server says: not done, try again
			}
		}
		if strings.HasPrefix(st.Message(), "connection error:") {
			return failed // it was never sent
		}
	}
	return unknown
}

func reason(st *status.Status) string {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.Reason
		}
	}
	return ""
}

// explained reports whether an error is what clients have to live with: a fault
// of the network, a process or a disk, a condition that does not hold, or a
// revision that retention let go of.
func explained(o *operation, err error) bool {
	switch st := status.Convert(err); st.Code() {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.ResourceExhausted:
		return true
	case codes.AlreadyExists:
		return o.Act == actCreate
	case codes.FailedPrecondition:
		return verdict(err) == refused && o.Act == actSwap || o.Mode == modeExact
	case codes.Aborted:
		return o.Act == actSchema
	}
	return false
}
