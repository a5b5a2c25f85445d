package caveat

import "fmt"

// ParamError reports a context that does not fit a caveat: a value of the wrong
// type or, under CheckContext with strict, a name that is no parameter.
type ParamError struct {
	Caveat string
	Param  string // the parameter, with the way to the value inside it: p["key"][3]
	Want   string // the type; empty when there is no such parameter
	Got    string // the type of the value, and the value where it is short
}

// Error says all of it in one line.
func (e *ParamError) Error() string {
	if e.Want == "" {
		return fmt.Sprintf("caveat %s has no parameter %s", e.Caveat, e.Param)
	}
	return fmt.Sprintf("caveat %s: parameter %s must be %s, not %s", e.Caveat, e.Param, e.Want, e.Got)
}

// EvalError reports a caveat that failed while it was evaluated: an index out
// of range, a missing key, a division by zero, a cost above CostLimit.
type EvalError struct {
	Caveat string
	Err    error // CEL's
}

// Error names the caveat and the failure.
func (e *EvalError) Error() string { return fmt.Sprintf("evaluating caveat %s: %v", e.Caveat, e.Err) }

// Unwrap returns CEL's error.
func (e *EvalError) Unwrap() error { return e.Err }

func notBoolError(got string) error { return fmt.Errorf("the result is %s, not bool", got) }
