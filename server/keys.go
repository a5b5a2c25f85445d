package server

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Key is a preshared key as the server keeps it: only its hash.
type Key struct {
	Name string // for logs, and the scope of idempotency keys
	Role Role
	hash [sha256.Size]byte
}

// proof is what a session keeps of the key that it began with: it tells whether the
// key is still there, and gives nothing of it away.
func (k *Key) proof() string {
	sum := sha256.Sum256(append([]byte("session of "), k.hash[:]...))
	return hex.EncodeToString(sum[:])
}

// presharedName is the name of keys that were given without one. They share it,
// so that a client may change its key and still repeat what it began.
const presharedName = "preshared"

// shortKey is the length in characters below which a plain key is guessable.
const shortKey = 16

// PlainKey returns a key from its plain text: KEY is for role admin, ROLE=KEY
// for another one.
func PlainKey(text string) (Key, error) {
	k := Key{Name: presharedName, Role: RoleAdmin}
	if word, rest, ok := strings.Cut(text, "="); ok {
		if role, err := ParseRole(word); err == nil {
			k.Role, text = role, rest
		}
	}
	if err := checkKey(text); err != nil {
		return Key{}, err
	}
	k.hash = sha256.Sum256([]byte(text))
	return k, nil
}

// checkKey refuses what cannot travel as a bearer token.
func checkKey(key string) error {
	if key == "" {
		return errors.New("a preshared key is empty")
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return fmt.Errorf("a preshared key has a character at position %d that no header can hold; use printable ASCII without spaces", i+1)
		}
	}
	return nil
}

// GuessableKey reports whether a plain key, as PlainKey takes it, is so short
// that it should be replaced by one of NewKey.
func GuessableKey(text string) bool { return len(text) < shortKey }

// NewKey makes a key of 160 random bits. It returns the key, which is
// shown once, and the line of a key file that lets it in.
func NewKey(name string, role Role) (key, line string, err error) {
	if err := checkKeyName(name); err != nil {
		return "", "", err
	}
	if role == RoleNone {
		return "", "", errors.New("a key needs a role")
	}
	random := make([]byte, 20)
	_, _ = rand.Read(random) // it never fails
	key = "pemba_" + hex.EncodeToString(random)
	hash := sha256.Sum256([]byte(key))
	return key, fmt.Sprintf("%s %s %s%x", name, role, hashPrefix, hash), nil
}

const hashPrefix = "sha256:"

func checkKeyName(name string) error {
	ok := name != "" && len(name) <= 64
	for _, c := range name {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.@", c))
	}
	if !ok {
		return fmt.Errorf("%q is no name of a key: 1 to 64 letters, digits and -_.@", name)
	}
	return nil
}

// readKeys reads a key file: a key a line, as NewKey makes them; empty lines
// and those that begin with # do not count. All faults are reported.
func readKeys(file string) ([]Key, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	var keys []Key
	var faults []error
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, err := parseKeyLine(line)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", file, i+1, err))
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 && len(faults) == 0 {
		faults = append(faults, fmt.Errorf("%s: the file holds no key; `pemba key create` prints a line for it", file))
	}
	return keys, errors.Join(faults...)
}

// parseKeyLine reads "NAME ROLE sha256:HASH". The faults do not repeat the
// line, which may hold a plain key by mistake.
func parseKeyLine(line string) (Key, error) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return Key{}, fmt.Errorf("%d words; a key is NAME ROLE sha256:HASH, as `pemba key create` prints it", len(fields))
	}
	if err := checkKeyName(fields[0]); err != nil {
		return Key{}, err
	}
	role, err := ParseRole(fields[1])
	if err != nil {
		return Key{}, err
	}
	k := Key{Name: fields[0], Role: role}
	text, ok := strings.CutPrefix(fields[2], hashPrefix)
	hash, err := hex.DecodeString(text)
	if !ok || err != nil || copy(k.hash[:], hash) != len(k.hash) || len(hash) != len(k.hash) {
		return Key{}, errors.New("the third word is no sha256: and 64 hexadecimal digits; the file holds hashes, never keys")
	}
	return k, nil
}

// find returns the key that a token is. It takes as long for every token: what
// is compared are hashes, each with all of them.
func find(keys []Key, token string) (Key, bool) {
	hash := sha256.Sum256([]byte(token))
	found := -1
	for i := range keys {
		same := subtle.ConstantTimeCompare(hash[:], keys[i].hash[:])
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	if found < 0 {
		return Key{}, false
	}
	return keys[found], true
}
