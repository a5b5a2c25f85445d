package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// api calls the services of a portal by the names of their methods, with requests as
// JSON, past the network and past whoever finds out who calls.
type api struct {
	methods map[string]endpoint

	// ids are those of objects by the names that tests give them: "user:anna". In
	// requests $user:anna stands for the id.
	ids map[string]string
}

// endpoint calls one method: request fills in the message that it is given.
type endpoint func(ctx context.Context, request func(any) error) (any, error)

func newAPI(p *Portal) *api {
	a := &api{methods: map[string]endpoint{}, ids: map[string]string{}}
	p.Register(a)
	return a
}

// RegisterService implements grpc.ServiceRegistrar.
func (a *api) RegisterService(d *grpc.ServiceDesc, service any) {
	short := d.ServiceName[strings.LastIndexByte(d.ServiceName, '.')+1:]
	for _, m := range d.Methods {
		a.methods[short+"/"+m.MethodName] = func(ctx context.Context, request func(any) error) (any, error) {
			return m.Handler(service, ctx, request, nil)
		}
	}
	for _, m := range d.Streams {
		a.methods[short+"/"+m.StreamName] = func(ctx context.Context, request func(any) error) (any, error) {
			return nil, m.Handler(service, &callStream{ctx: ctx, request: request})
		}
	}
}

// names returns the methods there are, sorted.
func (a *api) names() []string {
	var out []string
	for name := range a.methods {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// call calls a method with a request in JSON.
func (a *api) call(ctx context.Context, method, request string) (proto.Message, error) {
	do, ok := a.methods[method]
	if !ok {
		return nil, fmt.Errorf("there is no method %s", method)
	}
	resp, err := do(ctx, func(m any) error {
		return protojson.Unmarshal([]byte(a.expand(request)), m.(proto.Message))
	})
	if err != nil || resp == nil {
		return nil, err
	}
	return resp.(proto.Message), nil
}

var placeholder = regexp.MustCompile(`\$[a-z_]+:[A-Za-z0-9_.-]+`)

// expand replaces $type:name by the id of the object, and by the name itself where
// it has none.
func (a *api) expand(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(name string) string { return a.id(name[1:]) })
}

// id returns the id of an object by its name.
func (a *api) id(name string) string {
	if id, ok := a.ids[name]; ok {
		return id
	}
	_, id, _ := strings.Cut(name, ":")
	return id
}

// do calls a method that must do what it is asked for, and returns the answer as
// JSON has it.
func (a *api) do(t testing.TB, ctx context.Context, method, request string) map[string]any {
	t.Helper()
	resp, err := a.call(ctx, method, request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, a.expand(request), err)
	}
	text, err := protojson.Marshal(resp)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// callStream is the stream of a method that answers with many messages; they are
// thrown away.
type callStream struct {
	grpc.ServerStream
	ctx     context.Context
	request func(any) error
	read    bool
}

func (s *callStream) Context() context.Context { return s.ctx }
func (s *callStream) SendMsg(any) error        { return nil }

func (s *callStream) RecvMsg(m any) error {
	if s.read {
		return io.EOF
	}
	s.read = true
	return s.request(m)
}
