package caveat_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
)

// compile fails the test where the body has faults.
func compile(t testing.TB, signature, body string) schema.Program {
	t.Helper()
	name, params := parseSignature(t, signature)
	p, faults := caveat.Compiler{}.CompileCaveat(name, params, body)
	if faults != nil {
		t.Fatalf("%s: %v", body, faults)
	}
	return p
}

// TestCoercions: each JSON value becomes, as a parameter of that type, what
// the CEL expression is, or is refused where there is none.
func TestCoercions(t *testing.T) {
	for _, tt := range []struct{ typ, json, cel string }{
		{"bool", `true`, `true`},
		{"bool", `"true"`, ``},
		{"bool", `1`, ``},

		{"string", `"1"`, `"1"`},
		{"string", `""`, `""`},
		{"string", `1`, ``},
		{"string", `true`, ``},

		{"int", `42`, `42`},
		{"int", `-42`, `-42`},
		{"int", `"42"`, `42`},
		{"int", `"+42"`, `42`},
		{"int", `"042"`, `42`},
		{"int", `"42.0"`, `42`},
		{"int", `42.000`, `42`},
		{"int", `"4.2e1"`, `42`},
		{"int", `4.2E+1`, `42`},
		{"int", `4200e-2`, `42`},
		{"int", `0e999999999999999999999`, `0`},
		{"int", `-0`, `0`},
		{"int", `9223372036854775807`, `9223372036854775807`},
		{"int", `"9223372036854775807.0"`, `9223372036854775807`},
		{"int", `922337203685477580.7e1`, `9223372036854775807`},
		{"int", `-9223372036854775808`, `-9223372036854775808`},
		{"int", `-9.223372036854775808e18`, `-9223372036854775808`},
		{"int", `9223372036854775808`, ``},
		{"int", `-9223372036854775809`, ``},
		{"int", `1e19`, ``},
		{"int", `1e999999999999999999999`, ``},
		{"int", `1e-999999999999999999999`, ``},
		{"int", `42.5`, ``},
		{"int", `"9223372036854775807.5"`, ``},
		{"int", `"0x2a"`, ``},
		{"int", `" 42"`, ``},
		{"int", `"42 "`, ``},
		{"int", `"4_2"`, ``},
		{"int", `"4p1"`, ``},
		{"int", `"--42"`, ``},
		{"int", `"4e"`, ``},
		{"int", `"4e+-1"`, ``},
		{"int", `"e1"`, ``},
		{"int", `"."`, ``},
		{"int", `""`, ``},
		{"int", `"٤٢"`, ``},
		{"int", `"Inf"`, ``},
		{"int", `true`, ``},
		{"int", `[42]`, ``},

		{"uint", `42`, `42`},
		{"uint", `"42.0"`, `42`},
		{"uint", `0`, `0`},
		{"uint", `-0.0`, `0`},
		{"uint", `9223372036854775807`, `9223372036854775807`},
		{"uint", `9223372036854775808`, ``},
		{"uint", `-1`, ``},
		{"uint", `"-1"`, ``},
		{"uint", `0.5`, ``},

		{"double", `42`, `42.0`},
		{"double", `-4.25e-1`, `-0.425`},
		{"double", `"4.5"`, `4.5`},
		{"double", `".5"`, `0.5`},
		{"double", `1.7976931348623157e308`, `1.7976931348623157e308`},
		{"double", `1e-999`, `0.0`},
		{"double", `1e309`, ``},
		{"double", `"Infinity"`, ``},
		{"double", `"NaN"`, ``},
		{"double", `"0x1p4"`, ``},
		{"double", `"1_0"`, ``},
		{"double", `" 1"`, ``},
		{"double", `false`, ``},

		{"bytes", `"aGk="`, `b"hi"`},
		{"bytes", `""`, `b""`},
		{"bytes", `"aGk"`, ``},
		{"bytes", `"_-8="`, ``},
		{"bytes", `[104]`, ``},

		{"duration", `"1h30m"`, `duration("5400s")`},
		{"duration", `"-1.5s"`, `duration("-1500ms")`},
		{"duration", `"0"`, `duration("0s")`},
		{"duration", `"1 hour"`, ``},
		{"duration", `"300000000000h"`, ``},
		{"duration", `90`, ``},

		{"timestamp", `"2024-02-29T00:30:00+01:00"`, `timestamp("2024-02-28T23:30:00Z")`},
		{"timestamp", `"2024-02-29T00:30:00.123456789Z"`, `timestamp("2024-02-29T00:30:00.123456789Z")`},
		{"timestamp", `"0001-01-01T00:00:00Z"`, `timestamp("0001-01-01T00:00:00Z")`},
		{"timestamp", `"0001-01-01T00:00:00+01:00"`, ``},
		{"timestamp", `"9999-12-31T23:59:59-01:00"`, ``},
		{"timestamp", `"2023-02-29T00:00:00Z"`, ``},
		{"timestamp", `"2024-02-29T1:00:00Z"`, ``},
		{"timestamp", `"2024-02-29T01:00:00,5Z"`, ``},
		{"timestamp", `"2024-02-29T01:00:00+25:00"`, ``},
		{"timestamp", `"2024-02-29T01:00:00"`, ``},
		{"timestamp", `"2024-02-29"`, ``},
		{"timestamp", `1709164800`, ``},

		{"list<int>", `[]`, `[]`},
		{"list<int>", `[1, "2", 3.0]`, `[1, 2, 3]`},
		{"list<int>", `[1, "x"]`, ``},
		{"list<int>", `[null]`, ``},
		{"list<any>", `[null]`, ``},
		{"list<int>", `1`, ``},
		{"list<int>", `{"0": 1}`, ``},
		{"list<list<duration>>", `[["1s"], []]`, `[[duration("1s")], []]`},
		{"map<int>", `{"a": "1"}`, `{"a": 1}`},
		{"map<int>", `{}`, `{}`},
		{"map<int>", `{"a": 1.5}`, ``},
		{"map<int>", `[1]`, ``},
		{"map<map<bool>>", `{"a": {"b": true}}`, `{"a": {"b": true}}`},

		{"any", `42`, `42.0`},
		{"any", `9007199254740993`, `9007199254740992.0`},
		{"any", `1e400`, ``},
		{"any", `"42"`, `"42"`},
		{"any", `true`, `true`},
		{"any", `[1, "a", null, {"b": [null]}]`, `[dyn(1), dyn("a"), dyn(null), dyn({"b": [null]})]`},
	} {
		p := compile(t, "c(p "+tt.typ+")", "p == "+orElse(tt.cel, "p"))
		checkCoercion(t, p, tt.typ, decode(t, `{"p": `+tt.json+`}`), tt.cel != "")
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// checkCoercion wants true, or refusal by Evaluate and CheckContext alike.
func checkCoercion(t *testing.T, p schema.Program, typ string, context map[string]any, ok bool) {
	t.Helper()
	v, _, err := p.Evaluate(context, nil)
	checked := p.CheckContext(context, true)
	var bad *caveat.ParamError
	switch {
	case ok && (err != nil || v != schema.True || checked != nil):
		t.Errorf("%s from %v: got %s, %v", typ, context["p"], printVerdict(v, nil, err), checked)
	case !ok && !(errors.As(err, &bad) && errors.As(checked, &bad)):
		t.Errorf("%s from %v: not refused: %s, %v", typ, context["p"], printVerdict(v, nil, err), checked)
	case !ok && !strings.HasPrefix(bad.Param, "p"):
		t.Errorf("%s from %v: parameter %q", typ, context["p"], bad.Param)
	}
}

// TestNull: null is a value of the wrong type, not a missing one.
func TestNull(t *testing.T) {
	for _, typ := range []string{"any", "bool", "string", "int", "uint", "double", "bytes",
		"duration", "timestamp", "ipaddress", "list<any>", "map<any>"} {
		checkCoercion(t, compile(t, "c(p "+typ+")", "p == p"), typ, map[string]any{"p": nil}, false)
	}
}

// TestGoValues: the Go types that decoders other than encoding/json use.
func TestGoValues(t *testing.T) {
	const bigger = 1 << 63 // the first that is no int64
	for _, tt := range []struct {
		typ  string
		v    any
		want string // "" when refused
	}{
		{"int", 42.0, "42"},
		{"int", 42, "42"},
		{"int", int64(-42), "-42"},
		{"int", uint64(42), "42"},
		{"int", uint64(bigger), ""},
		{"int", 42.5, ""},
		{"int", math.NaN(), ""},
		{"int", math.Inf(1), ""},
		{"int", float64(bigger), ""},
		{"int", math.Nextafter(bigger, 0), "9223372036854774784"},
		{"int", -float64(bigger), "-9223372036854775808"},
		{"int", math.Nextafter(-bigger, math.Inf(-1)), ""},
		{"int", int32(42), ""},
		{"int", json.Number("0x2a"), ""},
		{"uint", -1.0, ""},
		{"uint", int64(-1), ""},
		{"double", math.NaN(), ""},
		{"double", math.Inf(-1), ""},
		{"double", int64(3), "3.0"},
		{"any", math.NaN(), ""},
		{"any", int64(3), "3.0"},
		{"any", struct{}{}, ""},
		{"list<int>", []string{"1"}, ""},
	} {
		p := compile(t, "c(p "+tt.typ+")", "p == "+orElse(tt.want, "p"))
		checkCoercion(t, p, tt.typ, map[string]any{"p": tt.v}, tt.want != "")
	}
}

// TestIPAddresses has no CEL to compare with, as CEL makes no addresses.
func TestIPAddresses(t *testing.T) {
	p := compile(t, "c(p ipaddress, q ipaddress)", "p == q")
	for _, tt := range []struct {
		p, q string
		want string
	}{
		{`"10.0.0.1"`, `"::ffff:10.0.0.1"`, "true"},
		{`"2001:DB8::1"`, `"2001:db8:0:0:0:0:0:1"`, "true"},
		{`"10.0.0.1"`, `"10.0.0.2"`, "false"},
		{`"10.0.0.01"`, `"10.0.0.1"`, "error"},
		{`"10.0.0.1/8"`, `"10.0.0.1"`, "error"},
		{`"localhost"`, `"10.0.0.1"`, "error"},
		{`167772161`, `"10.0.0.1"`, "error"},
	} {
		v, _, err := p.Evaluate(decode(t, `{"p": `+tt.p+`, "q": `+tt.q+`}`), nil)
		got := printVerdict(v, nil, err)
		if strings.HasPrefix(got, "ParamError: ") {
			got = "error"
		}
		if got != tt.want {
			t.Errorf("%s == %s: %s, want %s", tt.p, tt.q, got, tt.want)
		}
	}
}
