//go:build !bug_stale_cache

package store

// bugStaleCache plants a bug that the tests must find: the cache keeps sets
// that a deletion changed. Build with the tag bug_stale_cache to plant it.
const bugStaleCache = false
