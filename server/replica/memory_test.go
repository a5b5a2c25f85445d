package replica

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
)

// ether carries what members in one process say to each other. Ways between
// them can be cut, each direction by itself, and made slow.
type ether struct {
	mu    sync.Mutex
	nodes map[string]*memory
	cuts  map[[2]string]bool // from, to
	mute  map[[2]string]bool // the same for calls alone, not for the log
	delay time.Duration      // of each call
}

func newEther() *ether {
	return &ether{nodes: map[string]*memory{}, cuts: map[[2]string]bool{}, mute: map[[2]string]bool{}}
}

// silence is after which a call over a way that is cut fails.
const silence = 2 * time.Second

// memory is the network of one member.
type memory struct {
	ether     *ether
	address   string
	transport *raft.InmemTransport
	server    peerv1.PeerServiceServer
}

var _ Network = (*memory)(nil)

// join returns a network for a member at an address.
func (e *ether) join(address string) *memory {
	_, t := raft.NewInmemTransportWithTimeout(raft.ServerAddress(address), 400*time.Millisecond)
	m := &memory{ether: e, address: address, transport: t}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.nodes[address] = m
	for other := range e.nodes {
		e.connect(address, other)
		e.connect(other, address)
	}
	return m
}

// connect lets messages of the log pass if the way is open. It is called under
// mu.
func (e *ether) connect(from, to string) {
	a, b := e.nodes[from], e.nodes[to]
	if a == nil || b == nil || from == to {
		return
	}
	if e.cuts[[2]string{from, to}] {
		a.transport.Disconnect(raft.ServerAddress(to))
	} else {
		a.transport.Connect(raft.ServerAddress(to), b.transport)
	}
}

// cut closes or opens the way from one member to another.
func (e *ether) cut(from, to string, closed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cuts[[2]string{from, to}] = closed
	e.connect(from, to)
}

// cutCalls closes or opens a way for calls alone.
func (e *ether) cutCalls(from, to string, closed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mute[[2]string{from, to}] = closed
}

// isolate closes or opens all ways of a member.
func (e *ether) isolate(address string, closed bool) {
	e.mu.Lock()
	var others []string
	for other := range e.nodes {
		others = append(others, other)
	}
	e.mu.Unlock()
	for _, other := range others {
		if other != address {
			e.cut(address, other, closed)
			e.cut(other, address, closed)
		}
	}
}

// slow makes each call take longer.
func (e *ether) slow(delay time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.delay = delay
}

// heal opens all ways.
func (e *ether) heal() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for way := range e.cuts {
		delete(e.cuts, way)
		e.connect(way[0], way[1])
	}
	e.delay = 0
}

// way returns the server at the end of a way, nil when it is cut.
func (e *ether) way(from, to string) (peerv1.PeerServiceServer, time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.nodes[to]
	if m == nil || e.cuts[[2]string{from, to}] || e.mute[[2]string{from, to}] {
		return nil, e.delay
	}
	return m.server, e.delay
}

func (m *memory) Address() string           { return m.address }
func (m *memory) Transport() raft.Transport { return m.transport }

func (m *memory) Serve(s peerv1.PeerServiceServer) {
	m.ether.mu.Lock()
	defer m.ether.mu.Unlock()
	m.server = s
}

func (m *memory) Peer(address string) (peerv1.PeerServiceClient, error) {
	return peerv1.NewPeerServiceClient(&memoryConn{from: m, to: address}), nil
}

func (m *memory) Close() error {
	m.ether.mu.Lock()
	if m.ether.nodes[m.address] == m {
		delete(m.ether.nodes, m.address)
	}
	m.ether.mu.Unlock()
	return m.transport.Close()
}

// memoryConn calls a member. It copies what goes over it.
type memoryConn struct {
	from *memory
	to   string
}

func (c *memoryConn) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errors.New("members stream nothing")
}

func (c *memoryConn) Invoke(ctx context.Context, method string, args, reply any, _ ...grpc.CallOption) error {
	server, delay := c.from.ether.way(c.from.address, c.to)
	if server == nil {
		return lost(ctx)
	}
	if delay > 0 {
		pause(ctx, delay)
	}
	desc := peerv1.PeerService_ServiceDesc
	for _, m := range desc.Methods {
		if method != "/"+desc.ServiceName+"/"+m.MethodName {
			continue
		}
		answer, err := m.Handler(server, ctx, func(to any) error {
			proto.Merge(to.(proto.Message), args.(proto.Message))
			return nil
		}, nil)
		if back, _ := c.from.ether.way(c.to, c.from.address); back == nil {
			return lost(ctx)
		}
		if err == nil {
			proto.Merge(reply.(proto.Message), answer.(proto.Message))
		}
		return err
	}
	return status.Error(codes.Unimplemented, method)
}

// lost is what becomes of a call whose answer never comes.
func lost(ctx context.Context) error {
	pause(ctx, silence)
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Error(codes.Unavailable, "no answer")
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
