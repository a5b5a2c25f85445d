//go:build planted

package engine

import "os"

var (
	bugCaveatAndOr   = os.Getenv("PEMBA_PLANTED_BUG") == "caveat_and_or"
	bugCutDenial     = os.Getenv("PEMBA_PLANTED_BUG") == "cut_denial"
	bugLostExclusion = os.Getenv("PEMBA_PLANTED_BUG") == "lost_exclusion"
	bugStaleAnswer   = os.Getenv("PEMBA_PLANTED_BUG") == "stale_answer"
)
