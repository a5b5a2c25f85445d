package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/schema"
)

// Engine answers questions under one schema over the relationships of one
// revision, for one request. It is a value: fill the fields, ask, forget it.
// Its methods may be called concurrently, with a Cost one at a time.
type Engine struct {
	Schema *schema.Schema
	Reader Reader
	Now    time.Time // relationships that expire at or before it do not exist

	// Context holds the request's values for caveats, as encoding/json with
	// UseNumber decodes them. Names that no caveat asks for are ignored.
	Context map[string]any

	Limits Limits
	Cost   *LookupCost // filled in by lookups; nil: nobody wants to know
}

// Limits bound one question. A zero field means its default. A limit that is
// reached is an error, never an answer.
type Limits struct {
	Depth          int   // hops to another object, by userset or arrow; default 50
	Reads          int   // questions to the Reader; default 10,000,000
	Candidates     int   // results a lookup may have to consider; default 1,000,000
	CandidateBytes int64 // bytes of their ids; default 256 MiB
}

func (l Limits) withDefaults() Limits {
	if l.Depth <= 0 {
		l.Depth = 50
	}
	if l.Reads <= 0 {
		l.Reads = 10_000_000
	}
	if l.Candidates <= 0 {
		l.Candidates = 1_000_000
	}
	if l.CandidateBytes <= 0 {
		l.CandidateBytes = 256 << 20
	}
	return l
}

// State is the answer to "is this subject in that set?".
type State uint8

const (
	No          State = iota
	Conditional       // it depends on caveat values that were not given
	Yes
)

// String returns "no", "conditional" or "yes".
func (s State) String() string { return [...]string{"no", "conditional", "yes"}[s] }

// Answer is the answer to a check.
type Answer struct {
	State   State
	Missing []string  // Conditional only: the caveat parameters still needed, sorted
	Until   time.Time // the earliest time at which an expiration may change the answer; zero: never
	Reads   int       // questions that were put to the Reader, answers that were recalled among them
	Recalls int       // answers that were recalled
	Depth   int       // hops to the furthest object that was looked into
}

// ErrWildcardSubject says that a question names the wildcard where it must name
// one subject.
var ErrWildcardSubject = errors.New("a question needs one subject: the wildcard * stands only in relationships")

// DepthError says that an answer was not decided within the depth limit.
type DepthError struct {
	Limit int // hops
}

func (e *DepthError) Error() string {
	return fmt.Sprintf("the answer was not decided within %d hops from object to object: the chain of usersets and arrows is longer than the limit", e.Limit)
}

// LimitError says that a question needs more than a limit allows.
type LimitError struct {
	What  string // what was counted: "relationship reads"
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the question needs more than %d %s, which is the limit", e.Limit, e.What)
}

// CycleError says that stored relationships close a recursion through the right
// side of an exclusion: such a question has no answer.
type CycleError struct {
	Path []string // sets as "type:id#relation"; the last leads back to the first
}

func (e *CycleError) Error() string {
	return fmt.Sprintf("the relationships close a cycle through the right side of an exclusion, which has no answer: %s -> %s",
		strings.Join(e.Path, " -> "), e.Path[0])
}

// never is the moment of an expiration that never comes, in the walk's
// microseconds.
const never = math.MaxInt64

// truth is a State with one more value, for what the depth limit left open.
type truth uint8

const (
	no truth = iota
	conditional
	deep // not decided within the depth limit
	yes
)

// value is what the walk knows of one set.
type value struct {
	truth   truth
	low     int32    // the lowest open set (by its place on the stack) this rests on; closed if none
	until   int64    // Unix microseconds; never if no expiration matters
	missing []string // sorted; conditional and deep only
}

// closed is the low of a value that rests on no open set.
const closed = math.MaxInt32

var (
	valueNo  = value{truth: no, low: closed, until: never}
	valueYes = value{truth: yes, low: closed, until: never}
)

// or combines what two alternatives say (Kleene; deep beats conditional).
func or(a, b value) value {
	if a.truth == yes {
		return a
	}
	if b.truth == yes {
		return b
	}
	return value{
		truth:   max(a.truth, b.truth),
		low:     min(a.low, b.low),
		until:   min(a.until, b.until),
		missing: merge(a.missing, b.missing),
	}
}

// and combines what two demands say.
func and(a, b value) value {
	if a.truth == no {
		return a
	}
	if b.truth == no {
		return b
	}
	if bugCaveatAndOr && (a.truth == conditional || b.truth == conditional) {
		return value{truth: max(a.truth, b.truth), low: min(a.low, b.low), until: never}
	}
	v := value{
		truth:   min(a.truth, b.truth),
		low:     min(a.low, b.low),
		until:   min(a.until, b.until),
		missing: merge(a.missing, b.missing),
	}
	if a.truth == deep || b.truth == deep {
		v.truth = deep
	}
	return v
}

// not turns a value round.
func not(a value) value {
	switch a.truth {
	case no:
		a.truth = yes
	case yes:
		a.truth = no
	case conditional, deep:
	}
	return a
}

// merge returns the union of two sorted lists. It never changes either.
func merge(a, b []string) []string {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 || slices.Equal(a, b) {
		return a
	}
	m := slices.Concat(a, b)
	slices.Sort(m)
	return slices.Compact(m)
}

// answer turns the walk's last value into an Answer, or the depth limit's error.
func (w *walk) answer(v value) (Answer, error) {
	a := Answer{Reads: w.reads, Recalls: w.recalls, Depth: w.deepest}
	if v.until != never {
		a.Until = time.UnixMicro(v.until).UTC()
	}
	switch v.truth {
	case deep:
		return Answer{}, &DepthError{Limit: w.limits.Depth}
	case yes:
		a.State = Yes
	case conditional:
		a.State, a.Missing = Conditional, v.missing
	case no:
	}
	return a, nil
}

// question resolves and checks what every question about one set begins with.
func (e *Engine) question(ctx context.Context, resource Object, relation string, subject Subject) (*schema.Relation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := Resolve(e.Schema, resource.Type, relation)
	if err != nil {
		return nil, err
	}
	if e.Schema.Type(subject.Type) == nil {
		return nil, unknownType(e.Schema, subject.Type)
	}
	if subject.Relation != "" {
		if _, err := Resolve(e.Schema, subject.Type, subject.Relation); err != nil {
			return nil, err
		}
	}
	if resource.ID == Wildcard {
		return nil, fmt.Errorf("a question needs one resource: %w", ErrWildcardSubject)
	}
	return r, nil
}

// Check answers whether subject is in resource#relation. Errors: *UnknownTypeError,
// *UnknownRelationError, ErrWildcardSubject, *DepthError, *LimitError,
// *CycleError, the caveat's errors, the Reader's, and ctx's.
func (e *Engine) Check(ctx context.Context, resource Object, relation string, subject Subject) (Answer, error) {
	r, err := e.question(ctx, resource, relation, subject)
	if err != nil {
		return Answer{}, err
	}
	if subject.IsWildcard() {
		return Answer{}, ErrWildcardSubject
	}
	w := e.keepingWalk(ctx, subject)
	defer w.release()
	w.alike = true
	v, err := w.ask(r, resource.ID)
	if err != nil {
		return Answer{}, err
	}
	return w.answer(v)
}
