package store

import (
	"strings"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// Revision numbers the states of the store. 0 is the empty store before the
// first transaction; every transaction gets a greater one.
type Revision uint64

// Op is what an update does, or a change did.
type Op uint8

const (
	Create Op = iota + 1 // the relationship must not exist, or must have expired
	Touch                // write it, replacing the trait of one that exists
	Delete               // remove it; one that does not exist is no fault
)

// String returns the name of the operation as the API spells it.
func (o Op) String() string {
	switch o {
	case Create:
		return "CREATE"
	case Touch:
		return "TOUCH"
	case Delete:
		return "DELETE"
	}
	return "unknown operation"
}

// Update is one change asked of a transaction. A Delete looks at the key of the
// relationship alone.
type Update struct {
	Op           Op
	Relationship engine.Relationship
}

// Filter selects relationships. Empty fields select everything.
type Filter struct {
	ResourceType     string
	ResourceID       string
	ResourceIDPrefix string // instead of ResourceID
	Relation         string
	Subject          *SubjectFilter // nil: any subject
}

// SubjectFilter selects subjects.
type SubjectFilter struct {
	Type     string
	ID       string  // empty: any; "*": the wildcard alone
	Relation *string // nil: any; "": subjects without a relation
}

// String prints the filter as "document:readme#viewer@user:anne", with "(any)"
// where it selects everything.
func (f Filter) String() string {
	var b strings.Builder
	b.WriteString(orAny(f.ResourceType) + ":")
	switch {
	case f.ResourceIDPrefix != "":
		b.WriteString(f.ResourceIDPrefix + "…")
	default:
		b.WriteString(orAny(f.ResourceID))
	}
	b.WriteString("#" + orAny(f.Relation))
	if s := f.Subject; s != nil {
		b.WriteString("@" + orAny(s.Type) + ":" + orAny(s.ID))
		if s.Relation != nil && *s.Relation != "" {
			b.WriteString("#" + *s.Relation)
		}
	}
	return b.String()
}

func orAny(s string) string {
	if s == "" {
		return "(any)"
	}
	return s
}

// Matches reports whether the filter selects the relationship. Expiry does not
// count.
func (f *Filter) Matches(r *engine.Relationship) bool {
	if f.ResourceType != "" && f.ResourceType != r.Resource.Type ||
		f.ResourceID != "" && f.ResourceID != r.Resource.ID ||
		!strings.HasPrefix(r.Resource.ID, f.ResourceIDPrefix) ||
		f.Relation != "" && f.Relation != r.Relation {
		return false
	}
	s := f.Subject
	return s == nil ||
		(s.Type == "" || s.Type == r.Subject.Type) &&
			(s.ID == "" || s.ID == r.Subject.ID) &&
			(s.Relation == nil || *s.Relation == r.Subject.Relation)
}

func (f *Filter) validate() error {
	if f.ResourceID != "" && f.ResourceIDPrefix != "" {
		return &FilterError{Filter: *f, Msg: "has both a resource id and a prefix of it; give one"}
	}
	for _, part := range f.parts() {
		if strings.IndexByte(part, 0) >= 0 {
			return &FilterError{Filter: *f, Msg: "has a zero byte; no name or id contains one"}
		}
	}
	return nil
}

func (f *Filter) parts() []string {
	parts := []string{f.ResourceType, f.ResourceID, f.ResourceIDPrefix, f.Relation}
	if s := f.Subject; s != nil {
		parts = append(parts, s.Type, s.ID)
		if s.Relation != nil {
			parts = append(parts, *s.Relation)
		}
	}
	return parts
}

// Precondition is judged on the state before the transaction, at its time:
// expired relationships do not match.
type Precondition struct {
	Filter    Filter
	MustMatch bool // at least one relationship must match; false: none may
}

// MaxDelete bounds what the filter deletes of one transaction remove from a
// store of OpenAt. In any other the backend does, well before.
const MaxDelete = 100_000

// FilterDelete removes what a filter selects, before the updates of its
// transaction take effect.
type FilterDelete struct {
	Filter  Filter
	Limit   int  // at most so many; 0: all, up to MaxDelete
	Partial bool // stop at Limit; false: refuse the transaction when more match
}

// Class says who may see a document.
type Class uint8

const (
	ClassOpen   Class = iota + 1 // readable, watched and exported
	ClassSealed                  // never watched or exported
)

// String returns the word for the class.
func (c Class) String() string {
	switch c {
	case ClassOpen:
		return "open"
	case ClassSealed:
		return "sealed"
	}
	return "unknown class"
}

// DocumentUpdate writes or deletes one document. A document keeps its class for
// as long as it exists.
type DocumentUpdate struct {
	Key   string // 1 to 1,024 bytes of UTF-8 without a zero byte
	Class Class
	Value []byte // JSON of at most 48 KiB; nil: delete

	// IfVersion, when it is not nil, is the version that the document must
	// have; 0 means that it must not exist.
	IfVersion *Revision
}

// DocumentPrecondition is the version that a document must have in the state
// before the transaction.
type DocumentPrecondition struct {
	Key     string
	Version Revision // that wrote the document; 0: it must not exist
}

// Guard is a permission that must hold, or must not, on the state before the
// transaction. At most 16 are judged, each within 50 hops and 10,000 reads.
type Guard struct {
	Resource   engine.Object
	Permission string // or a relation
	Subject    engine.Subject
	Context    map[string]any // caveat values; JSON values
	Must       bool           // the answer must be yes; false: it must be no
}

// ChainRecord is appended to a chain: see Link for what becomes of it. No other
// update writes or deletes below a chain's name.
type ChainRecord struct {
	Chain string // 1 to 256 bytes of UTF-8 without a zero byte; what the keys of its records begin with
	Value []byte // JSON of at most MaxRecord bytes

	// Stored says that Value is a whole stored record, of a backup. It must follow
	// the newest, unless the chain is new: it begins with any number then.
	Stored bool
}

// ForgetRecords removes the oldest records of a chain, before the Records of its
// transaction are appended. The newest record is kept whatever Through is. One
// transaction removes at most 10,000 records and 16 MiB; More in its outcome says
// that there are more.
type ForgetRecords struct {
	Chain   string
	Through uint64 // the number of the last that is removed
}

// CounterUpdate registers a counter of what a filter selects, or unregisters it.
type CounterUpdate struct {
	Name   string
	Filter *Filter // nil: unregister
}

// Transaction is what one revision changes. All of it is applied, or nothing.
type Transaction struct {
	// Time is when the transaction was made. The store uses milliseconds, and
	// the larger of it and the time of the transaction before.
	Time time.Time

	Schema        *string   // replaces the schema text
	Judged        Revision  // at which JudgeSchema found that it may; 0: judge all that is stored
	SchemaSeen    *Revision // at which the schema that is replaced was seen: one that was written later refuses the transaction; nil: whichever it is
	Preconditions []Precondition
	Deletes       []FilterDelete
	Updates       []Update
	Documents     []DocumentUpdate
	Guards        []Guard

	DocumentPreconditions []DocumentPrecondition

	Records []ChainRecord
	Forget  []ForgetRecords

	Counters []CounterUpdate
	Expired  []engine.Relationship // removed if they are stored and have expired at Time
	Floor    Revision              // revisions below it become unreadable; 0 leaves the floor

	Actor    string         // who wrote it; kept in the record of the revision
	Metadata map[string]any // the caller's, JSON values; kept in the record of the revision
}

// Outcome is what a transaction did.
type Outcome struct {
	Revision  Revision
	Time      time.Time // as it counted
	Created   int       // relationships that were not there
	Touched   int       // relationships whose trait was replaced
	Deleted   int
	Unchanged int      // updates that changed nothing
	More      bool     // a FilterDelete or a Forget stopped at its limit
	Records   []uint64 // the numbers that the records got, in their order
}
