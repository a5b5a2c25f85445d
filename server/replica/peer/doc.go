// Package peer carries what the members of a cluster say to each other: raft's
// messages and the calls of PeerService, both over one TCP port, with mutual TLS
// or without. It knows nothing of what is said, nor who is a member.
//
// # On the wire
//
// Whoever dials shakes hands (TLS 1.3, if there are certificates) and says what
// the connection is for by one byte, helloLog or helloCalls, and a signature. The
// other side says the same, so that a dial succeeds only when a member listens
// that has accepted the certificate. After that the connection is raft's or gRPC's. A
// connection that does not get so far within seconds is closed; maxGreeted of them
// are looked at at the same time, and the next wait.
//
// With TLS both sides verify the other's chain against the authority, and the
// dialing side that the certificate is for the host it dialed. Every holder of a
// certificate of the authority is trusted as a member, so that it should sign for
// nothing else. Certificates need both extended usages, server and client.
//
// # When the network is silent
//
// A member that is gone without a word must be noticed in seconds, and no
// goroutine may wait for it for ever. Raft puts deadlines on what it asks; conn.go
// adds those that it leaves out: every write makes progress, and a request that
// has begun arrives. A server of calls speaks every other second, so that a
// caller that hears nothing for a while knows that the connection is dead.
//
// # Reading order
//
// network.go is the whole and its configuration; accept.go and dial.go make
// connections, tls.go says whom they trust, conn.go what a connection is; log.go
// gives them to raft and calls.go to gRPC; stats.go counts.
package peer
