//go:build !bug_read_stale && !bug_lost_retry && !bug_lost_entry && !bug_old_snapshot

package replica

const planted = noBug
