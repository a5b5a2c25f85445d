package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"github.com/cockroachdb/datadriven"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/pemba-authz/pemba/server"
)

// web is a harness with an HTTP side.
type web struct {
	*harness
	url string
}

func startHTTP(t testing.TB, c server.HTTPConfig, change func(*server.Config)) *web {
	t.Helper()
	w := &web{harness: start(t, change)}
	side, err := w.server.NewHTTP(c)
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(side)
	w.url = listener.URL
	t.Cleanup(func() {
		listener.Close()
		if err := side.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// do sends a request and reads all of the answer.
func (w *web) do(t testing.TB, method, path, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// TestHTTP runs the conversations of testdata/http. Beside the commands of
// TestRPC there are GET and POST with a path, which print the status and the
// body, of which every line is JSON; tokens are left out.
//
//	header=(k,v)   with a request header; JSON is the content type without one
//	save=(n,k)     keeps the value of the key k of the body: $n stands for it
//	show=k         prints that header of the response too
func TestHTTP(t *testing.T) {
	config := server.HTTPConfig{
		PublicURL: "https://authz.example.com/", MaxBody: 4096,
		AuthZEN: server.AuthZENConfig{Actions: map[string]string{"GET": "read", "HEAD": "read", "PUT": "write"}},
	}
	datadriven.Walk(t, "testdata/http", func(t *testing.T, path string) {
		w := &webConversation{web: startHTTP(t, config, nil)}
		w.conversation = conversation{harness: w.harness, saved: map[string]string{}}
		datadriven.RunTest(t, path, w.run)
	})
}

type webConversation struct {
	*web
	conversation conversation
}

func (w *webConversation) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	if d.Cmd != http.MethodGet && d.Cmd != http.MethodPost {
		return w.conversation.run(t, d)
	}
	saved := w.conversation.saved
	input := savedName.ReplaceAllStringFunc(d.Input, func(name string) string { return saved[name[1:]] })
	header := http.Header{"Content-Type": {"application/json"}}
	for _, arg := range d.CmdArgs[1:] {
		if arg.Key == "header" {
			header.Set(arg.Vals[0], strings.Join(arg.Vals[1:], ","))
		}
	}
	resp, body := w.do(t, d.Cmd, d.CmdArgs[0].Key, input, header)
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", resp.StatusCode)
	for _, arg := range d.CmdArgs[1:] {
		switch arg.Key {
		case "show":
			fmt.Fprintf(&b, "%s: %s\n", arg.Vals[0], resp.Header.Get(arg.Vals[0]))
		case "save":
			saved[arg.Vals[0]] = valueOf(t, body, arg.Vals[1])
		}
	}
	for line := range strings.Lines(body) {
		b.WriteString(printJSON(t, line) + "\n")
	}
	// protobuf varies its spaces, so that nobody relies on its texts
	return w.conversation.number(strings.ReplaceAll(b.String(), "\u00a0", " "))
}

// valueOf finds the string under a key anywhere in a text of JSON.
func valueOf(t testing.TB, text, key string) string {
	t.Helper()
	_, after, ok := strings.Cut(text, `"`+key+`":"`)
	value, _, closed := strings.Cut(after, `"`)
	if !ok || !closed {
		t.Fatalf("no %s in %s", key, text)
	}
	return value
}

// printJSON prints a line of JSON in short, and without what is null or a token
// of a page.
func printJSON(t testing.TB, line string) string {
	t.Helper()
	var v any
	dec := json.NewDecoder(strings.NewReader(line))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(shorten(hide(v))); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func hide(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = hide(v[i])
		}
	case map[string]any:
		for key, value := range v {
			if token, ok := value.(string); ok && key == "next_token" && token != "" {
				v[key] = "…"
			} else if v[key] = hide(value); value == nil || key == "optionalRelation" && value == "" {
				delete(v, key)
			}
		}
	}
	return v
}

// rules calls each for every RPC that has a path.
func rules(t testing.TB, each func(m protoreflect.MethodDescriptor, path string)) {
	t.Helper()
	count := 0
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if f.Package() != "authzed.api.v1" && f.Package() != "pemba.v1" && f.Package() != "pemba.console.v1" {
			return true
		}
		for i := range f.Services().Len() {
			methods := f.Services().Get(i).Methods()
			for j := range methods.Len() {
				rule, ok := proto.GetExtension(methods.Get(j).Options(), annotations.E_Http).(*annotations.HttpRule)
				if !ok || rule.GetPost() == "" || rule.GetBody() != "*" {
					t.Errorf("%s has no POST with a body: %v", methods.Get(j).FullName(), rule)
					continue
				}
				count++
				each(methods.Get(j), rule.GetPost())
			}
		}
		return true
	})
	if count < 33 {
		t.Fatalf("only %d methods", count)
	}
}

