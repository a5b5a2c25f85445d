//go:build !bug_caveat_and_or

package engine

// bugCaveatAndOr is a planted bug: the walk combines conditional answers with AND and OR swapped. The
// tests build with its tag to prove that they would find it.
const bugCaveatAndOr = false
