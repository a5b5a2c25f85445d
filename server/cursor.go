package server

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	v1 "github.com/authzed/authzed-go/proto/authzed/api/v1"
	"google.golang.org/protobuf/proto"
)

// pagedRequest is a request whose stream can be resumed.
type pagedRequest interface {
	proto.Message
	GetOptionalCursor() *v1.Cursor
}

// cursors makes the cursors of one request. A cursor holds what identifies the
// request, when and at which revision its first page was read, and after what
// to go on.
type cursors struct {
	digest [digestSize]byte
	now    time.Time // whole microseconds
	token  string
	head   []byte // everything but the place, which comes last
}

const (
	cursorFormat = 1
	digestSize   = 12
	checksumSize = 4
	maxCursor    = 100 << 10 // bytes of the printed form
)

func newCursors(r pagedRequest, now time.Time, token string) *cursors {
	c := &cursors{digest: digest(r), now: now, token: token}
	c.head = append([]byte{cursorFormat}, c.digest[:]...)
	c.head = binary.AppendVarint(c.head, c.now.UnixMicro())
	c.head = append(binary.AppendUvarint(c.head, uint64(len(token))), token...)
	return c
}

// digest identifies everything of a request that must stay the same from page
// to page: all but its consistency and its cursor.
func digest(r pagedRequest) [digestSize]byte {
	m := proto.Clone(r).ProtoReflect()
	for _, name := range []string{"consistency", "optional_cursor", "with_debug"} {
		for i := range m.Descriptor().Fields().Len() {
			if f := m.Descriptor().Fields().Get(i); string(f.Name()) == name {
				m.Clear(f)
			}
		}
	}
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	if err != nil {
		text = []byte(err.Error()) // what was received can be marshalled
	}
	sum := sha256.Sum256(append([]byte(m.Descriptor().Name()+"\x00"), text...))
	return [digestSize]byte(sum[:digestSize])
}

// at returns the cursor after a place.
func (c *cursors) at(place string) *v1.Cursor {
	buf := make([]byte, 0, len(c.head)+len(place)+checksumSize)
	buf = append(append(buf, c.head...), place...)
	buf = binary.BigEndian.AppendUint32(buf, crc32.ChecksumIEEE(buf))
	return &v1.Cursor{Token: base64.RawURLEncoding.EncodeToString(buf)}
}

// parseCursor reads a cursor back, for the request that it was made for.
func parseCursor(r pagedRequest, text string) (*cursors, string, error) {
	if len(text) > maxCursor {
		return nil, "", invalidCursor("the cursor is longer than any that was given out")
	}
	buf, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(buf) < 1+digestSize+checksumSize || buf[0] != cursorFormat {
		return nil, "", errMalformedCursor
	}
	buf, sum := buf[:len(buf)-checksumSize], buf[len(buf)-checksumSize:]
	if crc32.ChecksumIEEE(buf) != binary.BigEndian.Uint32(sum) {
		return nil, "", errMalformedCursor
	}
	if [digestSize]byte(buf[1:1+digestSize]) != digest(r) {
		return nil, "", invalidCursor("the cursor was given for another request; only consistency may differ between pages, the limit may not")
	}
	rest := buf[1+digestSize:]
	micros, n := binary.Varint(rest)
	if n <= 0 {
		return nil, "", errMalformedCursor
	}
	size, m := binary.Uvarint(rest[n:])
	if m <= 0 || size > uint64(len(rest)-n-m) {
		return nil, "", errMalformedCursor
	}
	token, place := rest[n+m:n+m+int(size)], rest[n+m+int(size):]
	return newCursors(r, time.UnixMicro(micros).UTC(), string(token)), string(place), nil
}

var errMalformedCursor = invalidCursor("the cursor is malformed; give one back exactly as it was received")

func invalidCursor(msg string) error {
	return &requestError{reason: v1.ErrorReason_ERROR_REASON_INVALID_CURSOR, err: errors.New(msg)}
}
