package engine

import (
	"context"

	"github.com/pemba-authz/pemba/schema"
)

// StepKind is what one step of an explanation did.
type StepKind uint8

const (
	StepSet          StepKind = iota // asked for a relation or permission of an object
	StepUnion                        // asked for one of several
	StepIntersection                 // asked for all of several
	StepExclusion                    // asked for the first and not the second
	StepArrow                        // went from an object to those it points to
	StepRelationship                 // looked for the subject's own relationship, or its wildcard's
	StepFollow                       // followed a relationship to the set it names
	StepSelf                         // compared the subject with the object itself
	StepNil                          // the empty set
)

// String returns a word for the kind.
func (k StepKind) String() string {
	return [...]string{"set", "union", "intersection", "exclusion", "arrow", "relationship", "follow", "self", "nil"}[k]
}

// Step is one step of a walk, with the steps it took to answer it.
type Step struct {
	Kind  StepKind
	State State

	// Set: what was asked. Arrow: the object and the expression.
	Resource Object
	Relation string // of a set: its name; of an operator: the expression as in a schema

	// Relationship and Follow: the relationship. Its Trait is what is stored.
	Relationship *Relationship
	Stored       bool // Relationship: it is stored (Follow: always)

	All       bool     // Arrow: every object has to grant, not any
	Missing   []string // Conditional: the caveat parameters still needed
	Undecided bool     // the depth limit was reached here
	Repeated  bool     // Set: answered elsewhere in this explanation, or being answered
	Elsewhere *Step    // Repeated: where it was answered; nil in a cycle, while it is being answered
	Steps     []*Step
}

// recorder writes down a walk. All methods accept a nil recorder, which writes
// nothing, so that the walk need not ask.
type recorder struct {
	root     *Step
	stack    []*Step
	answered map[node]*Step
}

func (r *recorder) push(s *Step) {
	if len(r.stack) > 0 {
		top := r.stack[len(r.stack)-1]
		top.Steps = append(top.Steps, s)
	} else if r.root == nil {
		r.root = s
	}
	r.stack = append(r.stack, s)
}

// enter begins a set.
func (r *recorder) enter(n node) {
	r.push(&Step{Kind: StepSet, Resource: n.object(), Relation: n.relation.Name})
}

// answer ends the set that was entered last.
func (r *recorder) answer(n node, v value) {
	s := r.stack[len(r.stack)-1]
	if s.Repeated {
		s.Elsewhere = r.answered[n]
	} else {
		r.answered[n] = s
	}
	r.leave(v)
}

// leave ends the step that was opened last.
func (r *recorder) leave(v value) {
	r.stack[len(r.stack)-1].conclude(v)
	r.end()
}

// again marks the current set as answered elsewhere.
func (r *recorder) again() {
	if r != nil {
		r.stack[len(r.stack)-1].Repeated = true
	}
}

// restart drops the steps of the current set: it is asked in another round.
func (r *recorder) restart() {
	if r != nil {
		r.stack[len(r.stack)-1].Steps = nil
	}
}

// begin opens an operator of a permission.
func (r *recorder) begin(x schema.Expr, on Object) {
	s := &Step{Resource: on, Relation: schema.ExprString(x)}
	switch x := x.(type) {
	case *schema.Union:
		s.Kind = StepUnion
	case *schema.Intersection:
		s.Kind = StepIntersection
	case *schema.Exclusion:
		s.Kind = StepExclusion
	case *schema.Self:
		s.Kind = StepSelf
	case *schema.Nil:
		s.Kind = StepNil
	case *schema.ArrowExpr:
		s.Kind, s.All = StepArrow, x.All
	}
	r.push(s)
}

// look writes down a search for one relationship.
func (r *recorder) look(rel *schema.Relation, id string, subject Subject, trait *Trait, stored bool, v value) {
	if r != nil {
		r.follow(rel, id, subject, trait, v)
		s := r.stack[len(r.stack)-1]
		s.Kind, s.Stored = StepRelationship, stored
		r.end()
	}
}

// follow opens a step along a relationship.
func (r *recorder) follow(rel *schema.Relation, id string, subject Subject, trait *Trait, v value) {
	if r == nil {
		return
	}
	s := &Step{Kind: StepFollow, Stored: true, Relationship: &Relationship{
		Resource: Object{rel.Type.Name, id}, Relation: rel.Name, Subject: subject, Trait: trait,
	}}
	s.conclude(v)
	r.push(s)
}

// end closes what was opened last.
func (r *recorder) end() {
	if r != nil {
		r.stack = r.stack[:len(r.stack)-1]
	}
}

func (s *Step) conclude(v value) {
	switch v.truth {
	case yes:
		s.State = Yes
	case conditional:
		s.State, s.Missing = Conditional, v.missing
	case deep:
		s.Undecided = true
	case no:
	}
}

// Explain answers as Check does and returns the steps that led to the answer:
// the same walk, written down. When the question fails, the steps up to there
// come with the error.
func (e *Engine) Explain(ctx context.Context, resource Object, relation string, subject Subject) (Answer, *Step, error) {
	r, err := e.question(ctx, resource, relation, subject)
	if err != nil {
		return Answer{}, nil, err
	}
	if subject.IsWildcard() {
		return Answer{}, nil, ErrWildcardSubject
	}
	w := e.walk(ctx, subject)
	defer w.release()
	w.record = &recorder{answered: map[node]*Step{}}
	v, err := w.ask(r, resource.ID)
	if err != nil {
		return Answer{}, w.record.root, err
	}
	a, err := w.answer(v)
	return a, w.record.root, err
}
