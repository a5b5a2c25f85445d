//go:build linux

package chaos

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// linearTimeout bounds the search for an order of one key, which takes
// milliseconds when there is one. One that is not found in time is an objection:
// the test cannot say that all is well.
const linearTimeout = 10 * time.Second

// linearModel is the state of one key: the subject that it holds. All operations
// are those of the key.
var linearModel = porcupine.Model{
	Init: func() any { return "" },
	Step: func(s, input, _ any) (bool, any) {
		held, op := s.(string), input.(*operation)
		return linearStep(held, op)
	},
	DescribeOperation: func(input, _ any) string { return input.(*operation).String() },
}

// linearStep says whether an operation could have its outcome, and what the key
// holds after it. An unknown one may do nothing at all: as it has no end, it
// finds its place after all others.
func linearStep(held string, op *operation) (bool, string) {
	switch op.Act {
	case actSwap:
		if op.Result == unknown && held != op.Old {
			return true, held
		}
		if op.Result == refused {
			return held != op.Old, held
		}
		return held == op.Old, op.New
	case actCreate:
		if op.Result == unknown && held != "" {
			return true, held
		}
		if op.Result == refused {
			return held != "", held
		}
		return held == "", op.New
	case actTouch, actSchema:
		return true, op.New
	case actDelete:
		if op.Old != "" && held != op.Old {
			return true, held
		}
		return true, ""
	case actRead:
		return op.Answer == held, held
	}
	return (op.Answer == "true") == (held == op.New), held
}

// checkLinear looks for an order of the writes and fully consistent reads of each
// key. What is unknown and in no watch was not done.
func (h *history) checkLinear(o *objections, log []*change) {
	made := map[int64]uint64{} // revisions of operations
	for _, c := range log {
		made[c.ID] = c.at
	}
	known := h.knownBy()
	keys := map[string][]porcupine.Operation{}
	for _, op := range h.Operations {
		end := int64(op.End)
		switch {
		case op.Result == failed, op.Act == actPeek, !op.write() && op.Mode != modeFull:
			continue
		case op.Result == unknown && op.Act == actSchema:
			end = math.MaxInt64
		case op.Result == unknown && made[op.ID] == 0:
			continue
		case op.Result == unknown:
			end = known(made[op.ID])
		}
		keys[op.Key] = append(keys[op.Key], porcupine.Operation{ClientId: op.Client, Input: op, Output: op, Call: int64(op.Start), Return: end})
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if got := porcupine.CheckOperationsTimeout(linearModel, keys[key], linearTimeout); got != porcupine.Ok {
			o.add("linear", "%s: the %d operations of this key fit into no order (%s)", key, len(keys[key]), got)
			return // the others would take as long
		}
	}
}

// knownBy tells when a revision was there for sure: when something was answered
// that has it. Without such an end the search for an order would try in vain, for
// each operation whose outcome is unknown, all places up to the end.
func (h *history) knownBy() func(revision uint64) int64 {
	answered := slices.DeleteFunc(slices.Clone(h.Operations), func(op *operation) bool {
		return op.Result != done || op.at == 0 || !op.write() && op.Mode != modeFull
	})
	slices.SortFunc(answered, func(a, b *operation) int { return int(a.at) - int(b.at) })
	ends := make([]int64, len(answered)+1) // the first end of this one and all that follow
	ends[len(answered)] = math.MaxInt64
	for i := len(answered) - 1; i >= 0; i-- {
		ends[i] = min(ends[i+1], int64(answered[i].End))
	}
	return func(revision uint64) int64 {
		i, _ := slices.BinarySearchFunc(answered, revision, func(op *operation, rev uint64) int { return int(op.at) - int(rev) })
		return ends[i]
	}
}
