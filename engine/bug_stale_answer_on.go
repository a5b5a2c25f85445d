//go:build bug_stale_answer

package engine

const bugStaleAnswer = true
