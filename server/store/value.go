package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"github.com/pemba-authz/pemba/engine"
)

// Limits of what is stored, in bytes.
const (
	MaxContext  = 25_000   // a stored caveat context as JSON
	MaxDocument = 48 << 10 // a document
	maxChunk    = 48 << 10 // any value of the backend
)

// The first byte of a stored trait says which fields follow, in this order. A
// relationship without a trait has an empty value.
const (
	traitExpires byte = 1 << iota // 12 bytes: seconds since 1970, nanoseconds
	traitCaveat                   // its length as uvarint, its name
	traitContext                  // JSON with sorted keys, to the end
)

var errTrait = errors.New("malformed trait")

// encodeTrait returns the stored form of a trait, nil for nil and for one that
// carries nothing. Equal traits have equal forms.
func encodeTrait(t *engine.Trait) ([]byte, error) {
	if t == nil || t.Caveat == "" && t.Expires.IsZero() {
		return nil, nil
	}
	buf := make([]byte, 1, 32)
	if !t.Expires.IsZero() {
		buf[0] |= traitExpires
		buf = binary.BigEndian.AppendUint64(buf, uint64(t.Expires.Unix()))
		buf = binary.BigEndian.AppendUint32(buf, uint32(t.Expires.Nanosecond()))
	}
	if t.Caveat == "" {
		return buf, nil
	}
	buf[0] |= traitCaveat
	buf = appendString(buf, t.Caveat)
	if len(t.Context) == 0 {
		return buf, nil
	}
	buf[0] |= traitContext
	context, err := encodeJSON(t.Context)
	if err != nil {
		return nil, err
	}
	if len(context) > MaxContext {
		return nil, &ContextTooLargeError{Size: len(context), Limit: MaxContext}
	}
	return append(buf, context...), nil
}

// decodeTrait reads what encodeTrait wrote. It keeps nothing of value.
func decodeTrait(value []byte) (*engine.Trait, error) {
	if len(value) == 0 {
		return nil, nil
	}
	t := &engine.Trait{}
	flags, rest := value[0], value[1:]
	if flags&traitExpires != 0 {
		if len(rest) < 12 {
			return nil, errTrait
		}
		t.Expires = time.Unix(int64(binary.BigEndian.Uint64(rest)), int64(binary.BigEndian.Uint32(rest[8:]))).UTC()
		rest = rest[12:]
	}
	if flags&traitCaveat != 0 {
		d := decoder{rest: rest}
		t.Caveat = d.string()
		if d.bad {
			return nil, errTrait
		}
		rest = d.rest
	}
	if flags&traitContext == 0 {
		if len(rest) > 0 {
			return nil, errTrait
		}
		return t, nil
	}
	var err error
	t.Context, err = decodeJSON(rest)
	return t, err
}

// encodeJSON encodes with sorted keys, numbers as they are and nothing escaped
// that JSON lets stand.
func encodeJSON(m map[string]any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decodeJSON decodes an object, keeping the digits of numbers.
func decodeJSON(text []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var m map[string]any
	err := dec.Decode(&m)
	return m, err
}

func appendString(buf []byte, s string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(s))), s...)
}

func appendBytes(buf, b []byte) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(b))), b...)
}

// decoder reads fields off the front of rest. After the first that is not
// there, bad is set and everything reads as zero.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.rest)) {
		d.bad = true
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if d.bad || n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if d.bad || n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) byte() byte {
	if b := d.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (d *decoder) bytes() []byte  { return d.take(d.uvarint()) }
func (d *decoder) string() string { return string(d.bytes()) }

// count reads the length of a list whose elements take at least one byte.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.bad = true
		return 0
	}
	return int(n)
}
