package server_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	authzed "github.com/authzed/authzed-go/v1"
	"github.com/authzed/grpcutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"
)

const clientsSchema = `caveat at_night(hour int) { hour < 6 }
definition user {}
definition folder { relation reader: user }
definition paper {
	relation folder: folder
	relation writer: user
	relation guest: user with at_night
	permission edit = writer
	permission read = edit + folder->reader + guest
}`

// fullyConsistent asks for everything that was acknowledged.
var fullyConsistent = &v1.Consistency{Requirement: &v1.Consistency_FullyConsistent{FullyConsistent: true}}

// goClient is a program that uses authzed-go's own client.
type goClient struct {
	testing.TB
	*authzed.Client
	ctx context.Context
}

// TestGoClient talks to a node with the client that Go programs use.
func TestGoClient(t *testing.T) {
	n := startNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	open := func(key string) *authzed.Client {
		c, err := authzed.NewClient(n.address, grpcutil.WithInsecureBearerToken(key),
			grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		return c
	}
	c := &goClient{t, open(nodeKey), ctx}
	c.schema()
	c.write()
	c.check()
	c.checkBulk()
	c.lookups()
	c.changes()
	c.bulk()
	_, err := open("another-key-of-tests").ReadSchema(ctx, &v1.ReadSchemaRequest{})
	c.refused(err, codes.PermissionDenied.String())
}

// refused demands a code and a reason.
func (c *goClient) refused(err error, want string) {
	c.Helper()
	if err == nil {
		c.Fatalf("the call succeeded, want %s", want)
	}
	if got, _, _ := strings.Cut(printError(c, err), ":"); got != want {
		c.Fatalf("%v: %s, want %s", err, got, want)
	}
}

// must ends the test.
func (c *goClient) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *goClient) schema() {
	_, err := c.WriteSchema(c.ctx, &v1.WriteSchemaRequest{Schema: clientsSchema})
	c.must(err)
	resp, err := c.ReadSchema(c.ctx, &v1.ReadSchemaRequest{})
	c.must(err)
	if !strings.Contains(resp.SchemaText, "definition paper") {
		c.Errorf("the schema that was read is\n%s", resp.SchemaText)
	}
	_, err = c.WriteSchema(c.ctx, &v1.WriteSchemaRequest{Schema: "definition {"})
	c.refused(err, "InvalidArgument SCHEMA_PARSE_ERROR")
}

func (c *goClient) updates(texts ...string) *v1.WriteRelationshipsRequest {
	r := &v1.WriteRelationshipsRequest{}
	for _, text := range texts {
		r.Updates = append(r.Updates, &v1.RelationshipUpdate{
			Operation: v1.RelationshipUpdate_OPERATION_CREATE, Relationship: relationship(c, text),
		})
	}
	return r
}

func (c *goClient) write() {
	_, err := c.WriteRelationships(c.ctx, c.updates("paper:one#writer@user:wanda", "paper:one#folder@folder:shelf",
		"folder:shelf#reader@user:rita", "paper:one#guest@user:gus[at_night]"))
	c.must(err)
	for text, want := range map[string]string{
		"paper:one#writer@user:wanda":   "AlreadyExists ATTEMPT_TO_RECREATE_RELATIONSHIP",
		"planet:one#writer@user:wanda":  "FailedPrecondition UNKNOWN_DEFINITION",
		"paper:one#painter@user:wanda":  "FailedPrecondition UNKNOWN_RELATION_OR_PERMISSION",
		"paper:one#edit@user:wanda":     "InvalidArgument CANNOT_UPDATE_PERMISSION",
		"paper:one#writer@folder:shelf": "InvalidArgument INVALID_SUBJECT_TYPE",
	} {
		_, err := c.WriteRelationships(c.ctx, c.updates(text))
		c.refused(err, want)
	}
}

func (c *goClient) check() {
	for _, q := range []struct {
		permission, user string
		hour             float64
		want             v1.CheckPermissionResponse_Permissionship
	}{
		{"edit", "user:wanda", 0, v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION},
		{"read", "user:rita", 0, v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION},
		{"edit", "user:rita", 0, v1.CheckPermissionResponse_PERMISSIONSHIP_NO_PERMISSION},
		{"read", "user:gus", 0, v1.CheckPermissionResponse_PERMISSIONSHIP_CONDITIONAL_PERMISSION},
		{"read", "user:gus", 3, v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION},
		{"read", "user:gus", 9, v1.CheckPermissionResponse_PERMISSIONSHIP_NO_PERMISSION},
	} {
		r := &v1.CheckPermissionRequest{
			Consistency: fullyConsistent, Resource: object(c, "paper:one"), Permission: q.permission, Subject: subject(c, q.user),
		}
		if q.hour > 0 {
			r.Context = &structpb.Struct{Fields: map[string]*structpb.Value{"hour": structpb.NewNumberValue(q.hour)}}
		}
		resp, err := c.CheckPermission(c.ctx, r)
		c.must(err)
		if resp.Permissionship != q.want {
			c.Errorf("%v: %s", q, resp.Permissionship)
		}
	}
	_, err := c.CheckPermission(c.ctx, &v1.CheckPermissionRequest{
		Resource: object(c, "paper:one"), Permission: "fly", Subject: subject(c, "user:rita"),
	})
	c.refused(err, "FailedPrecondition UNKNOWN_RELATION_OR_PERMISSION")
}

