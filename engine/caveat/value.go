package caveat

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/pemba-authz/pemba/schema"
)

// paramType is a parameter's type: how CEL sees it and how a JSON value
// becomes one.
type paramType struct {
	text   string // as in a schema
	cel    *cel.Type
	coerce func(v any) (ref.Val, *mismatch)
}

// mismatch says why a value cannot become a type.
type mismatch struct {
	want string // the type, with its range or form where that is the fault
	got  string // the value, shortened
	path string // where in the parameter's value, "" for the value itself
}

// newParamType looks a type of the schema language up.
func newParamType(t schema.ParamType) (*paramType, error) {
	if t.Name == "list" || t.Name == "map" {
		return newCollection(t)
	}
	if t.Arg != nil {
		return nil, fmt.Errorf("type %s takes no argument", t.Name)
	}
	p := &paramType{text: t.Name}
	switch t.Name {
	case "any":
		p.cel, p.coerce = cel.DynType, toAny
	case "bool":
		p.cel, p.coerce = cel.BoolType, toBool
	case "string":
		p.cel, p.coerce = cel.StringType, toString
	case "int":
		p.cel, p.coerce = cel.IntType, toInt
	case "uint":
		p.cel, p.coerce = cel.IntType, toUint // CEL's own uint has literals of its own, 42u
	case "double":
		p.cel, p.coerce = cel.DoubleType, toDouble
	case "bytes":
		p.cel, p.coerce = cel.BytesType, text("bytes in padded base64", decodeBytes)
	case "duration":
		p.cel, p.coerce = cel.DurationType, text(`duration such as "1h30m"`, parseDuration)
	case "timestamp":
		p.cel, p.coerce = cel.TimestampType, text("timestamp in RFC 3339", parseTimestamp)
	case "ipaddress":
		p.cel, p.coerce = ipType(), text("ipaddress", parseIP)
	default:
		return nil, fmt.Errorf("unknown type %q", t.Name)
	}
	return p, nil
}

// newCollection makes list<T> and map<T>.
func newCollection(t schema.ParamType) (*paramType, error) {
	if t.Arg == nil {
		return nil, fmt.Errorf("type %s takes exactly one argument, as in %s<string>", t.Name, t.Name)
	}
	item, err := newParamType(*t.Arg)
	if err != nil {
		return nil, err
	}
	p := &paramType{text: t.Name + "<" + item.text + ">"}
	if t.Name == "list" {
		p.cel, p.coerce = cel.ListType(item.cel), toList(p.text, item)
	} else {
		p.cel, p.coerce = cel.MapType(cel.StringType, item.cel), toMap(p.text, item)
	}
	return p, nil
}

func toBool(v any) (ref.Val, *mismatch) {
	if b, ok := v.(bool); ok {
		return types.Bool(b), nil
	}
	return nil, &mismatch{want: "bool", got: describe(v)}
}

func toString(v any) (ref.Val, *mismatch) {
	if s, ok := v.(string); ok {
		return types.String(s), nil
	}
	return nil, &mismatch{want: "string", got: describe(v)}
}

// text makes a coercion of types that JSON writes as strings.
func text(want string, parse func(string) (ref.Val, bool)) func(any) (ref.Val, *mismatch) {
	return func(v any) (ref.Val, *mismatch) {
		if s, ok := v.(string); ok {
			if val, ok := parse(s); ok {
				return val, nil
			}
		}
		return nil, &mismatch{want: want, got: describe(v)}
	}
}

func decodeBytes(s string) (ref.Val, bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	return types.Bytes(b), err == nil
}

func parseDuration(s string) (ref.Val, bool) {
	d, err := time.ParseDuration(s)
	return types.Duration{Duration: d}, err == nil
}

