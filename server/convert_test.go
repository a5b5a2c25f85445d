package server

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"
)

// drawValue draws any value that can be kept.
func drawValue(rt *rapid.T, depth int) *structpb.Value {
	kinds := 4
	if depth < 3 {
		kinds = 6
	}
	switch rapid.IntRange(0, kinds-1).Draw(rt, "kind") {
	case 0:
		return structpb.NewNullValue()
	case 1:
		return structpb.NewBoolValue(rapid.Bool().Draw(rt, "bool"))
	case 2:
		return structpb.NewNumberValue(rapid.Float64().Draw(rt, "number"))
	case 3:
		return structpb.NewStringValue(rapid.String().Draw(rt, "text"))
	case 4:
		list := &structpb.ListValue{}
		for range rapid.IntRange(0, 3).Draw(rt, "items") {
			list.Values = append(list.Values, drawValue(rt, depth+1))
		}
		return structpb.NewListValue(list)
	}
	return structpb.NewStructValue(drawStruct(rt, depth+1))
}

func drawStruct(rt *rapid.T, depth int) *structpb.Struct {
	s := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	for range rapid.IntRange(0, 3).Draw(rt, "fields") {
		s.Fields[rapid.String().Draw(rt, "name")] = drawValue(rt, depth)
	}
	return s
}

// TestContexts gives back a context as it was, even after it was stored, which
// is as JSON that keeps the digits of numbers.
func TestContexts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		given := drawStruct(rt, 0)
		m, err := toMap(given)
		if err != nil {
			rt.Fatal(err)
		}
		text, err := json.Marshal(m)
		if err != nil {
			rt.Fatal(err)
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		var stored map[string]any
		if err := dec.Decode(&stored); err != nil {
			rt.Fatal(err)
		}
		for _, m := range []map[string]any{m, stored} {
			back, err := fromMap(m)
			if err != nil {
				rt.Fatal(err)
			}
			if back == nil {
				back = &structpb.Struct{}
			}
			if !proto.Equal(back, given) {
				rt.Fatalf("%v came back as %v", given, back)
			}
		}
	})
}

// TestNoNumbers refuses what JSON cannot express, wherever it stands.
func TestNoNumbers(t *testing.T) {
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		bad := structpb.NewNumberValue(f)
		for _, v := range []*structpb.Value{
			bad,
			structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{bad}}),
			structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"a": bad}}),
		} {
			if m, err := toMap(&structpb.Struct{Fields: map[string]*structpb.Value{"x": v}}); err == nil {
				t.Errorf("%v became %v", v, m)
			}
		}
	}
}

// TestAliases holds that deprecated messages have the fields of those that took
// their place, which transcode relies on.
func TestAliases(t *testing.T) {
	for _, pair := range [][2]proto.Message{
		{&v1.BulkCheckPermissionRequest{}, &v1.CheckBulkPermissionsRequest{}},
		{&v1.BulkCheckPermissionResponse{}, &v1.CheckBulkPermissionsResponse{}},
		{&v1.ExperimentalReflectSchemaRequest{}, &v1.ReflectSchemaRequest{}},
		{&v1.ExperimentalReflectSchemaResponse{}, &v1.ReflectSchemaResponse{}},
		{&v1.ExperimentalComputablePermissionsRequest{}, &v1.ComputablePermissionsRequest{}},
		{&v1.ExperimentalComputablePermissionsResponse{}, &v1.ComputablePermissionsResponse{}},
		{&v1.ExperimentalDependentRelationsRequest{}, &v1.DependentRelationsRequest{}},
		{&v1.ExperimentalDependentRelationsResponse{}, &v1.DependentRelationsResponse{}},
		{&v1.ExperimentalDiffSchemaRequest{}, &v1.DiffSchemaRequest{}},
		{&v1.ExperimentalDiffSchemaResponse{}, &v1.DiffSchemaResponse{}},
	} {
		sameFields(t, pair[0].ProtoReflect().Descriptor(), pair[1].ProtoReflect().Descriptor(), map[protoreflect.FullName]bool{})
	}
}

// sameFields reports fields of old that are missing in now, or are something else.
func sameFields(t *testing.T, old, now protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) {
	t.Helper()
	if seen[old.FullName()] || old == now {
		return
	}
	seen[old.FullName()] = true
	for i := range old.Fields().Len() {
		a := old.Fields().Get(i)
		b := now.Fields().ByNumber(a.Number())
		if b == nil || a.Name() != b.Name() || a.Kind() != b.Kind() || a.Cardinality() != b.Cardinality() {
			t.Errorf("%s has no equal in %s", a.FullName(), now.FullName())
			continue
		}
		if a.Message() != nil {
			sameFields(t, a.Message(), b.Message(), seen)
		}
	}
}