func (c *goClient) checkBulk() {
	item := func(permission, user string) *v1.CheckBulkPermissionsRequestItem {
		return &v1.CheckBulkPermissionsRequestItem{Resource: object(c, "paper:one"), Permission: permission, Subject: subject(c, user)}
	}
	resp, err := c.CheckBulkPermissions(c.ctx, &v1.CheckBulkPermissionsRequest{
		Consistency: fullyConsistent,
		Items:       []*v1.CheckBulkPermissionsRequestItem{item("edit", "user:wanda"), item("edit", "user:rita"), item("fly", "user:rita")},
	})
	c.must(err)
	if len(resp.Pairs) != 3 ||
		resp.Pairs[0].GetItem().GetPermissionship() != v1.CheckPermissionResponse_PERMISSIONSHIP_HAS_PERMISSION ||
		resp.Pairs[1].GetItem().GetPermissionship() != v1.CheckPermissionResponse_PERMISSIONSHIP_NO_PERMISSION ||
		codes.Code(resp.Pairs[2].GetError().GetCode()) != codes.FailedPrecondition {
		c.Errorf("a bulk check answers %v", resp)
	}
}

func (c *goClient) lookups() {
	resources, err := c.LookupResources(c.ctx, &v1.LookupResourcesRequest{
		Consistency: fullyConsistent, ResourceObjectType: "paper", Permission: "read", Subject: subject(c, "user:rita"),
	})
	c.must(err)
	found, err := drain(resources)
	c.must(err)
	if len(found) != 1 || found[0].ResourceObjectId != "one" {
		c.Errorf("found the resources %v", found)
	}
	subjects, err := c.LookupSubjects(c.ctx, &v1.LookupSubjectsRequest{
		Consistency: fullyConsistent, Resource: object(c, "paper:one"), Permission: "read", SubjectObjectType: "user",
	})
	c.must(err)
	all, err := drain(subjects)
	c.must(err)
	var ids []string
	for _, s := range all {
		ids = append(ids, s.Subject.SubjectObjectId)
	}
	if !slices.Equal(ids, []string{"gus", "rita", "wanda"}) {
		c.Errorf("found the subjects %v", ids)
	}
}

// changes watches one type, from before a write that touches two.
func (c *goClient) changes() {
	now, err := c.ReadSchema(c.ctx, &v1.ReadSchemaRequest{})
	c.must(err)
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	watch, err := c.Watch(ctx, &v1.WatchRequest{OptionalObjectTypes: []string{"folder"}, OptionalStartCursor: now.ReadAt})
	c.must(err)
	_, err = c.WriteRelationships(c.ctx, c.updates("paper:unseen#writer@user:wanda", "folder:attic#reader@user:rita"))
	c.must(err)
	seen, err := watch.Recv()
	c.must(err)
	if len(seen.Updates) != 1 || seen.Updates[0].Relationship.Resource.ObjectId != "attic" || seen.ChangesThrough.Token == "" {
		c.Errorf("the watch tells of %v", seen)
	}
}

func (c *goClient) bulk() {
	load := func(texts ...string) (*v1.ImportBulkRelationshipsResponse, error) {
		stream, err := c.ImportBulkRelationships(c.ctx)
		c.must(err)
		for _, text := range texts {
			err := stream.Send(&v1.ImportBulkRelationshipsRequest{Relationships: []*v1.Relationship{relationship(c, text)}})
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
		}
		return stream.CloseAndRecv()
	}
	resp, err := load("folder:a#reader@user:bulk", "folder:b#reader@user:bulk", "folder:c#reader@user:bulk")
	c.must(err)
	if resp.NumLoaded != 3 {
		c.Errorf("imported %d", resp.NumLoaded)
	}
	_, err = load("folder:b#reader@user:bulk")
	c.refused(err, "AlreadyExists ATTEMPT_TO_RECREATE_RELATIONSHIP")
	export, err := c.ExportBulkRelationships(c.ctx, &v1.ExportBulkRelationshipsRequest{
		Consistency: fullyConsistent, OptionalLimit: 2,
		OptionalRelationshipFilter: &v1.RelationshipFilter{
			ResourceType: "folder", OptionalSubjectFilter: &v1.SubjectFilter{SubjectType: "user", OptionalSubjectId: "bulk"},
		},
	})
	c.must(err)
	pages, err := drain(export)
	c.must(err)
	if len(pages) != 2 || len(pages[0].Relationships) != 2 || len(pages[1].Relationships) != 1 {
		c.Errorf("exported %v", pages)
	}
}

// clientsWanted is set by `make test`: then the clients of other languages, which
// need more than Go, talk to a node as well.
const clientsWanted = "PEMBA_CLIENTS"

// TestNodeClient runs a program that uses the client of the npm registry.
func TestNodeClient(t *testing.T) {
	if os.Getenv(clientsWanted) == "" {
		t.Logf("not asked for: set %s=1, as `make test` does; it needs node 18 or newer and npm", clientsWanted)
		return
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing: install Node.js 18 or newer with npm (https://nodejs.org), or run `go test ./...`, which does without", program)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "client.mjs"} {
		data, err := os.ReadFile(filepath.Join("..", "testdata", "clients", "node", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	run := func(name string, args ...string) {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, args[0], err, out)
		}
		t.Logf("%s", out)
	}
	run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	run("node", "client.mjs", startNode(t).address, nodeKey)
}
