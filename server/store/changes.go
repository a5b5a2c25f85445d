package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// Record is what one revision changed.
type Record struct {
	Revision  Revision
	Previous  Revision // the revision before it; 0: none
	Time      time.Time
	Floor     Revision // as the revision left it
	Hash      Hash     // of the state after it
	Actor     string
	Metadata  map[string]any
	Schema    bool     // whether the schema was replaced
	Expiry    bool     // the changes only remove what had expired
	Changes   []Change // sorted by relationship
	Documents []DocumentChange
}

// Change is one relationship that a revision changed.
type Change struct {
	Op           Op                  // Touch when the relationship was there, expired or not
	Relationship engine.Relationship // as it is after the revision; as it was, for Delete
	Before       *engine.Trait       // what it carried before; for Touch and Delete
}

// DocumentChange is one document that a revision wrote or deleted.
type DocumentChange struct {
	Op      Op // Create, Touch or Delete
	Key     string
	Class   Class
	Chained bool // it is a record of a chain
}

// change is a Change on its way into the store.
type change struct {
	Change
	key           []byte // forward
	before, after []byte // stored traits
	had, has      bool   // whether it is stored before and after
	stamped       bool   // an update named it, and not only a FilterDelete
}

const recordFormat = 1

// encodeRecord returns the stored form of a record. changes are those of r.
func encodeRecord(r *Record, changes []*change) ([]byte, error) {
	var metadata []byte
	if len(r.Metadata) > 0 {
		var err error
		if metadata, err = encodeJSON(r.Metadata); err != nil {
			return nil, fmt.Errorf("metadata of the transaction: %w", err)
		}
	}
	buf := []byte{recordFormat, flags(r.Schema, r.Expiry)}
	buf = binary.AppendUvarint(buf, uint64(r.Previous))
	buf = binary.AppendVarint(buf, r.Time.UnixMilli())
	buf = binary.AppendUvarint(buf, uint64(r.Floor))
	buf = binary.BigEndian.AppendUint64(buf, r.Hash[0])
	buf = binary.BigEndian.AppendUint64(buf, r.Hash[1])
	buf = appendBytes(appendString(buf, r.Actor), metadata)
	buf = binary.AppendUvarint(buf, uint64(len(changes)))
	for _, c := range changes {
		buf = appendBytes(append(buf, byte(c.Op)), c.key)
		if c.had {
			buf = appendBytes(buf, c.before)
		}
		if c.has {
			buf = appendBytes(buf, c.after)
		}
	}
	buf = binary.AppendUvarint(buf, uint64(len(r.Documents)))
	for _, d := range r.Documents {
		buf = appendString(append(buf, byte(d.Op), documentMark(d.Class, d.Chained)), d.Key)
	}
	return buf, nil
}

func decodeRecord(rev Revision, value []byte) (*Record, error) {
	d := decoder{rest: value}
	if f := d.byte(); f != recordFormat {
		return nil, fmt.Errorf("record of revision %d has format %d, not %d", rev, f, recordFormat)
	}
	f := d.byte()
	r := &Record{Revision: rev, Schema: f&1 != 0, Expiry: f&2 != 0}
	r.Previous, r.Time, r.Floor = Revision(d.uvarint()), fromMillis(d.varint()), Revision(d.uvarint())
	r.Hash, r.Actor = d.hash(), d.string()
	var errs []error
	if metadata := d.bytes(); len(metadata) > 0 {
		m, err := decodeJSON(metadata)
		r.Metadata, errs = m, append(errs, err)
	}
	for n := d.count(); n > 0 && !d.bad; n-- {
		c, err := decodeChange(&d)
		r.Changes, errs = append(r.Changes, c), append(errs, err)
	}
	for n := d.count(); n > 0 && !d.bad; n-- {
		change := DocumentChange{Op: Op(d.byte())}
		change.Class, change.Chained = splitMark(d.byte())
		change.Key = d.string()
		r.Documents = append(r.Documents, change)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("record of revision %d: %w", rev, err)
	}
	if d.bad || len(d.rest) > 0 {
		return nil, fmt.Errorf("record of revision %d is cut short or too long", rev)
	}
	return r, nil
}

