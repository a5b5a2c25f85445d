package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/pemba-authz/pemba/server/store"
)

// Keys of documents. A session is found by the hash of its token; those of one
// person also by the person.
const (
	prefix     = "portal/session/"
	seenPrefix = "portal/session-seen/"
)

func key(id string) string     { return prefix + id }
func seenKey(id string) string { return seenPrefix + id }
func ownedPrefix(company, user string) string {
	return "portal/c/" + company + "/session/" + user + "/"
}

// How tokens begin, so that people and scanners for secrets recognise them.
const (
	browserPrefix = "pemba_session_"
	machinePrefix = "pemba_machine_"
)

// IsToken reports whether a text looks like a token of this package.
func IsToken(text string) bool {
	return strings.HasPrefix(text, browserPrefix) || strings.HasPrefix(text, machinePrefix)
}

// Record is what is kept of a session or of a token of a machine.
type Record struct {
	User    string `json:"user,omitempty"` // a person, and the company he is of
	Company string `json:"company,omitempty"`

	Operator string `json:"operator,omitempty"` // else the name of a key of the API,
	Role     string `json:"role,omitempty"`     // the role that it had,
	Proof    string `json:"proof,omitempty"`    // and what tells whether it is still the same

	Machine bool      `json:"machine,omitempty"`
	Name    string    `json:"name,omitempty"` // of a token of a machine
	Begun   time.Time `json:"begun"`
	Expires time.Time `json:"expires"` // whatever happens
	Address string    `json:"address,omitempty"`
	Agent   string    `json:"agent,omitempty"`
	By      string    `json:"by,omitempty"`   // "password", "link", "key", or the name of an authenticator
	Hint    string    `json:"hint,omitempty"` // of the outside authenticator, to end its session too
}

// Session is a record as it is stored.
type Session struct {
	ID string // names it and does not open it: the hash of its token
	Record
	Seen    time.Time // when it was used last, as far as it was written
	Version store.Revision
}

// State is what sessions are read from: a snapshot.
type State interface {
	Document(key string) (store.Document, bool, error)
	Documents(ctx context.Context, prefix, after string) iter.Seq2[store.Document, error]
}

// Begin returns the token of a new session, which is not kept anywhere, the id, and
// what is to be written.
func Begin(r Record) (token, id string, updates []store.DocumentUpdate) {
	token = browserPrefix
	if r.Machine {
		token = machinePrefix
	}
	token += strings.ToLower(rand.Text())
	id = identify(token)
	none := store.Revision(0)
	updates = []store.DocumentUpdate{{Key: key(id), Class: store.ClassSealed, Value: text(r), IfVersion: &none}}
	if r.User != "" {
		updates = append(updates, store.DocumentUpdate{Key: ownedPrefix(r.Company, r.User) + id, Class: store.ClassSealed, Value: []byte("{}")})
	}
	return token, id, updates
}

// End returns what is to be written to end a session.
func (s *Session) End() []store.DocumentUpdate {
	updates := []store.DocumentUpdate{{Key: key(s.ID)}, {Key: seenKey(s.ID)}}
	if s.User != "" {
		updates = append(updates, store.DocumentUpdate{Key: ownedPrefix(s.Company, s.User) + s.ID})
	}
	return updates
}

// identify returns the id of the session of a token.
func identify(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Find returns the session that a token opens, nil when there is none. Whether it is
// over is not looked at.
func Find(state State, token string) (*Session, error) {
	if !IsToken(token) {
		return nil, nil
	}
	return Get(state, identify(token))
}

// Get returns the session of an id, nil when there is none.
func Get(state State, id string) (*Session, error) {
	doc, ok, err := state.Document(key(id))
	if err != nil || !ok {
		return nil, err
	}
	s := &Session{ID: id, Version: doc.Version}
	if err := read(doc, &s.Record); err != nil {
		return nil, err
	}
	s.Seen = s.Begun
	if doc, ok, err = state.Document(seenKey(id)); err != nil || !ok {
		return s, err
	}
	var at seen
	if err := read(doc, &at); err != nil {
		return nil, err
	}
	s.Seen = at.At
	return s, nil
}

// Of returns all sessions and tokens of a person, in no particular order. Some may
// be over.
func Of(ctx context.Context, state State, company, user string) ([]*Session, error) {
	var out []*Session
	owned := ownedPrefix(company, user)
	for doc, err := range state.Documents(ctx, owned, "") {
		if err != nil {
			return nil, err
		}
		s, err := Get(state, doc.Key[len(owned):])
		if err != nil {
			return nil, err
		}
		if s != nil {
			out = append(out, s)
		}
	}
	return out, nil
}

// seen says when a session was used last. It is a document of its own: what is
// noted late can neither overwrite a session nor bring one back.
type seen struct {
	At time.Time `json:"at"`
}

func text(value any) []byte {
	out, err := json.Marshal(value)
	if err != nil {
		panic("session: a document that is no JSON: " + err.Error()) // all are structs of this package
	}
	return out
}

func read(doc store.Document, value any) error {
	if err := json.Unmarshal(doc.Value, value); err != nil {
		return fmt.Errorf("document %q: %w", doc.Key, err)
	}
	return nil
}
