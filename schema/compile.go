package schema

import (
	"fmt"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// The limits of one schema, beside those of its text (package syntax). They
// bound what partials and arrows over many types can multiply.
const (
	maxMembers = 500_000   // members of all definitions, partials expanded
	maxTargets = 4_000_000 // sets on the right of all arrows together
	maxParams  = 1_000     // parameters of one caveat
)

// Options is what Compile needs from outside. The zero Options compiles
// schemas that have neither caveats nor imports.
type Options struct {
	// Caveats compiles the bodies of caveats. Without it a caveat is refused.
	Caveats CaveatCompiler

	// Import returns the text of an imported file; the path is relative to the
	// directory of the compiled text and slash-separated. Without it an import
	// is refused, as servers do.
	Import func(path string) (string, error)

	// Lenient passes over type faults, so that a schema can be compared (Diff)
	// and printed before it is sound: what is unknown is kept by its name,
	// everything else that is faulty is left out. The engine must not be given
	// such a Schema: nothing in it is precomputed.
	Lenient bool
}

// Compile turns the text of a schema into a Schema. The error is a
// syntax.ErrorList with every fault of the run, sorted by position; there is no
// Schema then. A fault in an imported text stands at the import and names the
// place.
//
// The phases, each in the file of its name: load (parse, imports), declare
// (names of file level, caveats), resolve (members, partials expanded in
// place), check (allowed types, permissions, cycles, annotations, constraints),
// and, when there is no fault, plan, edges and reach (what the engine needs
// precomputed) and lint (warnings).
func Compile(source string, o Options) (*Schema, error) {
	c := newCompiler(source, o)
	c.load(source)
	c.declare()
	c.resolve()
	c.checkRelations()
	c.checkPermissions()
	c.checkConstraints()
	c.checkReserved()
	if o.Lenient {
		return c.s, c.faults()
	}
	g := newGraph(c.s.relations)
	c.checkCycles()
	c.checkAnnotations(g)
	if err := c.faults(); err != nil {
		return nil, err
	}
	c.plan(g)
	c.link(g)
	c.s.setReach(g)
	c.lint(g)
	c.warnings.Sort()
	c.s.warnings = c.warnings
	return c.s, nil
}

// compiler is the state of one run.
type compiler struct {
	o Options
	s *Schema

	units    []*unit             // the text and what it imports, in the order of their declarations
	partials map[string]*partial // by name
	decls    map[string]declared // every name of file level
	members  []*member           // of all types, by Relation.Index, constraints last

	// lost counts the declarations, by name, that a text with parse faults seems
	// to hold and its tree lacks: what refers to them is not reported as unknown.
	// lostAll is whether a whole text is missing.
	lost    map[string]int
	lostAll bool
	// partly holds the types of which members are missing: what refers to an
	// unknown member of one is not reported.
	partly map[string]bool
	// broken holds the permissions in which a fault was found.
	broken map[*Relation]bool

	exclusions []exclusionAt
	targets    map[arrowKey][]*Relation // shared by equal arrows
	targetSum  int
	compared   int // names compared for suggestions
	full       bool

	errs, warnings syntax.ErrorList
}

func newCompiler(source string, o Options) *compiler {
	return &compiler{
		o: o,
		s: &Schema{
			source:  source,
			types:   map[string]*Type{},
			caveats: map[string]*Caveat{},
			entries: map[string][]Entry{},
		},
		partials: map[string]*partial{},
		decls:    map[string]declared{},
		lost:     map[string]int{},
		partly:   map[string]bool{},
		broken:   map[*Relation]bool{},
		targets:  map[arrowKey][]*Relation{},
	}
}

// faults returns the sorted list of errors, nil when there is none.
func (c *compiler) faults() error {
	c.errs.Sort()
	return c.errs.Err()
}

// place is a position in one of the texts of a run.
type place struct {
	u   *unit
	pos syntax.Pos
}

// note makes the error for a place. For an imported text it stands at the
// import in the compiled text.
func (p place) note(kind syntax.Kind, msg string) *syntax.Error {
	if p.u.from != nil {
		msg = fmt.Sprintf("in %s, %s: %s", syntax.Quote(p.u.path), p.pos, msg)
	}
	for p.u.from != nil {
		p = place{p.u.from, p.u.at}
	}
	return &syntax.Error{Pos: p.pos, Kind: kind, Msg: msg, Source: syntax.SourceLine(p.u.text, p.pos)}
}

func (c *compiler) fault(p place, kind syntax.Kind, format string, args ...any) {
	switch {
	case c.o.Lenient && kind == syntax.TypeError:
	case len(c.errs) < syntax.MaxErrors:
		c.errs = append(c.errs, p.note(kind, fmt.Sprintf(format, args...)))
	case !c.full:
		c.full = true
		c.errs = append(c.errs, p.note(kind, fmt.Sprintf("there are more than %d faults: the rest is not shown", syntax.MaxErrors)))
	}
}

// fix says of the fault that was noted at p, if one was since there were before,
// that a name is unknown, and which word may stand there.
func (c *compiler) fix(p place, before int, word string) {
	if len(c.errs) == before || c.full {
		return
	}
	c.errs[before].Code = syntax.UnknownName
	if p.u.from == nil {
		c.errs[before].Fix = word
	}
}

func (c *compiler) parseFault(p place, format string, args ...any) {
	c.fault(p, syntax.ParseError, format, args...)
}

func (c *compiler) typeFault(p place, format string, args ...any) {
	c.fault(p, syntax.TypeError, format, args...)
}

// warn notes a warning; code is its name for programs.
func (c *compiler) warn(p place, code, format string, args ...any) {
	if len(c.warnings) < syntax.MaxErrors {
		w := p.note(syntax.TypeError, fmt.Sprintf(format, args...))
		w.Code = code
		c.warnings = append(c.warnings, w)
	}
}

// maxCompared bounds the names that are compared in one run, so that thousands
// of faults in a schema of thousands of names stay fast.
const maxCompared = 1_000_000

// unknown reports a name that is not among the known ones, with the nearest of
// them. what is like `type "usr"`.
func (c *compiler) unknown(p place, kind syntax.Kind, name, what string, known func() []string) {
	if name == "" || c.lostAll || c.lost[name] > 0 {
		return
	}
	near := ""
	if c.compared < maxCompared {
		names := known()
		c.compared += len(names)
		near = syntax.Nearest(name, names)
	}
	before := len(c.errs)
	defer c.fix(p, before, near)
	switch {
	case near != "":
		c.fault(p, kind, "%s is not defined; did you mean %s?", what, syntax.Quote(near))
	case name == "self" || name == "expiration":
		c.fault(p, kind, "%s is not defined; for its special meaning write %q before the first definition", what, "use "+name)
	default:
		c.fault(p, kind, "%s is not defined", what)
	}
}
