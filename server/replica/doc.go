// Package replica is one member of a raft group: it decides the order of writes
// and how fresh a read is.
//
// The revision of a write is its index in the log. Propose appends a command, or
// hands it to the member that leads; when the log has it for good, each member
// applies it to its store, and only what was written completely becomes the head
// that readers see. Snapshot picks a revision that is fresh enough and waits for
// it. Everything a command does is decided while it is applied, from the command
// and the state before it, so that all members come to the same state and a
// member that was killed comes back to it by applying again what follows its last
// snapshot of the log.
//
// A proposal whose fate is not known is tried again: it says which proposal of
// which node it is, and is applied once (origin.go). A member is told by the
// leader how far that is, and so knows how old its own state is at most
// (census.go). Members that are too far behind take over all that is stored
// (snapshots.go). Which members there are is in the log, too; a node without a
// cluster finds one or founds one with others, never two (found.go), and what is
// of another cluster or of a history that ended is refused (link.go).
//
// The package refuses to know who asks, what a permission is, and how requests
// arrive; what members say to each other goes through a Network. A single node is
// a cluster of one: the same code, the same promises.
//
// # Reading order
//
// config.go and replica.go open and close a member, propose.go takes writes,
// import.go large ones, forward.go hands them to the leader and service.go takes
// them there. read.go answers "which revision", token.go names revisions to
// clients. command.go is the format of the log, machine.go applies it (state.go:
// what it keeps in memory; retry.go and origin.go: repeated proposals), node.go is
// all that touches raft (files.go, logcheck.go, stamps.go, snapshots.go: what is on disk), and
// chores.go what the leader proposes by itself.
//
// cluster.go is what is known of the members, members.go changes them and
// autopilot.go does so by itself. recover.go is for a cluster that has lost its
// majority.
package replica
