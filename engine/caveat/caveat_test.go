package caveat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
)

// TestScenarios runs testdata/scenarios: each file is a conversation with one compiler.
//
//	caveat      the signature on the first line, then the body; prints the
//	            canonical body and unused parameters, or the faults, each as
//	            the text at its offset
//	eval        optional lines "stored JSON" and "request JSON"; prints the
//	            verdict of the last caveat
//	check       a line of JSON; "strict" as an argument refuses unknown names
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/scenarios", func(t *testing.T, path string) {
		compiler := caveat.New()
		var program schema.Program
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "caveat":
				signature, body, _ := strings.Cut(d.Input, "\n")
				name, params := parseSignature(t, signature)
				var faults []schema.CaveatFault
				program, faults = compiler.CompileCaveat(name, params, body)
				return printCompiled(program, faults, params, body)
			case "eval":
				contexts := parseContexts(t, d.Input)
				return printVerdict(program.Evaluate(contexts["stored"], contexts["request"])) + "\n"
			case "check":
				if err := program.CheckContext(decode(t, d.Input), d.HasArg("strict")); err != nil {
					return printError(err) + "\n"
				}
				return "ok\n"
			}
			d.Fatalf(t, "unknown command %q", d.Cmd)
			return ""
		})
	})
}

func printCompiled(p schema.Program, faults []schema.CaveatFault, params []schema.Param, body string) string {
	var out strings.Builder
	for _, f := range faults {
		rest, _, _ := strings.Cut(body[f.Offset:], "\n")
		fmt.Fprintf(&out, "at %q: %s\n", rest, f.Msg)
	}
	if p == nil {
		return out.String()
	}
	fmt.Fprintln(&out, p.Canonical())
	for _, param := range params {
		if !p.Uses(param.Name) {
			fmt.Fprintln(&out, "unused:", param.Name)
		}
	}
	return out.String()
}

func printVerdict(v schema.Verdict, missing []string, err error) string {
	switch {
	case err != nil:
		return printError(err)
	case v == schema.Unknown:
		return "unknown: " + strings.Join(missing, ", ")
	}
	return fmt.Sprint(v == schema.True)
}

func printError(err error) string {
	var param *caveat.ParamError
	var eval *caveat.EvalError
	switch {
	case errors.As(err, &param):
		return "ParamError: " + err.Error()
	case errors.As(err, &eval):
		return "EvalError: " + err.Error()
	}
	return fmt.Sprintf("%T: %v", err, err)
}

// parseSignature reads "name(p type, q list<type>)".
func parseSignature(t testing.TB, s string) (string, []schema.Param) {
	t.Helper()
	name, list, ok := strings.Cut(strings.TrimSuffix(s, ")"), "(")
	if !ok {
		t.Fatalf("%q is no signature", s)
	}
	return name, parseParams(t, list)
}

func parseParams(t testing.TB, list string) []schema.Param {
	t.Helper()
	var params []schema.Param
	for field := range strings.SplitSeq(list, ",") {
		name, typ, ok := strings.Cut(strings.TrimSpace(field), " ")
		if !ok {
			t.Fatalf("%q is no parameter", field)
		}
		params = append(params, schema.Param{Name: name, Type: parseType(typ)})
	}
	return params
}

func parseType(s string) schema.ParamType {
	name, arg, ok := strings.Cut(s, "<")
	if !ok {
		return schema.ParamType{Name: name}
	}
	inner := parseType(strings.TrimSuffix(arg, ">"))
	return schema.ParamType{Name: name, Arg: &inner}
}

func parseContexts(t testing.TB, input string) map[string]map[string]any {
	t.Helper()
	contexts := map[string]map[string]any{}
	for line := range strings.Lines(input) {
		which, text, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || which != "stored" && which != "request" {
			t.Fatalf("%q is neither stored nor request", line)
		}
		contexts[which] = decode(t, text)
	}
	return contexts
}

// decode reads JSON as the API does.
func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}
