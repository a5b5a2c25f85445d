// Package replica is one member of a raft group: it decides the order of writes
// and how fresh a read is.
//
// The revision of a write is its index in the log. Propose appends a command;
// when the log has it for good, each member applies it to its store, and only
// what was written completely becomes the head that readers see. Snapshot picks
// a revision that is fresh enough and waits for it. Everything a command does
// is decided while it is applied, from the command and the state before it, so
// that all members come to the same state and a member that was killed comes
// back to it by applying again what follows its last snapshot of the log.
//
// The package refuses to know who asks, what a permission is, and how requests
// arrive. A single node is a cluster of one: the same code, the same promises.
//
// # Reading order
//
// replica.go opens and closes a member, propose.go takes writes and import.go
// large ones, read.go answers "which revision", token.go names revisions to
// clients. command.go is the format of the log, machine.go applies it (state.go:
// what it keeps in memory; retry.go: repeated proposals), node.go is all that
// touches raft, and chores.go what the leader proposes by itself.
package replica
