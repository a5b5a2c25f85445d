package replica

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/server/store"
)

// Proposal is a transaction on its way into the log.
type Proposal struct {
	Tx store.Transaction // its Time is set by the leader

	// RetryKey, when it is not empty, makes the proposal safe to repeat: a
	// second one with this key of the same Identity and the same transaction
	// gets the outcome of the first. Keys are remembered for ten minutes.
	RetryKey string
	Identity string // whose key it is
}

// Result is what became of a proposal.
type Result struct {
	store.Outcome
	Token    string // of the outcome's revision
	Repeated bool   // an earlier proposal had this outcome
}

const (
	// enqueueTimeout is how long a proposal waits at most to be taken.
	enqueueTimeout = 5 * time.Second
	// maxProposed bounds the commands that are on their way, in bytes: the log
	// writes what has come together at once.
	maxProposed = 64 << 20
)

// Propose has a transaction judged and applied, and returns when it is readable
// on this node. The transaction must not be changed meanwhile.
//
// It returns the errors of the store and the engine for a transaction that was
// refused (a *store.SchemaMovedError after three tries), a *TooLargeError, *RetryMismatchError or *UnavailableError, whose
// MayApply says whether the transaction may still be applied, or ctx's error,
// with which nothing was proposed.
func (r *Replica) Propose(ctx context.Context, p Proposal) (Result, error) {
	if err := r.store.CheckSpace(&p.Tx); err != nil {
		return Result{}, err
	}
	c := &command{kind: kindTransaction, tx: p.Tx, key: newRetryKey(p.Identity, p.RetryKey)}
	propose := r.propose
	if p.Tx.OnlySchema() {
		propose = r.proposeSchema
	}
	a, err := propose(ctx, c)
	if err != nil {
		return Result{}, err
	}
	return r.result(a, p.RetryKey)
}

// schemaTries is how often a schema is judged before it is given up.
const schemaTries = 3

// proposeSchema judges a new schema on what is stored before it proposes it: to
// do that while it is applied would stop all writes. What has changed in the
// meantime is judged there, unless it is too much.
func (r *Replica) proposeSchema(ctx context.Context, c *command) (a *applied, err error) {
	if c.key != (retryKey{}) && r.machine.remembers(c.key) {
		return r.propose(ctx, c) // the outcome is known, whatever the schema is now
	}
	for range schemaTries {
		if c.judged, err = r.store.JudgeSchema(*c.tx.Schema); err != nil {
			return nil, err
		}
		if a, err = r.propose(ctx, c); err != nil || !schemaMoved(a) {
			return a, err
		}
	}
	return a, nil
}

// result turns what was applied into what the proposer is told.
func (r *Replica) result(a *applied, key string) (Result, error) {
	if errors.Is(a.refusal, errRetryMismatch) {
		return Result{}, &RetryMismatchError{Key: key}
	}
	if a.refusal != nil {
		return Result{Repeated: a.repeated}, a.refusal
	}
	return Result{Outcome: a.outcome, Token: r.Token(a.outcome.Revision), Repeated: a.repeated}, nil
}

// propose stamps a command, has it appended to the log and waits until it is
// applied here. What was proposed is waited for whatever becomes of ctx: giving
// up would leave the outcome unknown, and raft bounds the wait.
func (r *Replica) propose(ctx context.Context, c *command) (*applied, error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.time = r.config.Now().UnixMilli()
	data, err := c.encode()
	if err != nil {
		return nil, err
	}
	if len(data) > maxCommand {
		return nil, &TooLargeError{Size: len(data), Limit: maxCommand}
	}
	wait := enqueueTimeout
	if deadline, ok := ctx.Deadline(); ok {
		wait = max(min(wait, time.Until(deadline)), time.Millisecond)
	}
	bounded, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := r.proposed.Acquire(bounded, int64(len(data))); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, refusedByLog(raft.ErrEnqueueTimeout)
	}
	defer r.proposed.Release(int64(len(data)))
	f := r.node.raft.Apply(data, wait)
	if err := r.node.answer(f); err != nil {
		return nil, refusedByLog(err)
	}
	a := f.Response().(*applied)
	if a.broken != nil {
		return nil, &UnavailableError{Msg: "the node stopped", MayApply: true, Err: a.broken}
	}
	return a, nil
}

// refusedByLog says what raft's refusal means to the proposer.
func refusedByLog(err error) error {
	switch {
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return &UnavailableError{Msg: "this node is not the leader", RetryAfter: 100 * time.Millisecond, Err: err}
	case errors.Is(err, raft.ErrEnqueueTimeout):
		return &UnavailableError{Msg: "too many writes are waiting", RetryAfter: time.Second, Err: err}
	}
	return &UnavailableError{Msg: "the log did not confirm the write", MayApply: true, RetryAfter: 100 * time.Millisecond, Err: err}
}
