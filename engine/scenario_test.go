package engine_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
)

// TestScenarios runs the files of testdata/scenarios. The directives:
//
//	schema            sets the schema, and forgets everything else
//	write, delete     one relationship a line
//	now               the time of the questions that follow
//	context           their caveat context, as JSON; empty: none
//	limits            depth=N reads=N candidates=N; what is left out gets its default
//	check             one question a line; prints the answer and the number of reads
//	expand            one type:id#relation a line; argument "recursive"
//	found             one type:id#relation a line
//	lookup-resources  one type#relation@subject a line; argument after=ID
//	lookup-subjects   one type:id#relation@type[#relation] a line; argument after=ID
//
// The flag -rewrite writes what came out into the files.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/scenarios", func(t *testing.T, path string) {
		s := &scenario{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return s.run(t, d) })
	})
}

type scenario struct {
	engine engine.Engine
	stored map[engine.Relationship]engine.Relationship // by key
}

func (s *scenario) run(t *testing.T, d *datadriven.TestData) string {
	lines := slices.DeleteFunc(strings.Split(d.Input, "\n"), func(l string) bool { return strings.TrimSpace(l) == "" })
	switch d.Cmd {
	case "schema":
		compiled, err := schema.Compile(d.Input, schema.Options{Caveats: caveat.New()})
		if err != nil {
			return err.Error()
		}
		*s = scenario{
			engine: engine.Engine{Schema: compiled, Now: time.Date(2031, 7, 1, 12, 0, 0, 0, time.UTC)},
			stored: map[engine.Relationship]engine.Relationship{},
		}
	case "now":
		now, err := engine.ParseTime(d.Input)
		if err != nil {
			return err.Error()
		}
		s.engine.Now = now
	case "context":
		s.engine.Context = nil
		if len(lines) > 0 {
			var err error
			if s.engine.Context, err = engine.ParseContext(d.Input); err != nil {
				return err.Error()
			}
		}
	case "limits":
		s.engine.Limits = engine.Limits{}
		for name, to := range map[string]*int{
			"depth": &s.engine.Limits.Depth, "reads": &s.engine.Limits.Reads, "candidates": &s.engine.Limits.Candidates,
		} {
			d.MaybeScanArgs(t, name, to)
		}
	default:
		return s.each(t, d, lines)
	}
	return "ok"
}

// each runs a directive for every line, and prints errors in its place.
func (s *scenario) each(t *testing.T, d *datadriven.TestData, lines []string) string {
	var out []string
	for _, line := range lines {
		var text string
		var err error
		switch d.Cmd {
		case "write", "delete":
			err = s.write(line, d.Cmd == "delete")
		case "check":
			text, err = s.check(line)
		case "expand":
			text, err = s.expand(line, d.HasArg("recursive"))
		case "found":
			text, err = s.found(line)
		case "lookup-resources":
			text, err = s.lookupResources(line, after(t, d))
		case "lookup-subjects":
			text, err = s.lookupSubjects(line, after(t, d))
		default:
			err = fmt.Errorf("unknown directive %q", d.Cmd)
		}
		if err != nil {
			text += fmt.Sprintf("%s: error: %v", line, err)
		}
		if text != "" {
			out = append(out, text)
		}
	}
	if len(out) == 0 {
		return "ok"
	}
	return strings.Join(out, "\n")
}

func after(t *testing.T, d *datadriven.TestData) (id string) {
	d.MaybeScanArgs(t, "after", &id)
	return id
}

func (s *scenario) write(line string, remove bool) error {
	r, err := engine.ParseRelationship(line)
	if err != nil {
		return err
	}
	if remove {
		delete(s.stored, r.Key())
		return nil
	}
	if err := engine.Validate(s.engine.Schema, r); err != nil {
		return err
	}
	s.stored[r.Key()] = r
	return nil
}

// open returns the engine over what is stored, and the reads of its Reader.
func (s *scenario) open() (*engine.Engine, *counter) {
	c := &counter{Reader: engine.NewMemory(slices.Collect(maps.Values(s.stored))...)}
	e := s.engine
	e.Reader = c
	return &e, c
}

