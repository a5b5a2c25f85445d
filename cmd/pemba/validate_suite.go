package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
)

// place is where something stands in a file; column 0 is the whole line, line 0
// the whole file.
type place struct {
	file         string
	line, column int
}

func (p place) String() string {
	switch {
	case p.line == 0:
		return p.file
	case p.column == 0:
		return fmt.Sprintf("%s:%d", p.file, p.line)
	}
	return fmt.Sprintf("%s:%d:%d", p.file, p.line, p.column)
}

// problem is something wrong with a file itself.
type problem struct {
	at  place
	msg string
}

func (p problem) String() string { return p.at.String() + ": " + p.msg }

// suite is one file of expectations, read and resolved.
type suite struct {
	file          string
	schema        *schema.Schema
	relationships []engine.Relationship
	seen          map[engine.Relationship]place // where each stands, by key
	claims        []claim
	sets          []setClaim
	warnings      []problem // worth saying, nothing fails by them
	errors        []problem // what makes the file unusable
}

func (s *suite) fail(at place, format string, args ...any) {
	s.errors = append(s.errors, problem{at, fmt.Sprintf(format, args...)})
}

func (s *suite) warn(at place, format string, args ...any) {
	s.warnings = append(s.warnings, problem{at, fmt.Sprintf(format, args...)})
}

// claim is one expected answer.
type claim struct {
	at         place
	text       string // as the author wrote it
	resource   engine.Object
	permission string
	subject    engine.Subject
	context    map[string]any
	want       engine.State
}

// setClaim is one expected set: all its members and how they got in.
type setClaim struct {
	at         place
	resource   engine.Object
	permission string
	want       []engine.FoundSubject
}

// outcome is what became of one claim.
type outcome struct {
	at      place
	name    string
	failure string // empty when it holds
	detail  string // lines that explain the failure
}

// addRelationship adds a relationship, unless it is repeated or the schema does
// not allow it.
func (s *suite) addRelationship(at place, r engine.Relationship) {
	if first, ok := s.seen[r.Key()]; ok {
		s.fail(at, "the relationship %s stands here twice, first at %s", r.Key(), first)
		return
	}
	if s.seen == nil {
		s.seen = map[engine.Relationship]place{}
	}
	s.seen[r.Key()] = at
	if s.schema != nil {
		if err := engine.Validate(s.schema, r); err != nil {
			s.fail(at, "%s: %v", r.Key(), err)
			return
		}
	}
	s.relationships = append(s.relationships, r)
}

// judgeConstraints makes sure that a store would take the relationships.
func (s *suite) judgeConstraints() {
	if len(s.errors) > 0 {
		return
	}
	judge := engine.ConstraintJudge{
		Constraints: func(t *schema.Type) []*schema.Constraint { return t.Constraints },
		Violated:    func(v engine.Violation) { s.fail(s.placeOf(v), "%s", v) },
	}
	for _, r := range slices.SortedFunc(slices.Values(s.relationships), engine.Relationship.Compare) {
		judge.Add(s.schema.Type(r.Resource.Type), r)
	}
	judge.Done()
}

// placeOf returns where the last relationship stands that has a part in a
// violation: one of its subjects, or any of the resource's.
func (s *suite) placeOf(v engine.Violation) place {
	at := place{file: s.file}
	named := func(r engine.Relationship) bool {
		return slices.ContainsFunc(v.Constraint.Relations, func(x *schema.Relation) bool { return x.Name == r.Relation })
	}
	for _, r := range s.relationships {
		if r.Resource == v.Resource && (len(v.Subjects) == 0 || slices.Contains(v.Subjects, r.Subject) && named(r)) {
			at = s.seen[r.Key()]
		}
	}
	return at
}

// run answers every claim of a suite without errors.
func (s *suite) run(ctx context.Context, now time.Time) ([]outcome, error) {
	e := &engine.Engine{Schema: s.schema, Reader: engine.NewMemory(s.relationships...), Now: now}
	outcomes := make([]outcome, 0, len(s.claims)+len(s.sets))
	for _, c := range s.claims {
		o, err := c.judge(ctx, *e)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, o)
	}
	for _, c := range s.sets {
		o, err := c.judge(ctx, e)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// judge returns an error only when ctx has ended: a question that cannot be
// answered fails its claim.
func (c claim) judge(ctx context.Context, e engine.Engine) (outcome, error) {
	e.Context = c.context
	o := outcome{at: c.at, name: c.text}
	answer, err := e.Check(ctx, c.resource, c.permission, c.subject)
	if ctx.Err() != nil {
		return o, ctx.Err()
	}
	if err != nil {
		o.failure = err.Error()
		return o, nil
	}
	if answer.State == c.want {
		return o, nil
	}
	o.failure = fmt.Sprintf("expected %s, got %s", decision(c.want), describe(answer))
	q := question{c.resource, c.permission, c.subject}
	if r, err := q.explain(ctx, e); err == nil {
		_, o.detail, _ = strings.Cut(r.text(palette{}), "\n")
	}
	return o, nil
}

// explain answers a question here, as a server does.
func (q question) explain(ctx context.Context, e engine.Engine) (r result, err error) {
	r.answer, r.steps, err = e.Explain(ctx, q.resource, q.permission, q.subject)
	if err == nil && r.answer.State == engine.No {
		r.nearest, err = e.Remedies(ctx, q.resource, q.permission, q.subject, r.steps, nearestShown)
	}
	return r, err
}

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

// judge compares the whole set; see claim.judge.
func (c setClaim) judge(ctx context.Context, e *engine.Engine) (outcome, error) {
	o := outcome{at: c.at, name: c.resource.String() + "#" + c.permission}
	found, err := e.Found(ctx, c.resource, c.permission)
	if ctx.Err() != nil {
		return o, ctx.Err()
	}
	if err != nil {
		o.failure = err.Error()
		return o, nil
	}
	missing, surplus := compareFound(c.want, found)
	if len(missing)+len(surplus) == 0 {
		return o, nil
	}
	o.failure = fmt.Sprintf("the set differs: %d expected and not found, %d found and not expected", len(missing), len(surplus))
	o.detail = strings.Join(append(missing, surplus...), "\n")
	return o, nil
}

// compareFound returns the lines that differ, marked - (expected only) and +
// (found only). A line that is expected twice is expected.
func compareFound(want, got []engine.FoundSubject) (missing, surplus []string) {
	wanted, found := foundTexts(want), foundTexts(got)
	for line := range wanted {
		if !found[line] {
			missing = append(missing, "- "+line)
		}
	}
	for line := range found {
		if !wanted[line] {
			surplus = append(surplus, "+ "+line)
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

// parseQuestion reads the three parts that check takes.
func parseQuestion(resource, permission, subject string) (engine.Object, engine.Subject, error) {
	o, err1 := engine.ParseObject(resource)
	err2 := engine.CheckRelationName(permission)
	s, err3 := engine.ParseSubject(subject)
	return o, s, cmp.Or(err1, err2, err3)
}

// parseContext reads a JSON object of caveat values.
func parseContext(text string) (map[string]any, error) {
	values, err := engine.ParseContext(text)
	if err != nil {
		return nil, fmt.Errorf("the caveat context: %w", err)
	}
	return values, nil
}
