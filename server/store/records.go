package store

import "time"

// RecordHead is what the record of a revision says before its changes.
type RecordHead struct {
	Revision Revision
	Time     time.Time
	Actor    string
	Metadata map[string]any
	Schema   bool // whether the schema was replaced
	Expiry   bool // the changes only remove what had expired
}

// RecordHead returns the head of the record of a revision; ok is false when the
// revision has none, or it is no longer kept. It costs little however much the
// revision changed.
func (sn *Snapshot) RecordHead(rev Revision) (h RecordHead, ok bool, err error) {
	if sn.closed.Load() {
		return RecordHead{}, false, ErrClosed
	}
	if rev > sn.rev {
		return RecordHead{}, false, nil
	}
	first, ok, err := sn.view.get(chunkKey(tableChanges, rev, 0))
	if err != nil || !ok {
		return RecordHead{}, false, err
	}
	if h, ok := decodeRecordHead(rev, first.value); ok {
		return h, true, nil
	}
	r, err := sn.view.record(rev) // its metadata fills more than a chunk, or it is damaged
	if err != nil {
		return RecordHead{}, false, &StorageError{Op: "reading", Err: err}
	}
	return RecordHead{rev, r.Time, r.Actor, r.Metadata, r.Schema, r.Expiry}, true, nil
}

// decodeRecordHead reads the head from the beginning of a record; ok is false when
// it is not all there.
func decodeRecordHead(rev Revision, value []byte) (h RecordHead, ok bool) {
	d := decoder{rest: value}
	if d.byte() != recordFormat {
		return h, false
	}
	f := d.byte()
	h = RecordHead{Revision: rev, Schema: f&1 != 0, Expiry: f&2 != 0}
	d.uvarint()
	h.Time = fromMillis(d.varint())
	d.uvarint()
	d.hash()
	h.Actor = d.string()
	metadata := d.bytes()
	if d.bad {
		return h, false
	}
	if len(metadata) > 0 {
		m, err := decodeJSON(metadata)
		if err != nil {
			return h, false
		}
		h.Metadata = m
	}
	return h, true
}

// Retained returns the floor, after which history is whole, and when the first
// revision from there on was written; the zero time when none was.
func (sn *Snapshot) Retained() (Revision, time.Time, error) {
	if sn.closed.Load() {
		return 0, time.Time{}, ErrClosed
	}
	floor := sn.db.readers.oldest()
	at, err := sn.view.timeAfter(max(floor, 1)-1, sn.rev)
	return floor, at, err
}
