package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"golang.org/x/tools/txtar"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/engine/enginetest"
	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/schema/syntax"
	"github.com/pemba-authz/pemba/server"
	"github.com/pemba-authz/pemba/server/replica"
)

// TestCorpus demands the answers of testdata/corpus of the reference evaluator,
// of the engine over relationships in memory, of the engine over the store, of
// gRPC and of HTTP. A file has a schema, relationships, perhaps the caveat context
// of the questions, and what is expected, a line each; "?" marks what depends:
//
//	type:id#permission@subject yes|no|conditional
//	resources type#permission@subject: ids
//	subjects type:id#permission@type: ids
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("../testdata/corpus/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 8 {
		t.Fatalf("the corpus has only %d files", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			c := readCorpus(t, file)
			for _, a := range c.answerers(t) {
				t.Run(a.name, func(t *testing.T) { c.demand(t, a) })
			}
		})
	}
}

// corpus is one of its files.
type corpus struct {
	schema        string
	relationships []engine.Relationship
	context       map[string]any
	expect        []string
}

func readCorpus(t *testing.T, file string) *corpus {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &corpus{}
	for _, f := range archive.Files {
		lines := strings.FieldsFunc(string(f.Data), func(r rune) bool { return r == '\n' })
		switch f.Name {
		case "schema.zed":
			c.schema = string(f.Data)
		case "relationships":
			for _, line := range lines {
				r, err := engine.ParseRelationship(line)
				if err != nil {
					t.Fatal(err)
				}
				c.relationships = append(c.relationships, r)
			}
		case "context.json":
			if c.context, err = engine.ParseContext(string(f.Data)); err != nil {
				t.Fatal(err)
			}
		case "expect":
			c.expect = lines
		default:
			t.Fatalf("unknown section %s", f.Name)
		}
	}
	if len(c.expect) == 0 {
		t.Fatal("nothing is expected")
	}
	return c
}

// answerer is one of the ways to ask. Lists of ids have "?" after those that
// depend; a nil function is a question that it does not answer.
type answerer struct {
	name      string
	check     func(resource engine.Object, permission string, subject engine.Subject) (enginetest.Outcome, error)
	resources func(resourceType, permission string, subject engine.Subject) ([]string, error)
	subjects  func(resource engine.Object, permission, subjectType string) ([]string, error)
}

