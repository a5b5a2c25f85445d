package replica

import (
	"context"
	"errors"

	"github.com/hashicorp/raft"

	"github.com/pemba-authz/pemba/server/store"
)

// confirmed returns a revision that has all that any member has shown so far,
// once a majority has confirmed that this node leads. Another member may have
// applied more than this one: what counts is what is committed.
func (r *Replica) confirmed(ctx context.Context) (store.Revision, error) {
	last, err := r.node.effective(r.node.raft.CommitIndex())
	if err != nil {
		return 0, errNoLeader(err)
	}
	if _, err := r.node.verify(ctx); err != nil {
		return 0, err
	}
	if _, err := r.headline.wait(ctx, r.stop, r.machine.applied, store.Revision(last)); err != nil {
		return 0, err
	}
	return r.Head(), nil
}

// effective returns the newest entry up to an index that the machine is given; 0
// when a snapshot took its place, which is made of what is applied.
func (n *node) effective(index uint64) (uint64, error) {
	for ; index > 0; index-- {
		var l raft.Log
		err := n.files.logs.GetLog(index, &l)
		switch {
		case errors.Is(err, raft.ErrLogNotFound):
			return 0, nil
		case err != nil:
			return 0, err
		case l.Type == raft.LogCommand || l.Type == raft.LogConfiguration:
			return index, nil
		}
	}
	return 0, nil
}

// applied returns the newest entry that is applied completely.
func (m *machine) applied() store.Revision {
	m.mu.Lock()
	defer m.mu.Unlock()
	return store.Revision(m.index.Load())
}
