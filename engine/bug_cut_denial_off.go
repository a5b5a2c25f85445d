//go:build !bug_cut_denial

package engine

// bugCutDenial is a planted bug: the walk remembers a denial that was found only because a cycle was cut. The
// tests build with its tag to prove that they would find it.
const bugCutDenial = false
