package caveat

import (
	"cmp"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// orderedMap is a map that is walked in the order of its keys, where CEL's own
// take Go's random order: the answer, the cost and the error must be the same
// each time. It hides that CEL's maps can fold themselves.
type orderedMap struct {
	traits.Mapper
}

// IsZeroValue implements traits.Zeroer.
func (m orderedMap) IsZeroValue() bool { return m.Size() == types.IntZero }

// newOrderedMap makes the map of a parameter.
func newOrderedMap(fields map[string]ref.Val) ref.Val {
	return orderedMap{types.NewMap(types.DefaultTypeAdapter, fields)}
}

// Iterator implements traits.Iterable.
func (m orderedMap) Iterator() traits.Iterator {
	var keys []ref.Val
	for it := m.Mapper.Iterator(); it.HasNext() == types.True; {
		keys = append(keys, it.Next())
	}
	slices.SortFunc(keys, compareKeys)
	return types.NewRefValList(types.DefaultTypeAdapter, keys).Iterator()
}

// compareKeys orders keys by type, and by value within a type.
func compareKeys(a, b ref.Val) int {
	if c := cmp.Compare(a.Type().TypeName(), b.Type().TypeName()); c != 0 {
		return c
	}
	if c, ok := a.(traits.Comparer); ok {
		if order, ok := c.Compare(b).(types.Int); ok {
			return int(order)
		}
	}
	return 0
}

// sortMapLiterals is a CEL decorator that makes map literals orderedMaps.
func sortMapLiterals(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	if c, ok := i.(interpreter.InterpretableConstructor); ok && c.Type() == types.MapType {
		return mapLiteral{i}, nil
	}
	return i, nil
}

type mapLiteral struct {
	interpreter.InterpretableV2
}

// Exec implements interpreter.InterpretableV2.
func (l mapLiteral) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	return ordered(l.InterpretableV2.Exec(frame))
}

// Eval implements interpreter.Interpretable.
func (l mapLiteral) Eval(vars interpreter.Activation) ref.Val {
	return ordered(l.InterpretableV2.Eval(vars))
}

// ordered leaves errors and unknowns as they are.
func ordered(v ref.Val) ref.Val {
	if m, ok := v.(traits.Mapper); ok {
		return orderedMap{m}
	}
	return v
}
