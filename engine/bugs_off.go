//go:build !planted

package engine

// Bugs that the tests plant to prove that they would find them: with the build tag
// planted, the environment names one (PEMBA_PLANTED_BUG).
const (
	bugCaveatAndOr   = false // the walk combines conditional answers with AND and OR swapped
	bugCutDenial     = false // the walk remembers a denial that was found only because a cycle was cut
	bugLostExclusion = false // the walk forgets the right side of an exclusion
	bugStaleAnswer   = false // what a walk takes from its memo is forgotten among what an answer rests on
)
