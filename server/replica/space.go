package replica

import (
	"fmt"
	"syscall"

	"github.com/pemba-authz/pemba/server/store"
)

// space is that of the disk of a data directory, in bytes; zero: there is none.
type space struct{ free, total uint64 }

// below reports whether less is free than must be.
func (s space) below(need uint64) bool { return s.total > 0 && s.free < need }

// space returns how much this node has.
func (r *Replica) space() space {
	var st syscall.Statfs_t
	if r.config.InMemory || syscall.Statfs(r.config.Dir, &st) != nil {
		return space{}
	}
	return space{free: st.Bavail * uint64(st.Bsize), total: st.Blocks * uint64(st.Bsize)}
}

// guardSpace stops the node before Badger maps a file that the disk has no room
// for, which would end the process, and every later one.
func (r *Replica) guardSpace() {
	need := r.config.minFree() / 8
	if s := r.space(); s.below(need) {
		r.fail(fmt.Errorf("the disk of %s has %d MiB free, and %d MiB must stay free for the node to run: make room and start it again", r.config.Dir, s.free>>20, need>>20))
	}
}

// growing stands for a transaction that needs room.
func growing() *store.Transaction { return &store.Transaction{Updates: make([]store.Update, 1)} }

// memberFull is the error of a write while another member has little space.
func (r *Replica) memberFull(m *Member) error {
	need := r.config.minFree()
	if m.veryFull {
		need /= 4
	}
	return &store.DiskFullError{Dir: "member " + m.ID + " at " + m.Address, Free: m.FreeBytes, Need: need}
}
