package server

import (
	"encoding/json"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// toContext converts the caveat context of a request, which has at most limit
// bytes.
func toContext(s *structpb.Struct, limit int) (map[string]any, error) {
	if s == nil {
		return nil, nil
	}
	if size := proto.Size(s); size > limit {
		return nil, invalid("the request's caveat context has %d bytes; at most %d are allowed", size, limit)
	}
	m, err := toMap(s)
	if err != nil {
		return nil, fmt.Errorf("context: %w", err)
	}
	return m, nil
}

// toMap converts a struct; nil for one without fields. Numbers that JSON cannot
// express are refused.
func toMap(s *structpb.Struct) (map[string]any, error) {
	if len(s.GetFields()) == 0 {
		return nil, nil
	}
	m := make(map[string]any, len(s.Fields))
	for name, v := range s.Fields {
		value, err := toValue(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		m[name] = value
	}
	return m, nil
}

func toValue(v *structpb.Value) (any, error) {
	switch k := v.GetKind().(type) {
	case *structpb.Value_NumberValue:
		if math.IsNaN(k.NumberValue) || math.IsInf(k.NumberValue, 0) {
			return nil, invalid("%v is not a number that can be kept", k.NumberValue)
		}
		return k.NumberValue, nil
	case *structpb.Value_StringValue:
		return k.StringValue, nil
	case *structpb.Value_BoolValue:
		return k.BoolValue, nil
	case *structpb.Value_StructValue:
		m, err := toMap(k.StructValue)
		if m == nil && err == nil {
			m = map[string]any{}
		}
		return m, err
	case *structpb.Value_ListValue:
		list := make([]any, len(k.ListValue.GetValues()))
		for i, item := range k.ListValue.GetValues() {
			var err error
			if list[i], err = toValue(item); err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return list, nil
	}
	return nil, nil
}

// fromMap converts what toMap made, after any time in the store; nil for an
// empty map.
func fromMap(m map[string]any) (*structpb.Struct, error) {
	if len(m) == 0 {
		return nil, nil
	}
	v, err := fromValue(m)
	return v.GetStructValue(), err
}

func fromValue(v any) (*structpb.Value, error) {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return nil, err
		}
		return structpb.NewNumberValue(f), nil
	case map[string]any:
		fields := make(map[string]*structpb.Value, len(v))
		for name, item := range v {
			var err error
			if fields[name], err = fromValue(item); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		return structpb.NewStructValue(&structpb.Struct{Fields: fields}), nil
	case []any:
		values := make([]*structpb.Value, len(v))
		for i, item := range v {
			var err error
			if values[i], err = fromValue(item); err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return structpb.NewListValue(&structpb.ListValue{Values: values}), nil
	}
	return structpb.NewValue(v)
}

// toMetadata converts what a transaction carries, of at most limit bytes.
func toMetadata(s *structpb.Struct, limit int) (map[string]any, error) {
	m, err := toMap(s)
	if m == nil || err != nil {
		return nil, err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, invalid("optional_transaction_metadata: %w", err)
	}
	if len(text) > limit {
		return nil, tooLargeMetadata(len(text), limit)
	}
	return m, nil
}
