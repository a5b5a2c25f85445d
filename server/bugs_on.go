//go:build planted

package server

import "os"

var bugWatchGap = os.Getenv("PEMBA_PLANTED_BUG") == "watch_gap"
