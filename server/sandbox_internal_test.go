package server

import (
	"log/slog"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
	"github.com/pemba-authz/pemba/server/replica"
)

// TestSandboxesAtOnce runs one sandbox more than run at the same time: it is refused,
// and runs when another is done.
func TestSandboxesAtOnce(t *testing.T) {
	r, err := replica.Open(t.Context(), replica.Config{InMemory: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	server, err := New(Config{Replica: r, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := &sandboxService{Server: server}
	ask := &consolev1.RunSandboxRequest{Files: &consolev1.SandboxFiles{SchemaText: "definition user {}"}}
	for range maxSandboxes {
		if err := s.gates.sandboxes.enter(); err != nil {
			t.Fatal(err)
		}
	}
	_, run := s.RunSandbox(t.Context(), ask)
	_, check := s.CheckSandbox(t.Context(), &consolev1.CheckSandboxRequest{Files: ask.Files, Text: "user:a#friend@user:b"})
	for _, err := range []error{run, check} {
		if code := status.Code(s.status(t.Context(), "", err)); code != codes.ResourceExhausted && code != codes.Unavailable {
			t.Errorf("one too many: %v (%s)", err, code)
		}
	}
	s.gates.sandboxes.leave()
	if _, err := s.RunSandbox(t.Context(), ask); err != nil {
		t.Errorf("when another is done: %v", err)
	}
}
