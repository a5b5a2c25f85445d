package server_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pemba-authz/pemba/server"
	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
)

const sandboxSchema = "definition user {}\ndefinition document {\n\trelation viewer: user | document#viewer\n}"

// TestSandboxBounds reaches each bound, which is an error that says which.
func TestSandboxBounds(t *testing.T) {
	h := start(t, nil)
	c := consolev1.NewSandboxServiceClient(h.conn)
	for _, test := range []struct {
		files *consolev1.SandboxFiles
		code  codes.Code
		says  string
	}{
		{&consolev1.SandboxFiles{SchemaText: sandboxSchema, Relationships: strings.Repeat("\n", 20_001)}, codes.ResourceExhausted, "20001 lines"},
		{&consolev1.SandboxFiles{SchemaText: sandboxSchema, Assertions: "assertTrue:\n" + strings.Repeat("- document:a#viewer@user:anne\n", 2_001)}, codes.ResourceExhausted, "2001 assertions"},
		{&consolev1.SandboxFiles{SchemaText: strings.Repeat(" ", 4<<20)}, codes.ResourceExhausted, "larger than max"},
	} {
		_, err := c.RunSandbox(t.Context(), &consolev1.RunSandboxRequest{Files: test.files})
		if status.Code(err) != test.code || !strings.Contains(err.Error(), test.says) {
			t.Errorf("got %v, want %s that says %q", err, test.code, test.says)
		}
	}
}

// TestSandboxTime asks more than there is time for.
func TestSandboxTime(t *testing.T) {
	h := start(t, func(c *server.Config) { c.Limits.Sandbox = time.Nanosecond })
	c := consolev1.NewSandboxServiceClient(h.conn)
	files := &consolev1.SandboxFiles{SchemaText: sandboxSchema, Assertions: "assertTrue:\n- document:a#viewer@user:anne\n"}
	_, run := c.RunSandbox(t.Context(), &consolev1.RunSandboxRequest{Files: files})
	_, check := c.CheckSandbox(t.Context(), &consolev1.CheckSandboxRequest{Files: files, Text: "document:a#viewer@user:anne"})
	for _, err := range []error{run, check} {
		if status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), "which is all that a sandbox has") {
			t.Error(err)
		}
	}
}

// TestSandboxReads explains a question that needs more reads than it may, and
// answers it, as it needs less than a question may that is not explained.
func TestSandboxReads(t *testing.T) {
	h := start(t, nil)
	c := consolev1.NewSandboxServiceClient(h.conn)
	var b strings.Builder
	for i := range 11_000 {
		b.WriteString("document:a#viewer@document:" + strings.Repeat("x", i%7) + strconv.Itoa(i) + "#viewer\n")
	}
	files := &consolev1.SandboxFiles{SchemaText: sandboxSchema, Relationships: b.String(), Assertions: "assertFalse:\n- document:a#viewer@user:anne\n"}
	explained, err := c.CheckSandbox(t.Context(), &consolev1.CheckSandboxRequest{Files: files, Text: "document:a#viewer@user:anne"})
	if err != nil || !strings.Contains(explained.GetExplanation().GetUndecided(), "more than 10000") {
		t.Errorf("%v, %v", explained.GetExplanation().GetUndecided(), err)
	}
	ran, err := c.RunSandbox(t.Context(), &consolev1.RunSandboxRequest{Files: files})
	if err != nil || ran.GetPassed() != 1 {
		t.Errorf("%v, %v", ran, err)
	}
}

// TestSandboxLeavesTheStoreAlone compares the state before and after.
func TestSandboxLeavesTheStoreAlone(t *testing.T) {
	h := start(t, nil)
	h.writeSchema("definition user {}")
	before := h.replica.StoreStats()
	c := consolev1.NewSandboxServiceClient(h.conn)
	files := &consolev1.SandboxFiles{SchemaText: sandboxSchema, Relationships: "document:a#viewer@user:anne", Assertions: "assertTrue:\n- document:a#viewer@user:anne\n"}
	ran, err := c.RunSandbox(t.Context(), &consolev1.RunSandboxRequest{Files: files})
	if err != nil || ran.GetPassed() != 1 {
		t.Fatal(ran, err)
	}
	if after := h.replica.StoreStats(); after.Head != before.Head || after.Hash != before.Hash {
		t.Errorf("head %d and hash %s became %d and %s", before.Head, before.Hash, after.Head, after.Hash)
	}
}
