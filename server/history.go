package server

import (
	"context"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/pemba-authz/pemba/engine"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// historyService is pemba.console.v1.HistoryService.
type historyService struct {
	consolev1.UnimplementedHistoryServiceServer
	*Server
}

const (
	defaultEvents = 100 // in one answer, when no limit is given
	// maxHistoryBytes is how large the events of one answer may be together, the last
	// one apart: each carries the metadata of its transaction.
	maxHistoryBytes = 1 << 20
)

// ReadHistory lists what happened to the relationships of a resource.
func (s *historyService) ReadHistory(ctx context.Context, r *consolev1.ReadHistoryRequest) (*consolev1.ReadHistoryResponse, error) {
	if err := checkLimit(r.OptionalLimit, s.limits.PageLimit); err != nil {
		return nil, err
	}
	f, err := historyFilter(r)
	if err != nil {
		return nil, err
	}
	a, cursors, place, err := s.resume(ctx, r, r.Consistency, r.OptionalCursor, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	after, err := parsePlace(place)
	if err != nil {
		return nil, err
	}
	limit := int(r.OptionalLimit)
	if limit == 0 {
		limit = defaultEvents
	}
	events, more, err := a.snap.History(ctx, f, after, limit)
	if err != nil {
		return nil, err
	}
	floor, since, err := a.snap.Retained()
	if err != nil {
		return nil, err
	}
	resp := &consolev1.ReadHistoryResponse{ReadAt: a.token(), RetainedFrom: uint64(floor), RetainedSince: fromTime(since)}
	if resp.Events, err = s.events(a, events); err != nil {
		return nil, err
	}
	if n := len(resp.Events); more || n < len(events) {
		last := events[n-1]
		resp.AfterResultCursor = cursors.at(strconv.FormatUint(uint64(last.Revision), 10) + " " + last.Relationship.Key().String())
	}
	return resp, nil
}

func historyFilter(r *consolev1.ReadHistoryRequest) (store.Filter, error) {
	resource, err := toObject(r.Resource, "resource")
	if err != nil {
		return store.Filter{}, err
	}
	f := store.Filter{ResourceType: resource.Type, ResourceID: resource.ID, Relation: r.OptionalRelation}
	if f.Relation != "" {
		if err := engine.CheckRelationName(f.Relation); err != nil {
			return f, invalid("optional_relation: %w", err)
		}
	}
	if r.OptionalSubject == nil {
		return f, nil
	}
	if f.Relation == "" {
		return f, invalid("optional_subject needs optional_relation: together they name one relationship")
	}
	subject, err := toSubject(r.OptionalSubject, "optional_subject")
	f.Subject = &store.SubjectFilter{Type: subject.Type, ID: subject.ID, Relation: &subject.Relation}
	return f, err
}

// parsePlace reads the place of a cursor, nil for none.
func parsePlace(place string) (*store.Event, error) {
	if place == "" {
		return nil, nil
	}
	number, text, _ := strings.Cut(place, " ")
	rev, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return nil, errMalformedCursor
	}
	r, err := engine.ParseRelationship(text)
	if err != nil {
		return nil, errMalformedCursor
	}
	return &store.Event{Revision: store.Revision(rev), Relationship: r}, nil
}

// events converts the first events, as many as one answer may have, and says who
// was it.
func (s *Server) events(a *asked, events []store.Event) ([]*consolev1.HistoryEvent, error) {
	heads := map[store.Revision]store.RecordHead{}
	var out []*consolev1.HistoryEvent
	size := 0
	for _, e := range events {
		if size > maxHistoryBytes {
			break
		}
		head, known := heads[e.Revision]
		if !known {
			found, ok, err := a.snap.RecordHead(e.Revision)
			if err != nil {
				return nil, err
			}
			if ok {
				head = found
			}
			heads[e.Revision] = head
		}
		to := &consolev1.HistoryEvent{Revision: uint64(e.Revision), WrittenAt: fromToken(s.replica.Token(e.Revision)), Operation: operationOf(&e, &head)}
		var err error
		if to.Relationship, err = fromRelationship(e.Relationship); err != nil {
			return nil, err
		}
		if head.Revision != 0 {
			to.Recorded, to.Time, to.Actor = true, fromTime(head.Time), head.Actor
			if len(head.Metadata) > 0 {
				if to.Metadata, err = fromMap(head.Metadata); err != nil {
					return nil, err
				}
			}
		}
		out = append(out, to)
		size += proto.Size(to)
	}
	return out, nil
}

func operationOf(e *store.Event, head *store.RecordHead) consolev1.HistoryEvent_Operation {
	switch {
	case e.Op == store.Create:
		return consolev1.HistoryEvent_OPERATION_CREATED
	case e.Op == store.Touch:
		return consolev1.HistoryEvent_OPERATION_REPLACED
	case head.Expiry:
		return consolev1.HistoryEvent_OPERATION_EXPIRED
	}
	return consolev1.HistoryEvent_OPERATION_DELETED
}
