package caveat_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
)

// TestHugeBodies gives the compiler what is long or deep: a program or a fault
// that says which limit, never a panic.
func TestHugeBodies(t *testing.T) {
	const deep = "nests too deeply"
	rep := strings.Repeat
	params := parseParams(t, "a bool, i int, l list<int>, m map<any>")
	for _, tt := range []struct{ name, body, fault string }{
		{"chain", "a" + rep(" && a", 10_000), ""},
		{"parentheses", rep("(", 20) + "a" + rep(")", 20), ""},
		{"deep parentheses", rep("(", 40_000) + "a" + rep(")", 40_000), deep},
		{"deep negation", rep("!(", 5_000) + "a" + rep(")", 5_000), deep},
		{"deep sum", "i" + rep("+i", 40_000) + " == 1", deep},
		{"open lists", rep("[", 99_000), deep},
		{"open maps", rep("{'a':", 19_000), deep},
		{"deep conditions", rep("a?a:", 24_000) + "a", deep},
		{"deep selection", "m" + rep(".a", 45_000) + "== 1", deep},
		{"deep loops", rep("l.all(x, ", 2_000) + "a" + rep(")", 2_000), deep},
		{"longest", "a" + rep(" ", caveat.MaxBody-1), ""},
		{"longest in characters", "'" + rep("é", caveat.MaxBody-10) + "' == ''", ""},
		{"too long", "a" + rep(" ", caveat.MaxBody), "100001 characters, at most 100000"},
		{"too long in characters", rep("é", caveat.MaxBody+1), "100001 characters, at most 100000"},
		{"no UTF-8", "a && '\xff'", "UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, faults := caveat.New().CompileCaveat("huge", params, tt.body)
			if tt.fault == "" {
				if faults != nil {
					t.Fatal(faults)
				}
				if _, _, err := p.Evaluate(decode(t, `{"a": true}`), nil); err != nil {
					t.Fatal(err)
				}
				return
			}
			if p != nil || len(faults) == 0 || !strings.Contains(faults[0].Msg, tt.fault) {
				t.Fatalf("want a fault that says %q, got %.300v", tt.fault, faults)
			}
		})
	}
}

// TestInvalidUTF8 looks at the offset.
func TestInvalidUTF8(t *testing.T) {
	_, faults := caveat.New().CompileCaveat("c", parseParams(t, "a bool"), "a && '\uFFFDé\xff' == 'x'")
	if len(faults) != 1 || faults[0].Offset != len("a && '\uFFFDé") {
		t.Fatal(faults)
	}
}

// TestWorkIsLimited: what would take long, under a context of the size the API
// lets through, ends in an error about the limit.
func TestWorkIsLimited(t *testing.T) {
	const cost = "costs more than 1000000 units"
	long := strings.Repeat("a", 25_000)
	numbers := make([]any, 4_000)
	for i := range numbers {
		numbers[i] = float64(i)
	}
	context := map[string]any{"s": long, "l": numbers, "m": map[string]any{"l": numbers}}
	for _, tt := range []struct{ body, want string }{
		{"l.all(x, l.all(y, x + y >= 0))", cost},
		{"l.all(x, l == l)", cost},
		{"l.all(x, [l] == [l])", cost},
		{"l.all(x, m == m)", cost},
		{"l.all(x, m.isSubtreeOf(m))", cost},
		{"l.all(x, x in l || true)", cost},
		{"l.all(x, s.contains(s + 'b') || true)", cost},
		{"l.all(x, s.matches('(a|b)*c') || true)", cost},
		{"l.map(x, s) == l.map(x, s)", "a value of more than 1000000"},
		{"size(" + strings.Repeat("[", 20) + "s" + strings.Repeat("].map(v, v + v)[0]", 20) + ") > 0", "more than 1000000"},
	} {
		p := compile(t, "c(s string, l list<int>, m map<list<int>>)", tt.body)
		_, _, err := p.Evaluate(context, nil)
		var failed *caveat.EvalError
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error that says %q", tt.body, err, tt.want)
		}
	}
}

// TestMessagesAreShort: a failure that quotes a long value does not repeat it.
func TestMessagesAreShort(t *testing.T) {
	p := compile(t, "c(m map<int>, k string, i int)", "m[k] == i")
	long := strings.Repeat("é", 10_000)
	_, _, evalErr := p.Evaluate(map[string]any{"m": map[string]any{}, "k": long, "i": 1}, nil)
	_, _, paramErr := p.Evaluate(map[string]any{"i": long}, nil)
	for _, err := range []error{evalErr, paramErr} {
		if err == nil || len(err.Error()) > 400 || !strings.Contains(err.Error(), "c") {
			t.Errorf("%v", err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	params := parseParams(b, "limit uint, count uint")
	for _, c := range []struct {
		name     string
		compiler schema.CaveatCompiler
	}{{"shared", caveat.New()}, {"zero", caveat.Compiler{}}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, faults := c.compiler.CompileCaveat("c", params, "count < limit"); faults != nil {
					b.Fatal(faults)
				}
			}
		})
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, bm := range []struct{ name, signature, body, stored, request string }{
		{"ints", "c(limit uint, count uint)", "count < limit", `{"limit": 4300}`, `{"count": 4200}`},
		{"strings", "c(a string, b string)", "a == b", `{"a": "hello world"}`, `{"b": "hello world"}`},
		{"missing", "c(limit uint, count uint)", "count < limit", `{"limit": 4300}`, `{}`},
		{"network", "c(ip ipaddress, net string)", "ip.in_cidr(net)", `{"net": "10.0.0.0/8"}`, `{"ip": "10.1.2.3"}`},
		{"loop", "c(l list<int>, n int)", "l.exists(x, x == n)", `{"l": [1,2,3,4,5,6,7,8,9,10]}`, `{"n": 10}`},
	} {
		b.Run(bm.name, func(b *testing.B) {
			p := compile(b, bm.signature, bm.body)
			stored, request := decode(b, bm.stored), decode(b, bm.request)
			b.ReportAllocs()
			for b.Loop() {
				if v, _, err := p.Evaluate(stored, request); err != nil || v == schema.False {
					b.Fatal(v, err)
				}
			}
		})
	}
}
