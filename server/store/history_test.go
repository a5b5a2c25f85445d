package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pemba-authz/pemba/engine"
)

const historySchema = `use expiration
definition user {}
definition document {
	relation viewer: user | user with expiration
	relation editor: user
}
`

// TestHistoryIsTheRecords compares what the versions say with what the records of
// revisions do, of every resource, in pages of every size.
func TestHistoryIsTheRecords(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := open(t, Config{InMemory: true})
		apply(t, s, &Transaction{Schema: new(historySchema)})
		for range 60 {
			apply(t, s, randomUpdates(t, r))
		}
		sn, err := s.Snapshot(0)
		if err != nil {
			t.Fatal(err)
		}
		want := map[engine.Object][]string{}
		for record, err := range sn.Changes(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range slices.Backward(record.Changes) {
				want[c.Relationship.Resource] = append(want[c.Relationship.Resource], fmt.Sprint(record.Revision, c.Op, c.Relationship))
			}
		}
		for resource, events := range want {
			slices.Reverse(events)
			for _, limit := range []int{1, 2, 7, 1_000} {
				if got := allEvents(t, sn, resource, limit); !slices.Equal(got, events) {
					t.Fatalf("seed %d, %s, in pages of %d:\n%q\nwant\n%q", seed, resource, limit, got, events)
				}
			}
		}
		sn.Close()
		shut(t, s)
	}
}

func randomUpdates(t *testing.T, r *rand.Rand) *Transaction {
	t.Helper()
	var tx Transaction
	seen := map[engine.Relationship]bool{}
	for range 1 + r.IntN(4) {
		rel := parse(t, fmt.Sprintf("document:%c#%s@user:%c", 'a'+r.IntN(3), []string{"viewer", "editor"}[r.IntN(2)], 'a'+r.IntN(3)))
		if rel.Relation == "viewer" && r.IntN(2) == 0 {
			rel.Trait = &engine.Trait{Expires: testTime.AddDate(0, 0, 1+r.IntN(3))}
		}
		if !seen[rel.Key()] {
			seen[rel.Key()] = true
			tx.Updates = append(tx.Updates, Update{[]Op{Touch, Touch, Delete}[r.IntN(3)], rel})
		}
	}
	return &tx
}

func allEvents(t *testing.T, sn *Snapshot, resource engine.Object, limit int) []string {
	t.Helper()
	var out []string
	var after *Event
	for {
		page, more, err := sn.History(t.Context(), Filter{ResourceType: resource.Type, ResourceID: resource.ID}, after, limit)
		if err != nil || len(page) > limit || more && len(page) < limit {
			t.Fatal(len(page), more, err)
		}
		for i := range page {
			out = append(out, fmt.Sprint(page[i].Revision, page[i].Op, page[i].Relationship))
		}
		if !more {
			return out
		}
		after = &page[len(page)-1]
	}
}

// TestHistoryEnds stops at the bound of what it looks at, and when nobody waits.
func TestHistoryEnds(t *testing.T) {
	s := open(t, Config{InMemory: true})
	defer shut(t, s)
	apply(t, s, &Transaction{Schema: new(historySchema)})
	for i := range 400 {
		rel := parse(t, fmt.Sprintf("document:a#viewer@user:u%d", i%2))
		apply(t, s, &Transaction{Updates: []Update{{[]Op{Touch, Delete}[i/2%2], rel}}})
	}
	sn, err := s.Snapshot(0)
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Close()
	f := Filter{ResourceType: "document", ResourceID: "a"}
	h := &historian{limit: 10, most: 100}
	var limit *engine.LimitError
	if err := h.read(t.Context(), sn.view, &f); !errors.As(err, &limit) || limit.Limit != 100 {
		t.Errorf("beyond the bound: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := sn.History(ctx, f, nil, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits: %v", err)
	}
}
