package server_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"strings"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
)

// TestPortalDecisions asks the customer's decisions over the API, one by one and
// all at once.
func TestPortalDecisions(t *testing.T) {
	h := start(t, nil)
	h.loadPortal()
	table, err := os.ReadFile("../testdata/portal/decisions.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows = rows[1:] // without the heading
	if len(rows) < 100 {
		t.Fatalf("only %d decisions", len(rows))
	}
	ctx := context.Background()
	all := &v1.CheckBulkPermissionsRequest{}
	for _, row := range rows {
		all.Items = append(all.Items, &v1.CheckBulkPermissionsRequestItem{
			Resource: object(t, row[0]), Permission: row[1], Subject: subject(t, row[2]),
		})
	}
	bulk, err := h.permissions.CheckBulkPermissions(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		want := v1.CheckPermissionResponse_PERMISSIONSHIP_NO_PERMISSION
		if row[3] == "allow" {
			want = v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION
		}
		item := all.Items[i]
		resp, err := h.permissions.CheckPermission(ctx, &v1.CheckPermissionRequest{
			Resource: item.Resource, Permission: item.Permission, Subject: item.Subject,
		})
		if err != nil {
			t.Fatalf("%v: %v", row, err)
		}
		if resp.Permissionship != want {
			t.Errorf("%v: %s", row, resp.Permissionship)
		}
		if got := bulk.Pairs[i].GetItem().GetPermissionship(); got != want {
			t.Errorf("%v: in bulk %s", row, got)
		}
	}
}

// loadPortal writes the customer's schema and relationships.
func (h *harness) loadPortal() {
	h.Helper()
	text, err := os.ReadFile("../testdata/portal/schema.zed")
	if err != nil {
		h.Fatal(err)
	}
	h.writeSchema(string(text))
	lines, err := os.ReadFile("../testdata/portal/relationships.txt")
	if err != nil {
		h.Fatal(err)
	}
	var relationships []string
	for line := range strings.Lines(string(lines)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			relationships = append(relationships, line)
		}
	}
	h.write(relationships...)
}
