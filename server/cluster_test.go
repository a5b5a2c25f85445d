package server_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pembav1 "github.com/pemba-authz/pemba/server/api/pemba/v1"
)

// TestCluster asks a cluster of one. Clusters of several are in the scripts of
// cmd/pemba.
func TestCluster(t *testing.T) {
	h := start(t, nil)
	h.writeSchema("definition user {}")
	ctx := context.Background()
	client := pembav1.NewClusterServiceClient(h.conn)
	s, err := client.Status(ctx, &pembav1.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.GetMembers()) != 1 || len(s.GetCluster()) != 16 || s.GetEpoch() != 1 || s.GetQuorum() != 1 || s.GetFailureTolerance() != 0 || s.GetNotServing() != "" {
		t.Fatalf("%v", s)
	}
	m := s.GetMembers()[0]
	if m.GetId() != s.GetNode() || s.GetLeader() != s.GetNode() || !m.GetVoter() || !m.GetLeader() || !m.GetReachable() || !m.GetHealthy() || m.GetTerm() == 0 || m.GetHead() == 0 || m.GetSince() == nil {
		t.Errorf("%v", m)
	}
	hashes, err := client.StateHash(ctx, &pembav1.StateHashRequest{})
	if err != nil || hashes.GetDiffer() || len(hashes.GetHashes()) != 1 || len(hashes.GetHashes()[0].GetHash()) != 32 {
		t.Errorf("%v, %v", hashes, err)
	}
	if _, err := client.Drain(ctx, &pembav1.DrainRequest{OptionalId: "another"}); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), s.GetNode()) {
		t.Errorf("another node was meant: %v", err)
	}
	if err := h.server.Ready(); err != nil {
		t.Errorf("it is not ready: %v", err)
	}
}

// TestDrainNode drains a node: it is not ready, its watches end, and it answers.
func TestDrainNode(t *testing.T) {
	h := start(t, nil)
	h.writeSchema("definition user {}\ndefinition document {\n\trelation viewer: user\n}")
	ctx := context.Background()
	watch, err := v1.NewWatchServiceClient(h.conn).Watch(ctx, &v1.WatchRequest{OptionalUpdateKinds: []v1.WatchKind{v1.WatchKind_WATCH_KIND_INCLUDE_CHECKPOINTS}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil { // it runs
		t.Fatal(err)
	}
	client := pembav1.NewClusterServiceClient(h.conn)
	answer, err := client.Drain(ctx, &pembav1.DrainRequest{})
	if err != nil || answer.GetId() == "" {
		t.Fatalf("%v, %v", answer, err)
	}
	if err := h.server.Ready(); err == nil || !strings.Contains(err.Error(), "drained by command") || !strings.Contains(err.Error(), "started again") {
		t.Errorf("that it was drained, and what undoes it: %v", err)
	}
	if err := h.server.Alive(); err != nil {
		t.Errorf("it is not alive: %v", err)
	}
	for err == nil {
		_, err = watch.Recv()
	}
	if status.Code(err) != codes.Unavailable {
		t.Errorf("the watch ended with %v", err)
	}
	h.write("document:plan#viewer@user:ana")
	if s, err := client.Status(ctx, &pembav1.StatusRequest{}); err != nil || !s.GetMembers()[0].GetDraining() {
		t.Errorf("%v, %v", s, err)
	}
	h.server.Retire()
	if err := h.server.Ready(); err == nil || !strings.Contains(err.Error(), "shutting down") {
		t.Errorf("that it ends: %v", err)
	}
}

// TestRetire is not ready any more, and everything else goes on.
func TestRetire(t *testing.T) {
	h := start(t, nil)
	if err := h.server.Ready(); err != nil {
		t.Fatal(err)
	}
	h.server.Retire()
	if err := h.server.Ready(); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want why it is not ready", err)
	}
	h.writeSchema("definition user {}")
}
