package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pemba-authz/pemba/server"
)

// wrongInputs is how many wrong inputs each method is given at least.
const wrongInputs = 3

// TestWrongInputs gives every method of every service wrong inputs, over gRPC
// and over HTTP, and demands the same refusal of both. The files of
// testdata/wrong are named after services. Beside the commands of TestRPC:
//
//	wrong METHOD   a request in the text format of protobuf, and the refusal
//	body METHOD    the body of an HTTP request, and the refusal
func TestWrongInputs(t *testing.T) {
	given := map[protoreflect.FullName]int{}
	datadriven.Walk(t, "testdata/wrong", func(t *testing.T, path string) {
		w := &wrongs{web: startHTTP(t, server.HTTPConfig{}, nil), service: filepath.Base(path), paths: map[protoreflect.FullName]string{}, given: given}
		w.conversation = conversation{harness: w.harness, saved: map[string]string{}}
		rules(t, func(m protoreflect.MethodDescriptor, path string) { w.paths[m.FullName()] = path })
		datadriven.RunTest(t, path, w.run)
	})
	for _, m := range methods() {
		if m.Parent().Name() != "ClusterService" && given[m.FullName()] < wrongInputs { // that one has tests of its own
			t.Errorf("%s is given %d wrong inputs, want %d", m.FullName(), given[m.FullName()], wrongInputs)
		}
	}
}

type wrongs struct {
	*web
	conversation conversation
	service      string
	paths        map[protoreflect.FullName]string
	given        map[protoreflect.FullName]int
}

func (w *wrongs) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	if d.Cmd != "wrong" && d.Cmd != "body" {
		return w.conversation.run(t, d)
	}
	var method protoreflect.MethodDescriptor
	for _, m := range methods() {
		if string(m.Parent().FullName()) == w.service && string(m.Name()) == d.CmdArgs[0].Key {
			method = m
		}
	}
	if method == nil {
		d.Fatalf(t, "%s has no method %s", w.service, d.CmdArgs[0].Key)
	}
	w.given[method.FullName()]++
	if d.Cmd == "body" {
		said, body := w.over(t, method, d.Input)
		if body == "" {
			d.Fatalf(t, "nothing is said")
		}
		return strings.ReplaceAll(said, "\u00a0", " ") + "\n" // protojson writes either
	}
	request := parseRequest(t, method.Input(), d.Input)
	_, _, err := w.invoke(t.Context(), method, request)
	if err == nil || status.Code(err) == codes.Internal || status.Code(err) == codes.Unknown {
		d.Fatalf(t, "the answer is %v", err)
	}
	body, fault := protojson.Marshal(proto.Message(request))
	if fault != nil {
		d.Fatalf(t, "%v", fault)
	}
	said, message := w.over(t, method, string(body))
	if message != status.Convert(err).Message() {
		d.Fatalf(t, "over HTTP: %s, over gRPC: %v", said, err)
	}
	return w.conversation.number(fmt.Sprintf("%s\nHTTP %s\n", printError(t, err), strings.Fields(said)[0]))
}

// over sends a body and returns what is said: status and message, and the message.
func (w *wrongs) over(t *testing.T, m protoreflect.MethodDescriptor, body string) (said, message string) {
	t.Helper()
	resp, text := w.do(t, http.MethodPost, w.paths[m.FullName()], body, http.Header{"Content-Type": {"application/json"}})
	var refusal struct {
		Message string
		Error   *struct{ Message string } // of a stream
	}
	if err := json.Unmarshal([]byte(text), &refusal); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if message = refusal.Message; refusal.Error != nil {
		message = refusal.Error.Message
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, message), message
}
