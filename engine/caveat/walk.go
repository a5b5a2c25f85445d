package caveat

import (
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// walk goes over a checked expression, collects the names it uses freely and
// the faults CEL does not look for.
type walk struct {
	uses   map[string]bool
	bound  map[string]int // comprehension variables in scope
	builds bool           // whether it makes lists or maps of other than literals
	faults []common.Error
	fault  func(e ast.Expr, msg string) common.Error
}

func (w *walk) expr(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind:
		w.ident(e.AsIdent())
	case ast.SelectKind:
		w.expr(e.AsSelect().Operand())
	case ast.CallKind:
		w.call(e)
	case ast.ListKind:
		w.items(e.AsList().Elements()...)
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			w.items(entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
	case ast.StructKind:
		w.faults = append(w.faults, w.fault(e, "a caveat cannot construct messages: use a map"))
	case ast.ComprehensionKind:
		w.comprehension(e.AsComprehension())
	}
}

// items goes over the parts of a list or map.
func (w *walk) items(es ...ast.Expr) {
	for _, e := range es {
		w.builds = w.builds || e.Kind() != ast.LiteralKind
		w.expr(e)
	}
}

func (w *walk) all(es []ast.Expr) {
	for _, e := range es {
		w.expr(e)
	}
}

// ident counts a name unless a comprehension binds it; ".name" is never bound.
func (w *walk) ident(name string) {
	if name[0] == '.' {
		w.uses[name[1:]] = true
	} else if w.bound[name] == 0 {
		w.uses[name] = true
	}
}

func (w *walk) call(e ast.Expr) {
	call := e.AsCall()
	if call.IsMemberFunction() {
		w.expr(call.Target())
	}
	w.all(call.Args())
	if !call.IsMemberFunction() || len(call.Args()) != 1 || call.Args()[0].Kind() != ast.LiteralKind {
		return
	}
	if text, ok := call.Args()[0].AsLiteral().(types.String); ok {
		if err := checkArgument(call.FunctionName(), string(text)); err != nil {
			w.faults = append(w.faults, w.fault(call.Args()[0], err.Error()))
		}
	}
}

// checkArgument refuses a text that a function would refuse whenever it is
// evaluated.
func checkArgument(function, text string) error {
	if function == inCIDR {
		_, err := parseCIDR(text)
		return err
	}
	for _, f := range inZone() {
		if function == f[0] {
			return checkZone(text)
		}
	}
	return nil
}

func (w *walk) comprehension(c ast.ComprehensionExpr) {
	w.expr(c.IterRange())
	w.expr(c.AccuInit())
	w.bound[c.AccuVar()]++
	w.expr(c.Result())
	w.bound[c.IterVar()]++
	w.bound[c.IterVar2()]++
	w.expr(c.LoopCondition())
	w.expr(c.LoopStep())
	w.bound[c.IterVar()]--
	w.bound[c.IterVar2()]--
	w.bound[c.AccuVar()]--
}
