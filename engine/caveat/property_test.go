package caveat

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"pgregory.net/rapid"

	"github.com/pemba-authz/pemba/schema"
)

// worldParams are the parameters of random caveats.
func worldParams() []schema.Param {
	integer := schema.ParamType{Name: "int"}
	return []schema.Param{
		{Name: "p", Type: schema.ParamType{Name: "bool"}},
		{Name: "q", Type: schema.ParamType{Name: "bool"}},
		{Name: "i", Type: integer},
		{Name: "j", Type: schema.ParamType{Name: "uint"}},
		{Name: "l", Type: schema.ParamType{Name: "list", Arg: &integer}},
		{Name: "m", Type: schema.ParamType{Name: "map", Arg: &integer}},
		{Name: "a", Type: schema.ParamType{Name: "any"}},
	}
}

// worldContext is a context for all of them; small values, so that bodies come
// out both ways.
func worldContext(t *rapid.T) map[string]any {
	number := rapid.Map(rapid.IntRange(0, 3), func(i int) any { return float64(i) })
	return map[string]any{
		"p": rapid.Bool().Draw(t, "p"),
		"q": rapid.Bool().Draw(t, "q"),
		"i": number.Draw(t, "i"),
		"j": number.Draw(t, "j"),
		"l": rapid.SliceOfN(number, 0, 3).Draw(t, "l"),
		"m": rapid.MapOfN(rapid.SampledFrom([]string{"x", "y", "z"}), number, 0, 3).Draw(t, "m"),
		"a": rapid.OneOf(number, rapid.Just[any]("x"), rapid.Just[any](true)).Draw(t, "a"),
	}
}

