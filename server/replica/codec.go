package replica

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// encoder appends fields. Integers are variable length, strings and lists begin
// with their length, booleans are a byte.
type encoder struct {
	buf []byte
	err error // the first value that has no form
}

func (e *encoder) byte(b byte)      { e.buf = append(e.buf, b) }
func (e *encoder) uvarint(n uint64) { e.buf = binary.AppendUvarint(e.buf, n) }
func (e *encoder) varint(n int64)   { e.buf = binary.AppendVarint(e.buf, n) }
func (e *encoder) count(n int)      { e.uvarint(uint64(n)) }
func (e *encoder) string(s string)  { e.count(len(s)); e.buf = append(e.buf, s...) }
func (e *encoder) bytes(b []byte)   { e.count(len(b)); e.buf = append(e.buf, b...) }

func (e *encoder) bool(b bool) {
	if b {
		e.byte(1)
	} else {
		e.byte(0)
	}
}

func (e *encoder) json(m map[string]any) {
	if len(m) == 0 {
		e.count(0)
		return
	}
	text, err := json.Marshal(m)
	if err != nil && e.err == nil {
		e.err = err
	}
	e.bytes(text)
}

func (e *encoder) moment(t time.Time) {
	e.bool(!t.IsZero())
	if !t.IsZero() {
		e.varint(t.Unix())
		e.count(t.Nanosecond())
	}
}

func (e *encoder) object(o engine.Object) {
	e.string(o.Type)
	e.string(o.ID)
}

func (e *encoder) subject(s engine.Subject) {
	e.object(s.Object)
	e.string(s.Relation)
}

func (e *encoder) relationship(r *engine.Relationship) {
	e.object(r.Resource)
	e.string(r.Relation)
	e.subject(r.Subject)
	e.bool(r.Trait != nil)
	if t := r.Trait; t != nil {
		e.string(t.Caveat)
		e.json(t.Context)
		e.moment(t.Expires)
	}
}

// decoder reads fields off the front of rest. After the first fault everything
// reads as zero.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
	d.rest = nil
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.fail("it is cut short")
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail("a number is malformed")
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.fail("a number is malformed")
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// count reads the length of a list whose elements take at least one byte each.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail("a list is longer than what holds it")
		return 0
	}
	return int(n)
}

func (d *decoder) uint64() uint64 {
	if b := d.take(8); len(b) == 8 {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) bytes() []byte  { return d.take(d.uvarint()) }
func (d *decoder) string() string { return string(d.bytes()) }

func (d *decoder) bool() bool {
	switch b := d.byte(); b {
	case 0:
		return false
	case 1:
		return true
	default:
		d.fail("a boolean is %d", b)
		return false
	}
}

func (d *decoder) json() map[string]any {
	text := d.bytes()
	if len(text) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		d.fail("a JSON object is malformed: %w", err)
	}
	return m
}

func (d *decoder) moment() time.Time {
	if !d.bool() {
		return time.Time{}
	}
	seconds, nanos := d.varint(), d.uvarint()
	if nanos >= uint64(time.Second) {
		d.fail("a moment has %d nanoseconds", nanos)
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanos)).UTC()
}

func (d *decoder) object() engine.Object {
	return engine.Object{Type: d.string(), ID: d.string()}
}

func (d *decoder) subject() engine.Subject {
	return engine.Subject{Object: d.object(), Relation: d.string()}
}

func (d *decoder) relationship() engine.Relationship {
	r := engine.Relationship{Resource: d.object(), Relation: d.string(), Subject: d.subject()}
	if d.bool() {
		r.Trait = &engine.Trait{Caveat: d.string(), Context: d.json(), Expires: d.moment()}
	}
	return r
}

// list reads a list, element by element.
func list[T any](d *decoder, element func() T) []T {
	n := d.count()
	if n == 0 {
		return nil
	}
	all := make([]T, 0, min(n, 1024))
	for ; n > 0 && d.err == nil; n-- {
		all = append(all, element())
	}
	return all
}
