package portal

import (
	"context"
	_ "embed"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"github.com/pemba-authz/pemba/server/store"
)

func passwordKey(company, id string) string { return companyPrefix(company) + "password/" + id }

// passwordDoc is the password of a user, as argon2id leaves it.
type passwordDoc struct {
	Hash    string    `json:"hash"`
	Changed time.Time `json:"changed"`
}

// hashCost is what a password costs to try: OWASP's least for argon2id, as one
// person waits for it and many may come at once.
var hashCost = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// maxPassword bounds a password, in bytes: each costs work to hash.
const maxPassword = 1024

// hasher hashes passwords: as many at the same time as there are processors, so
// that many sign-ins cannot take all memory.
type hasher struct {
	slots chan struct{}
	count atomic.Int64  // of hashes that were made or compared
	dummy func() string // the hash that stands for that of somebody who has none
}

func newHasher() *hasher {
	return &hasher{
		slots: make(chan struct{}, runtime.GOMAXPROCS(0)),
		dummy: sync.OnceValue(func() string {
			hash, err := argon2id.CreateHash("nobody has this one", hashCost)
			if err != nil {
				panic("portal: a password that cannot be hashed: " + err.Error()) // only without randomness
			}
			return hash
		}),
	}
}

func (h *hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		h.count.Add(1)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hash makes what is kept of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer func() { <-h.slots }()
	return argon2id.CreateHash(password, hashCost)
}

// matches reports whether a password is the one of a hash. For an empty hash it
// does the same work, and the answer is no.
func (h *hasher) matches(ctx context.Context, password, hash string) (bool, error) {
	nobody := hash == "" || len(password) > maxPassword
	if nobody {
		hash, password = h.dummy(), "?"
	}
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer func() { <-h.slots }()
	same, err := argon2id.ComparePasswordAndHash(password, hash)
	return same && !nobody, err
}

//go:embed common_passwords.txt
var commonPasswords string

// checkPassword refuses a password that is too easy to guess.
func checkPassword(field, password, email string, least int) error {
	lower := strings.ToLower(password)
	name, _, _ := strings.Cut(strings.ToLower(email), "@")
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return invalid(field, "it is not UTF-8")
	case password == "":
		return invalid(field, "it is missing")
	case n < least:
		return invalid(field, "it has %d characters; at least %d are needed", n, least)
	case len(password) > maxPassword:
		return invalid(field, "it has %d bytes; at most %d are allowed", len(password), maxPassword)
	case lower == strings.ToLower(email), lower == name:
		return invalid(field, "it is the e-mail address; choose another")
	case common(lower):
		return invalid(field, "it is one of the most common passwords; choose another")
	}
	return nil
}

// common reports whether many people have a password: one of the list, or the same
// few characters again and again.
func common(lower string) bool {
	for line := range strings.Lines(commonPasswords) {
		if strings.TrimSpace(line) == lower {
			return true
		}
	}
	seen := map[rune]bool{}
	for _, r := range lower {
		seen[r] = true
	}
	return len(seen) <= 2
}

// newPassword checks a password that a user chose and returns what is to be kept.
func (p *Portal) newPassword(ctx context.Context, password, email string, policies *policiesDoc) (*passwordDoc, error) {
	if err := checkPassword("password", password, email, int(policies.PasswordLength)); err != nil {
		return nil, err
	}
	hash, err := p.hasher.hash(ctx, password)
	if err != nil {
		return nil, fmt.Errorf("hashing a password: %w", err)
	}
	return &passwordDoc{Hash: hash, Changed: p.now()}, nil
}

// password returns what is kept of the password of a user; its hash is empty when
// there is none.
func (v *view) password(company, userID string) (*passwordDoc, store.Revision, error) {
	var d passwordDoc
	version, err := v.document(passwordKey(company, userID), &d)
	return &d, version, err
}
