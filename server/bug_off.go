//go:build !bug_watch_gap

package server

// bugWatchGap plants a bug that the fault tests must find: a watch that goes on
// from a cursor leaves out the revision after it. Build with the tag
// bug_watch_gap to plant it.
const bugWatchGap = false
