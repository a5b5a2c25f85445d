//go:build bug_lost_entry

package replica

const planted = bugLostEntry
