package schema

import (
	"sync/atomic"

	"github.com/pemba-authz/pemba/schema/syntax"
)

// Schema is a compiled schema: resolved, checked, immutable and safe for
// concurrent use. The zero Schema has no types. Compile makes one.
type Schema struct {
	source    string
	types     map[string]*Type
	sorted    []*Type // by name
	caveats   map[string]*Caveat
	caveatSet []*Caveat          // by name
	relations []*Relation        // by Relation.Index
	entries   map[string][]Entry // by subject type
	flags     []string           // the flags that are used, sorted
	warnings  syntax.ErrorList
}

// Source returns the text that was compiled, to the byte.
func (s *Schema) Source() string { return s.source }

// Type returns the type of that name, nil when there is none.
func (s *Schema) Type(name string) *Type { return s.types[name] }

// Types returns all types, sorted by name. The caller must not change the slice.
func (s *Schema) Types() []*Type { return s.sorted }

// Caveat returns the caveat of that name, nil when there is none.
func (s *Schema) Caveat(name string) *Caveat { return s.caveats[name] }

// Caveats returns all caveats, sorted by name. The caller must not change the slice.
func (s *Schema) Caveats() []*Caveat { return s.caveatSet }

// Relations returns every relation and permission of every type; the one with
// Index i stands at i. The caller must not change the slice.
func (s *Schema) Relations() []*Relation { return s.relations }

// Relation returns the relation or permission of a type, nil when there is none.
func (s *Schema) Relation(typeName, relation string) *Relation {
	t := s.types[typeName]
	if t == nil {
		return nil
	}
	return t.byName[relation]
}

// Entries returns where the graph can be entered from a subject of that type
// without a relation: the relations that allow it (or its wildcard), and the
// permissions that hold its own object by "self".
func (s *Schema) Entries(subjectType string) []Entry { return s.entries[subjectType] }

// Warnings returns what is allowed but probably not meant, sorted by position.
func (s *Schema) Warnings() syntax.ErrorList { return s.warnings }

// Type is one definition: relations, permissions and constraints of its objects.
type Type struct {
	Name        string
	Doc         string      // its comments as written, one a line; may be empty
	Members     []*Relation // in source order, partials expanded in place
	Constraints []*Constraint
	Pos         syntax.Pos

	byName map[string]*Relation
	index  int // dense over the schema, from 0, in source order
}

// Relation returns the relation or permission of that name, nil when there is none.
func (t *Type) Relation(name string) *Relation { return t.byName[name] }

// Relation is a relation (it holds relationships) or a permission (it is
// computed): Expr is nil exactly for relations.
type Relation struct {
	Type  *Type
	Name  string
	Doc   string
	Index int // dense over the schema, from 0
	Pos   syntax.Pos

	// Allowed is what a relation may hold, in source order. Empty for permissions.
	Allowed []*Allowed

	// Expr is what a permission computes, as the author wrote it, with
	// parentheses gone and chains of one operator flattened.
	Expr Expr

	// Plan is Expr for the walk: empty operands removed, operands of unions and
	// intersections ordered cheapest first. It grants exactly what Expr grants.
	Plan Expr

	// Annotated is the type annotation of a permission under use typechecking.
	Annotated []string

	// Recursive is whether answering it can lead back to itself, on this or
	// another object. Only these need a visited set.
	Recursive bool

	// Unstratified is whether answering it can lead to a recursion that passes
	// the right side of an exclusion. Data that closes such a cycle has no answer.
	Unstratified bool

	// Up leads to every set that may contain this one, wholly or in part.
	Up []Edge

	reach *reach               // what can be in this set at all
	above atomic.Pointer[bits] // the sets that may contain this one, once asked for: see holders
}

// IsPermission reports whether r is computed.
func (r *Relation) IsPermission() bool { return r.Expr != nil }

// String returns "type#name".
func (r *Relation) String() string { return r.Type.Name + "#" + r.Name }

// Allowed is one kind of subject that a relation may hold.
type Allowed struct {
	Type       *Type
	Relation   *Relation // the userset's; nil for plain subjects and wildcards
	Wildcard   bool
	Caveat     *Caveat // nil when there is none
	Expiration bool
	Pos        syntax.Pos
}

// Entry is a set in which a subject can stand directly.
type Entry struct {
	Relation *Relation // allows the subject's type, or is a permission that holds self
	Plain    bool      // type
	Wildcard bool      // type:*
	Self     bool      // the permission holds its own object
	Check    bool      // Self only: see Edge.Check
}

// EdgeKind is how one set is part of another.
type EdgeKind uint8

const (
	Computed EdgeKind = iota // To names the set on the same object
	Userset                  // To is a relation that allows the set as a userset
	Arrow                    // To names Via->set: the objects whose Via holds this set's object
)

