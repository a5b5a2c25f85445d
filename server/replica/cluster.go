package replica

import (
	"time"

	"github.com/pemba-authz/pemba/server/store"
)

// Cluster is what a member learned by asking all.
type Cluster struct {
	ID      uint64 // 0: this node has no cluster yet
	Epoch   uint64
	Version int    // the newest format of commands that may be proposed
	Leader  string // id; "": none is known

	Quorum           int // voters that must agree
	FailureTolerance int // healthy voters that may be lost with the quorum kept

	Members   []Member // sorted by id
	Autopilot Autopilot
}

// Member is what is known of one member of a cluster. Of one that does not
// answer it is its id, its address, whether it votes and the name that it last said.
type Member struct {
	ID, Name, Address string
	Roster            map[string]string // where it serves: {"grpc": address, "http": address}

	Voter, Leader, Self           bool
	Reachable, Healthy            bool
	Draining, Stopped, NearlyFull bool
	Reason                        string // why it is not healthy

	Head, Floor store.Revision
	Applied     uint64 // the last entry of the log that was handed to its machine
	LastIndex   uint64 // of its log
	Lag         uint64 // entries behind the leader
	Snapshot    uint64 // index of its newest snapshot of the log; 0: none
	Term        uint64 // of the log, in which it is; 0: it has none yet, or does not say

	LastContact time.Duration // since it heard of a leader; negative: never
	ClockSkew   time.Duration // its clock minus ours, give or take half of RoundTrip
	RoundTrip   time.Duration
	LogWrite    time.Duration // that entries of the log took lately to be durable; 0: there were none

	FreeBytes, TotalBytes uint64 // of its disk; 0: it has none

	veryFull  bool   // deletes are refused, too
	nonVoter  bool   // it wants no vote
	stoppedBy string // why it stopped
	hears     string // id of the leader that it knows

	Build                string // of its program
	MinFormat, MaxFormat int    // of commands that it can apply
	Since                time.Time
}

// Autopilot says what the leader does about members by itself. It is the same on
// all members.
type Autopilot struct {
	// CleanupDeadAfter is for how long a member must not answer before it is
	// removed, as long as MinQuorum voters remain and a majority of all voters
	// is healthy; 0: never.
	CleanupDeadAfter time.Duration
	MinQuorum        int // 0: 3

	Stabilization  time.Duration // for how long a member must be healthy before it votes; 0: 10 s
	MaxTrailing    uint64        // entries that a healthy member is behind at most; 0: 250
	MaxLastContact time.Duration // since a healthy member heard of the leader; 0: 2 s
}

// MemberHash is the hash of a member's state at a revision.
type MemberHash struct {
	ID       string
	Revision store.Revision
	Hash     store.Hash
	Err      error // why there is none; nil: there is
}

// RecoverPlan confirms what Recover is about to do.
type RecoverPlan struct {
	Cluster uint64 // that the directory belongs to
	Node    string // whose directory it is
}
