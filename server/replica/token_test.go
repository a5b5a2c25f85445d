package replica

import (
	"encoding/base64"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/pemba-authz/pemba/server/store"
)

func TestTokenRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := history{cluster: rapid.Uint64Min(1).Draw(rt, "cluster"), epoch: rapid.Uint64Min(1).Draw(rt, "epoch")}
		rev := store.Revision(rapid.Uint64Min(1).Draw(rt, "revision"))
		token := h.token(rev)
		if len(token) >= 64 {
			rt.Errorf("%s has %d characters", token, len(token))
		}
		for _, c := range token {
			if c <= ' ' || c > '~' {
				rt.Errorf("%s has %q", token, c)
			}
		}
		if got, err := h.parse(token); got != rev || err != nil {
			rt.Errorf("parse(%s) = %d, %v; want %d", token, got, err, rev)
		}
	})
}

func TestTokenFaults(t *testing.T) {
	h := history{cluster: 7, epoch: 2}
	good := h.token(4711)
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]TokenFault{
		"":                             TokenGarbage,
		"x":                            TokenGarbage,
		"GhUKEzE3MDAwMDAwMDAwMDAwMDA=": TokenGarbage,
		good[1:]:                       TokenGarbage,
		good + "A":                     TokenGarbage,
		good + "\n":                    TokenGarbage,
		h.token(0):                     TokenGarbage,
		history{cluster: 8, epoch: 2}.token(4711):                        TokenOtherCluster,
		history{cluster: 7, epoch: 1}.token(4711):                        TokenOtherHistory,
		history{cluster: 7, epoch: math.MaxUint64}.token(math.MaxUint64): TokenOtherHistory,
	}
	for i := range raw { // no byte may be changed
		bent := append([]byte(nil), raw...)
		bent[i] ^= 0x10
		cases[base64.RawURLEncoding.EncodeToString(bent)] = TokenGarbage
	}
	for token, want := range cases {
		rev, err := h.parse(token)
		var fault *TokenError
		if rev != 0 || !errors.As(err, &fault) || fault.Fault != want || fault.Error() == "" {
			t.Errorf("parse(%q) = %d, %v; want fault %d", token, rev, err, want)
		}
	}
}

func FuzzToken(f *testing.F) {
	h := history{cluster: 7, epoch: 2}
	f.Add(h.token(1))
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		if rev, err := h.parse(token); err == nil && h.token(rev) != token {
			t.Errorf("%q is read as the token of revision %d, which is %q", token, rev, h.token(rev))
		}
	})
}
