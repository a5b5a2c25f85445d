package suite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/engine"
)

// foundText is a line of an expected set in its one true order.
func foundText(f engine.FoundSubject) string {
	var b strings.Builder
	b.WriteString("[" + maybeText(f))
	for i, x := range slices.SortedFunc(slices.Values(f.Excluded), func(a, b engine.FoundSubject) int { return a.Subject.Compare(b.Subject) }) {
		b.WriteString([]string{" - {", ", "}[min(i, 1)] + maybeText(x))
	}
	if len(f.Excluded) > 0 {
		b.WriteByte('}')
	}
	b.WriteString("] is ")
	relations := slices.Compact(slices.Sorted(slices.Values(f.Relations)))
	b.WriteString("<" + strings.Join(relations, ">/<") + ">")
	return b.String()
}

// maybeText marks a subject that depends on a caveat.
func maybeText(f engine.FoundSubject) string {
	if f.Conditional {
		return f.Subject.String() + "[...]"
	}
	return f.Subject.String()
}

const foundForm = "[user:ana] is <document:plan#viewer>/<document:plan#owner>"

// parseFound reads one line of an expected set.
func parseFound(text string) (engine.FoundSubject, error) {
	inner, relations, ok := strings.Cut(strings.TrimSpace(text), "] is ")
	inner, open := strings.CutPrefix(inner, "[")
	if !ok || !open {
		return engine.FoundSubject{}, fmt.Errorf("%q is not of the form %s", text, foundForm)
	}
	name, list, excludes := strings.Cut(inner, " - {")
	f, err := parseMaybe(name)
	if err != nil {
		return f, err
	}
	if excludes {
		list, ok := strings.CutSuffix(list, "}")
		if !ok || !f.Subject.IsWildcard() {
			return f, fmt.Errorf("%q: exclusions follow a wildcard, as in [user:* - {user:bad}]", text)
		}
		for part := range strings.SplitSeq(list, ",") {
			x, err := parseMaybe(part)
			if err != nil {
				return f, err
			}
			f.Excluded = append(f.Excluded, x)
		}
	}
	relations, okEnd := strings.CutSuffix(strings.TrimSpace(relations), ">")
	relations, okStart := strings.CutPrefix(relations, "<")
	if !okStart || !okEnd {
		return f, fmt.Errorf("%q: after \"is\" come relations in angle brackets, as in %s", text, foundForm)
	}
	for part := range strings.SplitSeq(relations, ">/<") {
		set, err := parseSet(part)
		if err != nil {
			return f, fmt.Errorf("after \"is\": %w", err)
		}
		f.Relations = append(f.Relations, set.String())
	}
	return f, nil
}

// parseMaybe reads a subject, followed by [...] when it depends on a caveat.
func parseMaybe(text string) (f engine.FoundSubject, err error) {
	name, conditional := strings.CutSuffix(strings.TrimSpace(text), "[...]")
	f.Conditional = conditional
	f.Subject, err = engine.ParseSubject(name)
	return f, err
}

// parseSet reads "type:id#relation".
func parseSet(text string) (engine.Subject, error) {
	set, err := engine.ParseSubject(text)
	if err == nil && set.Relation == "" {
		err = fmt.Errorf("%q names no relation: the form is document:plan#view", text)
	}
	return set, err
}

// compareFound returns the lines that are expected only, and found only. A line
// that is expected twice is expected.
func compareFound(want, got []engine.FoundSubject) (missing, surplus []string) {
	wanted, found := foundTexts(want), foundTexts(got)
	for line := range wanted {
		if !found[line] {
			missing = append(missing, line)
		}
	}
	for line := range found {
		if !wanted[line] {
			surplus = append(surplus, line)
		}
	}
	slices.Sort(missing)
	slices.Sort(surplus)
	return missing, surplus
}

func foundTexts(list []engine.FoundSubject) map[string]bool {
	texts := make(map[string]bool, len(list))
	for _, f := range list {
		texts[foundText(f)] = true
	}
	return texts
}
