package replica

import (
	"errors"

	"github.com/pemba-authz/pemba/server/store"
)

// state is what the machine keeps in memory beside the store's. It follows from
// the log alone.
type state struct {
	history history
	time    int64 // the greatest of all entries, in milliseconds since 1970
	retries *retries
	stages  *stages
}

func newState() *state { return &state{retries: newRetries(), stages: newStages()} }

func (s *state) encode(*store.Store) []byte { return nil }

var errRetryMismatch = errors.New("the retry key was used for another write")

// storeBroken reports whether an error of Apply is the storage's, and no
// refusal of the transaction.
func storeBroken(err error) bool { return errors.Is(err, store.ErrClosed) }
