package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pemba-authz/pemba/engine"
	"github.com/pemba-authz/pemba/schema"
)

// ErrNoSchema is returned where a schema is needed and none was written yet.
var ErrNoSchema = errors.New("no schema has been written; write one first")

// ErrClosed is returned by a store or snapshot that was closed.
var ErrClosed = errors.New("the store is closed")

// AlreadyExistsError refuses a Create of a relationship that exists.
type AlreadyExistsError struct{ Relationship engine.Relationship }

func (e *AlreadyExistsError) Error() string {
	return fmt.Sprintf("relationship %s already exists; touch it to replace it", e.Relationship.Key())
}

// DuplicateUpdateError refuses a transaction with two updates of one relationship.
type DuplicateUpdateError struct{ Relationship engine.Relationship }

func (e *DuplicateUpdateError) Error() string {
	return fmt.Sprintf("relationship %s is updated twice in one transaction; keep one of the updates", e.Relationship.Key())
}

// PreconditionError says which precondition did not hold.
type PreconditionError struct{ Precondition Precondition }

func (e *PreconditionError) Error() string {
	if e.Precondition.MustMatch {
		return fmt.Sprintf("precondition failed: no relationship matches %s, and one must", e.Precondition.Filter)
	}
	return fmt.Sprintf("precondition failed: a relationship matches %s, and none may", e.Precondition.Filter)
}

// FilterError says what is wrong with a filter.
type FilterError struct {
	Filter Filter
	Msg    string
}

func (e *FilterError) Error() string { return fmt.Sprintf("filter %s %s", e.Filter, e.Msg) }

// DeleteLimitError refuses a FilterDelete that would pass its limit.
type DeleteLimitError struct {
	Filter Filter
	Limit  int
}

func (e *DeleteLimitError) Error() string {
	return fmt.Sprintf("more than %d relationships match %s; raise the limit or allow a partial deletion", e.Limit, e.Filter)
}

// UpdateError says which update of a transaction could not be understood or is
// not allowed by the schema. Err is the engine's error, or one of this package.
type UpdateError struct {
	Update Update
	Err    error
}

func (e *UpdateError) Error() string {
	name, what := e.Update.Relationship.Key().String(), e.Err.Error()
	return fmt.Sprintf("%s %s: %s", e.Update.Op, name, strings.TrimPrefix(what, name+": "))
}

func (e *UpdateError) Unwrap() error { return e.Err }

// ContextTooLargeError refuses a caveat context.
type ContextTooLargeError struct{ Size, Limit int }

func (e *ContextTooLargeError) Error() string {
	return fmt.Sprintf("the caveat context has %d bytes as JSON; at most %d are allowed", e.Size, e.Limit)
}

// ConstraintError says which constraint of the schema a transaction violates, on
// which resource, and by which subjects.
type ConstraintError struct {
	Constraint string
	Kind       schema.ConstraintKind
	Relations  []string
	Resource   engine.Object
	Subjects   []engine.Subject // sorted; empty for AtLeastOne
}

func (e *ConstraintError) Error() string {
	relations := strings.Join(e.Relations, ", ")
	var what string
	switch e.Kind {
	case schema.Exclusive:
		what = fmt.Sprintf("%s would be in more than one of %s", joinSubjects(e.Subjects), relations)
	case schema.AtMostOne:
		what = fmt.Sprintf("%s may have one subject, and would have %s", relations, joinSubjects(e.Subjects))
	case schema.AtLeastOne:
		what = fmt.Sprintf("%s must have a subject, and would have none", relations)
	}
	return fmt.Sprintf("constraint %s#%s is violated by %s: %s", e.Resource.Type, e.Constraint, e.Resource, what)
}

func joinSubjects(subjects []engine.Subject) string {
	names := make([]string, len(subjects))
	for i, s := range subjects {
		names[i] = s.String()
	}
	return strings.Join(names, ", ")
}

// ConstraintsError refuses a schema whose new constraints the stored
// relationships violate. It holds up to ten examples.
type ConstraintsError struct {
	Examples []*ConstraintError
	More     bool // there are more than these
}

func (e *ConstraintsError) Error() string {
	var b strings.Builder
	b.WriteString("stored relationships violate the constraints of the new schema; change them first:")
	for _, x := range e.Examples {
		b.WriteString("\n\t" + x.Error())
	}
	if e.More {
		b.WriteString("\n\t… and more")
	}
	return b.String()
}