// parseTimestamp takes the years that CEL knows, 0001 to 9999. It refuses what
// time.Parse takes though RFC 3339 forbids it: an hour of one digit, and a
// comma before the fraction.
func parseTimestamp(s string) (ref.Val, bool) {
	t, err := time.Parse(time.RFC3339, s)
	t = t.UTC()
	ok := err == nil && t.Year() >= 1 && t.Year() <= 9999 &&
		s[len("2006-01-02T15")] == ':' && s[len("2006-01-02T15:04:05")] != ','
	return types.Timestamp{Time: t}, ok
}

func parseIP(s string) (ref.Val, bool) {
	addr, err := netip.ParseAddr(s)
	return ipAddress{addr.Unmap()}, err == nil
}

func toList(want string, item *paramType) func(any) (ref.Val, *mismatch) {
	return func(v any) (ref.Val, *mismatch) {
		items, ok := v.([]any)
		if !ok {
			return nil, &mismatch{want: want, got: describe(v)}
		}
		vals := make([]ref.Val, len(items))
		for i, it := range items {
			val, bad := item.coerce(it)
			if bad != nil {
				bad.path = fmt.Sprintf("[%d]%s", i, bad.path)
				return nil, bad
			}
			vals[i] = val
		}
		return types.NewRefValList(types.DefaultTypeAdapter, vals), nil
	}
}

func toMap(want string, item *paramType) func(any) (ref.Val, *mismatch) {
	return func(v any) (ref.Val, *mismatch) {
		fields, ok := v.(map[string]any)
		if !ok {
			return nil, &mismatch{want: want, got: describe(v)}
		}
		return coerceFields(fields, item.coerce)
	}
}

// coerceFields reports the first fault in the order of the keys.
func coerceFields(fields map[string]any, coerce func(any) (ref.Val, *mismatch)) (ref.Val, *mismatch) {
	vals := make(map[string]ref.Val, len(fields))
	var worst *mismatch
	worstKey := ""
	for key, field := range fields {
		val, bad := coerce(field)
		if bad != nil && (worst == nil || key < worstKey) {
			worst, worstKey = bad, key
		}
		vals[key] = val
	}
	if worst != nil {
		worst.path = fmt.Sprintf("[%q]%s", worstKey, worst.path)
		return nil, worst
	}
	return newOrderedMap(vals), nil
}

// toAny takes any JSON value but null. Numbers are doubles, as they are in the
// API's Struct, so that one context means one thing by every road.
func toAny(v any) (ref.Val, *mismatch) {
	switch v := v.(type) {
	case bool:
		return types.Bool(v), nil
	case string:
		return types.String(v), nil
	case []any:
		return toAnyItems(v)
	case map[string]any:
		return coerceFields(v, toAnyOrNull)
	case nil:
		return nil, &mismatch{want: "any value but null", got: "null"}
	}
	if val, bad := toDouble(v); bad == nil {
		return val, nil
	}
	return nil, &mismatch{want: "any JSON value", got: describe(v)}
}

// toAnyOrNull is toAny below the top, where null is a value like others.
func toAnyOrNull(v any) (ref.Val, *mismatch) {
	if v == nil {
		return types.NullValue, nil
	}
	return toAny(v)
}

func toAnyItems(items []any) (ref.Val, *mismatch) {
	vals := make([]ref.Val, len(items))
	for i, it := range items {
		val, bad := toAnyOrNull(it)
		if bad != nil {
			bad.path = fmt.Sprintf("[%d]%s", i, bad.path)
			return nil, bad
		}
		vals[i] = val
	}
	return types.NewRefValList(types.DefaultTypeAdapter, vals), nil
}

// describe names a value for a message: its JSON type, and the value itself
// where that is short.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprintf("bool %t", v)
	case string:
		if len(v) > maxQuoted {
			return fmt.Sprintf("a string of %d bytes", len(v))
		}
		return fmt.Sprintf("string %q", v)
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	}
	if s, ok := numberText(v); ok {
		if len(s) > maxQuoted {
			return fmt.Sprintf("a number of %d digits", len(s))
		}
		return "number " + s
	}
	return fmt.Sprintf("the Go type %T, which is no JSON value", v)
}

// maxQuoted is how long a value may be to be printed in a message, in bytes.
const maxQuoted = 60
