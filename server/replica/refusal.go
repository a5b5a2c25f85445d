package replica

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/engine/caveat"
	"github.com/pemba-authz/pemba/schema/syntax"
	"github.com/pemba-authz/pemba/server/store"
)

// A refusal that is remembered under a retry key outlives the process, and must
// come back as the same error. It is kept as JSON: the name of its type, its
// fields, and the error that it wraps.
type refusalForm struct {
	Kind  string          `json:"kind"`
	Value json.RawMessage `json:"value,omitempty"`
	Text  string          `json:"text,omitempty"`  // of errors that have no type
	Inner *refusalForm    `json:"inner,omitempty"` // what it wraps
}

// wrapped is the kind of errors that only add words to another, plain of those
// that are nothing but words.
const (
	wrapped = "wrapped"
	plain   = "plain"
)

// refusals names the types of refusals. Names are never used again for another
// type.
func refusals() map[string]error {
	return map[string]error{
		"already-exists":       &store.AlreadyExistsError{},
		"duplicate-update":     &store.DuplicateUpdateError{},
		"precondition":         &store.PreconditionError{},
		"filter":               &store.FilterError{},
		"delete-limit":         &store.DeleteLimitError{},
		"update":               &store.UpdateError{},
		"context-too-large":    &store.ContextTooLargeError{},
		"constraint":           &store.ConstraintError{},
		"constraints":          &store.ConstraintsError{},
		"schema-in-use":        &store.SchemaInUseError{},
		"transaction-too-big":  &store.TransactionTooBigError{},
		"chain":                &store.ChainError{},
		"document":             &store.DocumentError{},
		"document-too-large":   &store.DocumentTooLargeError{},
		"document-class":       &store.DocumentClassError{},
		"document-version":     &store.DocumentVersionError{},
		"schema-moved":         &store.SchemaMovedError{},
		"schema-version":       &store.SchemaVersionError{},
		"guard":                &store.GuardError{},
		"too-many-guards":      &store.TooManyGuardsError{},
		"counter-exists":       &store.CounterExistsError{},
		"counter-unknown":      &store.CounterUnknownError{},
		"future-revision":      &store.FutureRevisionError{},
		"text":                 &engine.TextError{},
		"unknown-type":         &engine.UnknownTypeError{},
		"unknown-relation":     &engine.UnknownRelationError{},
		"permission-write":     &engine.PermissionWriteError{},
		"subject-type":         &engine.SubjectTypeError{},
		"depth":                &engine.DepthError{},
		"limit":                &engine.LimitError{},
		"cycle":                &engine.CycleError{},
		"caveat-parameter":     &caveat.ParamError{},
		"caveat-evaluation":    &caveat.EvalError{},
		"schema":               syntax.ErrorList{},
		"import-lost":          &ImportLostError{},
		"retry-mismatch":       errRetryMismatch,
		"settled":              errSettled,
		"unavailable":          &UnavailableError{},
		"too-large":            &TooLargeError{},
		"disk-full":            &store.DiskFullError{},
		"cluster":              &ClusterError{},
		"no-schema":            store.ErrNoSchema,
		"wildcard-in-question": engine.ErrWildcardSubject,
	}
}

// refusalKind returns the name of an error's type, "" for one without.
func refusalKind(err error) string {
	for kind, known := range refusals() {
		if isTyped(known) {
			if reflect.TypeOf(known) == reflect.TypeOf(err) {
				return kind
			}
		} else if known == err {
			return kind
		}
	}
	return ""
}

// isTyped reports whether the type of an error says what it is; sentinels say it
// by being themselves.
func isTyped(err error) bool {
	return reflect.TypeOf(err) != reflect.TypeOf(errors.New(""))
}

func encodeRefusal(err error) ([]byte, error) {
	form, fault := refusalOf(err)
	if fault != nil {
		return nil, fault
	}
	return json.Marshal(form)
}

func refusalOf(err error) (*refusalForm, error) {
	if err == nil {
		return nil, nil
	}
	form := &refusalForm{Kind: refusalKind(err)}
	var value any = err
	inner := errors.Unwrap(err)
	switch e := err.(type) { // the wrapped error is kept beside the fields
	case *store.UpdateError:
		value = &store.UpdateError{Update: e.Update}
	case *caveat.EvalError:
		value = &caveat.EvalError{Caveat: e.Caveat}
	case *UnavailableError:
		value = &UnavailableError{Msg: e.Msg, MayApply: e.MayApply, RetryAfter: e.RetryAfter}
	}
	switch {
	case form.Kind == "" && inner == nil:
		form.Kind, form.Text = plain, err.Error()
		return form, nil
	case form.Kind == "":
		form.Kind, form.Text = wrapped, err.Error()
	case isTyped(err):
		var fault error
		if form.Value, fault = json.Marshal(value); fault != nil {
			return nil, fault
		}
	}
	var fault error
	form.Inner, fault = refusalOf(inner)
	return form, fault
}

func decodeRefusal(text []byte) (error, error) {
	var form refusalForm
	if fault := json.Unmarshal(text, &form); fault != nil {
		return nil, fault
	}
	return form.refusal()
}

// refusal makes the error again.
func (f *refusalForm) refusal() (err, fault error) {
	if f == nil {
		return nil, nil
	}
	inner, fault := f.Inner.refusal()
	if fault != nil {
		return nil, fault
	}
	switch f.Kind {
	case plain:
		return errors.New(f.Text), nil
	case wrapped:
		return &wrappedRefusal{text: f.Text, err: inner}, nil
	}
	known := refusals()[f.Kind]
	if known == nil {
		return nil, errors.New("a refusal of kind " + f.Kind + " is unknown")
	}
	if !isTyped(known) {
		return known, nil
	}
	dec := json.NewDecoder(bytes.NewReader(f.Value))
	dec.UseNumber()
	if list, ok := known.(syntax.ErrorList); ok {
		fault = dec.Decode(&list)
		return list, fault
	}
	fault = dec.Decode(known)
	switch e := known.(type) {
	case *store.UpdateError:
		e.Err = inner
	case *caveat.EvalError:
		e.Err = inner
	case *UnavailableError:
		e.Err = inner
	}
	return known, fault
}

// wrappedRefusal is an error that only added words.
type wrappedRefusal struct {
	text string
	err  error
}

func (e *wrappedRefusal) Error() string { return e.text }
func (e *wrappedRefusal) Unwrap() error { return e.err }
