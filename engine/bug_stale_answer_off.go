//go:build !bug_stale_answer

package engine

// bugStaleAnswer plants a bug that the tests must find: what a walk takes from
// its memo is forgotten among what an answer rests on. Build with the tag
// bug_stale_answer to plant it.
const bugStaleAnswer = false
