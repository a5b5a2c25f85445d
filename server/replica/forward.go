package replica

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
	"github.com/pemba-authz/pemba/server/store"
)

// leader returns the member that leads, as far as this node knows.
func (r *Replica) leader() (id, address string) {
	at, name := r.node.raft.LeaderWithID()
	return string(name), string(at)
}

// toLeader returns a way to the leader.
func (r *Replica) toLeader() (peerv1.PeerServiceClient, error) {
	id, address := r.leader()
	switch {
	case id == "":
		return nil, errNoLeader(nil)
	case id == string(r.id): // but it is not established yet
		return nil, errNoLeader(nil)
	}
	peer, err := r.config.Network.Peer(address)
	if err != nil {
		return nil, errNoLeader(err)
	}
	return peer, nil
}

// requestIDKey is the key of a request's id in a context.
type requestIDKey struct{}

func withRequestID(ctx context.Context, id string) context.Context {
	if id == "" {
		return ctx
	}
	return context.WithValue(ctx, requestIDKey{}, id)
}

func requestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// forward has the leader propose a command, and waits until this node has
// applied it, too.
func (r *Replica) forward(ctx context.Context, data []byte) (*applied, error) {
	peer, err := r.toLeader()
	if err != nil {
		return nil, err
	}
	r.forwarded.Add(1)
	h := r.history.Load()
	answer, err := peer.Propose(ctx, &peerv1.ProposeRequest{Cluster: h.cluster, Epoch: h.epoch, Command: data, RequestId: requestIDOf(ctx)})
	if err == nil {
		err = faultError(answer.GetFault())
	} else {
		err = unreachable(ctx, err, true)
	}
	if err != nil {
		return nil, err
	}
	a, err := decodeApplied(answer.GetApplied())
	if err != nil {
		return nil, &UnavailableError{Msg: "the leader's answer cannot be read", MayApply: true, Err: err}
	}
	if a.refusal == nil {
		// It is applied, whether this node comes to it in time or not.
		_ = r.await(ctx, a.outcome.Revision)
	}
	return a, nil
}

// unreachable says what the failure of a call means.
func unreachable(ctx context.Context, err error, mayApply bool) error {
	if ctx.Err() != nil && !mayApply {
		return ctx.Err()
	}
	if status.Code(err) == codes.Unimplemented {
		mayApply = false
	}
	return &UnavailableError{Msg: "the leader did not answer", MayApply: mayApply, RetryAfter: 100 * time.Millisecond, Err: plainly(err, "", 0)}
}

// plainError is the failure of a call without the words of gRPC.
type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }
func (e *plainError) Unwrap() error { return e.err }

// plainly says why the member at an address that had so long (0: until a deadline
// of the caller) gave no answer; nil for no error.
func plainly(err error, address string, within time.Duration) error {
	s, ok := status.FromError(err)
	switch {
	case err == nil:
		return nil
	case s.Code() == codes.DeadlineExceeded && within > 0:
		return &plainError{fmt.Sprintf("no answer from %s within %v", address, within), err}
	case s.Code() == codes.DeadlineExceeded:
		return &plainError{"no answer in time", err}
	case ok:
		return &plainError{s.Message(), err}
	}
	return err
}

// readIndex returns a revision that includes everything any member has
// acknowledged so far.
func (r *Replica) readIndex(ctx context.Context) (store.Revision, error) {
	if bugReadStale {
		return r.Head(), nil
	}
	if r.node.alone() && len(r.node.servers()) == 1 {
		// Nobody else could have been elected, and no read replica can have shown
		// more, so there is nobody to ask.
		return r.node.lead()
	}
	began := time.Now()
	for {
		rev, err := r.rounds.ask(ctx)
		var gone *UnavailableError
		if err == nil || !errors.As(err, &gone) || r.usable() != nil || time.Since(began) >= r.config.MaxTokenWait {
			return rev, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-r.stop:
			return 0, ErrClosed
		}
	}
}

// confirm puts the question of a read index once, for all that wait.
func (r *Replica) confirm() (store.Revision, error) {
	ctx, cancel := context.WithTimeout(r.ctx, 2*r.config.ElectionTimeout)
	defer cancel()
	if r.node.established.Load() {
		return r.confirmed(ctx)
	}
	peer, err := r.toLeader()
	if err != nil {
		return 0, err
	}
	h := r.history.Load()
	answer, err := peer.ReadIndex(ctx, &peerv1.ReadIndexRequest{Cluster: h.cluster, Epoch: h.epoch})
	if err != nil {
		return 0, unreachable(r.ctx, err, false)
	}
	return store.Revision(answer.GetRevision()), faultError(answer.GetFault())
}

// faultOf says what happened to another member.
func (r *Replica) faultOf(err error) *peerv1.Fault {
	if err == nil {
		return nil
	}
	f := &peerv1.Fault{Kind: peerv1.Fault_REFUSAL, Message: err.Error()}
	var gone *UnavailableError
	switch {
	case errors.As(err, &gone) && !gone.MayApply && (errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrLeadershipTransferInProgress)):
		f.Kind = peerv1.Fault_NOT_LEADER
		f.Leader, f.LeaderAddress = r.leader()
	case errors.As(err, &gone):
		f.Kind, f.MayApply, f.RetryAfterMs = peerv1.Fault_UNAVAILABLE, gone.MayApply, gone.RetryAfter.Milliseconds()
		f.Message = gone.Msg
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrClosed):
		f.Kind = peerv1.Fault_UNAVAILABLE
	default:
		text, fault := encodeRefusal(err)
		if fault != nil {
			f.Kind = peerv1.Fault_REFUSED
		}
		f.Refusal = text
	}
	return f
}

// faultError makes the error of another member again; nil for no fault.
func faultError(f *peerv1.Fault) error {
	switch f.GetKind() {
	case peerv1.Fault_UNSPECIFIED:
		if f == nil {
			return nil
		}
	case peerv1.Fault_NOT_LEADER:
		return &UnavailableError{Msg: "the member that was asked does not lead any more", RetryAfter: 100 * time.Millisecond, Err: raft.ErrNotLeader}
	case peerv1.Fault_UNAVAILABLE:
		return &UnavailableError{Msg: f.GetMessage(), MayApply: f.GetMayApply(), RetryAfter: time.Duration(f.GetRetryAfterMs()) * time.Millisecond}
	case peerv1.Fault_REFUSAL:
		err, fault := decodeRefusal(f.GetRefusal())
		if fault == nil && err != nil {
			return err
		}
	}
	return &ClusterError{Fault: ClusterState, Msg: f.GetMessage()}
}

// encodeApplied is what a command came to, on its way to the proposer.
func encodeApplied(a *applied) ([]byte, error) {
	e := &encoder{}
	e.bool(a.repeated)
	e.result(&a.outcome, a.refusal)
	return e.buf, e.err
}

func decodeApplied(data []byte) (*applied, error) {
	d := &decoder{rest: data}
	a := &applied{repeated: d.bool()}
	a.outcome, a.refusal = d.result()
	if d.err == nil && len(d.rest) > 0 {
		d.fail("%d bytes follow it", len(d.rest))
	}
	if d.err != nil {
		return nil, fmt.Errorf("what a command came to is malformed: %w", d.err)
	}
	return a, nil
}
