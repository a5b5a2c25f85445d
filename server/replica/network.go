package replica

import (
	"github.com/hashicorp/raft"

	peerv1 "github.com/pemba-authz/pemba/server/api/pemba/peer/v1"
)

// Network carries what members say to each other. peer.Network is one.
type Network interface {
	Address() string                                       // by which the others reach this member
	Transport() raft.Transport                             // of the log
	Serve(peerv1.PeerServiceServer)                        // once, before anybody asks
	Peer(address string) (peerv1.PeerServiceClient, error) // cheap; connections are kept
	Close() error
}

// noNetwork is that of a member that has no others.
type noNetwork struct{ transport *raft.InmemTransport }

func newNoNetwork(address string) *noNetwork {
	_, t := raft.NewInmemTransport(raft.ServerAddress(address))
	return &noNetwork{transport: t}
}

func (n *noNetwork) Address() string                { return string(n.transport.LocalAddr()) }
func (n *noNetwork) Transport() raft.Transport      { return n.transport }
func (n *noNetwork) Serve(peerv1.PeerServiceServer) {}
func (n *noNetwork) Close() error                   { return nil }
func (n *noNetwork) Peer(string) (peerv1.PeerServiceClient, error) {
	return nil, errNoNetwork
}
