package caveat

import (
	"fmt"
	"maps"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/pemba-authz/pemba/schema"
)

// program is a compiled caveat.
type program struct {
	name      string
	params    []*parameter
	prog      cel.Program
	canonical string
}

var _ schema.Program = (*program)(nil)

// parameter is one of a program's.
type parameter struct {
	name    string
	typ     *paramType
	used    bool
	missing *types.Unknown // stands for the value when there is none
}

func newParameter(index int, name string, t *paramType) *parameter {
	return &parameter{name: name, typ: t, missing: types.NewUnknown(int64(index), types.NewAttributeTrail(name))}
}

// Evaluate implements schema.Program. Its errors are *ParamError and *EvalError.
func (p *program) Evaluate(stored, request map[string]any) (schema.Verdict, []string, error) {
	vars := activation{program: p, vals: make([]ref.Val, len(p.params))}
	for i, param := range p.params {
		v, ok := stored[param.name]
		if !ok {
			v, ok = request[param.name]
		}
		if !ok {
			vars.vals[i] = param.missing
			continue
		}
		val, bad := param.typ.coerce(v)
		if bad != nil {
			return schema.False, nil, p.paramError(param, bad)
		}
		vars.vals[i] = val
	}
	out, _, err := p.prog.Eval(&vars)
	if err != nil {
		return schema.False, nil, p.evalError(err)
	}
	switch out := out.(type) {
	case types.Bool:
		if out {
			return schema.True, nil, nil
		}
		return schema.False, nil, nil
	case *types.Unknown:
		return schema.Unknown, missing(out), nil
	}
	return schema.False, nil, p.evalError(fmt.Errorf("the result is %s, not bool", out.Type().TypeName()))
}

// missing returns the sorted names of the parameters that u stands for.
func missing(u *types.Unknown) []string {
	names := map[string]bool{}
	for _, id := range u.IDs() {
		trails, _ := u.GetAttributeTrails(id)
		for _, trail := range trails {
			names[trail.Variable()] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// CheckContext implements schema.Program. Its errors are *ParamError.
func (p *program) CheckContext(context map[string]any, strict bool) error {
	for _, param := range p.params {
		if v, ok := context[param.name]; ok {
			if _, bad := param.typ.coerce(v); bad != nil {
				return p.paramError(param, bad)
			}
		}
	}
	if !strict {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(context)) {
		if p.param(name) == nil {
			return &ParamError{Caveat: p.name, Param: name, Got: describe(context[name])}
		}
	}
	return nil
}

func (p *program) paramError(param *parameter, bad *mismatch) error {
	return &ParamError{Caveat: p.name, Param: param.name + bad.path, Want: bad.want, Got: bad.got}
}

func (p *program) param(name string) *parameter {
	for _, param := range p.params {
		if param.name == name {
			return param
		}
	}
	return nil
}

// Uses implements schema.Program.
func (p *program) Uses(name string) bool {
	param := p.param(name)
	return param != nil && param.used
}

// Canonical implements schema.Program.
func (p *program) Canonical() string { return p.canonical }

// activation gives CEL the values of the parameters. A missing one is CEL's
// unknown, found like any value. CEL's own partial activations come to the same
// answers and cost more; only they may fail at the index of a missing list,
// where this one leaves the list to be asked for first.
type activation struct {
	program *program
	vals    []ref.Val // in the order of program.params
}

var _ interpreter.Activation = (*activation)(nil)

// ResolveName implements interpreter.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	for i, param := range a.program.params {
		if param.name == name {
			return a.vals[i], true
		}
	}
	return nil, false
}

// Parent implements interpreter.Activation.
func (a *activation) Parent() interpreter.Activation { return nil }