// Edge leads from a set upward to one that may contain it. Lookups of
// resources walk these. Of an intersection only the cheapest operand has
// edges, and the right side of an exclusion has none, so that following all
// edges and checking where Check says so finds every resource.
type Edge struct {
	Kind EdgeKind
	Via  *Relation // Arrow: the relation on the left. Userset: To itself. Computed: nil
	To   *Relation
	// Check is whether membership in To is not certain from this set alone:
	// the way passes an intersection, an exclusion or an "all" arrow.
	Check bool
}

// Expr is one step of a permission: *Ref, *ArrowExpr, *Union, *Intersection,
// *Exclusion, *Self or *Nil.
type Expr interface{ expr() }

// Ref is the set of another relation or permission of the same object.
type Ref struct{ Relation *Relation }

// ArrowExpr is the set Right of the objects that Left holds: of any of them, or,
// if All, of every one.
type ArrowExpr struct {
	Left  *Relation
	Right string
	All   bool
	// Function is whether the author wrote left.any(right) rather than left->right.
	Function bool
	// Targets holds, for each entry of Left.Allowed, the set on the right, nil
	// where that type has none: it contributes nothing to "any" and denies "all".
	Targets []*Relation
}

// Union holds what any operand holds.
type Union struct{ Of []Expr }

// Intersection holds what every operand holds.
type Intersection struct{ Of []Expr }

// Exclusion holds what Base holds and Minus does not.
type Exclusion struct{ Base, Minus Expr }

// Self holds the object itself, as a subject without a relation.
type Self struct{}

// Nil holds nothing.
type Nil struct{}

func (*Ref) expr()          {}
func (*ArrowExpr) expr()    {}
func (*Union) expr()        {}
func (*Intersection) expr() {}
func (*Exclusion) expr()    {}
func (*Self) expr()         {}
func (*Nil) expr()          {}

// ConstraintKind is what a constraint demands.
type ConstraintKind uint8

const (
	Exclusive  ConstraintKind = iota // a subject is in at most one of the relations
	AtMostOne                        // the relation has at most one subject
	AtLeastOne                       // a resource with any relationship has one here
)

// String returns the word in the schema language.
func (k ConstraintKind) String() string {
	return [...]string{"exclusive", "at_most_one", "at_least_one"}[k]
}

// Constraint binds the stored relationships of each object of a type.
type Constraint struct {
	Name      string
	Doc       string
	Kind      ConstraintKind
	Relations []*Relation
	Pos       syntax.Pos

	after int // how many of its type's Members it comes after
}

// Caveat is a condition on a relationship.
type Caveat struct {
	Name    string
	Doc     string
	Params  []Param // in source order
	Body    string  // the CEL text as written
	Program Program
	Pos     syntax.Pos
}

// Param returns the parameter of that name, nil when there is none.
func (c *Caveat) Param(name string) *Param {
	for i := range c.Params {
		if c.Params[i].Name == name {
			return &c.Params[i]
		}
	}
	return nil
}

// Param is one parameter of a caveat.
type Param struct {
	Name string
	Type ParamType
	Pos  syntax.Pos
}

// ParamType is the type of a parameter: any, bool, string, int, uint, double,
// bytes, duration, timestamp, ipaddress, or list or map with one argument.
type ParamType struct {
	Name string
	Arg  *ParamType // of list and map; nil otherwise
}

// String prints the type as in a schema: "map<list<int>>".
func (t ParamType) String() string {
	if t.Arg == nil {
		return t.Name
	}
	return t.Name + "<" + t.Arg.String() + ">"
}

// CaveatCompiler turns the text of a caveat into a program. It is implemented
// by engine/caveat, so that this package needs no CEL. Implementations are
// safe for concurrent use.
type CaveatCompiler interface {
	// CompileCaveat checks body against params: it must be CEL whose result is
	// statically bool. Faults are given by their offset in body.
	CompileCaveat(name string, params []Param, body string) (Program, []CaveatFault)
}

// CaveatFault is one fault in the body of a caveat.
type CaveatFault struct {
	Offset int // bytes from the start of the body
	Msg    string
}

// Verdict is what a caveat says of one relationship.
type Verdict uint8

const (
	False   Verdict = iota // the condition does not hold
	True                   // it holds
	Unknown                // the known values do not decide it
)

// Program is a compiled caveat. It is immutable and safe for concurrent use.
type Program interface {
	// Evaluate decides the caveat under the stored context merged over by the
	// request's, stored values first. Values are as encoding/json with
	// UseNumber decodes them, or as structpb gives them (float64). For Unknown
	// it returns the sorted names of the parameters that are missing.
	// A wrong type or a failure while evaluating is an error.
	Evaluate(stored, request map[string]any) (v Verdict, missing []string, err error)

	// CheckContext returns an error that names the parameter when a value of
	// the context has a type that cannot become the parameter's, or when
	// strict is set and a name is not a parameter.
	CheckContext(context map[string]any, strict bool) error

	// Uses reports whether the body uses the parameter.
	Uses(param string) bool

	// Canonical returns the body as CEL prints it, one true layout.
	Canonical() string
}
