package replica

import (
	"bytes"
	"cmp"
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

	RequestID string // of the request that it is of, for the leader's log
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
	ctx = withRequestID(ctx, p.RequestID)
	c := &command{kind: kindTransaction, tx: p.Tx, key: newRetryKey(p.Identity, p.RetryKey)}
	if err := r.checkSpace(c); err != nil {
		return Result{}, err
	}
	if err := r.precheck(ctx, c); err != nil {
		return Result{}, err
	}
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
// meantime is judged there, unless it is too much. What stands against the schema
// and has expired is removed first, without the grace.
func (r *Replica) proposeSchema(ctx context.Context, c *command) (a *applied, err error) {
	if c.key != (retryKey{}) && r.machine.remembers(c.key) {
		return r.propose(ctx, c) // the outcome is known, whatever the schema is now
	}
	swept := false
	for range schemaTries {
		refusal, doubt := r.refused(ctx, func() error {
			c.judged, err = r.store.JudgeSchema(&c.tx)
			return err
		})
		if inUse := (*store.SchemaInUseError)(nil); errors.As(refusal, &inUse) && inUse.Expiring() && !swept {
			swept = true
			if err := r.sweep(ctx, r.config.Now()); err != nil {
				return nil, err
			}
			continue
		}
		if err := cmp.Or(refusal, doubt, err); err != nil {
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

// retryFor bounds how long a proposal whose fate is not known is tried again. It
// is half of what the machine remembers of the proposals of a node.
const retryFor = sessionAge / 2

// propose has a command appended to the log, by this node or by the leader, and
// waits until it is applied here. It is tried again while nobody leads and when
// it is not known what became of it, as long as that is safe.
func (r *Replica) propose(ctx context.Context, c *command) (*applied, error) {
	if err := r.usable(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.version() >= 2 {
		c.origin = r.origins.next()
		defer r.origins.done(c.origin.sequence)
	}
	data, err := c.encode()
	if err != nil {
		return nil, err
	}
	if len(data) > maxCommand {
		return nil, &TooLargeError{Size: len(data), Limit: maxCommand}
	}
	if format, version := c.format(), r.version(); int(format) > max(version, minFormat) && c.kind != kindVersion {
		return nil, refuse(ClusterState, "this needs version %d of the cluster, which has version %d: upgrade all members first", format, version)
	}
	return r.insist(ctx, data, c.origin.session != 0)
}

// insist proposes a command until it is known what became of it.
func (r *Replica) insist(ctx context.Context, data []byte, again bool) (*applied, error) {
	began := time.Now()
	patience := r.patience()
	doubt := false // an earlier try may have been applied
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		a, err := r.try(ctx, data)
		if err == nil {
			return a, nil
		}
		var gone *UnavailableError
		if !errors.As(err, &gone) {
			if doubt {
				return nil, inDoubt(err)
			}
			return nil, err
		}
		doubt = doubt || gone.MayApply
		if doubt && !again || r.node.alone() || time.Since(began) >= patience || r.usable() != nil {
			gone.MayApply = doubt
			return nil, gone
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			if doubt {
				return nil, inDoubt(ctx.Err())
			}
			return nil, ctx.Err()
		case <-r.stop:
			return nil, &UnavailableError{Msg: ErrClosed.Error(), MayApply: doubt}
		}
	}
}

// patience is how long a proposal waits for a leader.
func (r *Replica) patience() time.Duration {
	return min(retryFor, 10*r.config.ElectionTimeout)
}

// inDoubt is an error of a proposal that may have been applied nevertheless.
func inDoubt(err error) error {
	return &UnavailableError{Msg: "the write was not confirmed in time", MayApply: true, RetryAfter: 100 * time.Millisecond, Err: err}
}

// try proposes a command once, where the leader is.
func (r *Replica) try(ctx context.Context, data []byte) (*applied, error) {
	if r.node.established.Load() {
		data = bytes.Clone(data) // the log may still hold what was tried before
		stamp(data, r.config.Now())
		return r.append(ctx, data)
	}
	return r.forward(ctx, data)
}

// append has a command appended to the log of this node, which leads, and waits
// until it is applied. What was proposed is waited for whatever becomes of ctx:
// giving up would leave the outcome unknown, and raft bounds the wait.
func (r *Replica) append(ctx context.Context, data []byte) (*applied, error) {
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
