//go:build bug_stale_cache

package store

const bugStaleCache = true
