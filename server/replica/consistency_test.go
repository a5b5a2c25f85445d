package replica

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pemba-authz/pemba/server/store"
)

// TestReadYourWrites has clients write, and read in every mode what they wrote:
// the write is there, the one before it is gone, and no client's revisions go
// back, while snapshots of the log are made.
func TestReadYourWrites(t *testing.T) {
	const clients, writes = 8, 40
	r := open(t, Config{Dir: t.TempDir(), Store: store.Config{MinFree: 1}, SnapshotEvery: 20, snapshotInterval: 5 * time.Millisecond})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			var last store.Revision
			for n := range writes {
				now, before := fmt.Sprintf("document:c%d#viewer@user:u%d", client, n), fmt.Sprintf("document:c%d#viewer@user:u%d", client, n-1)
				tx := touch(t, now)
				tx.Updates = append(tx.Updates, store.Update{Op: store.Delete, Relationship: relationship(t, before)})
				wrote, err := r.Propose(t.Context(), Proposal{Tx: tx})
				if err != nil {
					t.Error(err)
					return
				}
				if wrote.Revision <= last {
					t.Errorf("revision %d after %d", wrote.Revision, last)
				}
				for _, c := range []Consistency{{Mode: FullyConsistent}, {AtLeastAsFresh, wrote.Token}, {AtExactSnapshot, wrote.Token}} {
					at, seen := readBoth(t, r, c, now, before)
					if at < wrote.Revision || seen != [2]bool{true, false} {
						t.Errorf("client %d, mode %d: at revision %d, written at %d: %v", client, c.Mode, at, wrote.Revision, seen)
					}
					last = max(last, at)
				}
			}
		})
	}
	wg.Wait()
	if err := r.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// readBoth reports which of two relationships stand at a revision.
func readBoth(t *testing.T, r *Replica, c Consistency, names ...string) (at store.Revision, seen [2]bool) {
	sn, err := r.Snapshot(t.Context(), c)
	if err != nil {
		t.Error(err)
		return 0, seen
	}
	defer sn.Close()
	for i, name := range names {
		rel := relationship(t, name)
		if _, seen[i], err = sn.Find(rel.Resource, rel.Relation, rel.Subject); err != nil {
			t.Error(err)
		}
	}
	return sn.Revision(), seen
}

// TestConditionalWrites has clients race for names: each is had by one of them.
func TestConditionalWrites(t *testing.T) {
	const clients, names = 8, 20
	r := open(t, Config{InMemory: true})
	propose(t, r, Proposal{Tx: schemaOf(testSchema)})
	var won [names]int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for n := range names {
				tx := touch(t, fmt.Sprintf("document:n%d#viewer@user:c%d", n, client))
				tx.Preconditions = []store.Precondition{{Filter: store.Filter{ResourceType: "document", ResourceID: fmt.Sprintf("n%d", n)}}}
				if _, err := r.Propose(t.Context(), Proposal{Tx: tx}); err == nil {
					mu.Lock()
					won[n]++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for n, winners := range won {
		if winners != 1 {
			t.Errorf("name %d was had by %d", n, winners)
		}
	}
	if n := r.store.Stats().Relationships; n != names {
		t.Errorf("%d relationships", n)
	}
}
