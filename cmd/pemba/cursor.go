package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// cursor is where a limited lookup stopped. It goes on at the same revision and
// as of the same time, so that the pages together are one answer.
type cursor struct {
	Question string    `json:"q"` // a hash of what was asked
	At       uint64    `json:"r"`
	Time     time.Time `json:"t"`
	After    string    `json:"a"` // the last id that was given
}

// questionHash tells questions apart.
func questionHash(command string, args []string, context string) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{command, context}, args...), "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

func (c cursor) String() string {
	data, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings, numbers and a time of our own encode
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// parseCursor reads a cursor and compares it with the question it came with.
func parseCursor(text string, asked cursor) (cursor, error) {
	var c cursor
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	switch {
	case err != nil || c.Question == "" || c.After == "":
		return c, usagef("--cursor: this is no cursor: copy it whole from the end of a lookup")
	case c.Question != asked.Question:
		return c, usagef("--cursor: it belongs to another question: repeat the command it came from")
	case asked.At != 0 && asked.At != c.At:
		return c, usagef("--cursor: it goes on at revision %d, --at says %d: leave --at out", c.At, asked.At)
	}
	return c, nil
}
