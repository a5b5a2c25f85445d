//go:build planted

package store

import "os"

var bugStaleCache = os.Getenv("PEMBA_PLANTED_BUG") == "stale_cache"