func (s *scenario) check(line string) (string, error) {
	q, err := engine.ParseRelationship(line)
	if err != nil {
		return "", err
	}
	e, _ := s.open()
	a, err := e.Check(context.Background(), q.Resource, q.Relation, q.Subject)
	if err != nil {
		return "", err
	}
	text := line + ": " + a.State.String() + missingText(a.Missing)
	if !a.Until.IsZero() {
		text += " until " + a.Until.Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%s (reads: %d)", text, a.Reads), nil
}

func missingText(missing []string) string {
	if len(missing) == 0 {
		return ""
	}
	return " on " + strings.Join(missing, ", ")
}

// parseSet reads type:id#relation, and what is behind an @.
func parseSet(line string) (o engine.Object, relation, subject string, err error) {
	object, rest, _ := strings.Cut(line, "#")
	relation, subject, _ = strings.Cut(rest, "@")
	o, err = engine.ParseObject(object)
	return o, relation, subject, err
}

func (s *scenario) lookupResources(line, after string) (string, error) {
	set, who, _ := strings.Cut(line, "@")
	typeName, relation, _ := strings.Cut(set, "#")
	subject, err := engine.ParseSubject(who)
	if err != nil {
		return "", err
	}
	e, c := s.open()
	var b strings.Builder
	for r, err := range e.LookupResources(context.Background(), typeName, relation, subject, after) {
		if err != nil {
			return b.String(), err
		}
		fmt.Fprintf(&b, "%s: %s%s\n", r.ID, r.State, missingText(r.Missing))
	}
	return fmt.Sprintf("%s(reads: %d)", b.String(), c.reads), nil
}

func (s *scenario) lookupSubjects(line, after string) (string, error) {
	o, relation, kind, err := parseSet(line)
	if err != nil {
		return "", err
	}
	subjectType, subjectRelation, _ := strings.Cut(kind, "#")
	e, c := s.open()
	var b strings.Builder
	for r, err := range e.LookupSubjects(context.Background(), o, relation, subjectType, subjectRelation, after) {
		if err != nil {
			return b.String(), err
		}
		fmt.Fprintf(&b, "%s: %s%s\n", r.ID, r.State, missingText(r.Missing))
		for _, x := range r.Excluded {
			fmt.Fprintf(&b, "  but %s: %s%s\n", x.ID, x.State, missingText(x.Missing))
		}
	}
	return fmt.Sprintf("%s(reads: %d)", b.String(), c.reads), nil
}

func (s *scenario) expand(line string, recursive bool) (string, error) {
	o, relation, _, err := parseSet(line)
	if err != nil {
		return "", err
	}
	e, c := s.open()
	tree, err := e.Expand(context.Background(), o, relation, recursive)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	printTree(&b, tree, "")
	return fmt.Sprintf("%s(reads: %d)", b.String(), c.reads), nil
}

func (s *scenario) found(line string) (string, error) {
	o, relation, _, err := parseSet(line)
	if err != nil {
		return "", err
	}
	e, _ := s.open()
	found, err := e.Found(context.Background(), o, relation)
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s%s by %s\n", f.Subject, maybe(f), strings.Join(f.Relations, ", "))
		for _, x := range f.Excluded {
			fmt.Fprintf(&b, "  but %s%s\n", x.Subject, maybe(x))
		}
	}
	return strings.TrimSuffix(b.String(), "\n"), err
}

func maybe(f engine.FoundSubject) string {
	if f.Conditional {
		return " perhaps"
	}
	return ""
}

func printTree(b *strings.Builder, t *engine.Tree, indent string) {
	fmt.Fprintf(b, "%s%s of %s#%s", indent, t.Op, t.Resource, t.Relation)
	if t.Via != nil {
		fmt.Fprintf(b, " by %s", t.Via)
	}
	if t.Repeated {
		b.WriteString(", see above")
	}
	b.WriteString("\n")
	for _, s := range t.Subjects {
		r := engine.Relationship{Subject: s.Subject, Trait: s.Trait}
		_, text, _ := strings.Cut(r.String(), "@")
		fmt.Fprintf(b, "%s  %s\n", indent, text)
	}
	for _, c := range t.Children {
		printTree(b, c, indent+"  ")
	}
}

// counter counts the reads.
type counter struct {
	engine.Reader
	reads int
}

func (c *counter) Find(resource engine.Object, relation string, subject engine.Subject) (*engine.Trait, bool, error) {
	c.reads++
	return c.Reader.Find(resource, relation, subject)
}

func (c *counter) Subjects(resource engine.Object, relation, subjectType, subjectRelation, after string) ([]engine.Entry, bool, error) {
	c.reads++
	return c.Reader.Subjects(resource, relation, subjectType, subjectRelation, after)
}

func (c *counter) Resources(subject engine.Subject, resourceType, relation, after string) ([]engine.Entry, bool, error) {
	c.reads++
	return c.Reader.Resources(subject, resourceType, relation, after)
}
