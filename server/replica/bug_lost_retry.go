//go:build bug_lost_retry

package replica

const planted = bugLostRetry
