package caveat

import (
	"cmp"
	"math"
	"slices"
	"sync/atomic"

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
	size atomic.Uint32 // of all it holds; 0 until it was asked for
}

// IsZeroValue implements traits.Zeroer.
func (m *orderedMap) IsZeroValue() bool { return m.Size() == types.IntZero }

// AggregateSize implements types.AggregateSizeVisitor. It remembers the answer,
// like CEL's lists: measuring is frequent. A size beyond all limits ends the
// evaluation, so it does no harm to remember that too.
func (m *orderedMap) AggregateSize(sizer types.AggregateSizer) uint32 {
	if size := m.size.Load(); size != 0 {
		return size
	}
	total := uint64(1)
	for it := m.Mapper.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		val, _ := m.Find(key)
		total += uint64(sizer.AggregateSize(key)) + uint64(sizer.AggregateSize(val))
	}
	size := uint32(min(total, math.MaxUint32))
	m.size.Store(size)
	return size
}

// newOrderedMap makes the map of a parameter.
func newOrderedMap(fields map[string]ref.Val) ref.Val {
	return &orderedMap{Mapper: types.NewMap(types.DefaultTypeAdapter, fields)}
}

// Iterator implements traits.Iterable.
func (m *orderedMap) Iterator() traits.Iterator {
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
		return mapLiteral{c}, nil
	}
	return i, nil
}

type mapLiteral struct {
	interpreter.InterpretableConstructor
}

// Exec implements interpreter.InterpretableV2.
func (l mapLiteral) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	return ordered(l.InterpretableConstructor.Exec(frame))
}

// Eval implements interpreter.Interpretable.
func (l mapLiteral) Eval(vars interpreter.Activation) ref.Val {
	return ordered(l.InterpretableConstructor.Eval(vars))
}

// ordered leaves errors and unknowns as they are.
func ordered(v ref.Val) ref.Val {
	if m, ok := v.(traits.Mapper); ok {
		return &orderedMap{Mapper: m}
	}
	return v
}
