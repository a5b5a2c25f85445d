package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema/syntax"
	"github.com/pemba-authz/pemba/server/backup"
	"github.com/pemba-authz/pemba/server/replica"
	"github.com/pemba-authz/pemba/server/store"
)

// coded is an error that knows its exit code.
type coded struct {
	code int
	err  error
}

func (e *coded) Error() string { return e.err.Error() }
func (e *coded) Unwrap() error { return e.err }

// usagef is a command line that makes no sense.
func usagef(format string, args ...any) error {
	return &coded{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// refusedf is something that a rule forbids.
func refusedf(format string, args ...any) error {
	return &coded{code: exitRefused, err: fmt.Errorf(format, args...)}
}

// errNegative ends a command that has printed its answer, and the answer is no.
var errNegative = &coded{code: exitNegative, err: errors.New("negative")}

// report says what went wrong and returns the exit code.
func (a *app) report(err error) int {
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errNegative) {
		return exitNegative
	}
	a.note("pemba: %s", message(err))
	return exitCode(err)
}

// note says something on stderr. That it cannot be said is no reason to fail.
func (a *app) note(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stderr, format+"\n", args...)
}

// message is the error in words, with a hint where one helps.
func message(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted: " + err.Error()
	case errors.Is(err, fs.ErrPermission):
		return err.Error() + " (this user may not use the file or directory)"
	}
	return err.Error()
}

// is returns whether err is, or wraps, an error of type E.
func is[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

// exitCode is the one table from errors to exit codes.
func exitCode(err error) int {
	var c *coded
	var answered *serverError
	switch {
	case errors.As(err, &c):
		return c.code
	case errors.As(err, &answered):
		return answered.exitCode()
	case is[*store.DirectoryInUseError](err), is[*replica.UnavailableError](err):
		return exitUnavailable
	case refused(err):
		return exitRefused
	}
	return exitFailure
}

// refused reports whether a rule forbids what was asked. What a server refuses
// comes as its answer; this is for what is found out here.
func refused(err error) bool {
	return is[syntax.ErrorList](err) ||
		is[*engine.UnknownTypeError](err) || is[*engine.UnknownRelationError](err) ||
		is[*engine.PermissionWriteError](err) || is[*engine.SubjectTypeError](err) ||
		is[*engine.DepthError](err) || is[*engine.LimitError](err) || is[*engine.CycleError](err) ||
		is[*caveat.ParamError](err) || is[*caveat.EvalError](err) ||
		is[*store.DiskFullError](err) || is[*backup.KeyError](err) ||
		is[*replica.MemberError](err) || is[*replica.ClusterError](err)
}
