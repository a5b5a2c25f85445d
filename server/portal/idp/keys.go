package idp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/pemba-authz/pemba/server/portal"
)

// A key signs for keyTime. The next one is published keyNotice before it begins to
// sign, so that services that keep the list know it, and a key stays published for
// keyNotice after its last signature.
const (
	keyTime   = 90 * 24 * time.Hour
	keyNotice = 24 * time.Hour
)

const keysName = "keys"

// signingKeys are the keys by the time from which they sign, the oldest first.
type signingKeys struct {
	Keys []storedKey `json:"keys"`
}

type storedKey struct {
	ID      string    `json:"id"`
	From    time.Time `json:"from"`
	Private string    `json:"private"` // PEM, PKCS #8
	private *ecdsa.PrivateKey
}

// signingKey implements op.SigningKey and op.Key.
type signingKey struct {
	stored *storedKey
	public bool
}

func (k signingKey) ID() string                                  { return k.stored.ID }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k signingKey) Algorithm() jose.SignatureAlgorithm          { return jose.ES256 }
func (k signingKey) Use() string                                 { return "sig" }
func (k signingKey) Key() any {
	if k.public {
		return &k.stored.private.PublicKey
	}
	return k.stored.private
}

// keys returns the keys that are published now. It makes those that are missing and
// forgets those that are over; when another member was faster, its keys count.
func (s *storage) keys(ctx context.Context) (*signingKeys, error) {
	for {
		var all signingKeys
		version, err := s.vault.Get(ctx, keysName, &all)
		if err != nil {
			return nil, err
		}
		changed, err := all.advance(s.now())
		if err != nil {
			return nil, err
		}
		if changed {
			err = s.vault.Put(ctx, keysName, all, version)
		}
		switch {
		case errors.Is(err, portal.ErrStale):
			continue
		case err != nil:
			return nil, err
		}
		return &all, all.parse()
	}
}

// advance brings the keys to a time and reports whether they changed.
func (a *signingKeys) advance(now time.Time) (changed bool, err error) {
	add := func(from time.Time) error {
		k, err := newKey(from)
		a.Keys = append(a.Keys, k)
		changed = true
		return err
	}
	if len(a.Keys) == 0 {
		err = add(now)
	}
	if last := a.Keys[len(a.Keys)-1].From; err == nil && now.After(last.Add(keyTime-keyNotice)) {
		err = add(later(last.Add(keyTime), now.Add(keyNotice)))
	}
	// One is over when that after it has signed for long enough.
	for len(a.Keys) > 1 && now.After(a.Keys[1].From.Add(keyNotice)) {
		a.Keys, changed = slices.Delete(a.Keys, 0, 1), true
	}
	return changed, err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func newKey(from time.Time) (storedKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return storedKey{}, fmt.Errorf("making a signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return storedKey{}, fmt.Errorf("making a signing key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return storedKey{ID: rand.Text()[:16], From: from, Private: string(text)}, nil
}

func (a *signingKeys) parse() error {
	for i := range a.Keys {
		block, _ := pem.Decode([]byte(a.Keys[i].Private))
		if block == nil {
			return fmt.Errorf("the signing key %s is no PEM", a.Keys[i].ID)
		}
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return fmt.Errorf("the signing key %s: %w", a.Keys[i].ID, err)
		}
		private, ok := parsed.(*ecdsa.PrivateKey)
		if !ok {
			return fmt.Errorf("the signing key %s is a %T", a.Keys[i].ID, parsed)
		}
		a.Keys[i].private = private
	}
	return nil
}

// SigningKey returns the key that signs now: the newest that has begun.
func (s *storage) SigningKey(ctx context.Context) (op.SigningKey, error) {
	all, err := s.keys(ctx)
	if err != nil {
		return nil, err
	}
	now := s.now()
	for i := range slices.Backward(all.Keys) {
		if k := &all.Keys[i]; !k.From.After(now) {
			return signingKey{k, false}, nil
		}
	}
	return nil, errors.New("no signing key has begun")
}

// SignatureAlgorithms returns what tokens are signed with.
func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

// KeySet returns the published keys.
func (s *storage) KeySet(ctx context.Context) ([]op.Key, error) {
	all, err := s.keys(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]op.Key, len(all.Keys))
	for i := range all.Keys {
		out[i] = signingKey{&all.Keys[i], true}
	}
	return out, nil
}