func (c *corpus) answerers(t *testing.T) []answerer {
	t.Helper()
	file, faults := syntax.Parse(c.schema)
	if faults != nil {
		t.Fatal(faults)
	}
	reference, err := enginetest.NewReference(file, c.relationships, c.context, startOfTime)
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := schema.Compile(c.schema, schema.Options{Caveats: caveat.New()})
	if err != nil {
		t.Fatal(err)
	}
	w := startHTTP(t, server.HTTPConfig{}, nil)
	w.writeSchema(c.schema)
	var texts []string
	for _, r := range c.relationships {
		texts = append(texts, r.String())
	}
	w.write(texts...)
	snap, err := w.replica.Snapshot(t.Context(), replica.Consistency{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(snap.Close)
	return []answerer{
		{name: "reference", check: func(resource engine.Object, permission string, subject engine.Subject) (enginetest.Outcome, error) {
			return reference.Check(resource, permission, subject), nil
		}},
		c.ofEngine("engine", &engine.Engine{Schema: compiled, Reader: engine.NewMemory(c.relationships...), Now: startOfTime, Context: c.context}),
		c.ofEngine("store", &engine.Engine{Schema: compiled, Reader: snap, Now: startOfTime, Context: c.context}),
		c.ofClient(t, "grpc", w.permissions),
		c.ofClient(t, "http", v1.NewPermissionsServiceClient(&httpConn{w.url})),
	}
}

func (c *corpus) ofEngine(name string, e *engine.Engine) answerer {
	ctx := context.Background()
	return answerer{name,
		func(resource engine.Object, permission string, subject engine.Subject) (enginetest.Outcome, error) {
			a, err := e.Check(ctx, resource, permission, subject)
			return map[engine.State]enginetest.Outcome{
				engine.No: enginetest.No, engine.Conditional: enginetest.Conditional, engine.Yes: enginetest.Yes,
			}[a.State], err
		},
		func(resourceType, permission string, subject engine.Subject) (ids []string, _ error) {
			for r, err := range e.LookupResources(ctx, resourceType, permission, subject, "") {
				if err != nil {
					return nil, err
				}
				ids = append(ids, marked(r.ID, r.State == engine.Conditional))
			}
			return ids, nil
		},
		func(resource engine.Object, permission, subjectType string) (ids []string, _ error) {
			for s, err := range e.LookupSubjects(ctx, resource, permission, subjectType, "", "") {
				if err != nil {
					return nil, err
				}
				ids = append(ids, marked(s.ID, s.State == engine.Conditional))
			}
			return ids, nil
		},
	}
}

func (c *corpus) ofClient(t *testing.T, name string, client v1.PermissionsServiceClient) answerer {
	ctx := context.Background()
	values := toStruct(t, c.context)
	return answerer{name,
		func(resource engine.Object, permission string, who engine.Subject) (enginetest.Outcome, error) {
			resp, err := client.CheckPermission(ctx, &v1.CheckPermissionRequest{
				Resource: object(t, resource.String()), Permission: permission, Subject: subject(t, who.String()), Context: values,
			})
			return outcome(resp.GetPermissionship(), err)
		},
		func(resourceType, permission string, who engine.Subject) (ids []string, _ error) {
			stream, err := client.LookupResources(ctx, &v1.LookupResourcesRequest{
				ResourceObjectType: resourceType, Permission: permission, Subject: subject(t, who.String()), Context: values,
			})
			if err != nil {
				return nil, err
			}
			found, err := drain(stream)
			for _, r := range found {
				ids = append(ids, marked(r.ResourceObjectId, foundOutcome(r.Permissionship) == enginetest.Conditional))
			}
			return ids, err
		},
		func(resource engine.Object, permission, subjectType string) (ids []string, _ error) {
			stream, err := client.LookupSubjects(ctx, &v1.LookupSubjectsRequest{
				Resource: object(t, resource.String()), Permission: permission, SubjectObjectType: subjectType, Context: values,
			})
			if err != nil {
				return nil, err
			}
			found, err := drain(stream)
			for _, s := range found {
				ids = append(ids, marked(s.Subject.SubjectObjectId, foundOutcome(s.Subject.Permissionship) == enginetest.Conditional))
			}
			return ids, err
		},
	}
}

func marked(id string, depends bool) string {
	if depends {
		return id + "?"
	}
	return id
}

// demand asks everything that is expected.
func (c *corpus) demand(t *testing.T, a answerer) {
	for _, line := range c.expect {
		var got, want string
		var err error
		question, rest, _ := strings.Cut(line, " ")
		switch question {
		case "resources", "subjects":
			i := strings.LastIndex(rest, ":")
			want = strings.TrimSpace(rest[i+1:])
			got, err = a.list(question, rest[:i], want)
		default:
			want = rest
			got, err = a.one(question)
		}
		if err != nil {
			t.Errorf("%s: %v", line, err)
		} else if got != want {
			t.Errorf("%s: the answer is %q", line, got)
		}
	}
}

// one answers type:id#permission@subject.
func (a answerer) one(question string) (string, error) {
	q, err := engine.ParseRelationship(question)
	if err != nil {
		return "", err
	}
	o, err := a.check(q.Resource, q.Relation, q.Subject)
	return o.String(), err
}

// list answers type#permission@subject or type:id#permission@type. An answerer
// that does not know lists says what is wanted.
func (a answerer) list(kind, question, want string) (string, error) {
	left, right, _ := strings.Cut(question, "@")
	of, permission, _ := strings.Cut(left, "#")
	var ids []string
	switch {
	case a.resources == nil:
		return want, nil
	case kind == "resources":
		who, err := engine.ParseSubject(right)
		if err != nil {
			return "", err
		}
		if ids, err = a.resources(of, permission, who); err != nil {
			return "", err
		}
	default:
		resource, err := engine.ParseObject(of)
		if err != nil {
			return "", err
		}
		if ids, err = a.subjects(resource, permission, right); err != nil {
			return "", err
		}
	}
	if !slices.IsSorted(ids) {
		return "", fmt.Errorf("the ids %q are not in order", ids)
	}
	return strings.Join(ids, " "), nil
}

// httpConn makes the calls of a gRPC client as requests of JSON over HTTP.
type httpConn struct{ url string }

var httpPaths = map[string]string{
	v1.PermissionsService_CheckPermission_FullMethodName: "/v1/permissions/check",
	v1.PermissionsService_LookupResources_FullMethodName: "/v1/permissions/resources",
	v1.PermissionsService_LookupSubjects_FullMethodName:  "/v1/permissions/subjects",
}

func (c *httpConn) post(ctx context.Context, method string, m any) (*http.Response, error) {
	body, err := protojson.Marshal(m.(proto.Message))
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+httpPaths[method], bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	return http.DefaultClient.Do(r)
}

// failure is the error of a JSON status.
func failure(text []byte) error {
	s := &spb.Status{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, s); err != nil {
		return fmt.Errorf("%w in %s", err, text)
	}
	return status.ErrorProto(s)
}

// Invoke implements grpc.ClientConnInterface.
func (c *httpConn) Invoke(ctx context.Context, method string, args, reply any, _ ...grpc.CallOption) error {
	resp, err := c.post(ctx, method, args)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return failure(text)
	}
	return protojson.Unmarshal(text, reply.(proto.Message))
}

// NewStream implements grpc.ClientConnInterface.
func (c *httpConn) NewStream(ctx context.Context, _ *grpc.StreamDesc, method string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return &httpStream{conn: c, ctx: ctx, method: method}, nil
}

// httpStream is a stream of one request and many responses, one a line.
type httpStream struct {
	conn   *httpConn
	ctx    context.Context
	method string
	body   io.ReadCloser
	lines  *bufio.Reader
}

func (s *httpStream) SendMsg(m any) error {
	resp, err := s.conn.post(s.ctx, s.method, m)
	if err != nil {
		return err
	}
	s.body, s.lines = resp.Body, bufio.NewReader(resp.Body)
	return nil
}

func (s *httpStream) RecvMsg(m any) error {
	line, err := s.lines.ReadBytes('\n')
	if err != nil && len(line) == 0 {
		return errors.Join(s.body.Close(), err)
	}
	var part struct{ Result, Error json.RawMessage }
	if err := json.Unmarshal(line, &part); err != nil {
		return fmt.Errorf("%w in %s", err, line)
	}
	if part.Error != nil {
		return failure(part.Error)
	}
	return protojson.Unmarshal(part.Result, m.(proto.Message))
}

func (s *httpStream) Header() (metadata.MD, error) { return nil, nil }
func (s *httpStream) Trailer() metadata.MD         { return nil }
func (s *httpStream) CloseSend() error             { return nil }
func (s *httpStream) Context() context.Context     { return s.ctx }
