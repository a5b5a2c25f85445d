//go:build bug_watch_gap

package server

const bugWatchGap = true