// SchemaInUseError refuses a schema that stored relationships stand against.
type SchemaInUseError struct{ Conflicts []SchemaConflict }

// SchemaConflict is one thing that the new schema takes away although
// relationships need it.
type SchemaConflict struct {
	Reason  string              // names the definition and relation, or the caveat
	Count   int64               // relationships that need it
	Example engine.Relationship // one of them

	kinds []Kind
}

// Expiring reports whether all that needs what the schema takes away has an
// expiration, so that it may be gone when what has expired is removed.
func (e *SchemaInUseError) Expiring() bool {
	lasts := func(k Kind) bool { return !k.Expires }
	return !slices.ContainsFunc(e.Conflicts, func(c SchemaConflict) bool { return slices.ContainsFunc(c.kinds, lasts) })
}

func (e *SchemaInUseError) Error() string {
	var b strings.Builder
	b.WriteString("stored relationships need what the new schema takes away; delete them first:")
	for _, c := range e.Conflicts {
		if c.Count == 1 {
			fmt.Fprintf(&b, "\n\t%s, and a relationship needs it: %s", c.Reason, c.Example)
			continue
		}
		fmt.Fprintf(&b, "\n\t%s, and %d relationships need it, among them %s", c.Reason, c.Count, c.Example)
	}
	return b.String()
}

// TransactionTooBigError refuses a transaction before anything was written.
type TransactionTooBigError struct {
	Entries, EntryLimit int   // keys that it would write
	Bytes, ByteLimit    int64 // of keys and values
}

func (e *TransactionTooBigError) Error() string {
	return fmt.Sprintf("the transaction is too big: %d keys of %d and %d bytes of %d; write it in several (an import does)",
		e.Entries, e.EntryLimit, e.Bytes, e.ByteLimit)
}

// DocumentError refuses one document update. It says what would be right.
type DocumentError struct {
	Key string
	Msg string
}

func (e *DocumentError) Error() string { return fmt.Sprintf("document %q %s", e.Key, e.Msg) }

// DocumentTooLargeError refuses a document.
type DocumentTooLargeError struct {
	Key         string
	Size, Limit int
}

func (e *DocumentTooLargeError) Error() string {
	return fmt.Sprintf("document %q has %d bytes; at most %d are allowed", e.Key, e.Size, e.Limit)
}

// ChainError refuses what a transaction does to a chain. It says what would be
// right.
type ChainError struct {
	Chain string
	Msg   string
}

func (e *ChainError) Error() string { return fmt.Sprintf("chain %q %s", e.Chain, e.Msg) }

// DocumentClassError refuses to change the class of a document.
type DocumentClassError struct {
	Key       string
	Have, Ask Class
}

func (e *DocumentClassError) Error() string {
	return fmt.Sprintf("document %q is %s and cannot become %s; delete it first", e.Key, e.Have, e.Ask)
}

// DocumentVersionError says that a document has another version than the
// transaction was made for.
type DocumentVersionError struct {
	Key        string
	Have, Want Revision // 0: no document
}

func (e *DocumentVersionError) Error() string {
	switch {
	case e.Have == 0:
		return fmt.Sprintf("document %q does not exist; version %d was asked for", e.Key, e.Want)
	case e.Want == 0:
		return fmt.Sprintf("document %q exists with version %d; it must not", e.Key, e.Have)
	}
	return fmt.Sprintf("document %q has version %d, not %d; read it again", e.Key, e.Have, e.Want)
}

// SchemaVersionError refuses a schema because the one that it replaces was written
// after it was seen.
type SchemaVersionError struct{ Have, Seen Revision }

func (e *SchemaVersionError) Error() string {
	if e.Seen == 0 {
		return fmt.Sprintf("there is a schema since revision %d, and there was to be none; read it first", e.Have)
	}
	return fmt.Sprintf("the schema was replaced at revision %d, after it was seen at revision %d; read it again", e.Have, e.Seen)
}

// StorageError says that what is stored could not be read or written. It is no
// refusal: what was being done may have been done in part.
type StorageError struct {
	Op  string // "reading" or "writing"
	Err error
}

func (e *StorageError) Error() string { return e.Op + " the store: " + e.Err.Error() }

func (e *StorageError) Unwrap() error { return e.Err }

