package replica

import "context"

// Verify recomputes what follows from the stored relationships and compares, as
// store.Store.Verify does.
func (r *Replica) Verify(ctx context.Context, progress func(done, total int64)) error {
	return r.store.Verify(ctx, progress)
}
