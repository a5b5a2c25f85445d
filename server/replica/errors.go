package replica

import (
	"errors"
	"fmt"
	"time"
)

// ErrClosed is returned by a replica that was closed.
var ErrClosed = errors.New("the node is shutting down")

// UnavailableError says that the node cannot answer now. Trying again helps.
type UnavailableError struct {
	Msg        string
	MayApply   bool          // of a proposal: it may still be applied
	RetryAfter time.Duration // when trying again is likely to help; 0: at once
	Err        error         // may be nil
}

func (e *UnavailableError) Error() string {
	text := e.Msg
	if e.MayApply {
		text += "; the write may have been applied"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// TooLargeError refuses a transaction that does not fit into one command.
type TooLargeError struct{ Size, Limit int } // bytes

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the transaction has %d bytes; at most %d are allowed: write it in several, or import it", e.Size, e.Limit)
}

// TokenFault says why a token is of no use.
type TokenFault uint8

const (
	TokenGarbage      TokenFault = iota + 1 // it was not made by any Pemba
	TokenOtherCluster                       // it names a revision of another cluster
	TokenOtherHistory                       // the cluster was restored or recovered since
)

// TokenError refuses a consistency token.
type TokenError struct{ Fault TokenFault }

func (e *TokenError) Error() string {
	switch e.Fault {
	case TokenOtherCluster:
		return "the token was made by another cluster; use one that this cluster gave"
	case TokenOtherHistory:
		return "the token names a revision of before this cluster was restored or recovered; use a newer one"
	}
	return "the token is malformed; give one back exactly as it was received"
}

// RetryMismatchError refuses a proposal whose retry key was used for another one.
type RetryMismatchError struct{ Key string }

func (e *RetryMismatchError) Error() string {
	return fmt.Sprintf("the idempotency key %q was used for another write; give each write its own", e.Key)
}

// ImportTooLargeError refuses what goes beyond the bound of one import.
type ImportTooLargeError struct{ Limit int } // relationships

func (e *ImportTooLargeError) Error() string {
	return fmt.Sprintf("one bulk import takes at most %d relationships; `pemba relationship import` writes more, in several imports", e.Limit)
}

// ImportLostError says that an import was dropped before its commit.
type ImportLostError struct{}

func (e *ImportLostError) Error() string {
	return "the import was dropped, as it was not completed in time; start it again"
}

// ClusterFault says what kind of fault a *ClusterError is.
type ClusterFault uint8

const (
	ClusterState    ClusterFault = iota // what is asked does not fit the state of the cluster, or would break it
	ClusterNoMember                     // it names a member that there is not
	ClusterInvalid                      // it makes no sense: a setting, an address
	ClusterRemoved                      // the node that asks was removed, for good
)

// ClusterError refuses a change of a cluster: of its members, its leader or its
// settings. Repeating it does not help.
type ClusterError struct {
	Fault ClusterFault
	Msg   string
}

func (e *ClusterError) Error() string { return e.Msg }

// MemberError refuses to open, without a network, a directory whose node is one of
// several, or has promised to be.
type MemberError struct {
	Dir     string
	Members int // 0: its cluster is not founded yet
}

func (e *MemberError) Error() string {
	if e.Members == 0 {
		return fmt.Sprintf("the node of data directory %s has agreed to be one of several, which are not together yet: run `pemba serve` with --join", e.Dir)
	}
	return fmt.Sprintf("the node of data directory %s is one of %d of a cluster, and can do nothing alone: ask a server of the cluster (--endpoint); `pemba cluster recover` is for a cluster whose other members are lost", e.Dir, e.Members)
}

var errNoNetwork = &ClusterError{ClusterState, "the node has no network to other members; it serves alone"}

// RecoverError refuses to recover a directory that was not named exactly.
type RecoverError struct {
	Plan RecoverPlan // that would be right
}

func (e *RecoverError) Error() string {
	return fmt.Sprintf("the directory is of node %s of cluster %016x; confirm exactly these two to recover it", e.Plan.Node, e.Plan.Cluster)
}
