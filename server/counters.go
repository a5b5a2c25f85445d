package server

import (
	"context"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"

	"github.com/pemba-authz/pemba/server/store"
)

// ExperimentalRegisterRelationshipCounter begins to count what a filter selects.
func (e *experimentalService) ExperimentalRegisterRelationshipCounter(ctx context.Context, r *v1.ExperimentalRegisterRelationshipCounterRequest) (*v1.ExperimentalRegisterRelationshipCounterResponse, error) {
	if err := checkCounterName(r.Name); err != nil {
		return nil, err
	}
	a, err := e.question(ctx, fullyConsistent, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	filter, err := filterOf(a.engine.Schema, r.RelationshipFilter)
	if err != nil {
		return nil, err
	}
	_, err = e.propose(ctx, store.Transaction{Counters: []store.CounterUpdate{{Name: r.Name, Filter: &filter}}})
	return &v1.ExperimentalRegisterRelationshipCounterResponse{}, err
}

// ExperimentalCountRelationships returns a counter, which is never behind.
func (e *experimentalService) ExperimentalCountRelationships(ctx context.Context, r *v1.ExperimentalCountRelationshipsRequest) (*v1.ExperimentalCountRelationshipsResponse, error) {
	if err := checkCounterName(r.Name); err != nil {
		return nil, err
	}
	a, err := e.question(ctx, fullyConsistent, nil)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	counter, ok := a.snap.Counter(r.Name)
	if !ok {
		return nil, &store.CounterUnknownError{Name: r.Name}
	}
	return &v1.ExperimentalCountRelationshipsResponse{
		CounterResult: &v1.ExperimentalCountRelationshipsResponse_ReadCounterValue{ReadCounterValue: &v1.ReadCounterValue{
			RelationshipCount: uint64(counter.Count), ReadAt: fromToken(e.replica.Token(counter.Revision)),
		}},
	}, nil
}

// ExperimentalUnregisterRelationshipCounter forgets a counter.
func (e *experimentalService) ExperimentalUnregisterRelationshipCounter(ctx context.Context, r *v1.ExperimentalUnregisterRelationshipCounterRequest) (*v1.ExperimentalUnregisterRelationshipCounterResponse, error) {
	if err := checkCounterName(r.Name); err != nil {
		return nil, err
	}
	_, err := e.propose(ctx, store.Transaction{Counters: []store.CounterUpdate{{Name: r.Name}}})
	return &v1.ExperimentalUnregisterRelationshipCounterResponse{}, err
}

func checkCounterName(name string) error {
	if name == "" {
		return invalid("the counter has no name; give it one")
	}
	return nil
}
