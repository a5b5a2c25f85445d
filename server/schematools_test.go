package server_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	consolev1 "github.com/pemba-authz/pemba/server/api/pemba/console/v1"
)

// TestWritersOfSchemas has several write a schema in the place of the same one, all
// at once: one of them does, and the others are told who.
func TestWritersOfSchemas(t *testing.T) {
	h := start(t, nil)
	c := consolev1.NewSchemaToolsServiceClient(h.conn)
	first, err := c.WriteSchema(t.Context(), &consolev1.WriteSchemaRequest{SchemaText: "definition user {}", Reason: "the first"})
	if err != nil {
		t.Fatal(err)
	}
	seen := first.GetWrittenAt()
	for round := range 20 {
		var written, refused atomic.Int32
		var winner atomic.Pointer[consolev1.WriteSchemaResponse]
		var writers sync.WaitGroup
		for writer := range 4 {
			writers.Go(func() {
				r, err := c.WriteSchema(t.Context(), &consolev1.WriteSchemaRequest{
					SchemaText: fmt.Sprintf("definition user {}\ndefinition of_%d_%d {}", round, writer), Reason: "a race", Seen: seen,
				})
				switch status.Code(err) {
				case codes.OK:
					written.Add(1)
					winner.Store(r)
				case codes.Aborted:
					refused.Add(1)
					info, ok := status.Convert(err).Details()[0].(*errdetails.ErrorInfo)
					if !ok || info.GetMetadata()["reason"] != "a race" || !strings.Contains(err.Error(), "(a race)") {
						t.Errorf("who was it? %v %v", err, info)
					}
				default:
					t.Error(err)
				}
			})
		}
		writers.Wait()
		if written.Load() != 1 || refused.Load() != 3 {
			t.Fatalf("%d were written, %d refused", written.Load(), refused.Load())
		}
		seen = winner.Load().GetWrittenAt()
	}
	list, err := c.ListSchemas(t.Context(), &consolev1.ListSchemasRequest{})
	if err != nil || len(list.GetSchemas()) != 21 {
		t.Errorf("%d schemas, %v", len(list.GetSchemas()), err)
	}
}

// TestDiffSchemas compares schemas that were written.
func TestDiffSchemas(t *testing.T) {
	h := start(t, nil)
	c := consolev1.NewSchemaToolsServiceClient(h.conn)
	h.writeSchema("definition user {}\ndefinition document {\n\trelation viewer: user\n}")
	h.writeSchema("definition user {}\ndefinition document {\n\trelation viewer: user\n\tpermission view = viewer\n}")
	list, err := c.ListSchemas(t.Context(), &consolev1.ListSchemasRequest{})
	if err != nil {
		t.Fatal(err)
	}
	newest, oldest := list.GetSchemas()[0].GetRevision(), list.GetSchemas()[1].GetRevision()
	for _, test := range []struct {
		from, to uint64
		want     string
	}{
		{oldest, newest, "document#view added: permission view = viewer"},
		{newest, oldest, "document#view removed: permission view = viewer"},
		{newest, newest, ""},
		{0, oldest, "definition document added, definition user added"},
	} {
		r, err := c.DiffSchemas(t.Context(), &consolev1.DiffSchemasRequest{From: test.from, To: test.to})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, change := range r.GetChanges() {
			got = append(got, change.GetText())
		}
		if strings.Join(got, ", ") != test.want {
			t.Errorf("from %d to %d: got %q, want %q", test.from, test.to, got, test.want)
		}
	}
}

// TestDiagnoseMuch bounds what is said of one text, and says what is left out.
func TestDiagnoseMuch(t *testing.T) {
	h := start(t, nil)
	c := consolev1.NewSchemaToolsServiceClient(h.conn)
	var faults, symbols, uses strings.Builder
	for i := range 1_200 {
		fmt.Fprintf(&faults, "definition d%06d {\n\trelation r: nothing\n}\n", i)
	}
	for i := range 3_000 {
		fmt.Fprintf(&symbols, "definition d%06d {\n\trelation rel: d%06d\n}\n", i, i)
	}
	uses.WriteString("definition user {}\ndefinition document {\n\trelation rel: user\n")
	for i := range 3_000 {
		fmt.Fprintf(&uses, "\tpermission p%06d = rel%s\n", i, strings.Repeat(" + rel", 9))
	}
	uses.WriteString("}\n")
	diagnose := func(text string) *consolev1.DiagnoseSchemaResponse {
		r, err := c.DiagnoseSchema(t.Context(), &consolev1.DiagnoseSchemaRequest{SchemaText: text})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := diagnose(faults.String()); len(r.GetProblems()) != 1_000 || r.GetMoreProblems() == 0 {
		t.Errorf("%d problems and %d more", len(r.GetProblems()), r.GetMoreProblems())
	}
	if r := diagnose(symbols.String()); len(r.GetSymbols()) != 5_000 || r.GetMoreSymbols() != 1_000 {
		t.Errorf("%d symbols and %d more", len(r.GetSymbols()), r.GetMoreSymbols())
	}
	r := diagnose(uses.String())
	n := 0
	for _, s := range r.GetSymbols() {
		n += len(s.GetUsed())
	}
	if n != 20_000 || !r.GetUsesCut() {
		t.Errorf("%d uses, cut %t", n, r.GetUsesCut())
	}
}