// TestHTTPServesEveryRPC asks every path for an RPC, and finds each described.
func TestHTTPServesEveryRPC(t *testing.T) {
	w := startHTTP(t, server.HTTPConfig{}, nil)
	resp, text := w.do(t, http.MethodGet, "/openapi.json", "", nil)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s %s", resp.Status, resp.Header)
	}
	var description struct {
		Swagger string
		Paths   map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Responses   map[string]any
		}
		Definitions map[string]any
	}
	if err := json.Unmarshal([]byte(text), &description); err != nil {
		t.Fatal(err)
	}
	if description.Swagger != "2.0" {
		t.Errorf("version %q", description.Swagger)
	}
	rules(t, func(m protoreflect.MethodDescriptor, path string) {
		if description.Paths[path]["post"].OperationID == "" {
			t.Errorf("%s of %s is not described", path, m.FullName())
		}
		if m.Name() == "Watch" {
			return // it goes on; TestHTTPWatch reads one
		}
		resp, body := w.do(t, http.MethodPost, path, "{}", http.Header{"Content-Type": {"application/json"}})
		switch resp.StatusCode {
		case http.StatusOK, http.StatusBadRequest:
		case http.StatusNotFound: // the text of the gateway for a path that it does not have is "Not Found"
			if strings.Contains(body, `"Not Found"`) {
				t.Errorf("%s of %s is not served: %s", path, m.FullName(), body)
			}
		default:
			t.Errorf("%s of %s: %s %s", path, m.FullName(), resp.Status, body)
		}
	})
	operations := map[string]string{}
	for path, methods := range description.Paths {
		for method, operation := range methods {
			if other, ok := operations[operation.OperationID]; ok {
				t.Errorf("%s and %s are both operation %q", path, other, operation.OperationID)
			}
			operations[operation.OperationID] = path
			if len(operation.Responses) == 0 {
				t.Errorf("%s %s has no responses", method, path)
			}
		}
	}
	for _, reference := range references(text) {
		if description.Definitions[reference] == nil {
			t.Errorf("definition %s is missing", reference)
		}
	}
}

