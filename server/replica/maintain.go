package replica

import "context"

// Verify recomputes what follows from the stored relationships and compares, as
// store.Store.Verify does.
func (r *Replica) Verify(ctx context.Context, progress func(done, total int64)) error {
	return r.store.Verify(ctx, progress)
}

// MoveFloor lets go at once of the revisions that retention does not ask for, as
// the leader does from time to time. It is for a node that does not run long
// enough to come to it.
func (r *Replica) MoveFloor(ctx context.Context) error {
	return r.moveFloor(ctx, r.config.Now(), &chores{})
}
