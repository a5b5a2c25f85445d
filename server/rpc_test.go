package server_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pemba-authz/pemba/server"
)

// TestRPC runs the conversations of testdata/rpc, each with a server of its own:
//
//	schema          writes a schema
//	write           touches relationships, one a line
//	now             sets the clock
//	call METHOD     sends a request in the text format of protobuf (see
//	                parseRequest); of several messages, "---" stands between
//	  header=k=v    with a request header
//	  save=NAME     keeps the last token or cursor of the response: $NAME stands for it
//	  trailer=k     prints that trailer too
func TestRPC(t *testing.T) {
	datadriven.Walk(t, "testdata/rpc", func(t *testing.T, path string) {
		c := &conversation{harness: start(t, func(c *server.Config) { c.Limits.Delete = 5 }), saved: map[string]string{}}
		datadriven.RunTest(t, path, c.run)
	})
}

type conversation struct {
	*harness
	saved    map[string]string
	versions []string // of documents and revisions, in the order in which they were seen
}

var versionText = regexp.MustCompile(`([vV]ersion":"|version |[rR]evision"[=:]"?|revision=|revision )(\d+)`)

// number replaces versions of documents and revisions, which depend on what else
// is in the log, by v1, v2 and so on.
func (c *conversation) number(text string) string {
	return versionText.ReplaceAllStringFunc(text, func(s string) string {
		parts := versionText.FindStringSubmatch(s)
		i := slices.Index(c.versions, parts[2])
		if i < 0 {
			i, c.versions = len(c.versions), append(c.versions, parts[2])
		}
		return fmt.Sprintf("%sv%d", parts[1], i+1)
	})
}

func (c *conversation) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	c.TB = t
	switch d.Cmd {
	case "schema":
		c.writeSchema(d.Input)
		return ""
	case "write":
		c.write(strings.Split(strings.TrimSpace(d.Input), "\n")...)
		return ""
	case "now":
		at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(d.Input))
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		c.clock.set(at)
		return ""
	case "call":
		return c.runCall(t, d)
	}
	d.Fatalf(t, "unknown command %s", d.Cmd)
	return ""
}

var savedName = regexp.MustCompile(`\$\w+`)

func (c *conversation) runCall(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	m := findMethod(t, d.CmdArgs[0].Key)
	input := savedName.ReplaceAllStringFunc(d.Input, func(name string) string {
		value, ok := c.saved[name[1:]]
		if !ok {
			d.Fatalf(t, "nothing is saved as %s", name)
		}
		return value
	})
	var requests []proto.Message
	for part := range strings.SplitSeq(input, "\n---\n") {
		requests = append(requests, parseRequest(t, m.Input(), part))
	}
	ctx := context.Background()
	for _, arg := range d.CmdArgs[1:] {
		if arg.Key == "header" {
			ctx = metadata.AppendToOutgoingContext(ctx, arg.Vals...)
		}
	}
	responses, trailer, err := c.invoke(ctx, m, requests...)
	var b strings.Builder
	for _, r := range responses {
		b.WriteString(printResponse(t, r) + "\n")
	}
	if err != nil {
		b.WriteString(printError(t, err) + "\n")
	}
	for _, arg := range d.CmdArgs[1:] {
		switch arg.Key {
		case "save":
			c.saved[arg.Vals[0]] = lastToken(responses)
		case "trailer":
			fmt.Fprintf(&b, "%s: %s\n", arg.Vals[0], strings.Join(trailer.Get(arg.Vals[0]), ", "))
		}
	}
	return c.number(b.String())
}

// lastToken returns the last token of the last response: that of its cursor, if
// it has one.
func lastToken(responses []proto.Message) string {
	token := ""
	if len(responses) == 0 {
		return token
	}
	m := responses[len(responses)-1].ProtoReflect()
	cursor := false
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil || f.IsList() || f.IsMap() || cursor {
			return true
		}
		if text := f.Message().Fields().ByName("token"); text != nil {
			token = v.Message().Get(text).String()
			cursor = f.Message().Name() == "Cursor"
		}
		return true
	})
	return token
}