// references finds the definitions that a description refers to.
func references(text string) []string {
	var out []string
	for _, part := range strings.Split(text, `"#/definitions/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		out = append(out, name)
	}
	return out
}

// TestHTTPWatch reads a watch line by line as it comes.
func TestHTTPWatch(t *testing.T) {
	w := startHTTP(t, server.HTTPConfig{}, nil)
	from := w.writeSchema(watchSchema)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/v1/watch",
		strings.NewReader(fmt.Sprintf(`{"optionalStartCursor":{"token":%q}}`, from)))
	if err != nil {
		t.Fatal(err)
	}
	w.write("document:first#viewer@user:anne")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // the request is cancelled by then
	lines := bufio.NewScanner(resp.Body)
	for _, name := range []string{"first", "second", "third"} {
		if name != "first" {
			w.write("document:" + name + "#viewer@user:anne")
		}
		if !lines.Scan() {
			t.Fatal(lines.Err())
		}
		var line struct{ Result json.RawMessage }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || !strings.Contains(string(line.Result), `"objectId":"`+name+`"`) {
			t.Fatalf("%v in %s, want document:%s", err, lines.Bytes(), name)
		}
	}
}

// TestHTTPImport imports a stream of messages, one JSON object a line, that is
// larger than the bound of other bodies, but not one beyond its own bound.
func TestHTTPImport(t *testing.T) {
	w := startHTTP(t, server.HTTPConfig{MaxBody: 200}, nil)
	w.writeSchema(watchSchema)
	var body strings.Builder
	const count = 50
	for i := range count {
		fmt.Fprintf(&body, `{"relationships":[{"resource":{"objectType":"document","objectId":"d%d"},"relation":"viewer","subject":{"object":{"objectType":"user","objectId":"anne"}}}]}`+"\n", i)
	}
	resp, text := w.do(t, http.MethodPost, "/v1/relationships/importbulk", body.String(), nil)
	if resp.StatusCode != http.StatusOK || text != fmt.Sprintf(`{"numLoaded":"%d"}`, count) {
		t.Fatalf("%s %s", resp.Status, text)
	}
	again := strings.ReplaceAll(body.String(), "anne", "bob")
	resp, text = w.do(t, http.MethodPost, "/v1/relationships/importbulk", again+again, nil)
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(text, "too large") {
		t.Fatalf("%s %s", resp.Status, text)
	}
	resp, text = w.do(t, http.MethodPost, "/v1/schema/write", `{"schema":"`+strings.Repeat(" ", 200)+`"}`, nil)
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(text, "too large") {
		t.Fatalf("%s %s", resp.Status, text)
	}
}

// TestHTTPIdentity lets in over HTTP who may come in over gRPC, says to others
// what the matter is, and shows health and descriptions to everyone.
func TestHTTPIdentity(t *testing.T) {
	var keys []server.Key
	for _, text := range []string{"read=some-key-of-a-reader", "check=some-key-of-an-asker"} {
		key, err := server.PlainKey(text)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	auth, err := server.NewAuth(server.AuthConfig{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	w := startHTTP(t, server.HTTPConfig{}, func(c *server.Config) { c.Auth = auth })
	const evaluation = `{"subject":{"type":"user","id":"anne"},"action":{"name":"view"},"resource":{"type":"document","id":"a"}}`
	const nonsense = `{"subject":{"type":"User","id":"anne"},"action":{"name":"view"},"resource":{"type":"Document","id":"a"}}`
	type question struct {
		method, path, body, token string
		code                      int
	}
	questions := []question{
		{"POST", "/v1/schema/read", "{}", "", http.StatusUnauthorized},
		{"POST", "/v1/schema/read", "{}", "wrong", http.StatusForbidden},
		{"POST", "/v1/schema/read", "{}", "some-key-of-a-reader", http.StatusNotFound},
		{"POST", "/v1/schema/write", "{}", "some-key-of-a-reader", http.StatusForbidden},
		{"POST", "/access/v1/evaluation", evaluation, "", http.StatusUnauthorized},
		{"POST", "/access/v1/evaluation", evaluation, "wrong", http.StatusForbidden},
		{"POST", "/access/v1/evaluation", evaluation, "some-key-of-a-reader", http.StatusOK},
		{"POST", "/access/v1/evaluation", "", "some-key-of-a-reader", http.StatusBadRequest},
		{"POST", "/access/v1/evaluation", evaluation, "some-key-of-an-asker", http.StatusOK},
		{"POST", "/access/v1/search/subject", evaluation, "some-key-of-an-asker", http.StatusOK},
		{"POST", "/access/v1/search/resource", evaluation, "some-key-of-an-asker", http.StatusOK},
		{"POST", "/access/v1/search/action", evaluation, "some-key-of-an-asker", http.StatusOK},
		{"GET", "/openapi.json", "", "", http.StatusOK},
		{"GET", "/healthz", "", "", http.StatusOK},
		{"GET", "/.well-known/authzen-configuration", "", "", http.StatusOK},
	}
	// Who may not ask is told so, whatever the question is worth.
	for _, path := range []string{"evaluation", "evaluations", "search/subject", "search/resource", "search/action"} {
		for _, body := range []string{evaluation, nonsense, "{}", "no JSON", `{"evaluations":[{}]}`, `{"evaluations":[` + nonsense + `]}`} {
			questions = append(questions, question{"POST", "/access/v1/" + path, body, "", http.StatusUnauthorized})
		}
	}
	for _, c := range questions {
		header := http.Header{"Content-Type": {"application/json"}}
		if c.token != "" {
			header.Set("Authorization", "Bearer "+c.token)
		}
		if resp, body := w.do(t, c.method, c.path, c.body, header); resp.StatusCode != c.code {
			t.Errorf("%s %s with %q: %s %s, want %d", c.method, c.path, c.token, resp.Status, body, c.code)
		}
	}
}

// TestHTTPHealth is ready until the server drains; the process is alive then too.
func TestHTTPHealth(t *testing.T) {
	w := startHTTP(t, server.HTTPConfig{}, nil)
	expect := func(path string, code int, text string) {
		t.Helper()
		if resp, body := w.do(t, http.MethodGet, path, "", nil); resp.StatusCode != code || !strings.Contains(body, text) {
			t.Errorf("%s: %s %s, want %d %s", path, resp.Status, body, code, text)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/livez"} {
		expect(path, http.StatusOK, `{"status":"SERVING"}`)
	}
	w.server.Drain()
	expect("/healthz", http.StatusServiceUnavailable, `"NOT_SERVING"`)
	expect("/readyz", http.StatusServiceUnavailable, `shut`)
	expect("/livez", http.StatusOK, `{"status":"SERVING"}`)
}

// TestHTTPRequestID gives a request its id back, and the calls made for it.
func TestHTTPRequestID(t *testing.T) {
	w := startHTTP(t, server.HTTPConfig{}, nil)
	resp, _ := w.do(t, http.MethodPost, "/v1/schema/read", "{}", http.Header{"X-Request-Id": {"order 66/~"}})
	if got := resp.Header.Get("X-Request-Id"); got != "order 66/~" {
		t.Errorf("got %q", got)
	}
	first, _ := w.do(t, http.MethodGet, "/healthz", "", nil)
	second, _ := w.do(t, http.MethodGet, "/healthz", "", nil)
	if a, b := first.Header.Get("X-Request-Id"), second.Header.Get("X-Request-Id"); a == "" || a == b {
		t.Errorf("two requests have the ids %q and %q", a, b)
	}
}

var _ = v1.WatchKind_name // the descriptors of authzed.api.v1 are linked
