package caveat_test

import (
	"fmt"

	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema"
)

func Example() {
	params := []schema.Param{
		{Name: "limit", Type: schema.ParamType{Name: "uint"}},
		{Name: "count", Type: schema.ParamType{Name: "uint"}},
	}
	program, faults := caveat.New().CompileCaveat("quota", params, "count < limit")
	if faults != nil {
		fmt.Println(faults)
		return
	}
	stored := map[string]any{"limit": 10}
	_, missing, _ := program.Evaluate(stored, nil)
	fmt.Println("needs", missing)
	verdict, _, _ := program.Evaluate(stored, map[string]any{"count": "9"})
	fmt.Println(verdict == schema.True)
	_, _, err := program.Evaluate(stored, map[string]any{"count": -1})
	fmt.Println(err)
	// Output:
	// needs [count]
	// true
	// caveat quota: parameter count must be uint, which is never negative, not number -1
}
