package portal

import (
	"fmt"
	"sort"

	"github.com/pemba-authz/pemba/server/store"
)

// The numbers of records, their revisions and their times grow together, so that a
// record is found by a few of them, however many there are.

// recordOf returns the number of the first record that a revision wrote into the
// audit log of a company; 0: none.
func (v *view) recordOf(of string, revision store.Revision) (uint64, error) {
	e, err := v.firstRecord(of, func(e *auditEntry) bool { return e.Revision >= revision })
	if err != nil || e == nil || e.Revision != revision {
		return 0, err
	}
	return e.Number, nil
}

// firstRecord returns the first record of a company's audit log from which on a
// condition holds; nil: it holds for none. It looks at few of them.
func (v *view) firstRecord(of string, holds func(*auditEntry) bool) (*auditEntry, error) {
	chain := auditChain(of)
	state, ok, err := v.snap.Chain(chain)
	if err != nil || !ok {
		return nil, err
	}
	var first *auditEntry
	sort.Search(int(state.Next-state.First), func(i int) bool {
		if err != nil {
			return true
		}
		var e *auditEntry
		if e, err = v.auditEntry(chain, state.First+uint64(i)); err != nil || !holds(e) {
			return false
		}
		first = e
		return true
	})
	return first, err
}

// auditEntry reads a record that is there.
func (v *view) auditEntry(chain string, number uint64) (*auditEntry, error) {
	key := auditKey(chain, number)
	doc, ok, err := v.snap.Document(key)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("audit record %q is missing", key)
	}
	return readEntry(doc)
}

// before returns the number before which the records that a filter selects begin,
// the newest first; 0: with the newest of all. What is not older than until is
// skipped, and not read.
func (f *auditFilter) before(v *view) (uint64, error) {
	if f.until.IsZero() {
		return 0, nil
	}
	of := v.caller.Company
	e, err := v.firstRecord(of, func(e *auditEntry) bool { return !e.Time.Before(f.until) })
	if err != nil || e == nil {
		return 0, err
	}
	state, _, err := v.snap.Chain(auditChain(of))
	if err == nil {
		f.skip("until", state.Next-e.Number)
	}
	return e.Number, err
}