// IsRefusal reports whether an error of Apply refuses the transaction, which
// leaves everything as it was. Any other is the storage's or the caller's.
func IsRefusal(err error) bool {
	storage, order := (*StorageError)(nil), (*RevisionOrderError)(nil)
	corrupt, space := (*CorruptError)(nil), (*DiskFullError)(nil)
	return err != nil && !errors.As(err, &storage) && !errors.As(err, &order) && !errors.As(err, &corrupt) && !errors.As(err, &space) &&
		!errors.Is(err, ErrClosed) && !errors.Is(err, errKey) && !errors.Is(err, errTrait)
}

// SchemaMovedError refuses a schema because what it was judged on has changed
// too much since; it may be judged again.
type SchemaMovedError struct{ Judged Revision }

func (e *SchemaMovedError) Error() string {
	return fmt.Sprintf("the schema was judged at revision %d, and too much was written since; try again", e.Judged)
}

// GuardError says which permission guard of a transaction did not hold.
type GuardError struct {
	Guard   Guard
	State   engine.State // the answer that was found
	Missing []string     // Conditional only: the caveat parameters still needed
}

func (e *GuardError) Error() string {
	g := &e.Guard
	question := fmt.Sprintf("%s to have %s on %s", g.Subject, g.Permission, g.Resource)
	want := "demands "
	if !g.Must {
		want = "forbids "
	}
	text := fmt.Sprintf("guard failed: the transaction %s%s, and the answer is %s", want, question, e.State)
	if len(e.Missing) > 0 {
		text += fmt.Sprintf(" (it depends on %s)", strings.Join(e.Missing, ", "))
	}
	return text
}

// TooManyGuardsError refuses a transaction with more guards than are judged.
type TooManyGuardsError struct{ Count, Limit int }

func (e *TooManyGuardsError) Error() string {
	return fmt.Sprintf("the transaction has %d permission guards; at most %d are allowed", e.Count, e.Limit)
}

// CounterExistsError refuses to register a counter under a name that is taken.
type CounterExistsError struct{ Name string }

func (e *CounterExistsError) Error() string {
	return fmt.Sprintf("counter %q is registered already; unregister it first", e.Name)
}

// CounterUnknownError says that no counter of that name is registered.
type CounterUnknownError struct{ Name string }

func (e *CounterUnknownError) Error() string {
	return fmt.Sprintf("counter %q is not registered; register it first", e.Name)
}

// RevisionOrderError refuses a revision that is not greater than the head.
type RevisionOrderError struct{ Revision, Head Revision }

func (e *RevisionOrderError) Error() string {
	return fmt.Sprintf("revision %d is not after the head, %d", e.Revision, e.Head)
}

// ExpiredRevisionError refuses a read below the retention floor.
type ExpiredRevisionError struct{ Revision, Floor Revision }

func (e *ExpiredRevisionError) Error() string {
	return fmt.Sprintf("revision %d is no longer kept; the oldest that is kept is %d", e.Revision, e.Floor)
}

// FutureRevisionError refuses a read, or a floor, above the head.
type FutureRevisionError struct{ Revision, Head Revision }

func (e *FutureRevisionError) Error() string {
	return fmt.Sprintf("revision %d has not been written yet; the newest is %d", e.Revision, e.Head)
}

// DirectoryInUseError says that another process has the directory open.
type DirectoryInUseError struct{ Dir string }

func (e *DirectoryInUseError) Error() string {
	return fmt.Sprintf("data directory %s is in use by another process; stop it, or name another directory", e.Dir)
}

// FormatError says that the directory was written by another version, or holds
// something else.
type FormatError struct{ Dir, Msg string }

func (e *FormatError) Error() string { return fmt.Sprintf("data directory %s %s", e.Dir, e.Msg) }

// CorruptError says that what is stored does not fit together. Nothing was
// changed.
type CorruptError struct {
	Dir string // empty in memory
	Msg string
	Err error // may be nil
}

func (e *CorruptError) Error() string {
	what := e.Msg
	if e.Err != nil {
		what += ": " + e.Err.Error()
	}
	if e.Dir == "" {
		return "the store is corrupt: " + what
	}
	return fmt.Sprintf("data directory %s is corrupt: %s; restore it from a backup", e.Dir, what)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// DiskFullError refuses a write while little space is left: Badger maps its
// files, and running out of space beneath a map ends the process.
type DiskFullError struct {
	Dir        string
	Free, Need uint64 // bytes
}

func (e *DiskFullError) Error() string {
	return fmt.Sprintf("the disk of %s has %d MiB free, and %d MiB must stay free for this; deletes need a quarter of what writes need",
		e.Dir, e.Free>>20, e.Need>>20)
}
