//go:build !bug_lost_exclusion

package engine

// bugLostExclusion is a planted bug: the walk forgets the right side of an exclusion. The
// tests build with its tag to prove that they would find it.
const bugLostExclusion = false