// boolean makes a random body; loops bind v.
func boolean(t *rapid.T, depth int, loop bool) string {
	forms := []string{
		"p", "q", "I == I", "I < I", "I != I", "a == I", "I in l", "l[I] == I", "m.x > I", "has(m.y)",
		"I in m.map(k, m[k])", "m[?'x'].orValue(I) == I", "{'x': I, 'y': I} == m", "[I, I] == l", "I / I == I", "true", "false",
	}
	if depth > 0 {
		forms = append(forms, "B && B", "B || B", "!(B)", "(B) ? (B) : (B)", "(B) == (B)", "(B) && (B) || (B)",
			"l.all(v, L)", "l.exists(v, L)", "l.exists_one(v, L)", "m.exists(k, m[k] == I)",
			"l.filter(v, L).size() == I", "l.map(v, v + I) == l", "((B) ? m : {'z': I}).z == I")
	}
	var out strings.Builder
	for _, r := range rapid.SampledFrom(forms).Draw(t, "form") {
		switch r {
		case 'B':
			out.WriteString(boolean(t, depth-1, loop))
		case 'L':
			out.WriteString(boolean(t, depth-1, true))
		case 'I':
			out.WriteString(integerTerm(t, loop))
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

func integerTerm(t *rapid.T, loop bool) string {
	terms := []string{"0", "1", "2", "i", "j", "(i + j)", "size(l)", "size(m)", "(p ? i : j)", "l[0]", "m.x"}
	if loop {
		terms = append(terms, "v", "(v + j)")
	}
	return rapid.SampledFrom(terms).Draw(t, "term")
}

// result is what one evaluation gives.
type result struct {
	verdict schema.Verdict
	missing []string
	err     string
}

func evaluate(p schema.Program, stored, request map[string]any) result {
	v, missing, err := p.Evaluate(stored, request)
	if err != nil {
		return result{err: err.Error()}
	}
	return result{verdict: v, missing: missing}
}

func (r result) decided() bool { return r.err == "" && r.verdict != schema.Unknown }

// asksForList reports whether r asks for a list where CEL, which evaluates the
// index into a list that is missing, failed over the index instead: CEL answers
// with that failure, or drops it where something else is undecided too, and then
// asks for less.
func (r result) asksForList(theirs result) bool {
	if r.err != "" || r.verdict != schema.Unknown || !slices.Contains(r.missing, "l") {
		return false
	}
	fewer := theirs.verdict == schema.Unknown && !slices.ContainsFunc(theirs.missing, func(name string) bool {
		return !slices.Contains(r.missing, name)
	})
	return theirs.err != "" || fewer
}

// TestKleene: values are given to a random caveat one by one. A decided
// verdict stays; an undecided one names parameters that are missing and used,
// and never asks again for what it was given; the answer does not depend on
// the run, on which context a value stands in, or on the layout of the body;
// and it is the one that CEL's own partial evaluation gives.
func TestKleene(t *testing.T) {
	compiler := New()
	for range 5 { // rapid checks a hundred each time
		rapid.Check(t, func(t *rapid.T) { checkKleene(t, compiler, boolean(t, 3, false)) })
	}
}

func checkKleene(t *rapid.T, compiler Compiler, body string) {
	p, faults := compiler.CompileCaveat("c", worldParams(), body)
	if faults != nil {
		t.Fatalf("%s: %v", body, faults)
	}
	printed, faults := compiler.CompileCaveat("c", worldParams(), p.Canonical())
	if faults != nil || printed.Canonical() != p.Canonical() {
		t.Fatalf("%s prints as %s: %v", body, p.Canonical(), faults)
	}
	full := worldContext(t)
	order := rapid.Permutation(slices.Sorted(maps.Keys(full))).Draw(t, "order")
	known, half := map[string]any{}, map[string]any{}
	var before result
	for n := range len(order) + 1 {
		if n > 0 {
			name := order[n-1]
			known[name] = full[name]
			if rapid.Bool().Draw(t, "stored") {
				half[name] = full[name]
			}
		}
		now := evaluate(p, known, nil)
		checkMissing(t, p, now, known)
		if n > 0 && before.decided() && !reflect.DeepEqual(now, before) {
			t.Fatalf("%s: %v, but after %s is known %v", body, before, order[n-1], now)
		}
		for _, again := range []result{
			evaluate(p, half, known), evaluate(printed, nil, known),
		} {
			if !reflect.DeepEqual(now, again) {
				t.Fatalf("%s under %v: %v and %v", body, known, now, again)
			}
		}
		theirs := celPartial(t, compiler, p.(*program), body, known)
		if _, list := known["l"]; !reflect.DeepEqual(now, theirs) && (list || !now.asksForList(theirs)) {
			t.Fatalf("%s under %v: %v, but CEL says %v", body, known, now, theirs)
		}
		before = now
	}
	if before.err == "" && !before.decided() {
		t.Fatalf("%s: undecided though all is known", body)
	}
}

func checkMissing(t *rapid.T, p schema.Program, r result, known map[string]any) {
	if (r.err == "" && r.verdict == schema.Unknown) != (len(r.missing) > 0) || !slices.IsSorted(r.missing) {
		t.Fatalf("%v", r)
	}
	for _, name := range r.missing {
		if _, ok := known[name]; ok || !p.Uses(name) {
			t.Fatalf("%s: missing %s, known %v", p.Canonical(), name, known)
		}
	}
}

// celPartial answers by CEL's own means for partial evaluation.
func celPartial(t *rapid.T, c Compiler, p *program, body string, known map[string]any) result {
	env, err := c.env(p.params)
	if err != nil {
		t.Fatal(err)
	}
	checked, issues := env.Compile(body)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	prog, err := env.Program(checked, cel.EvalOptions(cel.OptPartialEval), cel.CustomDecoratorV2(sortMapLiterals))
	if err != nil {
		t.Fatal(err)
	}
	vals := map[string]any{}
	var unknown []*cel.AttributePatternType
	for _, param := range p.params {
		v, ok := known[param.name]
		if !ok {
			unknown = append(unknown, cel.AttributePattern(param.name))
			continue
		}
		val, bad := param.typ.coerce(v)
		if bad != nil {
			t.Fatalf("%v", bad)
		}
		vals[param.name] = val
	}
	vars, err := cel.PartialVars(vals, unknown...)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := prog.Eval(vars)
	return celResult(p, out, err)
}

func celResult(p *program, out ref.Val, err error) result {
	if err != nil {
		return result{err: p.evalError(err).Error()}
	}
	if u, ok := out.(*types.Unknown); ok {
		return result{verdict: schema.Unknown, missing: missing(u)}
	}
	if out == types.True {
		return result{verdict: schema.True}
	}
	return result{}
}

// FuzzCaveat compiles anything, and evaluates what compiles under anything.
func FuzzCaveat(f *testing.F) {
	compiler := New()
	params := append(worldParams(),
		schema.Param{Name: "s", Type: schema.ParamType{Name: "string"}},
		schema.Param{Name: "x", Type: schema.ParamType{Name: "double"}},
		schema.Param{Name: "b", Type: schema.ParamType{Name: "bytes"}},
		schema.Param{Name: "d", Type: schema.ParamType{Name: "duration"}},
		schema.Param{Name: "t", Type: schema.ParamType{Name: "timestamp"}},
		schema.Param{Name: "ip", Type: schema.ParamType{Name: "ipaddress"}},
		schema.Param{Name: "mm", Type: schema.ParamType{Name: "map", Arg: &schema.ParamType{Name: "any"}}})
	for _, seed := range []string{"p && i < j", "l.exists(x, m[string(x)] == i)", "a.b[0].c == 1 || t > t + d",
		"ip.in_cidr(s)", "mm.isSubtreeOf({'a': a})", "m[?'x'].orValue(i) == 1", "[[l]].map(x, [x, x])[0] == []",
		"b == b'a' && s.matches(s)", "{i: s}[j] == '}' // ", "{'a': 1}.map(k, k)[0] == s", "\"\\u00e9\" == s ||\n é"} {
		f.Add(seed, `{"p": true, "i": 1, "j": "2", "l": [1, 2], "a": {"b": [{"c": 1}]}, "s": "10.0.0.0/8"}`, `{"ip": "::1", "d": "1h"}`)
	}
	f.Fuzz(func(t *testing.T, body, stored, request string) {
		p, faults := compiler.CompileCaveat("c", params, body)
		for _, fault := range faults {
			if fault.Offset < 0 || fault.Offset > len(body) || fault.Msg == "" {
				t.Fatalf("%q: %+v", body, fault)
			}
		}
		if (p == nil) != (len(faults) > 0) {
			t.Fatalf("%q: program %v, faults %v", body, p, faults)
		}
		var contexts [2]map[string]any
		for i, text := range []string{stored, request} {
			if json.Unmarshal([]byte(text), &contexts[i]) != nil {
				return
			}
		}
		if p == nil {
			return
		}
		if strings.Contains(p.Canonical(), "\n") {
			t.Fatalf("%q prints on several lines: %q", body, p.Canonical())
		}
		r := evaluate(p, contexts[0], contexts[1])
		if strings.Contains(r.err, "internal error") || !reflect.DeepEqual(r, evaluate(p, contexts[0], contexts[1])) {
			t.Fatalf("%q: %v", body, r)
		}
	})
}
