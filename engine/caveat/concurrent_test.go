package caveat_test

import (
	"sync"
	"testing"

	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
)

// TestConcurrent is for the race detector: compilers and programs are shared.
func TestConcurrent(t *testing.T) {
	compiler := caveat.New()
	params := parseParams(t, "l list<int>, m map<int>, n int")
	const body = "l.exists(x, x == n) && {'a': n, 'b': n}.map(k, m[k]) == [n, n]"
	shared, faults := compiler.CompileCaveat("c", params, body)
	if faults != nil {
		t.Fatal(faults)
	}
	context := decode(t, `{"l": [1, 2], "m": {"a": 2, "b": 2}}`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			own, faults := compiler.CompileCaveat("c", params, body)
			if faults != nil {
				t.Error(faults)
				return
			}
			for _, p := range []schema.Program{shared, own} {
				if v, _, err := p.Evaluate(context, map[string]any{"n": 2}); v != schema.True || err != nil {
					t.Error(v, err)
				}
			}
		})
	}
	all.Wait()
}
