//go:build !planted

package replica

// Bugs that the fault tests plant to prove that they would find them: with the build
// tag planted, the environment names one (PEMBA_PLANTED_BUG).
const (
	bugReadStale   = false // fully consistent reads are answered from what the node has
	bugLostRetry   = false // a repeated retry key is applied again
	bugLostEntry   = false // some entries are acknowledged and not applied
	bugOldSnapshot = false // some reads are answered from before the head
)
