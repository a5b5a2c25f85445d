package portal

import (
	"fmt"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// Fault says what kind of fault a *Refusal is.
type Fault uint8

const (
	NotSignedIn Fault = iota // nobody is signed in, or the proof was wrong
	NotAllowed               // a permission is missing
	NotFound                 // there is none, or it belongs to another company
	Invalid                  // a field of the request makes no sense
	Taken                    // it exists already
	Rule                     // a rule of the domain forbids it in the present state
	Conflict                 // somebody else changed what it relies on
	Locked                   // too many attempts; try again later
)

// Refusal says why something was not done. Nothing was changed.
type Refusal struct {
	Fault Fault
	Msg   string // what was wrong, and what would be right

	Field      string        // of the request; Invalid and Taken
	Rule       string        // of the domain, by its number: "12"
	Resource   engine.Object // on which the permission is missing
	Permission string        // that is missing
	Grantors   []string      // who can give it: names and e-mail addresses, at most 5
	RetryAfter time.Duration // Locked
}

func (r *Refusal) Error() string { return r.Msg }

// invalid refuses a field of a request.
func invalid(field, format string, args ...any) error {
	return &Refusal{Fault: Invalid, Field: field, Msg: field + ": " + fmt.Sprintf(format, args...)}
}

// broken refuses what a rule of the domain forbids at the moment.
func broken(rule, format string, args ...any) error {
	return &Refusal{Fault: Rule, Rule: rule, Msg: fmt.Sprintf(format, args...)}
}

// notFound says that there is none of that id in the caller's company.
func notFound(what, id string) error {
	return &Refusal{Fault: NotFound, Msg: fmt.Sprintf("there is no %s %.64q in this company", what, id)}
}

// conflict says that somebody else changed what a request relies on.
func conflict(format string, args ...any) error {
	return &Refusal{Fault: Conflict, Msg: fmt.Sprintf(format, args...)}
}
