package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
)

const (
	callTimeout = 10 * time.Second // of a call that has no deadline
	maxMessage  = 8 << 20          // bytes of a request or an answer
)

// newServer returns the server of calls. TLS, if there is, is beneath it.
func newServer(t *times) *grpc.Server {
	return grpc.NewServer(
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxSendMsgSize(maxMessage),
		grpc.ConnectionTimeout(t.hello),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: t.ping, Timeout: t.silence - t.ping}),
		grpc.WaitForHandlers(true),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			resp, err := handle(ctx, req)
			if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				err = status.FromContextError(err).Err()
			}
			return resp, err
		}),
	)
}

// Serve answers the calls of the others. It must be called at most once.
func (n *Network) Serve(s peerv1.PeerServiceServer) {
	peerv1.RegisterPeerServiceServer(n.server, s)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	n.running.Go(func() { _ = n.server.Serve(n.calls) }) // ends when the network is closed
}

// Peer returns a client of the member at an address, host:port. It is cheap, and
// may be kept: the connection behind it is made when a call needs it, shared, and
// closed when it rests.
//
// A call that has no deadline gets one of 10 s. It fails at once with UNAVAILABLE
// while the member cannot be reached, and with what the other member returned.
func (n *Network) Peer(address string) (peerv1.PeerServiceClient, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("the address of a member, %q, is not host:port: %w", address, err)
	}
	return peerv1.NewPeerServiceClient(caller{n, address}), nil
}

// caller calls the member at an address.
type caller struct {
	network *Network
	address string
}

// Invoke implements grpc.ClientConnInterface.
func (c caller) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, callTimeout)
		defer cancel()
	}
	k, err := c.network.acquire(c.address)
	if err != nil {
		return err
	}
	defer c.network.release(k)
	err = k.conn.Invoke(ctx, method, args, reply, opts...)
	if why := k.failed.Load(); why != nil && status.Code(err) == codes.Unavailable {
		return status.Error(codes.Unavailable, dialText(c.address, *why))
	}
	if status.Code(err) == codes.Canceled && ctx.Err() == nil && c.network.ctx.Err() != nil {
		return errClosed()
	}
	return err
}

// NewStream implements grpc.ClientConnInterface. Members have no streams among
// their calls.
func (c caller) NewStream(_ context.Context, _ *grpc.StreamDesc, method string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Errorf(codes.Unimplemented, "%s is a stream, and members answer single calls only", method)
}

func errClosed() error {
	return status.Error(codes.Unavailable, "this member has closed its connections to the others")
}

// kept is a connection for calls that is kept.
type kept struct {
	conn   *grpc.ClientConn
	failed atomic.Pointer[error] // why the last attempt to connect failed; nil: it did not
	calls  int                   // that are running
	used   time.Time             // when the last one ended
}

// acquire returns the connection to an address, for one call.
func (n *Network) acquire(address string) (*kept, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, errClosed()
	}
	k := n.kept[address]
	if k == nil {
		k = &kept{}
		var err error
		if k.conn, err = n.newConn(address, &k.failed); err != nil {
			return nil, status.Errorf(codes.Internal, "reaching the member at %s: %v", address, err)
		}
		n.running.Go(n.forgetIdle)
		n.kept[address] = k
	}
	k.calls++
	return k, nil
}

func (n *Network) release(k *kept) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k.calls--
	k.used = time.Now()
}

// forgetIdle forgets addresses that nobody asks any more.
func (n *Network) forgetIdle() {
	var idle []*kept
	n.mu.Lock()
	for address, k := range n.kept {
		if k.calls == 0 && time.Since(k.used) > n.config.times.idle {
			delete(n.kept, address)
			idle = append(idle, k)
		}
	}
	n.mu.Unlock()
	for _, k := range idle {
		_ = k.conn.Close() // no call is running
	}
}

// newConn returns a connection that is made when it is needed. It keeps why that
// failed: gRPC makes text of it, inside other text.
func (n *Network) newConn(address string, failed *atomic.Pointer[error]) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()), // TLS is beneath it
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			c, err := n.dial(ctx, address, n.calls)
			if err != nil {
				failed.Store(&err)
				return nil, err
			}
			failed.Store(nil)
			return c, nil
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: n.config.times.dial,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithIdleTimeout(n.config.times.idle),
		grpc.WithDisableServiceConfig(),
		grpc.WithNoProxy(),
	)
}
