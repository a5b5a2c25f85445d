package caveat

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/interpreter"
)

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
// of range, a missing key, a division by zero, or a limit, CostLimit or
// ValueLimit, that was reached.
type EvalError struct {
	Caveat string
	Err    error
}

// Error names the caveat and the failure.
func (e *EvalError) Error() string {
	return fmt.Sprintf("evaluating caveat %s: %s", e.Caveat, shorten(e.Err.Error()))
}

// Unwrap returns what went wrong.
func (e *EvalError) Unwrap() error { return e.Err }

// evalError says in our words what CEL means by a cancelled evaluation.
func (p *program) evalError(err error) error {
	var cancelled interpreter.EvalCancelledError
	if errors.As(err, &cancelled) {
		switch cancelled.Cause {
		case interpreter.CostLimitExceeded:
			err = fmt.Errorf("it costs more than %d units under this context", CostLimit)
		case interpreter.MemoryLimitExceeded:
			err = fmt.Errorf("it makes a value of more than %d items and characters", ValueLimit)
		}
	}
	return &EvalError{Caveat: p.name, Err: err}
}

// shorten cuts a message that quotes a long value.
func shorten(msg string) string {
	const most = 300 // bytes
	if len(msg) <= most {
		return msg
	}
	return strings.ToValidUTF8(msg[:most], "") + "…"
}
