package engine

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of names and ids, in bytes.
const (
	MaxObjectID = 1024
	MaxTypeName = 128
)

// CheckObjectID returns an error that says what is wrong with an id, nil for
// one that can be stored. The wildcard is not an object id.
func CheckObjectID(id string) error {
	if id == "" {
		return fmt.Errorf("the object id is empty")
	}
	if len(id) > MaxObjectID {
		return fmt.Errorf("the object id has %d bytes, at most %d are allowed", len(id), MaxObjectID)
	}
	for i := 0; i < len(id); i++ {
		if !idByte(id[i]) {
			r, _ := utf8.DecodeRuneInString(id[i:])
			return fmt.Errorf("the object id %.80q has %q: letters, digits and / _ | - = + are allowed", id, r)
		}
	}
	return nil
}

// The bytes of ids, as bits: those below 64 and the others of ASCII.
const (
	idBytesLow  = 0x03ff<<'0' | 1<<'/' | 1<<'-' | 1<<'=' | 1<<'+'
	idBytesHigh = 0x03ffffff<<('A'-64) | 0x03ffffff<<('a'-64) | 1<<('_'-64) | 1<<('|'-64)
)

func idByte(c byte) bool {
	if c < 64 {
		return idBytesLow>>c&1 == 1
	}
	return c < 128 && uint64(idBytesHigh)>>(c-64)&1 == 1
}

// CheckTypeName returns an error that says what is wrong with the name of a
// type: segments of 3 to 64 characters (prefixes at most 63), joined by "/".
func CheckTypeName(name string) error {
	if len(name) > MaxTypeName {
		return fmt.Errorf("the type name %.40q… has %d bytes, at most %d are allowed", name, len(name), MaxTypeName)
	}
	for rest, more := name, true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		most := 64
		if more {
			most = 63
		}
		if !nameSegment(segment, most) {
			return fmt.Errorf("%.80q is not a type name: 3 to 64 lower-case letters, digits and _ that begin with a letter and do not end with _, prefixes before /", name)
		}
	}
	return nil
}

// CheckRelationName returns an error that says what is wrong with the name of a
// relation or permission.
func CheckRelationName(name string) error {
	if !nameSegment(name, 64) {
		return fmt.Errorf("%.80q is not a relation name: 3 to 64 lower-case letters, digits and _ that begin with a letter and do not end with _", name)
	}
	return nil
}

func nameSegment(s string, most int) bool {
	if len(s) < 3 || len(s) > most || s[0] < 'a' || s[0] > 'z' || s[len(s)-1] == '_' {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_') {
			return false
		}
	}
	return true
}
