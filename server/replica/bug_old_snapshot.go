//go:build bug_old_snapshot

package replica

const planted = bugOldSnapshot
