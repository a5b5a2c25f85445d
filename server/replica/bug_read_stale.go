//go:build bug_read_stale

package replica

const planted = bugReadStale
