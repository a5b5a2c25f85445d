package replica

import (
	"crypto/sha256"
	"errors"
	"time"

	"github.com/pemba-authz/pemba/server/store"
)

// Proposals with a retry key are remembered while they are among the newest
// retryEntries or younger than retryAge, by the log's time.
const (
	retryEntries = 200_000
	retryAge     = 10 * time.Minute

	// maxRetries bounds what is remembered: more writes with keys than that, of
	// one retryAge, are refused.
	maxRetries = 1_000_000
)

// errRetryMismatch is told to a proposer as a *RetryMismatchError: the log knows
// no keys, only what stands for them.
var errRetryMismatch = errors.New("the retry key was used for another write")

// errSettled is told to nobody: its proposer said that it waits no more.
var errSettled = errors.New("the proposal was given up")

// retryKey stands for a key of one identity; zero is none.
type retryKey [16]byte

func newRetryKey(identity, key string) (k retryKey) {
	if key == "" {
		return k
	}
	e := &encoder{}
	e.string(identity)
	e.string(key)
	sum := sha256.Sum256(e.buf)
	copy(k[:], sum[:])
	return k
}

// remembered is what became of a proposal.
type remembered struct {
	key     retryKey
	digest  [16]byte // of what was asked for
	stage   uint64   // of an import; 0: it was none
	time    int64    // of its entry, in milliseconds
	outcome store.Outcome
	refusal error // nil: it was applied

	repeated bool // of a session's: it was a repetition by its retry key
}

// retries remembers proposals, the oldest first.
type retries struct {
	byKey map[retryKey]*remembered
	queue []*remembered
}

func newRetries() *retries { return &retries{byKey: map[retryKey]*remembered{}} }

func (r *retries) find(k retryKey) *remembered { return r.byKey[k] }

// add remembers a proposal.
func (r *retries) add(m *remembered) {
	r.byKey[m.key] = m
	r.queue = append(r.queue, m)
}

// room forgets what is old enough at a time, and reports whether another
// proposal can be remembered.
func (r *retries) room(now int64) bool {
	for len(r.queue) >= retryEntries && r.queue[0].time <= now-retryAge.Milliseconds() {
		delete(r.byKey, r.queue[0].key)
		r.queue[0] = nil
		r.queue = r.queue[1:]
	}
	return len(r.queue) < maxRetries
}
