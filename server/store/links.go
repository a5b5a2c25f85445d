package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A chain is a row of records of which each holds the hash of the one before, so
// that none can be changed, taken out or put in without all after it showing it.
// A record is an open document:
//
//	key    CHAIN/NUMBER, the number in 16 hexadecimal digits, the first is 1
//	value  {"number":N,"revision":R,"time":"2026-01-02T03:04:05.678Z","previous":"HEX","record":JSON}
//
// without white space outside of strings. previous is the hash of the record
// before in lower case, and empty for the first. The hash of a record is SHA-256
// over
//
//	previous, 32 bytes, zeros for the first
//	number, revision, milliseconds since 1970: 8 bytes each, most significant first
//	the bytes of record as they stand in the value
//
// so that it follows from the document alone.

// ChainHash is the hash of a record of a chain, zero for none.
type ChainHash [sha256.Size]byte

// String returns the hash in hexadecimal, "" for none.
func (h ChainHash) String() string {
	if h == (ChainHash{}) {
		return ""
	}
	return hex.EncodeToString(h[:])
}

// MaxRecord bounds the value of a record of a chain, in bytes.
const MaxRecord = 40 << 10

const (
	maxChain   = 256 // bytes of a name
	linkTime   = "2006-01-02T15:04:05.000Z"
	linkDigits = 16
)

// Link is a record of a chain as it is stored.
type Link struct {
	Number   uint64
	Revision Revision  // that wrote it; of the history in which it was written
	Time     time.Time // of the revision, in UTC milliseconds
	Previous ChainHash // zero for the first
	Record   []byte    // JSON
}

// Hash returns what the next record has as its previous hash.
func (l *Link) Hash() ChainHash {
	buf := append(make([]byte, 0, len(l.Previous)+3*8+len(l.Record)), l.Previous[:]...)
	for _, n := range []uint64{l.Number, uint64(l.Revision), uint64(l.Time.UnixMilli())} {
		buf = binary.BigEndian.AppendUint64(buf, n)
	}
	return sha256.Sum256(append(buf, l.Record...))
}

// encode returns the value of the document.
func (l *Link) encode() []byte {
	return fmt.Appendf(nil, `{"number":%d,"revision":%d,"time":"%s","previous":"%s","record":%s}`,
		l.Number, l.Revision, l.Time.UTC().Format(linkTime), l.Previous, l.Record)
}

// linkJSON is a record as its document has it.
type linkJSON struct {
	Number   uint64          `json:"number"`
	Revision uint64          `json:"revision"`
	Time     string          `json:"time"`
	Previous string          `json:"previous"`
	Record   json.RawMessage `json:"record"`
}

var errLink = errors.New("it is no record of a chain in the form that stores write")

// ParseLink reads the value of a document that is a record of a chain. A value
// that no store has written is an error.
func ParseLink(value []byte) (Link, error) {
	var form linkJSON
	if err := json.Unmarshal(value, &form); err != nil {
		return Link{}, errLink
	}
	at, err := time.Parse(linkTime, form.Time)
	if err != nil {
		return Link{}, errLink
	}
	l := Link{Number: form.Number, Revision: Revision(form.Revision), Time: at, Record: form.Record}
	if previous, err := hex.DecodeString(form.Previous); err == nil && len(previous) == len(l.Previous) {
		l.Previous = ChainHash(previous)
	}
	if !bytes.Equal(l.encode(), value) {
		return Link{}, errLink
	}
	return l, nil
}

// recordKey returns the document key of a record.
func recordKey(chain string, number uint64) string {
	return fmt.Sprintf("%s/%0*x", chain, linkDigits, number)
}

// chainOf returns the chain that a record's document key names.
func chainOf(key string) string { return key[:max(0, len(key)-linkDigits-1)] }

// chainAbove returns the first part of a key, up to one of its slashes, that is a
// chain; "" for none.
func chainAbove(key string, is func(string) bool) string {
	for i := 0; ; i++ {
		n := strings.IndexByte(key[i:], '/')
		if n < 0 {
			return ""
		}
		if i += n; is(key[:i]) {
			return key[:i]
		}
	}
}
