package server

import (
	"log/slog"
	"slices"
	"strings"
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

// TestLineRoom fills the lines of an answer, and its bytes.
func TestLineRoom(t *testing.T) {
	ten := strings.Split(strings.Repeat("0123456789 ", 10), " ")[:10]
	for _, test := range []struct {
		lines, bytes int
		all          []string
		some, more   int
	}{
		{100, 1_000, ten, 10, 0},
		{3, 1_000, ten, 3, 7},
		{100, 49, ten, 4, 6},
		{100, 50, ten, 5, 5},
		{0, 1_000, ten, 0, 10},
		{10_000, 100_000, slices.Repeat(ten, 101), maxResultLines, 10},
		{100, 1_000, nil, 0, 0},
	} {
		room := lineRoom{test.lines, test.bytes}
		some, more := room.cut(test.all)
		if len(some) != test.some || more != test.more || room.lines != test.lines-test.some || room.bytes != test.bytes-10*test.some {
			t.Errorf("%v: %d lines and %d more, room for %v", test, len(some), more, room)
		}
	}
}
