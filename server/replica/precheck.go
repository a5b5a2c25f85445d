package replica

import (
	"context"

	"github.com/pemba-authz/pemba/server/store"
)

// precheck returns the refusal that the log would come to, nil where the log has
// to decide: so what is refused for its preconditions, guards, types or documents
// costs no entry. The refusal of a proposal with a client's retry key is
// remembered under it, and only the log remembers.
func (r *Replica) precheck(ctx context.Context, c *command) error {
	if c.kind != kindTransaction || c.key != (retryKey{}) {
		return nil
	}
	tx := c.tx
	tx.Time = r.config.Now()
	refusal, _ := r.refused(ctx, func() error { return r.store.Precheck(&tx) })
	return refusal
}

// refused returns the refusal of a judge of what this node has, nil for none. A
// node that lags may refuse what newer writes allow, writes that the caller may
// know to be done. So a refusal counts only when it was found on a state that
// has everything that any node had acknowledged when the question was put;
// doubt says why that could not be found out.
func (r *Replica) refused(ctx context.Context, judge func() error) (refusal, doubt error) {
	seen := r.Head()
	if refusal = judge(); !store.IsRefusal(refusal) {
		return nil, nil
	}
	fresh, err := r.readIndex(ctx)
	if err != nil {
		return nil, err
	}
	if seen >= fresh {
		return refusal, nil
	}
	if err := r.await(ctx, fresh); err != nil {
		return nil, err
	}
	if refusal = judge(); !store.IsRefusal(refusal) {
		return nil, nil
	}
	return refusal, nil
}
