package replica

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"

	"github.com/pemba-authz/pemba/server/store"
)

// floors are what a write costs at least: the bytes of its command appended to a
// file and synced, and appended to a log store as raft has it.
type floors struct {
	file *os.File
	logs *raftboltdb.BoltStore
	next uint64
}

func newFloors(b *testing.B) *floors {
	b.Helper()
	dir := b.TempDir()
	f, err := os.Create(filepath.Join(dir, "append"))
	if err != nil {
		b.Fatal(err)
	}
	logs, err := raftboltdb.New(raftboltdb.Options{
		Path:        filepath.Join(dir, logFile),
		BoltOptions: &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := f.Close(); err != nil {
			b.Error(err)
		}
		if err := logs.Close(); err != nil {
			b.Error(err)
		}
	})
	return &floors{file: f, logs: logs}
}

func (f *floors) appendFile(b *testing.B, data []byte) {
	if _, err := f.file.Write(data); err != nil {
		b.Fatal(err)
	}
	if err := f.file.Sync(); err != nil {
		b.Fatal(err)
	}
}

func (f *floors) appendLog(b *testing.B, data []byte) {
	f.next++
	if err := f.logs.StoreLogs([]*raft.Log{{Index: f.next, Term: 1, Data: data}}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPropose has callers write one relationship each, one after the other,
// and measures the floors in between.
func BenchmarkPropose(b *testing.B) {
	for _, callers := range []int{1, 32, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			r := open(b, Config{Dir: b.TempDir()})
			propose(b, r, Proposal{Tx: schemaOf(testSchema)})
			f := newFloors(b)
			data, err := (&command{kind: kindTransaction, tx: touch(b, "document:d1234567#viewer@user:anne")}).encode()
			if err != nil {
				b.Fatal(err)
			}
			var ours, file, logs time.Duration
			const rounds = 8
			measure := func(total *time.Duration, n int, run func(n int)) {
				began := time.Now()
				run(n)
				*total += time.Since(began)
			}
			fsyncs := 0
			b.ResetTimer()
			for round := range rounds {
				n := b.N/rounds + 1
				measure(&ours, n, func(n int) { proposeAll(b, r, callers, round, n) })
				some := min(n, 200)
				fsyncs += some
				measure(&file, some, func(n int) {
					for range n {
						f.appendFile(b, data)
					}
				})
				measure(&logs, some, func(n int) {
					for range n {
						f.appendLog(b, data)
					}
				})
			}
			written := float64(rounds * (b.N/rounds + 1))
			b.ReportMetric(written/ours.Seconds(), "writes/s")
			b.ReportMetric(float64(fsyncs)/file.Seconds(), "fsyncs/s")
			b.ReportMetric(float64(fsyncs)/logs.Seconds(), "log-appends/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// proposeAll has callers write n relationships between them.
func proposeAll(b *testing.B, r *Replica, callers, round, n int) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(n) {
					return
				}
				rel := relationship(b, fmt.Sprintf("document:d%d/%d#viewer@user:anne", round, i))
				tx := store.Transaction{Updates: []store.Update{{Op: store.Touch, Relationship: rel}}}
				if _, err := r.Propose(b.Context(), Proposal{Tx: tx}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkSnapshot takes a snapshot in the two modes that every check uses.
func BenchmarkSnapshot(b *testing.B) {
	r := open(b, Config{InMemory: true})
	propose(b, r, Proposal{Tx: schemaOf(testSchema)})
	for name, mode := range map[string]Mode{"minimize_latency": MinimizeLatency, "fully_consistent": FullyConsistent} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sn, err := r.Snapshot(b.Context(), Consistency{Mode: mode})
				if err != nil {
					b.Fatal(err)
				}
				sn.Close()
			}
		})
	}
}

// BenchmarkImport commits imports of the size that one may have.
func BenchmarkImport(b *testing.B) {
	r := open(b, Config{Dir: b.TempDir()})
	propose(b, r, Proposal{Tx: schemaOf(testSchema)})
	const size = 250_000
	var stall time.Duration
	for round := 0; b.Loop(); round++ {
		i := r.Import()
		for n := range size {
			if err := i.Add(b.Context(), relationship(b, fmt.Sprintf("document:i%d/%d#viewer@user:anne", round, n))); err != nil {
				b.Fatal(err)
			}
		}
		began := time.Now()
		if _, err := i.Commit(b.Context(), Proposal{}); err != nil {
			b.Fatal(err)
		}
		stall += time.Since(began)
	}
	b.ReportMetric(float64(size*b.N)/b.Elapsed().Seconds(), "relationships/s")
	b.ReportMetric(stall.Seconds()/float64(b.N), "commit-s")
}
