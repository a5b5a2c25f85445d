package caveat

import (
	"fmt"
	"sync"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"

	"github.com/pemba-authz/pemba/schema"
)

// MaxBody is how long the body of a caveat may be, in characters.
const MaxBody = 100_000

// Compiler compiles caveats. The zero Compiler works; New makes one that builds
// its CEL environment once instead of for each caveat. It is safe for
// concurrent use.
type Compiler struct {
	base func() (*cel.Env, error) // nil for the zero Compiler
}

// New returns a Compiler that is cheap to use many times.
func New() Compiler { return Compiler{base: sync.OnceValues(newBase)} }

var _ schema.CaveatCompiler = Compiler{}

// CompileCaveat implements schema.CaveatCompiler. The program is nil exactly
// when there are faults; they are sorted by offset.
func (c Compiler) CompileCaveat(name string, params []schema.Param, body string) (schema.Program, []schema.CaveatFault) {
	if faults := checkText(body); faults != nil {
		return nil, faults
	}
	p := &program{name: name}
	for _, param := range params {
		t, err := newParamType(param.Type)
		if err != nil {
			return nil, []schema.CaveatFault{{Msg: fmt.Sprintf("parameter %s: %v", param.Name, err)}}
		}
		p.params = append(p.params, newParameter(len(p.params), param.Name, t))
	}
	env, err := c.env(p.params)
	if err != nil {
		return nil, []schema.CaveatFault{{Msg: fmt.Sprintf("caveat %s: %v", name, err)}}
	}
	checked, issues := env.Compile(body)
	if issues.Err() != nil {
		return nil, faultsOf(body, issues.Errors(), func() []string { return knownNames(env, p.params) })
	}
	if faults := p.inspect(env, checked, body); faults != nil {
		return nil, faults
	}
	return p, nil
}

// env is the base environment with the parameters declared.
func (c Compiler) env(params []*parameter) (*cel.Env, error) {
	base := c.base
	if base == nil {
		base = newBase
	}
	env, err := base()
	if err != nil {
		return nil, err
	}
	vars := make([]cel.EnvOption, 0, len(params))
	for _, p := range params {
		vars = append(vars, cel.Variable(p.name, p.typ.cel))
	}
	return env.Extend(vars...)
}

// checkText refuses what the CEL parser should not be given at all.
func checkText(body string) []schema.CaveatFault {
	switch {
	case !utf8.ValidString(body):
		return []schema.CaveatFault{{Offset: invalidAt(body), Msg: "the body of a caveat must be valid UTF-8"}}
	case utf8.RuneCountInString(body) > MaxBody:
		return []schema.CaveatFault{{Msg: fmt.Sprintf("the body of a caveat has %d characters, at most %d are allowed",
			utf8.RuneCountInString(body), MaxBody)}}
	}
	return nil
}

// invalidAt returns the offset of the first byte that is not UTF-8.
func invalidAt(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return len(s)
}

// inspect checks what CEL leaves to us, and completes p.
func (p *program) inspect(env *cel.Env, checked *cel.Ast, body string) []schema.CaveatFault {
	native := checked.NativeRep()
	w := walk{uses: map[string]bool{}, bound: map[string]int{}, fault: func(e ast.Expr, msg string) common.Error {
		return common.Error{Location: native.SourceInfo().GetStartLocation(e.ID()), Message: msg}
	}}
	w.expr(native.Expr())
	if got := checked.OutputType(); got.Kind() != cel.BoolKind {
		w.faults = append(w.faults, w.fault(native.Expr(), notBool(got)))
	}
	if w.faults != nil {
		errs := make([]*common.Error, len(w.faults))
		for i := range w.faults {
			errs[i] = &w.faults[i]
		}
		return faultsOf(body, errs, func() []string { return nil })
	}
	for _, param := range p.params {
		param.used = w.uses[param.name]
	}
	var err error
	if p.canonical, err = canonical(checked); err != nil {
		return []schema.CaveatFault{{Msg: fmt.Sprintf("the body cannot be printed: %v", err)}}
	}
	if p.prog, err = newProgram(env, checked, w.builds); err != nil {
		return []schema.CaveatFault{{Msg: fmt.Sprintf("the body cannot be evaluated: %v", err)}}
	}
	return nil
}

func notBool(got *cel.Type) string {
	if got.Kind() == cel.DynKind {
		return "the type of the result is not known before evaluation, but a caveat must be bool: compare it, or convert it with bool(...)"
	}
	return fmt.Sprintf("the result is %s, but a caveat must be bool", cel.FormatCELType(got))
}

// canonical prints the body on one line.
func canonical(checked *cel.Ast) (string, error) {
	return cel.AstToString(checked, cel.FormatWrapOnColumn(MaxBody*10))
}
