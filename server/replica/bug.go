package replica

// bug is a fault that is planted by a build tag, so that the fault tests can show
// that they find it.
type bug int

const (
	noBug          bug = iota
	bugReadStale       // fully consistent reads are answered from what the node has
	bugLostRetry       // a repeated retry key is applied again
	bugLostEntry       // some entries are acknowledged and not applied
	bugOldSnapshot     // some reads are answered from before the head
)
