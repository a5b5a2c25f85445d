package caveat

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"

	"github.com/pemba-authz/pemba/schema"
	"github.com/pemba-authz/pemba/schema/syntax"
)

// faultsOf turns CEL's errors, whose positions are lines and characters, into
// faults with byte offsets. known returns the names to suggest.
func faultsOf(body string, errs []*common.Error, known func() []string) []schema.CaveatFault {
	lines := lineStarts(body)
	faults := make([]schema.CaveatFault, 0, len(errs))
	for _, e := range errs {
		f := schema.CaveatFault{Offset: byteOffset(body, lines, e.Location), Msg: message(e.Message)}
		if name, ok := undeclared(e.Message); ok {
			f.Msg = unknownName(name, known())
			if strings.HasSuffix(body[:f.Offset], name) {
				f.Offset -= len(name) // CEL places calls at their parenthesis
			}
		}
		faults = append(faults, f)
	}
	slices.SortStableFunc(faults, func(a, b schema.CaveatFault) int { return cmp.Compare(a.Offset, b.Offset) })
	return slices.Compact(faults)
}

// message says in our words what CEL's authors say in theirs.
func message(msg string) string {
	switch {
	case strings.Contains(msg, "recursion"):
		return fmt.Sprintf("the body nests too deeply: at most %d levels are allowed", maxNesting)
	case msg == "invalid timestamp argument":
		return `the timestamp is not in RFC 3339, such as "2006-01-02T15:04:05Z"`
	case msg == "invalid duration argument":
		return `the duration is not one such as "1h30m"`
	case msg == "invalid matches argument":
		return "the regular expression is not valid in RE2 syntax"
	}
	return strings.ReplaceAll(msg, "Syntax error: ", "syntax error: ")
}

// undeclared picks the name out of CEL's message about an unknown one.
func undeclared(msg string) (name string, ok bool) {
	name, ok = strings.CutPrefix(msg, "undeclared reference to '")
	if ok {
		name, _, ok = strings.Cut(name, "'")
	}
	return name, ok
}

func unknownName(name string, known []string) string {
	msg := fmt.Sprintf("unknown name %s: it is neither a parameter of the caveat nor a function", syntax.Quote(name))
	if near := syntax.Nearest(name, known); near != "" {
		msg += fmt.Sprintf("; did you mean %q?", near)
	}
	return msg
}

// knownNames returns the names of the parameters, then of macros and functions.
func knownNames(env *cel.Env, params []*parameter) []string {
	var names []string
	for _, p := range params {
		names = append(names, p.name)
	}
	for _, m := range env.Macros() {
		names = append(names, m.Function())
	}
	return append(names, slices.Sorted(maps.Keys(env.Functions()))...)
}

func lineStarts(s string) []int {
	starts := []int{0}
	for i := range len(s) {
		if s[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

func byteOffset(body string, lines []int, at common.Location) int {
	if at == nil || at.Line() < 1 || at.Line() > len(lines) {
		return 0
	}
	offset := lines[at.Line()-1]
	for range at.Column() {
		if offset == len(body) {
			break
		}
		_, size := utf8.DecodeRuneInString(body[offset:])
		offset += size
	}
	return offset
}
