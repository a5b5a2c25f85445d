//go:build planted

package replica

import "os"

var (
	bugReadStale   = os.Getenv("PEMBA_PLANTED_BUG") == "read_stale"
	bugLostRetry   = os.Getenv("PEMBA_PLANTED_BUG") == "lost_retry"
	bugLostEntry   = os.Getenv("PEMBA_PLANTED_BUG") == "lost_entry"
	bugOldSnapshot = os.Getenv("PEMBA_PLANTED_BUG") == "old_snapshot"
)