// decodeRecordTime reads the time from the beginning of a record.
func decodeRecordTime(rev Revision, value []byte) (time.Time, error) {
	d := decoder{rest: value}
	f, _, _, at := d.byte(), d.byte(), d.uvarint(), d.varint()
	if d.bad || f != recordFormat {
		return time.Time{}, fmt.Errorf("record of revision %d is malformed", rev)
	}
	return fromMillis(at), nil
}

// decodeRecordFloor reads the floor from the beginning of a record.
func decodeRecordFloor(rev Revision, value []byte) (Revision, error) {
	d := decoder{rest: value}
	f, _, _, _, floor := d.byte(), d.byte(), d.uvarint(), d.varint(), d.uvarint()
	if d.bad || f != recordFormat {
		return 0, fmt.Errorf("record of revision %d is malformed", rev)
	}
	return Revision(floor), nil
}

// floor returns the floor as it was at the revision of the view.
func (v view) floor() (Revision, error) {
	rev, err := v.newest(tableChanges)
	if err != nil || rev == 0 {
		return 0, err
	}
	first, _, err := v.get(chunkKey(tableChanges, rev, 0))
	if err != nil {
		return 0, err
	}
	return decodeRecordFloor(rev, first.value)
}

func decodeChange(d *decoder) (Change, error) {
	c := Change{Op: Op(d.byte())}
	key := d.bytes()
	if d.bad {
		return c, nil
	}
	var keyErr, beforeErr, afterErr error
	c.Relationship, keyErr = splitForward(key)
	if c.Op != Create {
		c.Before, beforeErr = decodeTrait(d.bytes())
	}
	if c.Op != Delete {
		c.Relationship.Trait, afterErr = decodeTrait(d.bytes())
	} else {
		c.Relationship.Trait = c.Before
	}
	return c, errors.Join(keyErr, beforeErr, afterErr)
}

// appendChunks cuts a value into entries of one revision. There is at least one.
func appendChunks(entries []entry, table byte, rev Revision, value []byte) []entry {
	for chunk := 0; ; chunk++ {
		n := min(len(value), maxChunk)
		entries = append(entries, entry{key: chunkKey(table, rev, chunk), value: value[:n:n]})
		if value = value[n:]; len(value) == 0 {
			return entries
		}
	}
}

// chunks reads back what appendChunks wrote; ok is false when there is nothing.
func (v view) chunks(table byte, rev Revision) (value []byte, ok bool, err error) {
	s := v.scan(revisionPrefix(table, rev))
	defer s.close()
	next := 0
	for s.seek(nil); s.valid(); s.next() {
		_, _, chunk, err := splitChunk(s.key())
		if err != nil {
			return nil, false, err
		}
		if chunk != next {
			return nil, false, fmt.Errorf("chunk %d of revision %d is missing", next, rev)
		}
		part, err := s.value()
		if err != nil {
			return nil, false, err
		}
		value = append(value, part...)
		next++
	}
	return value, next > 0, nil
}

// revisions yields the revisions in (after, to] that a table has chunks for,
// ascending, until yield returns false.
func (v view) revisions(table byte, after, to Revision, yield func(Revision) bool) error {
	s := v.scan([]byte{table})
	defer s.close()
	for s.seek(revisionPrefix(table, after+1)); s.valid(); s.next() {
		_, rev, _, err := splitChunk(s.key())
		if err != nil {
			return err
		}
		if rev == after { // a further chunk
			continue
		}
		if rev > to || !yield(rev) {
			return nil
		}
		after = rev
	}
	return nil
}

// newest returns the greatest revision that a table has chunks for, 0 for none.
func (v view) newest(table byte) (Revision, error) {
	s := v.scanBack([]byte{table})
	defer s.close()
	// Badger's reverse iterators seek to the last key at or before the one given.
	s.it.Seek(chunkKey(table, v.revision(), 1<<31))
	if !s.valid() {
		return 0, nil
	}
	_, rev, _, err := splitChunk(s.key())
	return rev, err
}
