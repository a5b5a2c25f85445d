// Package chaos has the fault tests: real processes of pemba on one machine, real
// data directories, clients on every node, and a schedule of faults. It has no
// code but tests.
//
// What the clients saw is recorded, and checked when all is over:
//
//   - linear: writes and fully consistent reads of each key fit into one order
//     that agrees with the clock (porcupine).
//   - acknowledged: what was acknowledged is in the log of changes exactly once,
//     at the revision of its token; what was refused is not in it.
//   - fresh: an answer is the answer of the revision that it names, which is not
//     older than was asked for; and nobody was shown a secret that was added
//     after they were removed.
//   - tokens: the revisions of a node do not go back, across its restarts either.
//   - watches: no watch has a gap or a repeat, across reconnects to any node.
//   - hashes: all nodes have the same state at the same revision.
//
// A checker that cannot object proves nothing: planted_test.go builds the program
// with bugs, one at a time, and demands that each checker finds its own.
//
// # Reading order
//
// round_test.go is the whole story. cluster_test.go and node_test.go start and
// stop processes, links_test.go stands between them, faults_test.go breaks them
// by the schedule of schedule_test.go. workload_test.go is what clients do,
// history_test.go what is kept of it, and check_*_test.go judge that.
//
// The tests need Linux: /proc tells which process a connection comes from.
package chaos
